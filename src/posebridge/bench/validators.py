"""How well the label-free validators choose: rank correlation and regret over a comparison's runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.adaptation.selection import mean_rank
from posebridge.bench.outcome import Outcome, as_markdown, mean_and_deviation
from posebridge.bench.scored import judgement_of

ENSEMBLE, LAST = "mean rank of all", "the last checkpoint"


@dataclass(frozen=True)
class Judged:
    """The kept checkpoints of one run, in the order of their steps.

    Attributes:
        values: validator -> a number for each checkpoint.
        truth: metric -> PCK (percent) for each checkpoint, by the test labels.
    """

    run: str
    steps: Sequence[int]
    values: Mapping[str, list[float]]
    truth: Mapping[str, list[float]]


def judged_runs(outcome: Outcome, out: Path) -> list[Judged]:
    """The runs with at least three kept checkpoints (``steps.keep_every``)."""
    runs = []
    for training in outcome.plan.trainings:
        place = (training.pair, training.method, training.seed)
        found = {
            (s.step, s.choice)
            for s in outcome.curves
            if (s.pair, s.method, s.seed) == place and s.choice.startswith("step_")
        }
        said = [(step, name, judgement_of(training, out, name)) for step, name in sorted(found)]
        kept = [(step, name) for step, name, values in said if values is not None]
        read = [values for _, _, values in said if values is not None]
        if len(kept) < 3:
            continue
        truth = {
            metric: [
                next(
                    s.value
                    for s in outcome.curves
                    if (s.pair, s.method, s.seed) == place
                    and (s.choice, s.metric) == (name, metric)
                )
                for _, name in kept
            ]
            for metric in outcome.metrics
        }
        common = [name for name in read[0] if all(name in row for row in read)]
        values = {name: [row[name] for row in read] for name in common}
        runs.append(Judged(training.name, [step for step, _ in kept], values, truth))
    return runs


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's: the correlation of the ranks, ties sharing theirs; nan if either is constant."""
    ranks = [np.asarray(mean_rank({"": list(column)})) for column in (first, second)]
    if min(float(r.std()) for r in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def regret(values: Sequence[float], truth: Sequence[float]) -> float:
    """The best checkpoint's PCK less the chosen one's; the earliest of equals is chosen."""
    return max(truth) - truth[int(np.argmax(values))]


def validator_table(runs: Sequence[Judged], metrics: Sequence[str]) -> list[list[str]]:
    """Validators down, the one with the least regret first; means over runs, headings first."""
    choices: dict[str, list[list[float]]] = {}
    for run in runs:
        for name, values in run.values.items():
            choices.setdefault(name, []).append(values)
        choices.setdefault(ENSEMBLE, []).append(mean_rank(run.values))
        choices.setdefault(LAST, []).append([float(step) for step in run.steps])
    head = ["choice", "runs"]
    head += [f"{what} {metric}" for metric in metrics for what in ("rank correlation", "regret")]
    head += [f"worst regret {metrics[0]}"]
    rows: list[tuple[float, list[str]]] = []
    for name, columns in choices.items():
        judged = [run for run in runs if name in run.values or name in (ENSEMBLE, LAST)]
        row = [name, str(len(columns))]
        regrets: dict[str, list[float]] = {}
        for metric in metrics:
            pairs = [(c, run.truth[metric]) for c, run in zip(columns, judged, strict=True)]
            correlations = [rank_correlation(*pair) for pair in pairs]
            regrets[metric] = [regret(*pair) for pair in pairs]
            known = [c for c in correlations if not np.isnan(c)]
            row += [f"{np.mean(known):.2f}" if known else "-", mean_and_deviation(regrets[metric])]
        row.append(f"{max(regrets[metrics[0]]):.1f}")
        rows.append((float(np.mean([np.mean(r) for r in regrets.values()])), row))
    return [head, *(row for _, row in sorted(rows, key=lambda entry: entry[0]))]


def write_validator_table(runs: Sequence[Judged], metrics: Sequence[str], out: Path) -> list[Path]:
    """Write ``validators.md``, if any run kept checkpoints; returns the files."""
    if not runs:
        return []
    file = out / "validators.md"
    checkpoints = sum(len(run.steps) for run in runs)
    about = (
        f"{checkpoints} checkpoints of {len(runs)} runs. Rank correlation (Spearman) of the "
        "validator with the PCK on test labels, and regret (best checkpoint's PCK less the chosen "
        "one's), both within a run; means over runs, deviations with n - 1."
    )
    table = as_markdown(validator_table(runs, metrics))
    file.write_text(f"{table}\n\n{about}\n", encoding="utf-8")
    return [file]
