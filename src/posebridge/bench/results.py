"""The scores of a comparison: gathered over seeds, as tables, and as curves over the steps."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.bench.config_diff import changed_since
from posebridge.bench.plan import Plan, RunSpec
from posebridge.bench.run_results import read_scores, scored_checkpoints
from posebridge.evaluation import Results, pck_key
from posebridge.files.whole import write_text
from posebridge.report.plots import write_plot

CHOICES = {
    "last": "last",
    "selected": "validator's",
    "oracle": "best by labels*",
}
BOUND_NOTE = "† an oracle: it learned from labels of the target, for reference."
ORACLE_NOTE = (
    "* the best of all checkpoints by the test labels, which cannot be chosen without labels."
)


@dataclass(frozen=True)
class Score:
    """One metric of one run.

    Attributes:
        choice: last, selected (by the label-free validator) or oracle (by the labels).
        metric: such as ``pck@0.05``.
        value: percent.
        step: of the checkpoint, counted over both stages.
    """

    pair: str
    method: str
    seed: int
    choice: str
    metric: str
    value: float
    step: int


@dataclass(frozen=True)
class BenchResults:
    """Every metric of a comparison that is known so far.

    Attributes:
        scores: one for each run, choice and metric.
        curves: one for each run, checkpoint and metric; the choice is the checkpoint's name.
        missing: runs with a checkpoint that has no scores for the present plan, including runs with
            another config and scores that lack a metric of the plan.
    """

    plan: Plan
    scores: Sequence[Score]
    curves: Sequence[Score]
    missing: Sequence[str]

    @property
    def metrics(self) -> list[str]:
        """The metrics of the tables' columns, one for each threshold."""
        return [pck_key(t) for t in self.plan.thresholds]

    @property
    def methods(self) -> list[str]:
        """The methods of the plan without the methods of its sweeps, which would hide the others."""
        swept = {method for sweep in self.plan.sweeps for method in sweep.methods.values()}
        return [method for method in self.plan.methods if method not in swept]

    def values(self, pair: str, method: str, choice: str, metric: str) -> dict[int, float]:
        """Return seed -> percent."""
        wanted = (pair, method, choice, metric)
        return {
            s.seed: s.value for s in self.scores if (s.pair, s.method, s.choice, s.metric) == wanted
        }


def gather(plan: Plan, out: Path) -> BenchResults:
    """Read the scores below a comparison's folder."""
    scores: list[Score] = []
    curves: list[Score] = []
    missing: list[str] = []
    metrics = [pck_key(t) for t in plan.thresholds]
    for training in plan.trainings:
        if training.method is None:
            continue
        if changed_since(training, out):
            missing.append(training.name)
            continue
        names = scored_checkpoints(training, out)
        read = {name: read_scores(training, out, name) for name in names}
        results = {name: one for name, one in read.items() if one is not None}
        # The tables wait until every checkpoint is scored: only then the best one is known.
        found = _found(training, results, metrics)
        whole = len(found) == len(read) * len(metrics)
        if not {"last", "selected"} <= set(read) or not whole:
            missing.append(training.name)
            continue
        curves += found
        scores += [s for s in found if s.choice in ("last", "selected")]
        for metric in metrics if training.scores_all else ():
            best = max((s for s in found if s.metric == metric), key=lambda s: s.value)
            scores.append(
                Score(best.pair, best.method, best.seed, "oracle", metric, best.value, best.step)
            )
    return BenchResults(plan, scores, curves, missing)


def _found(
    training: RunSpec, results: Mapping[str, Results], metrics: Sequence[str]
) -> list[Score]:
    """Return the scores of a run, one for each checkpoint and metric."""
    found = []
    for checkpoint, scored in results.items():
        step = int(scored.protocol.get("step") or 0)
        for metric in metrics:
            value = scored.metrics.get(metric, {}).get("all")
            if value is not None:
                place = (training.pair, str(training.method), training.seed)
                found.append(Score(*place, checkpoint, metric, value, step))
    return found


def table(outcome: BenchResults, pair: str) -> list[list[str]]:
    """Return the table of a pair, headings first: methods down, choices and metrics across.

    A cell is the mean and deviation over seeds. Methods of a sweep are left out: they have a plot of
    their own, and rows in ``scores.csv``.

    Where the plan has a baseline, the last columns are the gain of the selected checkpoint over the
    baseline's last checkpoint, as a mean over the seeds that both have.
    """
    metrics, baseline = outcome.metrics, outcome.plan.baseline
    columns = [(choice, metric) for choice in CHOICES for metric in metrics]
    head = ["method", "seeds", *(f"{CHOICES[c]} {m}" for c, m in columns)]
    if baseline:
        head += [f"gain {metric}" for metric in metrics]
    rows = [head]
    for method in outcome.methods:
        cells = [outcome.values(pair, method, choice, metric) for choice, metric in columns]
        if not cells[0]:
            continue
        name = f"{method} †" if method in outcome.plan.bounds else method
        row = [name, str(len(cells[0])), *(mean_and_deviation(list(c.values())) for c in cells)]
        if baseline:
            row += [_gain(outcome, pair, method, metric) for metric in metrics]
        rows.append(row)
    return rows


def _gain(outcome: BenchResults, pair: str, method: str, metric: str) -> str:
    baseline = outcome.plan.baseline
    if baseline is None or method == baseline:
        return ""
    ours = outcome.values(pair, method, "selected", metric)
    theirs = outcome.values(pair, baseline, "last", metric)
    differences = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    return mean_and_deviation(differences, sign=True) if differences else ""


def mean_and_deviation(values: Sequence[float], sign: bool = False) -> str:
    """Return ``22.3`` for one seed, ``22.3 ± 0.4`` for several (with n - 1), ``-`` for none."""
    if not values:
        return "-"
    mean = f"{np.mean(values):{'+' if sign else ''}.1f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.1f}"


def markdown(outcome: BenchResults, pair: str) -> str:
    """Return the table of a pair in Markdown."""
    return "\n\n".join([as_markdown(table(outcome, pair)), *_notes(outcome)]) + "\n"


def _notes(outcome: BenchResults) -> list[str]:
    return [ORACLE_NOTE, *([BOUND_NOTE] if outcome.plan.bounds else [])]


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, headings first, as a Markdown table without a newline at its end."""
    head, *body = rows
    lines = [head, ["---", *("---:" for _ in head[1:])], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def latex(outcome: BenchResults, pair: str) -> str:
    """Return the table of a pair in LaTeX, for booktabs."""
    head, *rows = table(outcome, pair)
    escaped = [[_tex(cell) for cell in line] for line in [head, *rows]]
    body = [" & ".join(line) + r" \\" for line in escaped]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"\toprule",
            body[0],
            r"\midrule",
            *body[1:],
            r"\bottomrule",
            r"\end{tabular}",
            *(f"% {note}" for note in _notes(outcome)),
            "",
        ]
    )


def _tex(cell: str) -> str:
    for plain, tex in (("_", r"\_"), ("%", r"\%"), ("±", r"$\pm$"), ("†", r"$\dagger$")):
        cell = cell.replace(plain, tex)
    return cell


def comma_separated(outcome: BenchResults) -> str:
    """Return every metric of every run as CSV, one a line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["pair", "method", "seed", "choice", "step", "metric", "percent"])
    for s in outcome.scores:
        writer.writerow([s.pair, s.method, s.seed, s.choice, s.step, s.metric, f"{s.value:.3f}"])
    return stream.getvalue()


def write_bench_results(outcome: BenchResults, out: Path) -> list[Path]:
    """Write ``scores.csv``, and ``PAIR.md``, ``PAIR.tex`` and ``PAIR.png`` for each pair.

    Returns:
        the files.
    """
    files = [out / "scores.csv"]
    write_text(files[0], comma_separated(outcome))
    for pair in outcome.plan.pairs:
        if not any(s.pair == pair for s in outcome.scores):
            continue
        for ending, text in (("md", markdown(outcome, pair)), ("tex", latex(outcome, pair))):
            files.append(out / f"{pair}.{ending}")
            write_text(files[-1], text)
        files.append(out / f"{pair}.png")
        _draw_curves(outcome, pair, files[-1])
    return files


def _draw_curves(outcome: BenchResults, pair: str, file: Path) -> None:
    """Draw PCK over steps: a line for the mean over seeds, a dot for each run's checkpoint."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    metrics = outcome.metrics
    figure = Figure(figsize=(6 * len(metrics), 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    for place, metric in enumerate(metrics):
        axes = figure.add_subplot(1, len(metrics), place + 1)
        for number, method in enumerate(outcome.methods):
            points = sorted(
                {
                    (s.step, s.seed, s.value)
                    for s in outcome.curves
                    if (s.pair, s.method, s.metric) == (pair, method, metric)
                    and s.choice != "selected"
                }
            )
            if not points:
                continue
            steps = sorted({step for step, _, _ in points})
            means = [np.mean([v for s, _, v in points if s == step]) for step in steps]
            color = f"C{number % 10}"
            axes.plot(steps, means, color=color, label=method)
            axes.scatter(
                [s for s, _, _ in points], [v for _, _, v in points], s=9, color=color, alpha=0.6
            )
        axes.set_xlabel("steps, both stages")
        axes.set_ylabel(f"{metric.upper()}, percent, test labels")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.suptitle(pair)
    write_plot(figure, file, dpi=120)
