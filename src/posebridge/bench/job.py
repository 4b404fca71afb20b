"""One run of a comparison, from the present state of its folder to its scores.

Every step reads the folder first: what is finished is left alone, and what was stopped resumes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from posebridge.api import run
from posebridge.bench.config_diff import changed_since, require_same_settings
from posebridge.bench.plan import RunSpec
from posebridge.bench.run_results import (
    FINISHED,
    kept_checkpoints,
    score_file,
    unscored,
    without_validator_scores,
    write_validator_scores,
)
from posebridge.data.crops import to_crop
from posebridge.data.datasets import benchmark_protocol, is_reference
from posebridge.data.loaders import read_crops, to_tensor
from posebridge.data.reading import read_labeled
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.locks import locked_folder
from posebridge.files.whole import write_text
from posebridge.inference.load_domains import below, in_target_skeleton
from posebridge.inference.predictor import load
from posebridge.inference.run_comparison import get_pose_prior
from posebridge.inference.run_folder import get_step, open_run
from posebridge.inference.scoring import score
from posebridge.training.callbacks import TEACHER_STUDENT
from posebridge.training.config import AdaptConfig
from posebridge.validators.validators import VALIDATORS, ask, points_in_crops, source_pck


@dataclass(frozen=True)
class State:
    """The progress of a run.

    Attributes:
        trained: the last step is done.
        scored: every kept checkpoint is scored as the plan requires, by labels and by the validators;
            a source stage has no scores.
        changed: the settings in which the folder differs from the plan; such a folder counts as empty.
    """

    trained: bool
    scored: bool
    changed: Sequence[str] = ()

    @property
    def done(self) -> bool:
        """Whether the run is trained and scored."""
        return self.trained and self.scored


def get_state(training: RunSpec, out: Path) -> State:
    """Return the progress of a run, read from its folder."""
    changed = changed_since(training, out)
    if changed:
        return State(False, False, changed)
    trained = (out / training.run / FINISHED).is_file()
    complete = not unscored(training, out) and not without_validator_scores(training, out)
    return State(trained, trained and (training.method is None or complete))


def do_training(training: RunSpec, out: Path, console: Console) -> None:
    """Train a run, resume it, or leave a finished one alone; then score what is not scored.

    Raises:
        InputError: the folder holds a run with another config, or something that the run needs is
            missing; or another process uses the folder.
    """
    with locked_folder(out / training.name):
        _do(training, out, console)


def _do(training: RunSpec, out: Path, console: Console) -> None:
    require_same_settings(training, out)
    if not get_state(training, out).trained:
        if training.taught_by is not None:
            raise InputError(
                f"{training.name} scores the model of {training.taught_by}, which is not finished."
            )
        require_labels(training)
        _train(training, out, console)
    if not (out / training.run / "checkpoints").is_dir() and not get_state(training, out).done:
        raise InputError(_without_weights(training, out))
    if training.method is not None:
        _judge(training, out, console)
    if training.test is not None and training.method is not None:
        _score(training, out, console)


def _without_weights(training: RunSpec, out: Path) -> str:
    """Return the message for scores that came from a results file without the missing checkpoints."""
    needed = (training.source_stage, training.taught_by, training.name)
    names = " and then ".join(f"--run {name}" for name in needed if name is not None)
    return (
        f"{training.name} is to be scored, but its checkpoints are not here, as {out / training.run} "
        "came from a results file; copy that folder from where it was trained, or train it into "
        f"another --out without --results-file ({names})."
    )


def require_labels(training: RunSpec) -> None:
    """Check, before hours of training, that the labels that score a run exist.

    Raises:
        InputError: a file is missing.
    """
    named = {
        "test": training.test,
        "test_images": training.test_images,
        "source_validation": training.source_validation,
    }
    for name, path in named.items():
        place = None if path is None else below(training.config.data_root, path)
        if place is not None and not is_reference(place) and not Path(place).exists():
            raise InputError(
                f"{training.name} is scored with {place} ({name} of the pair '{training.pair}'), "
                "which does not exist; correct the path, or give --data-root."
            )


def _train(training: RunSpec, out: Path, console: Console) -> None:
    folder = out / training.name
    config = training.config
    if training.source_stage is not None:
        start = out / training.source_stage
        if not (start / FINISHED).is_file():
            raise InputError(f"{training.name} starts from {start}, which is not finished.")
        config = replace(config, init_from=str(start))
    resume = (folder / "config.yaml").is_file()
    console.print(f"{training.name}: {'resuming' if resume else 'training'}", highlight=False)
    begin = time.monotonic()
    result = run(config, folder, resume=resume, console=console)
    if not result.finished:
        raise InputError(
            f"{training.name} ended after step {result.steps} of {result.planned}; "
            "the same command resumes it."
        )
    finished = {
        "seconds": None if resume else round(time.monotonic() - begin, 1),
        "validation": [list(look) for look in result.validation],
        "selected": result.selected,
        "source_stage": training.source_stage,
        "checkpoints": kept_checkpoints(training, out),
    }
    write_text(folder / FINISHED, json.dumps(finished, indent=2))


def _judge(training: RunSpec, out: Path, console: Console) -> None:
    """Score every kept checkpoint with every validator; no target label is read here."""
    missing = without_validator_scores(training, out)
    if not missing:
        return
    folder = out / training.run
    # The run records which images it held out, and how its initial model cuts crops.
    finished = open_run(folder, training.config.data_root)
    config, prior = finished.config, get_pose_prior(finished)
    held_out = _crops(finished.held_out, config)[0]
    validation = None
    if training.source_validation is not None:
        labels = read_labeled(below(training.config.data_root, training.source_validation))
        labels = in_target_skeleton(labels, config)
        crops, regions, rows = _crops(labels.images, config)
        points = to_crop(labels.points[rows].astype(np.float64), regions, config.crop.size)
        validation = crops, points, labels.labeled[rows]
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
            predicted = points_in_crops(model, crops, mirror)
            values["source_pck"] = source_pck(predicted, points, known, config.crop.size)
        agreement = judged.checkpoint.results.get(TEACHER_STUDENT)
        if agreement is not None:
            values[TEACHER_STUDENT] = agreement
        for checkpoint in alike:
            write_validator_scores(training, out, checkpoint, values)


def _of_one_step(folder: Path, checkpoints: Sequence[str]) -> list[list[str]]:
    """Return checkpoints grouped by their step: checkpoints of one step have equal weights."""
    groups: dict[int, list[str]] = {}
    for name in checkpoints:
        step = get_step(folder, name)
        if step is None:
            raise InputError(
                f"{folder / 'checkpoints' / name / 'results.json'} is damaged: it holds no step; "
                "remove the run's folder to train it again."
            )
        groups.setdefault(step, []).append(name)
    return list(groups.values())


def _crops(samples: UnlabeledSamples, config: AdaptConfig) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Return the crops that can be read, their regions, and their rows of ``samples``."""
    crops, regions, rows, _ = read_crops(samples, np.arange(len(samples)), config.crop)
    return to_tensor(crops), regions, rows


def _score(training: RunSpec, out: Path, console: Console) -> None:
    assert training.test is not None
    missing = unscored(training, out)
    if not missing:
        return
    folder = out / training.run
    root = training.config.data_root
    test = below(root, training.test)
    images = None if training.test_images is None else below(root, training.test_images)
    labels = read_labeled(test, images)
    benchmark = benchmark_protocol(test, labels, root, training.config.target)
    for alike in _of_one_step(folder, missing):
        console.print(f"{training.name}: scoring {' = '.join(alike)}", highlight=False)
        results, _ = score(
            load(folder / "checkpoints" / alike[0]).with_views(**asdict(training.tta)),
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
