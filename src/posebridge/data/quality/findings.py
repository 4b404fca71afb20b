"""The findings of the checks: the table, and the texts of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, eq=False)
class Finding:
    """One kind of error or remarkable fact in one dataset or between two datasets.

    Attributes:
        kind: a short name, stable, for files and tests.
        severity: an error spoils a run, a warning should be checked, a note is information.
        title: the finding, with its number, in one line.
        advice: its effect on a run and the remedy.
        rule: the rule by which it was decided.
        sets: names of the datasets concerned, in the order of ``rows``' columns.
        rows: (M, len(sets)) int64, the subjects concerned, worst first; (0, ...) where the finding
            is about the dataset as a whole.
        details: a line for each row, or for each file without rows.
        marks: for each row the keypoints concerned, in the first set.
    """

    kind: str
    severity: Severity
    title: str
    advice: str
    rule: str
    sets: tuple[str, ...]
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.int64))
    details: Sequence[str] = ()
    marks: Sequence[Sequence[int]] = ()


def make_rows(indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the (M, 1) rows of one dataset."""
    return np.asarray(indices, dtype=np.int64).reshape(-1, 1)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, such as ``1 image`` or ``2 images``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """Return a fraction in percent with the digits that it needs."""
    value = 100 * part / max(whole, 1)
    if 0 < value < 0.1:
        return "under 0.1 %"
    return f"{value:.1f} %" if 0 < value < 10 else f"{value:.0f} %"
