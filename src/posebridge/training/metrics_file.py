"""``metrics.csv``: a row (step, name, value) for each logged metric, and its one reader.

A killed process may leave half a row at the end, and a damaged disk any content. A row that cannot be
read is left out and counted; half a row at the end, without its line break, is not counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from posebridge.files.whole import write_bytes

METRICS = "metrics.csv"
HEADER = b"step,name,value"
_ROW = re.compile(
    rb"(?P<step>[0-9]{1,12}),(?P<name>[A-Za-z0-9_./-]{1,200}),"
    rb"(?P<value>[+-]?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]{1,3})?|[+-]?inf|nan)"
)


@dataclass(frozen=True)
class MetricRow:
    """A logged metric.

    Attributes:
        step: the step's number from 0. text: the row as it is in the file.
    """

    step: int
    name: str
    value: float
    text: bytes


@dataclass(frozen=True)
class Metrics:
    """The content of a metrics file.

    Attributes:
        rows: in the order of the file. unreadable: the number of rows that could not be read.
    """

    file: Path
    rows: Sequence[MetricRow]
    unreadable: int

    @property
    def remark(self) -> str | None:
        """Return a sentence on the rows that are left out; None where every row was read."""
        if not self.unreadable:
            return None
        rows = "1 row cannot be read and is" if self.unreadable == 1 else ""
        rows = rows or f"{self.unreadable} rows cannot be read and are"
        return f"{self.file} is damaged: {rows} left out."

    def curves(self, names: Collection[str] | None = None) -> Mapping[str, list[tuple[int, float]]]:
        """Return name -> (steps done, value) pairs, without values that are not finite."""
        found: dict[str, list[tuple[int, float]]] = {}
        for row in self.rows:
            if (names is None or row.name in names) and math.isfinite(row.value):
                found.setdefault(row.name, []).append((row.step + 1, row.value))
        return found


def parse_metric_row(line: bytes) -> MetricRow | None:
    """Return the row of a line without its line break, None where it is not one.

    >>> parse_metric_row(b"4,loss/source,0.5").value, parse_metric_row(b"4,loss/source,0,5")
    (0.5, None)
    """
    found = _ROW.fullmatch(line)
    if found is None:
        return None
    return MetricRow(int(found["step"]), found["name"].decode(), float(found["value"]), line)


def read_metrics(folder: Path) -> Metrics:
    """Return the metrics of a run folder, without rows where the file is missing or unreadable."""
    file = folder / METRICS
    try:
        content = file.read_bytes()
    except OSError:
        return Metrics(file, (), 0)
    *lines, rest = content.split(b"\n")
    whole = [line.removesuffix(b"\r") for line in lines]
    rows = [(line, parse_metric_row(line)) for line in whole if line and line != HEADER]
    # A last row without its line break may be half a row, with another value.
    torn = parse_metric_row(rest) is None and len(rest) > 300
    unreadable = sum(row is None for _, row in rows) + torn
    return Metrics(file, [row for _, row in rows if row is not None], unreadable)


def write_metrics(folder: Path, rows: Sequence[MetricRow]) -> None:
    """Write the file anew with its header and the given rows, atomically."""
    lines = [HEADER, *(row.text for row in rows)]
    write_bytes(folder / METRICS, b"".join(line + b"\r\n" for line in lines))


def append_metrics(folder: Path, values: Mapping[str, float], step: int) -> None:
    """Append a row for each value."""
    with (folder / METRICS).open("ab") as stream:
        stream.write(
            b"".join(
                f"{step},{name},{float(value):.6g}\r\n".encode() for name, value in values.items()
            )
        )
