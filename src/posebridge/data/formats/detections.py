"""Boxes from any detector: COCO results, or a CSV.

    COCO results   [{"image_id": 7, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}, ...];
                   "file_name" instead of "image_id" is as good
    CSV            a header and a row for each box: the image under image, file_name, filename, file,
                   path or image_id; x, y, w, h (or left, top, width, height) or x1, y1, x2, y2 (or
                   xmin, ymin, xmax, ymax), or cx, cy, w, h round the middle; score or confidence,
                   class or category if it has one; commas, semicolons or tabs between cells
    MegaDetector   its JSON, whose boxes are shares of the image

``images`` says where the images are: a folder, or for ``image_id`` the COCO file that lists them. In a
folder an ``image_id`` is the name of a file without its ending, leading zeros aside.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import MOST_PIXELS, Boxes, checked_boxes, table, upright_size
from posebridge.data.formats.coco_content import CocoContent
from posebridge.data.formats.megadetector import detections_of, is_megadetector
from posebridge.data.image_names import ImageNames
from posebridge.data.units import require_shares
from posebridge.errors import InputError
from posebridge.files.json_files import read_json

_NAMES = ("file_name", "image", "filename", "file", "path", "image_path", "image_id")
_CORNER_AND_SIDES = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "width", "height"),
)
_MIDDLE_AND_SIDES = (("cx", "cy", "w", "h"), ("cx", "cy", "width", "height"))
_TWO_CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"))
_SCORES = ("score", "confidence", "conf")
_CATEGORIES = (
    "category",
    "category_id",
    "category_name",
    "class",
    "class_name",
    "class_id",
    "label",
)


def is_csv(path: Path) -> bool:
    """Whether the header of a CSV names an image and a box."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            header = _header(next(csv.reader([first], delimiter=_delimiter(first)), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return any(n in header for n in _NAMES) and _columns(header) is not None


def _delimiter(header: str) -> str:
    """What is between the cells: as spreadsheets of some countries, and tables, have it."""
    return max(",;\t", key=header.count)


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _columns(header: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """The four columns of a box, and what they are: corners, middle or corner (and the sides)."""
    for sets, kind in (
        (_TWO_CORNERS, "corners"),
        (_MIDDLE_AND_SIDES, "middle"),
        (_CORNER_AND_SIDES, "corner"),
    ):
        for names in sets:
            if all(name in header for name in names):
                return names, kind
    return None


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Boxes, their scores and their categories.

    Args:
        path: the JSON or CSV file.
        images: folder of the images, or the COCO file that lists them; by default the file's folder
            or ``images`` in it.

    Raises:
        InputError: naming the file, the entry and what is wrong with it.
    """
    file = Path(path)
    if file.suffix.lower() == ".csv":
        names, boxes, scores, kinds = _from_csv(file)
        shares = False
    else:
        names, boxes, scores, kinds, shares = _from_json(file)
    if not names:
        raise InputError(f"{file} has no box.")
    used = list(dict.fromkeys(names))
    files = _Images(file, images).find(used, names)
    place = {name: row for row, name in enumerate(used)}
    image = np.array([place[name] for name in names])
    if shares:
        require_shares(boxes, str(file), "boxes")
        sizes = np.array([upright_size(path) for path in files], dtype=np.float64)
        boxes = boxes * np.concatenate([sizes, sizes], axis=1)[image]
    wrong = ~(np.abs(boxes) <= MOST_PIXELS).all(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)
    for row in np.flatnonzero(wrong)[:1]:
        checked_boxes(boxes[row : row + 1], np.ones(1, dtype=bool), f"{file}: entry {row + 1}")
    ids = [name if isinstance(name, int) else None for name in used]
    numbers = np.array(ids if None not in ids else np.arange(len(used)), dtype=np.int64)
    samples = table(str(file), files, image, boxes, numbers, np.arange(len(names)))
    categories = np.array(kinds) if any(kinds) else None
    return Boxes(samples, scores if np.isfinite(scores).any() else None, categories)


_Found = tuple[list[int | str], np.ndarray, np.ndarray, list[str]]
"""Images, boxes, scores and categories, "" where none is said."""


def _from_json(file: Path) -> tuple[list[int | str], np.ndarray, np.ndarray, list[str], bool]:
    """As ``_Found``, and whether the boxes are shares of the image."""
    entries = read_json(file, "COCO results")
    if is_megadetector(entries):
        found = detections_of(entries, file)
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
        raise InputError(f"{file} is no list of boxes; COCO results are one.")
    names: list[int | str] = []
    kinds: list[str] = []
    boxes = np.empty((len(entries), 4))
    scores = np.full(len(entries), np.nan)
    for row, entry in enumerate(entries):
        where = f"{file}: entry {row + 1}"
        if not isinstance(entry, dict):
            raise InputError(f"{where} is no object with 'image_id', 'bbox' and 'score'.")
        name = entry.get("file_name", entry.get("image_id"))
        if isinstance(name, bool) or not isinstance(name, (int, str)) or not _usable(name):
            raise InputError(f"{where} has neither 'file_name' nor 'image_id'.")
        names.append(name)
        box = entry.get("bbox")
        if not isinstance(box, list) or len(box) != 4:
            raise InputError(f"{where} has no 'bbox' of x, y, width, height.")
        boxes[row] = [_float(v, f"{where}: 'bbox'") for v in box]
        if entry.get("score") is not None:
            scores[row] = _float(entry["score"], f"{where}: 'score'")
        kinds.append(_first_of(entry, _CATEGORIES))
    return names, boxes, scores, kinds, False


def _usable(name: int | str) -> bool:
    return abs(name) < 2**63 if isinstance(name, int) else bool(name)


def _float(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{where} holds something that is no number.")
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(f"{where} holds a number that is too large.") from error


def _from_csv(file: Path) -> _Found:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            delimiter = _delimiter(text.readline())
            text.seek(0)
            reader = csv.reader(text, delimiter=delimiter)
            lines = [(reader.line_num, row) for row in reader if any(c.strip() for c in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} is not a CSV file that can be read ({error}).") from error
    rows = [row for _, row in lines]
    header = _header(rows[0]) if rows else []
    found = _columns(header)
    label = next((n for n in _NAMES if n in header), None)
    if found is None or label is None:
        raise InputError(
            f"{file} has no columns of an image and its box; name them in the first line, such as "
            "file_name,x,y,w,h,score."
        )
    columns, kind = found
    score = next((n for n in _SCORES if n in header), None)
    names: list[int | str] = []
    kinds: list[str] = []
    boxes = np.empty((len(rows) - 1, 4))
    scores = np.full(len(boxes), np.nan)
    for number, row in enumerate(rows[1:]):
        where = f"{file}: line {lines[number + 1][0]}"
        if len(row) != len(header):
            raise InputError(f"{where} has {len(row)} cells, the header {len(header)}.")
        cells = dict(zip(header, row, strict=True))
        kinds.append(_first_of(cells, _CATEGORIES))
        name = cells[label].strip()
        whole = label == "image_id" and name.isdecimal() and len(name) < 19
        names.append(int(name) if whole else name)
        try:
            boxes[number] = [_cell(cells[c], delimiter) for c in columns]
            if score is not None and cells[score].strip():
                scores[number] = _cell(cells[score], delimiter)
        except ValueError as error:
            raise InputError(f"{where} holds something that is no number.") from error
    if kind == "corners":
        boxes[:, 2:] -= boxes[:, :2]
    elif kind == "middle":
        boxes[:, :2] -= boxes[:, 2:] / 2
    return names, boxes, scores, kinds


def _cell(text: str, delimiter: str) -> float:
    """A number; a comma in it is a decimal one where no comma is between the cells."""
    return float(text if delimiter == "," else text.strip().replace(",", "."))


def _first_of(entry: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of some entries that is there, as text; "" where none is."""
    given = next((entry[name] for name in names if entry.get(name) not in (None, "")), "")
    return str(given).strip()


class _Images:
    """Finds images by what a detector calls them."""

    def __init__(self, file: Path, images: Path | str | None) -> None:
        self.file = file
        self.coco: CocoContent | None = None
        self.folders = [file.parent, file.parent / "images"]
        if images is None:
            return
        given = Path(images)
        if given.is_file():
            self.coco = CocoContent(given, None)
        elif given.is_dir():
            self.folders = [given]
        else:
            raise InputError(f"the image folder {images} does not exist.")

    def find(self, used: Sequence[int | str], names: Sequence[int | str]) -> list[Path]:
        """The file of each of the ``used`` names, which stand in ``names`` entry by entry."""
        by_number: Mapping[int, Path] | None = None
        folders = self.folders if self.coco is None else [self.coco.folder]
        files = ImageNames(folders)
        first = {name: len(names) - row for row, name in enumerate(reversed(names))}
        found = []
        for name in used:
            where = f"{self.file}: entry {first[name]}"
            if isinstance(name, str):
                number = None if self.coco is None else self.coco.image_ids.get(name)
                listed = self.coco is not None and number is not None
                stated = self.coco.file_name(number) if listed else name  # pyright: ignore
                found.append(files.find(stated, where))
                continue
            if self.coco is not None:
                if name not in self.coco.images:
                    raise InputError(
                        f"{where} belongs to image {name}, which {self.coco.file} lacks."
                    )
                found.append(files.find(self.coco.file_name(name), where))
                continue
            if by_number is None:
                by_number = self._by_number()
            if name not in by_number:
                raise InputError(
                    f"{where} belongs to image {name}, and no image in {self.folders[0]} is called "
                    "so; give the COCO file that lists the images, or their folder."
                )
            found.append(by_number[name])
        return found

    def _by_number(self) -> dict[int, Path]:
        from posebridge.data.image_folder import IMAGE_ENDINGS

        numbered: dict[int, Path] = {}
        for folder in self.folders[::-1]:
            for file in sorted(folder.glob("*")) if folder.is_dir() else []:
                if file.suffix.lower() in IMAGE_ENDINGS and file.stem.isdecimal():
                    numbered[int(file.stem[-18:])] = file
        return numbered
