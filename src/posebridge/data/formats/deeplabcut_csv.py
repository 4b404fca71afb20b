"""DeepLabCut's CSV tables as pandas, spreadsheets and people write them.

Quoted and padded cells, every spelling of a missing value that pandas knows, rows that are shorter than
the header, trailing separators, blank lines, a byte order mark and either line ending are read as they
are. Other separators and encodings are refused by name: which of two readings is right can't be known.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from posebridge.data.formats.table_text import MISSING as _MISSING
from posebridge.data.formats.table_text import first_line, is_comment, start_of_text
from posebridge.data.formats.table_text import table_text as _text
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

_HEADS = ("scorer", "individuals", "bodyparts", "coords")
_UNNAMED = re.compile(r"Unnamed: \d+_level_\d+")
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


class CsvTable(NamedTuple):
    """The content of a CSV file.

    Attributes:
        index: for each row the parts of its image's path, or one number; the parts may be empty.
        columns: scorer, (individual,) body part and coordinate of each column.
        values: (rows, columns) float64, NaN where a cell is missing.
        lines: the line of each row in the file, from 1.
    """

    index: list[tuple[str, ...]]
    columns: list[tuple[str, ...]]
    values: np.ndarray
    lines: list[int]


def is_csv(path: Path) -> bool:
    """Return whether the first cell of a text file is ``scorer``, whatever separates the cells."""
    head = first_line(start_of_text(path))
    return re.match(r"""\s*["']?\s*scorer\s*["']?\s*([,;\t|]|$)""", head, re.IGNORECASE) is not None


def read_csv_table(file: Path) -> CsvTable:
    """Return the content of a CSV file.

    Raises:
        InputError: names the file, the line and what is wrong with it.
    """
    rows, lines = _rows(file)
    heads: list[list[str]] = []
    while rows and is_comment(rows[0][0]):
        rows.pop(0)
        lines.pop(0)
    while rows and len(heads) < 4 and rows[0][0].lower() in _HEADS:
        heads.append(rows.pop(0))
        lines.pop(0)
    if [h[0].lower() for h in heads] not in (
        ["scorer", "bodyparts", "coords"],
        ["scorer", "individuals", "bodyparts", "coords"],
    ):
        raise InputError(
            f"{file} does not begin with DeepLabCut's rows scorer, bodyparts and coords."
        )
    # Spreadsheets end every line with as many separators as the longest line has.
    width = max((number for h in heads for number, cell in enumerate(h, 1) if cell), default=0)
    heads = [_padded(h, width) for h in heads]
    # An index of three parts has empty cells in the header.
    first = next((i for i in range(1, width) if heads[-1][i]), width)
    for column in range(first, width):
        if not all(h[column] for h in heads):
            level = next(h[0] for h in heads if not h[column])
            raise InputError(
                f"{file}: column {column + 1} has no name in the row '{level}'; every column needs "
                "one in each of the first rows."
            )
    columns = [tuple(h[i] for h in heads) for i in range(first, width)]
    values = np.full((len(rows), width - first), np.nan)
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        if any(cell.lower() not in _MISSING for cell in row[width:]):
            raise InputError(
                f"{file}: line {line} has {len(row)} cells, and the header names {width}; remove "
                "the extra cells, or quote names that have a comma."
            )
        cells = row[first:width]
        values[number, : len(cells)] = _numbers(cells, f"{file}: line {line}")
    index = [tuple(_padded(row[:first], first)) for row in rows]
    return CsvTable(index, columns, values, lines)


def _rows(file: Path) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank, with stripped cells, and their lines."""
    text = _text(file)
    head = first_line(text)
    for separator, name in _SEPARATORS.items():
        if head.count(separator) > head.count(","):
            commas = re.search(rf"(^|{re.escape(separator)})\s*-?\d+,\d", text, re.MULTILINE)
            found, wanted = (
                (" and has decimal commas", " with decimal points") if commas else ("", "")
            )
            raise InputError(
                f"{file} is separated by {name}{found}; save it as a CSV separated by commas{wanted}."
            )
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cell.startswith("Unnamed: ") for cell in cells):
                cells = ["" if _UNNAMED.fullmatch(cell) else cell for cell in cells]
            if cells and cells != [""]:
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            f"{file} is not a CSV file that can be read: {error} in line {reader.line_num}."
        ) from error
    return rows, lines


def _padded(row: Sequence[str], width: int) -> list[str]:
    return [*row[:width], *[""] * (width - len(row))]


def _numbers(cells: Sequence[str], where: str) -> list[float]:
    """Return the numbers of a row, NaN where a cell is missing; a row has many, and most are plain."""
    text = "".join(cells)
    # Python reads 1_000 and digits of other scripts, but tables do not have them.
    if text.isascii() and "_" not in text:
        with suppress(ValueError):
            found = [float(cell) if cell else math.nan for cell in cells]
            if not any(map(math.isinf, found)):
                return found
    return [math.nan if cell.lower() in _MISSING else _number(cell, where) for cell in cells]


def _number(cell: str, where: str) -> float:
    if re.fullmatch(r"-?\d+,\d+", cell):
        raise InputError(
            f"{where} holds {short_repr(cell)}, a number with a decimal comma; save the file with "
            "decimal points."
        )
    try:
        value = float(cell) if cell.isascii() and "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{where} holds {short_repr(cell)}, which is not a number; correct it, or leave the cell "
            "empty where nothing is labeled."
        )
    return value
