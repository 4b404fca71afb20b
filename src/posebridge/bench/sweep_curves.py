"""A curve for each setting that a plan sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from posebridge.bench.results import BenchResults
from posebridge.bench.sweeps import Sweep
from posebridge.report.plots import write_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_sweeps(outcome: BenchResults, out: Path) -> list[Path]:
    """Write ``PAIR_sweeps.png`` for each pair, where two values of a setting are scored.

    A curve is the change of PCK at the last checkpoint against the unchanged method, in points: mean
    over the seeds that both have, with a bar of one deviation.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    files = []
    for pair in outcome.plan.pairs:
        swept = [(sweep, _changes(outcome, pair, sweep)) for sweep in outcome.plan.sweeps]
        drawn = [(sweep, changes) for sweep, changes in swept if len(changes) > 1]
        if not drawn:
            continue
        columns = min(3, len(drawn))
        rows = -(-len(drawn) // columns)
        figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten().tolist()
        for (sweep, changes), axes in zip(drawn, panels, strict=False):
            _draw(changes, outcome.metrics, axes)
            axes.set_xlabel(sweep.setting)
            axes.set_ylabel(f"points more than {sweep.method}")
            axes.tick_params(labelleft=True)
        for axes in panels[len(drawn) :]:
            axes.remove()
        # One legend outside the panels: inside, it would cover a curve.
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        figure.suptitle(pair)
        files.append(out / f"{pair}_sweeps.png")
        write_plot(figure, files[-1], dpi=120)
    return files


Changes = dict[float, dict[str, list[float]]]
"""Value -> metric -> the change of each seed."""


def _changes(outcome: BenchResults, pair: str, sweep: Sweep) -> Changes:
    found: Changes = {}
    for value, method in sweep.methods.items():
        for metric in outcome.metrics:
            own = outcome.values(pair, sweep.method, "last", metric)
            new = outcome.values(pair, method, "last", metric)
            changes = [new[seed] - own[seed] for seed in new if seed in own]
            if changes:
                found.setdefault(value, {})[metric] = changes
    return found


def _draw(changes: Changes, metrics: Sequence[str], axes: Axes) -> None:
    values = list(changes)
    # Loss weights are tried in ratios; a symlog axis also shows 0, near its left end.
    least = min((v for v in values if v > 0), default=1.0)
    axes.set_xscale("symlog", linthresh=least, linscale=0.5)
    axes.set_xticks(values, [f"{v:g}" for v in values])
    axes.minorticks_off()
    axes.axhline(0, color="gray", linewidth=0.8)
    for metric in metrics:
        means = [float(np.mean(changes[v][metric])) for v in values]
        bars = [_deviation(changes[v][metric]) for v in values]
        axes.errorbar(values, means, yerr=bars, marker="o", capsize=3, label=metric.upper())
    axes.grid(alpha=0.3)


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
