"""Quality of the label-free validators: rank correlation and regret over the runs of a comparison.

Two choices are measured: which checkpoint of a run, and which checkpoint of all runs of a pair of
domains and a seed, which also chooses the method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.bench.plan import RunSpec
from posebridge.bench.results import BenchResults, as_markdown, mean_and_deviation
from posebridge.bench.run_results import read_validator_scores
from posebridge.files.whole import write_text
from posebridge.models.tta import TTAConfig
from posebridge.validators.validators import confident_agreement_score, mean_rank

ENSEMBLE, LAST = "mean rank of all", "the last checkpoint"


@dataclass(frozen=True)
class RunCheckpoints:
    """The kept checkpoints of one run, in the order of their steps.

    Attributes:
        run: its name.
        place: pair and seed.
        once: its scores are without test-time augmentation, as the validators'.
        values: validator -> its score of each checkpoint.
        truth: metric -> PCK (percent) of each checkpoint, by the test labels.
    """

    run: str
    steps: Sequence[int]
    values: Mapping[str, list[float]]
    truth: Mapping[str, list[float]]
    place: tuple[str, int] = ("", 0)
    once: bool = True


def runs_with_checkpoints(outcome: BenchResults, out: Path) -> list[RunCheckpoints]:
    """Return the runs with at least three kept checkpoints (``steps.keep_checkpoint_every``)."""
    runs = []
    for training in _of_each_run(outcome):
        place = (training.pair, training.method, training.seed)
        found = {
            (s.step, s.choice)
            for s in outcome.curves
            if (s.pair, s.method, s.seed) == place and s.choice.startswith("step_")
        }
        judge = outcome.plan.training(training.run)
        said = [
            (step, name, read_validator_scores(judge, out, name)) for step, name in sorted(found)
        ]
        kept = [(step, name) for step, name, values in said if values is not None]
        read = [_with_the_product_of_today(values) for _, _, values in said if values is not None]
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
        runs.append(
            RunCheckpoints(
                training.name,
                [step for step, _ in kept],
                {name: [row[name] for row in read] for name in common},
                truth,
                (training.pair, training.seed),
                training.tta == TTAConfig(),
            )
        )
    return runs


def _with_the_product_of_today(values: Mapping[str, float]) -> Mapping[str, float]:
    """Return values with ``confident_agreement`` computed anew; older files lack or exceed it."""
    if not {"agreement", "confidence"} <= values.keys():
        return values
    both = confident_agreement_score(values["agreement"], values["confidence"])
    return {**values, "confident_agreement": both}


def _of_each_run(outcome: BenchResults) -> list[RunSpec]:
    """Return one run for each run folder without oracles, preferably the one without TTA."""
    chosen: dict[str, RunSpec] = {}
    for training in outcome.plan.trainings:
        if training.method is None or training.method in outcome.plan.bounds:
            continue
        if training.name in outcome.missing:
            continue
        if training.run not in chosen or training.tta == TTAConfig():
            chosen[training.run] = training
    return list(chosen.values())


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's correlation of the ranks, ties averaged; nan if either input is constant."""
    ranks = [np.asarray(mean_rank({"": list(column)})) for column in (first, second)]
    if min(float(r.std()) for r in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def regret(values: Sequence[float], truth: Sequence[float]) -> float:
    """Return the best checkpoint's PCK minus the chosen one's; the earliest of ties is chosen."""
    return max(truth) - truth[int(np.argmax(values))]


def validator_table(runs: Sequence[RunCheckpoints], metrics: Sequence[str]) -> list[list[str]]:
    """Return the table of choices within a run: validators down, the lowest regret first.

    Cells are means over runs; headings come first.
    """
    return _table(runs, metrics, "runs", (ENSEMBLE, LAST))


def comparable(runs: Sequence[RunCheckpoints]) -> list[list[RunCheckpoints]]:
    """Return the runs without TTA, grouped by pair and seed, where a group has at least two."""
    places = {run.place: None for run in runs if run.once}
    groups = [[run for run in runs if run.once and run.place == place] for place in places]
    return [group for group in groups if len(group) > 1]


def across_table(runs: Sequence[RunCheckpoints], metrics: Sequence[str]) -> list[list[str]]:
    """Return the table of choices among all runs of a pair and a seed without TTA, headings first.

    A validator that does not score all of the runs is left out.
    """
    pooled = []
    for group in comparable(runs):
        place = group[0].place
        common = [name for name in group[0].values if all(name in run.values for run in group)]
        pooled.append(
            RunCheckpoints(
                f"{place[0]}, seed {place[1]}",
                [step for run in group for step in run.steps],
                {name: [v for run in group for v in run.values[name]] for name in common},
                {m: [v for run in group for v in run.truth[m]] for m in metrics},
                place,
            )
        )
    return _table(pooled, metrics, "seeds", (ENSEMBLE,)) if pooled else []


def _table(
    runs: Sequence[RunCheckpoints], metrics: Sequence[str], counted: str, beside: Sequence[str]
) -> list[list[str]]:
    """Return a table of choices; ``beside`` names choices in it that are not validators."""
    choices: dict[str, list[tuple[RunCheckpoints, list[float]]]] = {}
    for run in runs:
        other = {ENSEMBLE: mean_rank(run.values), LAST: [float(step) for step in run.steps]}
        for name, values in (*run.values.items(), *((n, other[n]) for n in beside)):
            choices.setdefault(name, []).append((run, list(values)))
    head = ["choice", counted]
    head += [f"{what} {metric}" for metric in metrics for what in ("rank correlation", "regret")]
    head += [f"worst regret {metrics[0]}"]
    rows: list[tuple[float, list[str]]] = []
    for name, judged in choices.items():
        row = [name, str(len(judged))]
        regrets: dict[str, list[float]] = {}
        for metric in metrics:
            pairs = [(values, run.truth[metric]) for run, values in judged]
            correlations = [rank_correlation(*pair) for pair in pairs]
            regrets[metric] = [regret(*pair) for pair in pairs]
            known = [c for c in correlations if not np.isnan(c)]
            row += [f"{np.mean(known):.2f}" if known else "-", mean_and_deviation(regrets[metric])]
        row.append(f"{max(regrets[metrics[0]]):.1f}")
        rows.append((float(np.mean([np.mean(r) for r in regrets.values()])), row))
    return [head, *(row for _, row in sorted(rows, key=lambda entry: entry[0]))]


def write_validator_table(
    runs: Sequence[RunCheckpoints], metrics: Sequence[str], out: Path
) -> list[Path]:
    """Write ``validators.md``, if any run kept checkpoints; return the files."""
    if not runs:
        return []
    file = out / "validators.md"
    parts = [
        "Which checkpoint of a run?",
        as_markdown(validator_table(runs, metrics)),
        f"{sum(len(run.steps) for run in runs)} checkpoints of {len(runs)} runs. Rank correlation "
        "(Spearman) of the validator with the PCK on test labels, and regret (best checkpoint's "
        "PCK less the chosen one's), both within a run; means over runs, deviations with n - 1.",
    ]
    across = across_table(runs, metrics)
    if across:
        once = [run for group in comparable(runs) for run in group]
        parts += [
            "Which checkpoint of which method?",
            as_markdown(across),
            "Rank correlation and regret among all checkpoints of a pair and a seed "
            f"({len(once)} runs without test-time augmentation); means over pairs and seeds.",
        ]
    write_text(file, "\n\n".join(parts) + "\n")
    return [file]
