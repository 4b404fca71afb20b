"""Small charts of a look at data, as SVG that stands in the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

COLOURS = ("var(--a)", "var(--b)", "var(--c)", "var(--d)")
_WIDTH, _HEIGHT, _FOOT = 260.0, 96.0, 18.0
_BINS = 32


def histogram(title: str, unit: str, values: Sequence[np.ndarray]) -> str:
    """The distributions of one measure in some sets, over each other, as one ``<figure>``.

    The range is that of the middle 98 % of all values; what lies beyond counts in the last bins.
    """
    values = [v[np.isfinite(v)] for v in values]
    there = [v for v in values if len(v)]
    if not there:
        return ""
    low = min(float(np.percentile(v, 1)) for v in there)
    high = max(float(np.percentile(v, 99)) for v in there)
    caption = f"<figcaption>{escape(title)}</figcaption>"
    if high - low < 1e-6 * max(abs(high), 1):
        return (
            f'<figure class="chart">{caption}<p class="all">all {_number(low)}{unit}</p></figure>'
        )
    whole = all((v == v.round()).all() for v in there) and high - low <= _BINS
    if whole:
        low, high = np.floor(low), np.ceil(high)
        edges = np.arange(low, high + 2) - 0.5
    else:
        edges = np.linspace(low, high, _BINS + 1)
    shares = [
        np.histogram(np.clip(v, low, high), edges)[0] / max(len(v), 1) if len(v) else None
        for v in values
    ]
    top = max(float(s.max()) for s in shares if s is not None)
    drawn = [
        _area(s / top, COLOURS[i % len(COLOURS)]) for i, s in enumerate(shares) if s is not None
    ]
    marks = [(0.0, low, "start", ""), (_WIDTH, high, "end", unit)]
    if not whole or (high - low) % 2 == 0:
        marks.insert(1, (_WIDTH / 2, (low + high) / 2, "middle", ""))
    ticks = "".join(
        f'<text x="{x:.0f}" y="{_HEIGHT + 13:.0f}" text-anchor="{anchor}">{_number(v)}{end}</text>'
        for x, v, anchor, end in marks
    )
    return (
        f'<figure class="chart">{caption}<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT + _FOOT:.0f}" '
        f'role="img" aria-label="{escape(title)}">{"".join(drawn)}'
        f'<line x1="0" x2="{_WIDTH:.0f}" y1="{_HEIGHT:.0f}" y2="{_HEIGHT:.0f}" class="axis"/>'
        f"{ticks}</svg></figure>"
    )


def keypoint_bars(names: Sequence[str], columns: Sequence[tuple[str, str, np.ndarray]]) -> str:
    """The share of the subjects in which each keypoint is labelled, a bar for each set.

    Args:
        columns: name of the set, its colour, and (K,) shares in [0, 1].
    """
    heads = "".join(f"<th>{escape(name)}</th>" for name, _, _ in columns)
    rows = []
    for k, name in enumerate(names):
        cells = "".join(
            f'<td><span class="bar"><i style="width:{100 * shares[k]:.1f}%;'
            f'background:{colour}"></i></span>'
            f"<span class='n'>{100 * shares[k]:.0f} %</span></td>"
            for _, colour, shares in columns
        )
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f'<table class="bars"><tr><th></th>{heads}</tr>{"".join(rows)}</table>'


def _area(heights: np.ndarray, colour: str) -> str:
    step = _WIDTH / len(heights)
    path = [f"M0 {_HEIGHT:.1f}"]
    for i, height in enumerate(heights):
        y = _HEIGHT * (1 - 0.96 * height)
        path.append(f"L{i * step:.1f} {y:.1f}L{(i + 1) * step:.1f} {y:.1f}")
    path.append(f"L{_WIDTH:.1f} {_HEIGHT:.1f}Z")
    return (
        f'<path d="{"".join(path)}" fill="{colour}" fill-opacity="0.22" stroke="{colour}" '
        'stroke-width="1.4" stroke-linejoin="round"/>'
    )


def _number(value: float) -> str:
    if abs(value) >= 10000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
