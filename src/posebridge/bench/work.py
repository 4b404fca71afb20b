"""One training of a comparison, from whatever is there of it to its scores.

Every step looks at the folder first: what is finished is left alone, what was stopped goes on.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from rich.console import Console

from posebridge.adaptation.config import AdaptConfig
from posebridge.api import below, located, run
from posebridge.bench.plan import Training
from posebridge.data.coco import read_labelled
from posebridge.errors import InputError
from posebridge.inference.predictor import load
from posebridge.inference.scoring import score

FINISHED = "finished.json"
SCORES = "scores"
_PLACES = ("data_root", "workers", "device", "start_from")
"""Settings that may differ between two sessions of the same training."""


@dataclass(frozen=True)
class State:
    """How far a training is.

    Attributes:
        trained: the last step is done.
        scored: every checkpoint that was kept is scored; a first stage has nothing to score.
    """

    trained: bool
    scored: bool

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        return self.trained and self.scored


def state_of(training: Training, out: Path) -> State:
    """Look at the folder of a training."""
    folder = out / training.name
    trained = (folder / FINISHED).is_file()
    missing = [c for c in scored_checkpoints(folder) if not score_file(folder, c).is_file()]
    return State(trained, trained and (training.method is None or not missing))


def scored_checkpoints(folder: Path) -> list[str]:
    """The checkpoints of a run that a comparison scores: all that its adaptation left."""
    kept = sorted(p.name for p in (folder / "checkpoints").glob("*") if p.is_dir())
    return [name for name in kept if name in ("last", "selected") or name.startswith("step_")]


def score_file(folder: Path, checkpoint: str) -> Path:
    """Where the scores of a checkpoint lie."""
    return folder / SCORES / f"{checkpoint}.json"


def do_training(
    training: Training, out: Path, thresholds: Sequence[float], console: Console
) -> None:
    """Train, or go on, or do nothing; then score what is not scored.

    Raises:
        InputError: the folder holds a run with other settings, or something that it needs is not
            there.
    """
    folder = out / training.name
    if not state_of(training, out).trained:
        _train(training, out, console)
    if training.test is not None and training.method is not None:
        _score(training, folder, thresholds, console)


def _train(training: Training, out: Path, console: Console) -> None:
    folder = out / training.name
    config = training.config
    if training.first_stage is not None:
        start = out / training.first_stage
        if not (start / FINISHED).is_file():
            raise InputError(f"{training.name} starts from {start}, which is not finished.")
        config = replace(config, start_from=str(start))
    stored = folder / "config.yaml"
    resume = stored.is_file()
    if resume:
        _require_same(stored, located(config))
    console.print(f"{training.name}: {'going on' if resume else 'training'}", highlight=False)
    begin = time.monotonic()
    result = run(config, folder, resume=resume, console=console)
    finished = {
        "seconds": None if resume else round(time.monotonic() - begin, 1),
        "validation": [list(look) for look in result.validation],
        "selected": result.selected,
        "first_stage": training.first_stage,
    }
    partial = folder / (FINISHED + ".partial")
    partial.write_text(json.dumps(finished, indent=2), encoding="utf-8")
    os.replace(partial, folder / FINISHED)


def _require_same(stored: Path, config: AdaptConfig) -> None:
    before = yaml.safe_load(stored.read_text(encoding="utf-8"))
    changed = [
        name
        for name, value in config.to_dict().items()
        if name not in _PLACES and before.get(name) != value
    ]
    if changed:
        raise InputError(
            f"{stored.parent} was begun with other settings ({', '.join(changed)}); remove it, or "
            "give another --out."
        )


def _score(training: Training, folder: Path, thresholds: Sequence[float], console: Console) -> None:
    assert training.test is not None
    missing = [c for c in scored_checkpoints(folder) if not score_file(folder, c).is_file()]
    if not missing:
        return
    root = training.config.data_root
    labels = read_labelled(
        below(root, training.test),
        None if training.test_images is None else below(root, training.test_images),
    )
    for checkpoint in missing:
        console.print(f"{training.name}: scoring {checkpoint}", highlight=False)
        results, _ = score(
            load(folder / "checkpoints" / checkpoint),
            labels,
            thresholds=thresholds,
            protocol={
                "pair": training.pair,
                "method": training.method,
                "seed": training.seed,
                "selection": checkpoint,
            },
        )
        score_file(folder, checkpoint).parent.mkdir(parents=True, exist_ok=True)
        results.write(score_file(folder, checkpoint))
