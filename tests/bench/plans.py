"""Small comparisons for the tests: their plans, and the files of their runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from posebridge.bench.plan import Plan, RunSpec
from posebridge.bench.run_results import FINISHED, score_file, write_validator_scores
from tests.conftest import TINY

QUIET = Console(quiet=True)
METHODS: dict[str, Any] = {
    "source_only": {"preset": "source_only"},
    "all_levels": {"config": {"tta.views": 2, "tta.flip": True, "tta.rotation": 180}},
    "no_feature": {"config": {"feature.weight": 0}, "seeds": [0]},
}


def write_plan(folder: Path, figures: Any = None, **changes: Any) -> Path:
    source, target, test = (
        ("s.json", "t.json", "test.json")
        if figures is None
        else (str(figures.source), str(figures.target), str(figures.test))
    )
    content = {
        "budget": {**TINY, "steps.keep_checkpoint_every": 2},
        "seeds": [0, 1],
        "baseline": "source_only",
        "pairs": {
            "figures": {
                "preset": "demo",
                "test": test,
                "source_validation": source,
                "config": {"source": source, "target": target},
            }
        },
        "methods": METHODS,
    }
    content |= changes
    file = folder / "comparison.yaml"
    file.write_text(
        yaml.safe_dump({k: v for k, v in content.items() if v is not None}, sort_keys=False)
    )
    return file


def write_scores(
    out: Path, training: RunSpec, values: dict[str, tuple[int, float]], **tta: object
) -> None:
    protocol = {"test": "test.json", "thresholds": [0.05, 0.1], **tta}
    for checkpoint, (step, value) in values.items():
        (out / training.name / "checkpoints" / checkpoint).mkdir(parents=True)
        file = score_file(training, out, checkpoint)
        file.parent.mkdir(parents=True, exist_ok=True)
        metrics = {"pck@0.05": {"all": value}, "pck@0.10": {"all": 2 * value}}
        file.write_text(json.dumps({"metrics": metrics, "protocol": {**protocol, "step": step}}))


def write_runs(out: Path, plan: Plan, **changes: Any) -> None:
    """Write the files of every run of a plan, without checkpoints.

    Args:
        changes: of the settings as they are stored, such as ``source="/elsewhere/s.json"``.
    """
    values = dict.fromkeys(("last", "selected"), (10, 20.0))
    for training in plan.trainings:
        folder = out / training.run
        folder.mkdir(parents=True, exist_ok=True)
        stored = {**training.config.to_dict(), "data_root": None, **changes}
        (folder / "config.yaml").write_text(yaml.safe_dump(stored))
        told = {"source_stage": training.source_stage, "seconds": 1.0}
        (folder / FINISHED).write_text(json.dumps(told))
        if training.method is None:
            continue
        tta = {name: getattr(training.tta, name) for name in ("views", "flip", "rotation")}
        write_scores(out, training, values, test=training.test, **tta)
        for checkpoint in values:
            write_validator_scores(training, out, checkpoint, {"agreement": 0.5})
