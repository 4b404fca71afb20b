"""One training of a comparison, from whatever is there of it to its scores.

Every step looks at the folder first: what is finished is left alone, what was stopped goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from rich.console import Console
from torch import Tensor

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.recording import TEACHER_STUDENT
from posebridge.adaptation.selection import VALIDATORS, ask, points_in_crops, source_pck
from posebridge.api import run
from posebridge.bench.plan import Training
from posebridge.bench.scored import (
    FINISHED,
    kept_checkpoints,
    score_file,
    told_at_the_end,
    unjudged,
    unscored,
    write_judgement,
)
from posebridge.data.benchmarks import benchmark_protocol
from posebridge.data.crops import to_crop
from posebridge.data.json_files import write_text
from posebridge.data.loaders import read_crops, to_tensor
from posebridge.data.reading import read_labelled
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.inference.domains import below, in_skeleton_asked, located
from posebridge.inference.judging import prior_of
from posebridge.inference.predictor import load
from posebridge.inference.run_folder import open_run
from posebridge.inference.scoring import score

_PLACES = ("data_root", "workers", "device", "start_from", "asked")
"""Settings that may differ between two sessions: no weight depends on them, or (where a training
starts from) they are looked at apart."""


@dataclass(frozen=True)
class State:
    """How far a training is.

    Attributes:
        trained: the last step is done.
        scored: every checkpoint that was kept is scored as the plan asks for, by labels and by the
            validators; a first stage has nothing to score.
    """

    trained: bool
    scored: bool

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        return self.trained and self.scored


def state_of(training: Training, out: Path) -> State:
    """Look at the folder of a training."""
    trained = (out / training.run / FINISHED).is_file()
    complete = not unscored(training, out) and not unjudged(training, out)
    return State(trained, trained and (training.method is None or complete))


def require_same_settings(training: Training, out: Path) -> None:
    """Whatever is there of a training, finished or not, has the plan's settings.

    Raises:
        InputError: it has not; the message names what differs.
    """
    stored = out / training.run / "config.yaml"
    if stored.is_file():
        before = yaml.safe_load(stored.read_text(encoding="utf-8"))
        changed = changed_settings(located(training.config), before)
        if _starts_elsewhere(training, stored.parent, before.get("start_from")):
            changed.append("start_from")
    else:
        # Scores without weights, see posebridge.bench.record, have their settings with them.
        before = told_at_the_end(stored.parent).get("settings")
        changed = [] if before is None else changed_settings(training.config, before)
    if changed:
        raise InputError(
            f"{stored.parent} was begun with other settings ({', '.join(changed)}); remove it, or "
            "give another --out."
        )


def changed_settings(config: AdaptConfig, before: Mapping[str, Any]) -> list[str]:
    """The settings that weights depend on and that are not as they were."""
    # A setting that the run did not know yet has its default there.
    before = _merged(AdaptConfig().to_dict(), dict(before))
    return [name for name, value in settings_told(config).items() if before.get(name) != value]


def settings_told(config: AdaptConfig) -> dict[str, Any]:
    """The settings that the weights of a run depend on, where it starts from apart."""
    # Without a source, the model that it starts from says how crops are cut and what it is made of.
    given = _PLACES if config.source is not None else (*_PLACES, "crop", "model")
    return {name: value for name, value in config.to_dict().items() if name not in given}


def _starts_elsewhere(training: Training, folder: Path, start_from: str | None) -> bool:
    """Whether a run started from another model than the plan's; a whole comparison may be moved."""
    if training.first_stage is None:
        return start_from != located(training.config).start_from
    told = told_at_the_end(folder)
    if told:
        return told.get("first_stage", training.first_stage) != training.first_stage
    return start_from is None or not Path(start_from).as_posix().endswith(training.first_stage)


def _merged(settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Nested settings with those that are given in place of their own."""
    merged = dict(settings)
    for name, value in given.items():
        inner = merged.get(name)
        nested = isinstance(inner, dict) and isinstance(value, dict) and name != "encoder_args"
        merged[name] = _merged(inner, value) if nested else value  # pyright: ignore[reportArgumentType]
    return merged


def do_training(training: Training, out: Path, console: Console) -> None:
    """Train, or go on, or do nothing; then score what is not scored.

    Raises:
        InputError: the folder holds a run with other settings, or something that it needs is not
            there.
    """
    require_same_settings(training, out)
    if not state_of(training, out).trained:
        if training.taught_by is not None:
            raise InputError(
                f"{training.name} asks the model of {training.taught_by}, which is not finished."
            )
        _train(training, out, console)
    if not (out / training.run / "checkpoints").is_dir() and not state_of(training, out).done:
        raise InputError(
            f"{training.name} is to be scored, but its weights are not here; remove "
            f"{out / training.run} and take it out of the record to train it again."
        )
    if training.method is not None:
        _judge(training, out, console)
    if training.test is not None and training.method is not None:
        _score(training, out, console)


def _train(training: Training, out: Path, console: Console) -> None:
    folder = out / training.name
    config = training.config
    if training.first_stage is not None:
        start = out / training.first_stage
        if not (start / FINISHED).is_file():
            raise InputError(f"{training.name} starts from {start}, which is not finished.")
        config = replace(config, start_from=str(start))
    resume = (folder / "config.yaml").is_file()
    console.print(f"{training.name}: {'going on' if resume else 'training'}", highlight=False)
    begin = time.monotonic()
    result = run(config, folder, resume=resume, console=console)
    finished = {
        "seconds": None if resume else round(time.monotonic() - begin, 1),
        "validation": [list(look) for look in result.validation],
        "selected": result.selected,
        "first_stage": training.first_stage,
        "checkpoints": kept_checkpoints(training, out),
    }
    write_text(folder / FINISHED, json.dumps(finished, indent=2))


def _judge(training: Training, out: Path, console: Console) -> None:
    """Ask every validator about every checkpoint that was kept; nothing here has target labels."""
    missing = unjudged(training, out)
    if not missing:
        return
    folder = out / training.run
    # The run itself knows which images it held out, and how the model that it began with cuts crops.
    finished = open_run(folder, training.config.data_root)
    config, prior = finished.config, prior_of(finished)
    held_out = _crops(finished.held_out, config)[0]
    validation = None
    if training.source_validation is not None:
        labels = read_labelled(below(training.config.data_root, training.source_validation))
        labels = in_skeleton_asked(labels, config)
        crops, regions, rows = _crops(labels.images, config)
        points = to_crop(labels.points[rows].astype(np.float64), regions, config.crop.size)
        validation = crops, points, labels.labelled[rows]
    for alike in _of_one_step(folder, missing):
        console.print(f"{training.name}: validators on {' = '.join(alike)}", highlight=False)
        judged = load(folder / "checkpoints" / alike[0])
        model = judged.model
        mirror = torch.tensor(judged.skeleton.mirror, device=next(model.parameters()).device)
        answers = ask(model, held_out, mirror)
        values = {name: validator(answers) for name, validator in VALIDATORS.items()}
        if prior is not None:
            values["pose_prior"] = prior(answers)
        if validation is not None:
            crops, points, known = validation
            found = points_in_crops(model, crops, mirror)
            values["source_pck"] = source_pck(found, points, known, config.crop.size)
        said = judged.checkpoint.results.get(TEACHER_STUDENT)
        if said is not None:
            values[TEACHER_STUDENT] = said
        for checkpoint in alike:
            write_judgement(training, out, checkpoint, values)


def _of_one_step(folder: Path, checkpoints: Sequence[str]) -> list[list[str]]:
    """Checkpoints by the step that they were taken at: those of one step are the same weights."""
    groups: dict[int, list[str]] = {}
    for name in checkpoints:
        notes = (folder / "checkpoints" / name / "results.json").read_text(encoding="utf-8")
        groups.setdefault(json.loads(notes)["step"], []).append(name)
    return list(groups.values())


def _crops(
    samples: UnlabelledSamples, config: AdaptConfig
) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """The crops that can be read, their regions, and their rows of ``samples``."""
    crops, regions, rows, _ = read_crops(samples, np.arange(len(samples)), config.crop)
    return to_tensor(crops), regions, rows


def _score(training: Training, out: Path, console: Console) -> None:
    assert training.test is not None
    missing = unscored(training, out)
    if not missing:
        return
    folder = out / training.run
    root = training.config.data_root
    test = below(root, training.test)
    images = None if training.test_images is None else below(root, training.test_images)
    labels = read_labelled(test, images)
    benchmark = benchmark_protocol(test, labels, root, training.config.target)
    for alike in _of_one_step(folder, missing):
        console.print(f"{training.name}: scoring {' = '.join(alike)}", highlight=False)
        results, _ = score(
            load(folder / "checkpoints" / alike[0]).with_views(**asdict(training.asked)),
            labels,
            thresholds=training.thresholds,
            protocol={
                "pair": training.pair,
                "method": training.method,
                "seed": training.seed,
                "test": training.test,
                "test_images": training.test_images,
                **benchmark,
            },
        )
        for checkpoint in alike:
            chosen = {"weights": checkpoint, "selection": checkpoint}
            named = replace(results, protocol={**results.protocol, **chosen})
            named.write(score_file(training, out, checkpoint))
