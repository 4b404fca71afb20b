"""Accuracy of the verdict on "did it help?": runs judged without and with labels.

    python benchmarks/verdicts.py benchmarks/figures.yaml --data-root DATA --out runs/figures
    python benchmarks/publish.py

Every finished run with checkpoints is judged as by ``posebridge report``, its last checkpoint against
the source checkpoint: once without labels, and once by the labels of the test images. Both verdicts go
to benchmarks/verdicts/PLAN.json, which keeps the entries of earlier runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.bench import read_plan
from posebridge.bench.job import get_state
from posebridge.bench.plan import RunSpec
from posebridge.data.reading import read_labeled
from posebridge.evaluation.run_comparison import RunComparison
from posebridge.evaluation.verdict import HEADLINES, Answer, Verdict, judge
from posebridge.files.whole import write_text
from posebridge.inference.load_domains import below
from posebridge.inference.run_comparison import compare_run
from posebridge.inference.run_folder import open_run

BY_LABELS: Mapping[Answer, str] = {
    "helped": "helped",
    "hurt": "hurt",
    "mixed": "either way",
    "unclear": "no clear change",
}
"""The results by labels, as the columns of the table."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the comparison's folder")
    given = parser.parse_args()
    plan = read_plan(given.plan, given.data_root)
    file = Path(__file__).parent / "verdicts" / given.plan.with_suffix(".json").name
    known: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    for training in plan.trainings:
        own = training.method is not None and training.taught_by is None
        if not own or training.method in plan.bounds or training.name in known:
            continue
        weights = given.out / training.run / "checkpoints" / "source"
        if weights.is_dir() and get_state(training, given.out).trained:
            known[training.name] = both_answers(training, given.out)
            print(
                training.name,
                known[training.name]["without labels"],
                known[training.name]["by labels"],
            )
            lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known)]
            write_text(file, "{\n" + ",\n".join(lines) + "\n}\n")


def both_answers(training: RunSpec, out: Path) -> dict[str, Any]:
    """Return the verdicts without and by labels; of each metric before, after, change, interval."""
    root = training.config.data_root
    assert training.test is not None
    images = None if training.test_images is None else below(root, training.test_images)
    source = training.source_validation
    judged = compare_run(
        open_run(out / training.run, root),
        labels=read_labeled(below(root, training.test), images),
        source_labels=None if source is None else read_labeled(below(root, source)),
    ).judgment
    changes = {row.name: row.change for row in judged.validators}
    changes |= {f"pck@{within}": change for within, change in judged.labels.items()}
    return {
        "without labels": without_labels(judged).answer,
        "by labels": judged.verdict.answer if judged.verdict.by_labels else "unclear",
        "changes": {
            name: [
                None if v is None else round(v, 3)
                for v in (change.source.value, change.adapted.value, *astuple(change.difference))
            ]
            for name, change in changes.items()
        },
    }


def without_labels(judged: RunComparison) -> Verdict:
    """Return the verdict of a judgment without its labels."""
    figures = {row.name: row.change for row in judged.validators}
    pushed = [row.name for row in judged.validators if row.pushed]
    return judge(figures, judged.sanity.variety, pushed=pushed)


def verdict_table(verdicts: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return a row for each verdict without labels: the number of runs, and the results by labels."""
    runs = list(verdicts)
    rows = [["answer without labels", "runs", *BY_LABELS.values(), "change of PCK@0.05, PCK@0.10"]]
    for answer, headline in HEADLINES.items():
        of_it = [run for run in runs if run["without labels"] == answer]
        if not of_it:
            continue
        counts = [sum(run["by labels"] == said for run in of_it) for said in BY_LABELS]
        spans = []
        for metric in ("pck@0.05", "pck@0.10"):
            values = np.array([run["changes"][metric][2] for run in of_it])
            spans.append(f"{values.min():+.1f} to {values.max():+.1f}")
        rows.append([headline, str(len(of_it)), *map(str, counts), ", ".join(spans)])
    return rows


if __name__ == "__main__":
    main()
