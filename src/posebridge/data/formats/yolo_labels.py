"""The label files of an Ultralytics dataset: the image of each, and the numbers of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from posebridge.errors import InputError


class Lines:
    """Images and the numbers of their label files.

    Attributes:
        files: the images. rows: for each the lines of numbers. numbers: for each the lines' places in
            the file, from 1.
        without: the images that have no label file.
        beside: the images of ``without`` that have a text file beside the image, which is not read.
    """

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.rows: list[list[list[float]]] = []
        self.numbers: list[list[int]] = []
        self.texts: list[Path] = []
        self.without: list[Path] = []
        self.beside: list[Path] = []

    def add(self, image: Path, labels: Path, columns: int | None, outlines: bool) -> None:
        """Read the label file of one image, if there is one."""
        self.files.append(image)
        self.texts.append(labels)
        found: list[tuple[int, list[float]]] = []
        if labels.is_file():
            found = _numbers(labels, columns, outlines)
        else:
            self.without.append(image)
            beside = image.with_suffix(".txt")
            if beside.is_file():
                self.beside.append(image)
        self.rows.append([row for _, row in found])
        self.numbers.append([number for number, _ in found])

    def line(self, row: int) -> str:
        """Return the place of the label ``row``, counted over all files, for messages."""
        for text, numbers in zip(self.texts, self.numbers, strict=True):
            if row < len(numbers):
                return f"{text}: line {numbers[row]}"
            row -= len(numbers)
        raise IndexError(row)

    @property
    def notes(self) -> list[str]:
        """Return a sentence on images without a label file, if there are some."""
        if not self.without:
            return []
        said = f"{len(self.without)} of {len(self.files)} images have no label file"
        if not self.beside:
            return [f"{said}, the first {self.without[0]}."]
        return [
            f"{said}; of {len(self.beside)} of them one is beside the image, such as "
            f"{self.beside[0].with_suffix('.txt')}, but YOLO looks in a folder 'labels' in place of "
            "'images'; move them there."
        ]

    def require_own_texts(self, where: str) -> None:
        """Check that no two images have one label file, so that labels of one go onto the other."""
        first: dict[Path, Path] = {}
        for image, text in zip(self.files, self.texts, strict=True):
            other = first.setdefault(text, image)
            if other != image and text.is_file():
                raise InputError(
                    f"{where}: {other} and {image} differ by their endings alone and share the label "
                    f"file {text}; rename one of them."
                )


def read_text(file: Path) -> str:
    """Return the content of a text file, with or without a byte order mark.

    Raises:
        InputError: the file can't be read, or is not text.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file} is not a text file that can be read ({error}).") from error


def _outlined(numbers: Sequence[float]) -> list[float]:
    """Return the class and the box of a line; the corners x, y, x, y, ... give their extent.

    Beyond 1 is not a corner: flags of keypoints go to 2.
    """
    if len(numbers) < 7 or len(numbers) % 2 == 0 or max(numbers[1:]) > 1:
        return list(numbers[:5])
    corners = np.array(numbers[1:]).reshape(-1, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return [numbers[0], *((low + high) / 2).tolist(), *(high - low).tolist()]


def _numbers(file: Path, columns: int | None, outlines: bool) -> list[tuple[int, list[float]]]:
    """Return the lines of a label file with their places in it.

    Args:
        columns: of each line; None: the class and the box, whatever follows.
        outlines: a long line may be the outline of a mask, as datasets for segmentation have it.
    """
    rows = []
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) < 5 or (columns is not None and len(words) != columns):
            expected = columns or "at least 5"
            raise InputError(
                f"{file}: line {number} has {len(words)} numbers, expected {expected}; a keypoint "
                "label is class, box and the keypoints that data.yaml counts."
            )
        try:
            kept = [float(w) for w in (words if columns or outlines else words[:5])]
        except ValueError as error:
            raise InputError(
                f"{file}: line {number} holds something that is not a number."
            ) from error
        rows.append((number, _outlined(kept) if outlines else kept))
    return rows
