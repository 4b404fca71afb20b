"""Boxes from any detector: COCO results, or a CSV.

    COCO results   [{"image_id": 7, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}, ...];
                   "file_name" instead of "image_id" is as good
    CSV            a header and a row for each box: the image under image, file_name, filename, file,
                   path or image_id; x, y, w, h (or left, top, width, height) or x1, y1, x2, y2 (or
                   xmin, ymin, xmax, ymax), or cx, cy, w, h round the middle; score or confidence,
                   class or category if it has one; commas, semicolons or tabs between cells
    MegaDetector   its JSON, whose boxes are shares of the image

``images`` is a folder of images, or for ``image_id`` the COCO file that lists them. In a
folder an ``image_id`` is the name of a file without its ending, leading zeros aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import MOST_PIXELS, Boxes, checked_boxes, table, upright_size
from posebridge.data.formats.coco_content import CocoContent
from posebridge.data.formats.coco_ids import id_key
from posebridge.data.formats.detections_csv import (
    CATEGORIES,
    decimal,
    get_first,
    is_csv,
    read_csv_boxes,
)
from posebridge.data.formats.megadetector import is_megadetector, make_detections
from posebridge.data.image_files import IMAGE_ENDINGS
from posebridge.data.image_names import ImageNames, MissingFile
from posebridge.data.units import require_fractions
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json

__all__ = ["is_csv", "read_scored_boxes"]


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Return boxes, their scores and their categories.

    Args:
        path: the JSON or CSV file.
        images: folder of the images, or the COCO file that lists them; by default the file's folder
            or ``images`` in it.

    Raises:
        InputError: names the file, the entry and what is wrong with it.
    """
    file = Path(path)
    if file.suffix.lower() == ".csv":
        names, boxes, scores, kinds = read_csv_boxes(file)
        shares = False
    else:
        names, boxes, scores, kinds, shares = _from_json(file)
    if not names:
        raise InputError(f"{file} has no box.")
    # A row without a box, as tables have it for an image without a detection.
    given = np.isfinite(boxes).all(axis=1) | ~np.isnan(boxes).all(axis=1)
    rows = np.flatnonzero(given & ~(boxes[:, 2:] == 0).any(axis=1))
    if len(rows) == 0:
        raise InputError(f"{file}: no box has an area, such as entry 1; give width and height.")
    notes = []
    if len(rows) < len(names):
        notes.append(
            f"{len(names) - len(rows)} of {len(names)} boxes are left out, since they are empty."
        )
    names, boxes, scores = [names[row] for row in rows], boxes[rows], scores[rows]
    kinds = [kinds[row] for row in rows]
    used = list(dict.fromkeys(names))
    finder = _Images(file, images)
    entry = {name: int(row) + 1 for name, row in zip(reversed(names), rows[::-1], strict=True)}
    files = finder.find(entry, used)
    place = {name: row for row, name in enumerate(used)}
    image = np.array([place[name] for name in names])
    if shares:
        require_fractions(boxes, str(file), "boxes")
        sizes = np.array([upright_size(path) for path in files], dtype=np.float64)
        boxes = boxes * np.concatenate([sizes, sizes], axis=1)[image]
    wrong = ~(np.abs(boxes) <= MOST_PIXELS).all(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)
    for row in np.flatnonzero(wrong)[:1]:
        where = f"{file}: entry {int(rows[row]) + 1}"
        checked_boxes(boxes[row : row + 1], np.ones(1, dtype=bool), where)
    ids = [name if isinstance(name, int) else None for name in used]
    numbers = np.array(ids if None not in ids else np.arange(len(used)), dtype=np.int64)
    samples = table(str(file), files, image, boxes, numbers, np.arange(len(names)))
    categories = np.array(kinds) if any(kinds) else None
    known = scores if np.isfinite(scores).any() else None
    return Boxes(samples, known, categories, [*notes, *finder.notes])


def _from_json(file: Path) -> tuple[list[int | str], np.ndarray, np.ndarray, list[str], bool]:
    """Return images, boxes, scores, categories, and whether the boxes are fractions of the image."""
    entries = read_json(file, "COCO results")
    if is_megadetector(entries):
        found = make_detections(entries, file)
        shares = [[_float(v, f"{d.where}: 'bbox'") for v in d.box] for d in found]
        sure = [np.nan if d.score is None else _float(d.score, f"{d.where}: 'conf'") for d in found]
        return (
            [d.name for d in found],
            np.array(shares).reshape(-1, 4),
            np.array(sure),
            [d.category for d in found],
            True,
        )
    if not isinstance(entries, list):
        raise InputError(f"{file} is not a list of boxes; COCO results are one.")
    names: list[int | str] = []
    kinds: list[str] = []
    boxes = np.empty((len(entries), 4))
    scores = np.full(len(entries), np.nan)
    for row, entry in enumerate(entries):
        where = f"{file}: entry {row + 1}"
        if not isinstance(entry, dict):
            raise InputError(f"{where} is not an object with 'image_id', 'bbox' and 'score'.")
        name = id_key(entry.get("file_name"))
        name = id_key(entry.get("image_id")) if name is None else name
        if name is None:
            raise InputError(f"{where} has neither 'file_name' nor 'image_id'.")
        names.append(name)
        box = [0, 0, 0, 0] if entry.get("bbox") in (None, []) else entry["bbox"]
        if not isinstance(box, list) or len(box) != 4:
            raise InputError(f"{where} has no 'bbox' of x, y, width, height.")
        boxes[row] = [_float(v, f"{where}: 'bbox'") for v in box]
        if entry.get("score") is not None:
            scores[row] = _float(entry["score"], f"{where}: 'score'")
        kinds.append(get_first(entry, CATEGORIES))
    return names, boxes, scores, kinds, False


def _float(value: Any, where: str) -> float:
    """Return a number, also where it is written as text."""
    try:
        if isinstance(value, str):
            return decimal(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    except ValueError as error:
        raise InputError(f"{where} holds {short_repr(value)}, which is not a number.") from error
    except OverflowError as error:
        raise InputError(f"{where} holds a number that is too large.") from error
    raise InputError(f"{where} holds {short_repr(value)}, which is not a number.")


class _Images:
    """Finder of images by the names in a detector's output."""

    def __init__(self, file: Path, images: Path | str | None) -> None:
        self.file = file
        self.coco: CocoContent | None = None
        self.folders = [file.parent, file.parent / "images"]
        self.notes: list[str] = []
        if images is None:
            return
        given = Path(images)
        if given.is_file():
            self.coco = CocoContent(given, None)
        elif given.is_dir():
            self.folders = [given]
        else:
            raise InputError(f"the image folder {images} does not exist.")

    def find(self, entry: Mapping[int | str, int], used: Sequence[int | str]) -> list[Path]:
        """Return the file of each of the ``used`` names; ``entry`` is for messages."""
        files = ImageNames(self.folders if self.coco is None else [self.coco.folder])
        numbered: Mapping[int, list[Path]] | None = None
        found = []
        for name in used:
            where = f"{self.file}: entry {entry[name]}"
            if self.coco is not None:
                found.append(files.find(self._listed(self.coco, name, where), where))
                continue
            if isinstance(name, str):
                try:
                    found.append(files.find(name, where))
                    continue
                except MissingFile:
                    if not name.isascii() or not name.isdecimal() or len(name) > 18:
                        raise
            numbered = self._by_number() if numbered is None else numbered
            found.append(self._numbered(numbered.get(int(name), []), name, where))
        if self.coco is not None:  # names without a box compete for a file too
            listed = [e.get("file_name") for e in self.coco.images.values()]
            files.claim_all([n for n in listed if isinstance(n, str)], str(self.coco.file))
        self.notes = files.notes
        return found

    def _listed(self, coco: CocoContent, name: int | str, where: str) -> str:
        """Return the file name of an image of the COCO file."""
        number = coco.image_ids.get(name)
        if number is not None:
            return coco.file_name(number)
        if isinstance(name, str):
            return name
        raise InputError(f"{where} belongs to image {name}, which {coco.file} lacks.")

    def _numbered(self, files: Sequence[Path], name: int | str, where: str) -> Path:
        if len(files) == 1:
            return files[0]
        if not files:
            raise InputError(
                f"{where} belongs to image {name}, and no image in {self.folders[0]} has that "
                "name; give the COCO file that lists the images, or their folder."
            )
        raise InputError(
            f"{where} belongs to image {name}, and {files[0]} and {files[1]} both have that name; give "
            "the COCO file that lists the images, or their folder."
        )

    def _by_number(self) -> dict[int, list[Path]]:
        """Return the images by the number that is their name."""
        numbered: dict[int, list[Path]] = {}
        for folder in self.folders:
            for file in sorted(folder.glob("*")) if folder.is_dir() else []:
                stem = file.stem
                if file.suffix.lower() in IMAGE_ENDINGS and stem.isascii() and stem.isdecimal():
                    numbered.setdefault(int(stem[-18:]), []).append(file)
        return numbered
