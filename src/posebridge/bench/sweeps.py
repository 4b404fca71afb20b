"""One setting at a time in several values: methods of a plan, and a curve for each setting.

    sweeps:
      multilevel: {consistency.weight: [0.3, 1, 3], feature.weight: [0, 0.01, 0.1]}

becomes the methods ``multilevel_consistency.weight_0.3`` and so on: the method ``multilevel`` with that
setting. Where a value is the method's own, nothing is trained for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posebridge.bench.plan_file import settings_of
from posebridge.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from posebridge.bench.outcome import Outcome


@dataclass(frozen=True)
class Sweep:
    """One setting of one method in several values.

    Attributes:
        methods: value -> the method of the plan that has it, in rising order.
    """

    method: str
    setting: str
    methods: Mapping[float, str]


def read_sweeps(
    raw: Any, methods: Mapping[str, dict[str, Any]], path: Path
) -> tuple[list[Sweep], dict[str, dict[str, Any]]]:
    """The sweeps of a plan's file, and the methods that they add.

    Raises:
        InputError: a method that is none of the plan's, or values that are no numbers.
    """
    sweeps: list[Sweep] = []
    added: dict[str, dict[str, Any]] = {}
    for method, swept in settings_of(raw, f"{path}: sweeps").items():
        place = f"{path}: sweeps: '{method}'"
        if method not in methods:
            raise InputError(f"{place} is none of the methods: {', '.join(methods)}.")
        how = methods[method]
        own = settings_of(how.get("settings"), place)
        for setting, values in settings_of(swept, place).items():
            if not isinstance(values, list) or not all(_number(v) for v in values):
                raise InputError(
                    f"{place}: {setting} is {values!r}; give a list of numbers such as [0.3, 1, 3]."
                )
            named: dict[float, str] = {}
            for value in sorted(set(values)):
                named[value] = f"{method}_{setting}_{value:g}"
                if named[value] in methods:
                    raise InputError(f"{place}: '{named[value]}' is one of the methods already.")
                added[named[value]] = {**how, "settings": {**own, setting: value}}
            sweeps.append(Sweep(method, setting, named))
    return sweeps, added


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def write_sweeps(outcome: Outcome, out: Path) -> list[Path]:
    """Write ``PAIR_sweeps.png`` for each pair, where two values of a setting are scored.

    PCK of the last weights over the values of each setting, mean over seeds with a bar of one
    deviation, and the method as it is as a broken line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    files = []
    for pair in outcome.plan.pairs:
        drawn = [s for s in outcome.plan.sweeps if len(_points(outcome, pair, s)) > 1]
        if not drawn:
            continue
        columns = min(3, len(drawn))
        rows = -(-len(drawn) // columns)
        figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
        for sweep, axes in zip(drawn, panels, strict=False):
            _draw(outcome, pair, sweep, axes)
        for axes in panels[len(drawn) :]:
            axes.remove()
        figure.suptitle(pair)
        files.append(out / f"{pair}_sweeps.png")
        figure.savefig(files[-1], dpi=120)
    return files


def _points(outcome: Outcome, pair: str, sweep: Sweep) -> dict[float, str]:
    """Value -> method, of those that are scored."""
    metric = outcome.metrics[0]
    return {v: m for v, m in sweep.methods.items() if outcome.values(pair, m, "last", metric)}


def _draw(outcome: Outcome, pair: str, sweep: Sweep, axes: Axes) -> None:
    points = _points(outcome, pair, sweep)
    # Weights are tried in ratios; 0 stands in a logarithmic axis as well, near its left end.
    least = min((v for v in points if v > 0), default=1.0)
    axes.set_xscale("symlog", linthresh=least, linscale=0.5)
    axes.set_xticks(list(points), [f"{v:g}" for v in points])
    axes.minorticks_off()
    for number, metric in enumerate(outcome.metrics):
        found = [list(outcome.values(pair, m, "last", metric).values()) for m in points.values()]
        means = [float(np.mean(f)) for f in found]
        bars = [float(np.std(f, ddof=1)) if len(f) > 1 else 0.0 for f in found]
        colour = f"C{number}"
        axes.errorbar(
            list(points), means, yerr=bars, color=colour, marker="o", label=metric.upper()
        )
        itself = list(outcome.values(pair, sweep.method, "last", metric).values())
        if itself:
            axes.axhline(float(np.mean(itself)), color=colour, linestyle="--", linewidth=0.8)
    axes.set_xlabel(sweep.setting)
    axes.set_ylabel("percent, test labels")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
