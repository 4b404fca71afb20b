"""Charts and numbers of the pages, checked against values worked out by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from posebridge.evaluation.bootstrap import Interval
from posebridge.report import charts
from posebridge.report.charts import Line, histogram, interval_chart, line_chart, number


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [
        (12.345, "%", False, "12.3"),
        (-0.04, "%", True, "+0.0"),
        (-1.25, "%", True, "\u22121.2"),
        (2.0, "", False, "2.00"),
        (0.0474, "", True, "+0.047"),
        (None, "%", False, "\u2013"),
        (float("nan"), "", False, "\u2013"),
    ],
)
def test_numbers(value, unit, signed, text):
    assert number(value, unit, signed=signed) == text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (44.5, 63.9, [45, 50, 55, 60]),
        (0.1, 0.32, [0.1, 0.15, 0.2, 0.25, 0.3]),
        (1000, 1500, [1000, 1100, 1200, 1300, 1400, 1500]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert charts._ticks(low, high) == pytest.approx(ticks)


def test_charts_by_hand():
    """The difference is right of the dashed zero at 100, symmetrically scaled to 92 / 1.15."""
    drawn = interval_chart(Interval(2.0, 1.0, 4.0), "good")
    assert 'x1="120.0"' in drawn
    assert 'x2="180.0"' in drawn
    assert 'cx="140.0"' in drawn
    assert interval_chart(Interval(2.0, None, None), "good") == ""
    assert line_chart([Line("a", "line-a", [])], "x") == ""
    level = line_chart([Line("a", "line-a", [(0, 5.0), (10, 5.0)])], "x")
    (y1,), (y2,) = ({p.split(",")[1]} for p in re.findall(r'points="(.*?)"', level)[0].split())
    assert y1 == y2


def test_histogram_of_whole_numbers_by_hand():
    """Bins 1, 2 and 3 of one set hold 25, 0 and 75 %; the highest is 1/1.05 of the height."""
    drawn = histogram("x", " px", [np.array([1.0, 3, 3, 3]), np.zeros(0)])
    (path,) = re.findall(r'<path class="area line-a" d="(.*?)"', drawn)
    heights = [float(y) for y in re.findall(r"L[\d.]+ ([\d.]+)", path)]
    bottom, top = 190 - 34, 12
    full = (bottom - top) / 1.05
    expected = [bottom - full * part for part in (1 / 3, 1 / 3, 0, 0, 1, 1, 0)]
    np.testing.assert_allclose(heights, expected, atol=0.06)


def test_histogram_of_one_value_is_text():
    assert "all 14 px" in histogram("x", " px", [np.full(3, 14.0)])
    assert histogram("x", "", [np.full(2, np.nan)]) == ""
