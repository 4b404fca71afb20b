"""Boxes of a detector in a table: a CSV, or its cells separated by semicolons or tabs.

Quoted and padded cells, every spelling of a missing value, rows shorter than the header, trailing
separators and lines of comments (``#``) are read as pandas reads them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.formats.table_text import (
    MISSING,
    first_line,
    is_comment,
    start_of_text,
    table_text,
)
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

_NAMES = ("file_name", "image", "filename", "file", "path", "image_path", "image_id")
_CORNER_AND_SIDES = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "w", "h"),
    ("xmin", "ymin", "width", "height"),
)
_MIDDLE_AND_SIDES = (
    ("cx", "cy", "w", "h"),
    ("cx", "cy", "width", "height"),
    ("x_center", "y_center", "width", "height"),
    ("x_center", "y_center", "w", "h"),
)
_TWO_CORNERS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
)
_SCORES = ("score", "confidence", "conf")
CATEGORIES = (
    "category",
    "category_id",
    "category_name",
    "class",
    "class_name",
    "class_id",
    "label",
)


def is_csv(path: Path) -> bool:
    """Return whether the header of a table names an image and a box, whatever its encoding."""
    head = first_line(start_of_text(path))
    try:
        header = _header(next(csv.reader([head], delimiter=_delimiter(head)), []))
    except csv.Error:
        return False
    return any(name in header for name in _NAMES) and _columns(header) is not None


def read_csv_boxes(file: Path) -> tuple[list[int | str], np.ndarray, np.ndarray, list[str]]:
    """Return images, boxes, scores and categories; NaN where a box or score is missing.

    Raises:
        InputError: naming the file, the line and what is wrong with it.
    """
    rows = _rows(file)
    header = _header(rows[0][1]) if rows else []
    delimiter = rows[0][2] if rows else ","
    found = _columns(header)
    label = next((n for n in _NAMES if n in header), None)
    if found is None or label is None:
        raise InputError(
            f"{file} has no columns of an image and its box; name them in the first line, such as "
            "file_name,x,y,w,h,score."
        )
    columns, kind = found
    score = next((n for n in _SCORES if n in header), None)
    for name in (label, *columns, *([] if score is None else [score])):
        if header.count(name) > 1:
            raise InputError(
                f"{file} has {header.count(name)} columns '{name}'; name one of them so."
            )
    names: list[int | str] = []
    kinds: list[str] = []
    boxes = np.full((len(rows) - 1, 4), np.nan)
    scores = np.full(len(boxes), np.nan)
    for number, (line, row, _) in enumerate(rows[1:]):
        where = f"{file}: line {line}"
        if any(row[len(header) :]):
            raise InputError(f"{where} has {len(row)} cells, the header {len(header)}.")
        cells = dict(zip(header, [*row, *[""] * len(header)], strict=False))
        kinds.append(get_first(cells, CATEGORIES))
        name = cells[label]
        if not name:
            raise InputError(f"{where} has no name of an image under '{label}'.")
        whole = label == "image_id" and re.fullmatch(r"\d{1,18}(\.0+)?", name, re.ASCII)
        names.append(int(name.partition(".")[0]) if whole else name)
        try:
            if not all(cells[column].lower() in MISSING for column in columns):
                boxes[number] = [decimal(cells[column], delimiter) for column in columns]
            if score is not None and cells[score].lower() not in MISSING:
                scores[number] = decimal(cells[score], delimiter)
        except ValueError as error:
            raise InputError(f"{where} holds {error}, which is not a number.") from error
    if kind == "corners":
        boxes[:, 2:] -= boxes[:, :2]
    elif kind == "middle":
        boxes[:, :2] -= boxes[:, 2:] / 2
    return names, boxes, scores, kinds


def get_first(entry: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the first of some entries that is there, as text; "" where none is."""
    given = next((entry[name] for name in names if entry.get(name) not in (None, "")), "")
    return str(given).strip()


def decimal(text: str, delimiter: str = ",") -> float:
    """Return a number; a comma in it is a decimal one where no comma is between the cells.

    Raises:
        ValueError: with the text; also for what Python reads and no tool writes, such as 1_000.
    """
    plain = text.strip() if delimiter == "," else text.strip().replace(",", ".")
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", plain, re.ASCII | re.IGNORECASE):
        return float(plain)
    if re.fullmatch(r"[-+]?inf(inity)?", plain, re.IGNORECASE):
        return float(plain)
    raise ValueError(short_repr(text))


def _rows(file: Path) -> list[tuple[int, list[str], str]]:
    """Return the line, the cells and the delimiter of each row; of comments and blank lines none."""
    text = table_text(file)
    delimiter = _delimiter(first_line(text))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    found = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            # A name of an image may begin with '#' too.
            comment = cells[:1] and is_comment(cells[0]) and (not found or not any(cells[1:]))
            if any(cells) and not comment:
                found.append((reader.line_num, cells, delimiter))
    except csv.Error as error:
        raise InputError(f"{file} is not a CSV file that can be read ({error}).") from error
    return found


def _delimiter(header: str) -> str:
    """Return the delimiter of the cells, as spreadsheets of some countries, and tables, have it."""
    return max(",;\t", key=header.count)


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _columns(header: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Return the four columns of a box, and their kind: corners, middle or corner (and the sides)."""
    for sets, kind in (
        (_TWO_CORNERS, "corners"),
        (_MIDDLE_AND_SIDES, "middle"),
        (_CORNER_AND_SIDES, "corner"),
    ):
        for names in sets:
            if all(name in header for name in names):
                return names, kind
    return None
