"""Small charts as inline SVG in the page's own colors, for light and dark mode.

``page/style.css`` styles the classes of the shapes (``line-a``, ``dot``, ``grid``). Text is real text:
it scales, and a reader can select it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from posebridge.evaluation.bootstrap import Interval
from posebridge.evaluation.calibration import Reliability

_WIDTH, _HEIGHT = 520, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 22, 12, 34
_LEAST_DRAWN = 10
_SMALL = (340, 190)
_BINS = 32

SET_KINDS = ("line-a", "line-b", "line-d", "line-e")
"""CSS classes of data sets side by side, in their order."""


@dataclass(frozen=True)
class Line:
    """A curve: its name in the legend, its CSS class, and (x, y) points."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]


def interval_chart(change: Interval, kind: str) -> Markup:
    """Draw a difference and its interval around zero, on a scale of its own."""
    if change.value is None or change.low is None or change.high is None:
        return Markup("")
    reach = 1.15 * max(abs(change.low), abs(change.high), abs(change.value), 1e-9)
    low, middle, high = (
        round(100 + 92 * v / reach, 1) for v in (change.low, change.value, change.high)
    )
    return Markup(
        '<svg class="interval {}" viewBox="0 0 200 24" role="img" aria-label="{}">'
        '<line class="zero" x1="100" y1="2" x2="100" y2="22"/>'
        '<line class="reach" x1="{}" y1="12" x2="{}" y2="12"/>'
        '<circle cx="{}" cy="12" r="5"/></svg>'
    ).format(kind, f"difference {number(change.value, signed=True)}", low, high, middle)


def line_chart(
    lines: Sequence[Line],
    label: str,
    *,
    unit: str = "",
    below: str = "step",
    span: tuple[float, float] | None = None,
    mark: tuple[float, str] | None = None,
) -> Markup:
    """Draw curves over steps.

    Args:
        label: the description for screen readers.
        unit: the unit after the numbers of the vertical axis.
        span: the range of the vertical axis. By default it is the range of the curves, extended to 0
            where 0 is near.
        mark: a position on the horizontal axis and its name, such as the start of the adaptation.
    """
    lines = [line for line in lines if line.points]
    if not lines:
        return Markup("")
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    first, last = min(xs), max(xs)
    low, high = span or _around(min(ys), max(ys))
    axes = _Axes(first, last if last > first else first + 1, low, high)
    parts = [_grid(axes, unit, below)]
    if mark is not None and first <= mark[0] <= last:
        x = axes.x(mark[0])
        parts.append(
            Markup('<line class="mark" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
                x, _TOP, x, _HEIGHT - _BOTTOM
            )
        )
    for line in lines:
        path = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y in line.points)
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(line.kind, path))
        if len(line.points) <= 24:
            parts += [
                Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"><title>{}</title></circle>')
                .format(line.kind, axes.x(x), axes.y(y), f"{line.name}, {x:g}: {number(y)}{unit}")
                for x, y in line.points
            ]  # fmt: skip
    return _svg(parts, label, lines)


def reliability_chart(curves: Sequence[tuple[str, str, Reliability | None]], label: str) -> Markup:
    """Draw calibrated confidence against the fraction correct, with the diagonal.

    The area of a dot grows with its number of points. Bins of fewer than ten points are left out.

    Args:
        curves: name, CSS class and reliability of each curve.
    """
    shown = [(name, kind, r) for name, kind, r in curves if r is not None]
    if not shown:
        return Markup("")
    axes = _Axes(0, 100, 0, 100)
    parts = [_grid(axes, " %", "confidence of the model, %", "correct")]
    parts.append(
        Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            axes.x(0), axes.y(0), axes.x(100), axes.y(100)
        )
    )
    lines = []
    for name, kind, found in shown:
        bins = [
            bin_
            for bin_ in zip(found.probability, found.fraction, found.points, strict=True)
            if bin_[2] >= _LEAST_DRAWN
        ]
        lines.append(Line(name, kind, [(x, y) for x, y, _ in bins]))
        path = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y, _ in bins)
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(kind, path))
        most = max(found.points)
        for x, y, count in bins:
            parts.append(
                Markup(
                    '<circle class="dot {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
                ).format(
                    kind,
                    axes.x(x),
                    axes.y(y),
                    round(2.5 + 4 * math.sqrt(count / most), 1),
                    f"{name}: confidence {x:.0f} %, correct in {y:.0f} % of {count} joints",
                )
            )
    return _svg(parts, label, lines)


def histogram(label: str, unit: str, values: Sequence[np.ndarray]) -> Markup:
    """Return the distributions of one measure in several sets, drawn over each other.

    The range holds the middle 98 % of all values; values beyond it count in the first and last bin.

    Args:
        unit: of the values.
        values: a 1-D array for each set; set i has the CSS class of ``SET_KINDS[i]``.
    """
    values = [v[np.isfinite(v)] for v in values]
    present = [v for v in values if len(v)]
    if not present:
        return Markup("")
    low = min(float(np.percentile(v, 1)) for v in present)
    high = max(float(np.percentile(v, 99)) for v in present)
    if high - low < 1e-6 * max(abs(high), 1):
        return Markup('<p class="all">all {:g}{}</p>').format(round(low, 2), unit)
    if all((v == v.round()).all() for v in present) and high - low <= _BINS:
        edges = np.arange(math.floor(low), math.ceil(high) + 2) - 0.5
    else:
        edges = np.linspace(low, high, _BINS + 1)
    percent = [100 * np.histogram(np.clip(v, low, high), edges)[0] / max(len(v), 1) for v in values]
    top = 1.05 * max(float(p.max()) for p in percent)
    axes = _Axes(float(edges[0]), float(edges[-1]), 0.0, top, *_SMALL)
    parts = [_grid(axes, "%", unit.strip(), rows=4)]
    for i, heights in enumerate(percent):
        if len(values[i]):
            steps = "".join(
                f"L{axes.x(a)} {axes.y(h)}L{axes.x(b)} {axes.y(h)}"
                for a, b, h in zip(edges[:-1], edges[1:], heights, strict=True)
            )
            start, end = axes.x(edges[0]), axes.x(edges[-1])
            parts.append(
                Markup('<path class="area {}" d="M{} {}{}L{} {}Z"/>').format(
                    SET_KINDS[i % len(SET_KINDS)], start, axes.y(0), steps, end, axes.y(0)
                )
            )
    return _drawing(parts, label, *_SMALL)


def number(
    value: float | None, unit: str = "", *, signed: bool = False, places: int | None = None
) -> str:
    """Format a number: one decimal for percentages, else two or three; a dash for None.

    The minus sign is the typographic one.
    """
    if value is None or not math.isfinite(value):
        return "\u2013"
    if places is None:
        places = 1 if unit == "%" else 2 if abs(value) >= 1 else 3
    # Adding zero turns a rounded -0.0 into +0.0.
    value = round(value, places) + 0.0
    return f"{value:{'+' if signed else ''}.{places}f}".replace("-", "\u2212")


@dataclass(frozen=True)
class _Axes:
    first: float
    last: float
    low: float
    high: float
    width: int = _WIDTH
    height: int = _HEIGHT

    def x(self, value: float) -> float:
        fraction = (value - self.first) / (self.last - self.first)
        return round(_LEFT + fraction * (self.width - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        fraction = (value - self.low) / (self.high - self.low)
        return round(self.height - _BOTTOM - fraction * (self.height - _TOP - _BOTTOM), 1)


def _svg(parts: Sequence[Markup], label: str, lines: Sequence[Line]) -> Markup:
    legend = Markup("").join(
        Markup('<span class="{}"><i></i>{}</span>').format(line.kind, line.name) for line in lines
    )
    return Markup('<div class="chart">{}<p class="legend">{}</p></div>').format(
        _drawing(parts, label, _WIDTH, _HEIGHT), legend
    )


def _drawing(parts: Sequence[Markup], label: str, width: int, height: int) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, label, Markup("").join(parts)
    )


def _grid(axes: _Axes, unit: str, below: str, beside: str = "", rows: int = 6) -> Markup:
    parts = []
    for value in _ticks(axes.low, axes.high, rows):
        y = axes.y(value)
        parts.append(
            Markup(
                '<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>'
                '<text x="{}" y="{}" text-anchor="end">{}</text>'
            ).format(_LEFT, y, axes.width - _RIGHT, y, _LEFT - 7, y + 4, f"{value:g}{unit.strip()}")
        )
    for value in _ticks(axes.first, axes.last):
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                axes.x(value), axes.height - _BOTTOM + 16, f"{value:g}"
            )
        )
    parts.append(
        Markup('<text class="below" x="{}" y="{}" text-anchor="end">{}</text>').format(
            axes.width - _RIGHT, axes.height - 3, escape(below)
        )
    )
    if beside:
        parts.append(
            Markup('<text x="{}" y="{}">{}</text>').format(_LEFT + 6, _TOP + 12, escape(beside))
        )
    return Markup("").join(parts)


def _around(low: float, high: float) -> tuple[float, float]:
    """Return a range with a margin around the values, from 0 where the lowest is near 0."""
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    start = 0.0 if 0 <= low <= 0.35 * high else low - room
    return start, high + room


def _ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from ``low`` to ``high``, in steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / (most - 1)
    power = 10 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= raw)
    start = math.ceil(low / step - 1e-9)
    end = math.floor(high / step + 1e-9)
    return [round(n * step, 10) for n in range(start, end + 1)]
