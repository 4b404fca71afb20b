"""Ultralytics YOLO-pose data sets: images, one text file of labels for each, and ``data.yaml``.

Read and written here rather than through sleap-io, whose version of it drops boxes, hidden
keypoints and rows that it does not understand, and writes every image anew.

A line is ``class x y w h`` and x, y (and a flag) for each keypoint, all but class and flag as
shares of the image's width and height; the box is given by its centre. A pixel coordinate is share
times size, as Ultralytics converts COCO. Flags that are shares are confidences, as its predictions
have them. Names are those of ``kpt_names``, or of ``node_names`` as
sleap-io writes them; bones are in ``skeleton``, which Ultralytics ignores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posebridge.data.annotations import (
    Annotations,
    checked_boxes,
    checked_points,
    flags_and_scores,
    table,
    upright_size,
)
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

SPLITS = ("train", "val", "test")
_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def dataset_file(path: Path) -> Path | None:
    """The ``data.yaml`` that a path means: itself, the one in a folder, or the one above a split."""
    if path.is_file():
        return path if path.suffix in (".yaml", ".yml") and _looks_like(path) else None
    if not path.is_dir():
        return None
    for folder in [path, *path.resolve().parents[:3]]:
        file = folder / "data.yaml"
        if file.is_file() and _looks_like(file):
            return file
    return None


def is_dataset(path: Path) -> bool:
    """A ``data.yaml`` of a pose data set, its folder, or the folder of one of its splits."""
    file = dataset_file(path)
    if file is None:
        return False
    if path.is_file() or file.parent == path:
        return True
    try:
        return bool(_Dataset(path).folders())
    except InputError:
        return False


def _looks_like(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    lines = text.splitlines()
    return any(line.startswith(f"{key}:") for line in lines for key in ("kpt_shape", *SPLITS))


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """All splits of a data set, or the one whose folder of images is given.

    Args:
        path: ``data.yaml``, its folder, or the folder of one split below it.
        images: unused; the data set names its folders itself.

    Raises:
        InputError: naming the file, the line and what is wrong with it.
    """
    dataset = _Dataset(Path(path))
    count, numbers = dataset.shape()
    skeleton = dataset.skeleton(count)
    lines = dataset.lines(5 + count * numbers)
    values, image, sizes = _in_pixels(lines)
    keypoints = values[:, 5:].reshape(-1, count, numbers)
    points = keypoints[..., :2] * sizes[image][:, None, :]
    # Without flags a keypoint at the very corner is one that is not there.
    flags = keypoints[..., 2] if numbers == 3 else np.where((keypoints != 0).any(axis=2), 2, 0)
    flags, scores = flags_and_scores(np.where(np.isfinite(flags), flags, 0))
    checked_points(points, flags > 0, str(dataset.file))
    boxes = _boxes(values, sizes[image], dataset.file)
    classes = np.unique(values[:, 0])
    return Annotations(
        name=str(dataset.file),
        skeleton=skeleton,
        files=lines.files,
        image_ids=np.arange(len(lines.files)),
        sizes=sizes,
        image=image,
        ids=np.arange(len(values)),
        boxes=boxes,
        points=np.where(flags[..., None] > 0, points, 0),
        visibility=flags,
        keypoint_scores=scores,
        notes=[f"{len(classes)} classes become one, '{skeleton.name}'."]
        if len(classes) > 1
        else [],
    )


def read_scored_boxes(
    path: Path | str, images: Path | str | None = None
) -> tuple[UnlabelledSamples, np.ndarray | None]:
    """Images and boxes alone; no column of a keypoint is looked at.

    An image without a label file, or with an empty one, shows nobody and is left out; where no image
    has a label the whole images are the subjects.
    """
    dataset = _Dataset(Path(path))
    lines = dataset.lines(None)
    if not any(lines.rows):
        order = np.arange(len(lines.files))
        whole = np.zeros((len(order), 4))
        return table(str(dataset.file), lines.files, order, whole, order, order), None
    values, image, sizes = _in_pixels(lines)
    boxes = _boxes(values, sizes[image], dataset.file)
    ids = np.arange(len(lines.files))
    return table(str(dataset.file), lines.files, image, boxes, ids, np.arange(len(image))), None


class _Lines:
    """Images and the numbers of their label files."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.rows: list[list[list[float]]] = []


def _in_pixels(lines: _Lines) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All lines (N, columns), the image of each (N,), and (M, 2) sizes of the images."""
    values = [row for rows in lines.rows for row in rows]
    if not values:
        raise InputError(
            f"{lines.files[0].parent}: no image has a label; each needs a text file in 'labels'."
        )
    image = np.repeat(np.arange(len(lines.files)), [len(rows) for rows in lines.rows])
    sizes = np.array([upright_size(file) for file in lines.files], dtype=np.int64)
    return np.array(values, dtype=np.float64), image, sizes


def _boxes(values: np.ndarray, sizes: np.ndarray, file: Path) -> np.ndarray:
    centre, side = values[:, 1:3] * sizes, values[:, 3:5] * sizes
    boxes = np.concatenate([centre - side / 2, side], axis=1)
    checked_boxes(boxes, np.ones(len(boxes), dtype=bool), str(file))
    return boxes


class _Dataset:
    """A parsed ``data.yaml``."""

    def __init__(self, path: Path) -> None:
        file = dataset_file(path)
        if file is None:
            raise InputError(f"{path} is no YOLO data set; give its data.yaml or its folder.")
        self.file, self.asked = file, path
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise InputError(
                f"{file} is not valid YAML: {' '.join(str(error).split())}."
            ) from error
        except OSError as error:
            raise InputError(f"{file} can't be read: {error.strerror}.") from error
        if not isinstance(content, dict):
            raise InputError(f"{file} holds no settings; a data.yaml names train, val, kpt_shape.")
        self.content: Mapping[Any, Any] = content

    def shape(self) -> tuple[int, int]:
        """K and the numbers of a keypoint, 2 or 3."""
        given = self.content.get("kpt_shape")
        if (
            not isinstance(given, list)
            or len(given) != 2
            or not all(isinstance(v, int) and not isinstance(v, bool) for v in given)
            or not 0 < given[0] < 10_000
            or given[1] not in (2, 3)
        ):
            raise InputError(
                f"{self.file}: kpt_shape is {given!r}; a pose data set has [number of keypoints, 2 "
                "or 3]."
            )
        return given[0], given[1]

    def skeleton(self, count: int) -> Skeleton:
        content = self.content
        classes = content.get("names")
        listed = list(classes.values()) if isinstance(classes, dict) else classes
        name = str(listed[0]) if isinstance(listed, list) and listed else "subject"
        names = content.get("kpt_names", content.get("node_names"))
        if isinstance(names, dict) and names:  # one list for each class
            names = next(iter(names.values()))
        if names is None:
            names = [f"keypoint_{i}" for i in range(count)]
        if not isinstance(names, list) or len(names) != count:
            raise InputError(f"{self.file}: kpt_names does not name {count} keypoints.")
        try:
            edges = [(int(a), int(b)) for a, b in content.get("skeleton") or []]
            skeleton = Skeleton.from_names(name, [str(n) for n in names], edges)
            flip = content.get("flip_idx")
            if flip is None or skeleton.pairs:
                return skeleton
            pairs = [(i, int(j)) for i, j in enumerate(flip) if i < int(j)]
            return replace(skeleton, pairs=tuple(pairs))
        except (InputError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{self.file}: skeleton or flip_idx: {error}") from error

    def folders(self) -> list[Path]:
        """The folders of images of all splits, or of the one that was asked for."""
        root = self.file.parent
        stated = self.content.get("path")
        roots = [root / str(stated), root] if stated else [root]
        folders: dict[Path, None] = {}
        for split in SPLITS:
            given = self.content.get(split)
            for entry in given if isinstance(given, list) else [given] if given else []:
                found = [base / str(entry) for base in roots if _is_folder(base / str(entry))]
                if not found:
                    raise InputError(
                        f"{self.file}: the folder '{entry}' of '{split}' does not exist; it is "
                        "relative to 'path' or to the file."
                    )
                folders[found[0].resolve()] = None
        if not folders:
            raise InputError(f"{self.file} names no folder of images under train, val or test.")
        if not self.asked.is_dir() or self.asked.resolve() == root.resolve():
            return list(folders)
        asked = self.asked.resolve()
        below = [f for f in folders if f.is_relative_to(asked) or asked.is_relative_to(f)]
        if not below:
            raise InputError(f"{self.asked} is none of the splits of {self.file}.")
        return [asked if asked.is_relative_to(f) else f for f in below]

    def lines(self, columns: int | None) -> _Lines:
        """Images in order of their names, with the numbers of their label files.

        Args:
            columns: of each line; None: the class and the box, whatever follows.
        """
        lines = _Lines()
        for folder in self.folders():
            labels = _label_folder(folder)
            for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _IMAGES):
                text = (labels / file.relative_to(folder)).with_suffix(".txt")
                lines.files.append(file)
                lines.rows.append(_numbers(text, columns) if text.is_file() else [])
        if not lines.files:
            raise InputError(f"{self.file}: the folders of its splits hold no image.")
        return lines


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _label_folder(images: Path) -> Path:
    """Ultralytics' rule: the last ``images`` of the path becomes ``labels``."""
    parts = list(images.parts)
    if "images" not in parts:
        return images
    place = len(parts) - 1 - parts[::-1].index("images")
    return Path(*parts[:place], "labels", *parts[place + 1 :])


def _numbers(file: Path, columns: int | None) -> list[list[float]]:
    rows = []
    try:
        text = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file} is not a text file that can be read ({error}).") from error
    for number, line in enumerate(text.splitlines(), start=1):
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
            rows.append([float(w) for w in (words if columns else words[:5])])
        except ValueError as error:
            raise InputError(f"{file}: line {number} holds something that is no number.") from error
    return rows
