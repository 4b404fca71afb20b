"""The scores and validator scores of a run, and whether they match the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from posebridge.bench.plan import RunSpec
from posebridge.errors import InputError
from posebridge.evaluation import Results
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json_mapping
from posebridge.files.whole import write_text
from posebridge.models.tta import TTAConfig

FINAL = ("last", "selected")
FINISHED = "finished.json"


def read_finished(folder: Path) -> dict[str, Any]:
    """Return what a run folder records at the end of training, empty before the end.

    Raises:
        InputError: the file is damaged.
    """
    file = folder / FINISHED
    if not file.is_file():
        return {}
    told = read_json_mapping(file, "record of a finished run")
    kept, stage = told.get("checkpoints", []), told.get("source_stage")
    named = isinstance(kept, list) and all(isinstance(name, str) for name in kept)
    if not named or not isinstance(stage, (str, type(None))):
        raise InputError(
            f"{file} is damaged: 'checkpoints' and 'source_stage' are not names; remove the file, "
            "and the same command writes it again."
        )
    return told


def kept_checkpoints(training: RunSpec, out: Path) -> list[str]:
    """Return all checkpoints that the adaptation kept, even where their files are elsewhere."""
    folder = out / training.run / "checkpoints"
    if not folder.is_dir():
        return list(read_finished(folder.parent).get("checkpoints", []))
    # A killed run may leave a half-written NAME.partial.
    kept = sorted(p.name for p in folder.glob("*") if p.is_dir() and not p.suffix)
    return [name for name in kept if name in FINAL or name.startswith("step_")]


def scored_checkpoints(training: RunSpec, out: Path) -> list[str]:
    """Return the checkpoints that are scored: all, or the last and the selected one."""
    kept = kept_checkpoints(training, out)
    return [name for name in kept if training.scores_all or name in FINAL]


def score_file(training: RunSpec, out: Path, checkpoint: str) -> Path:
    """Return the path of a checkpoint's scores."""
    return out / training.name / "scores" / f"{checkpoint}.json"


def validator_scores_file(training: RunSpec, out: Path, checkpoint: str) -> Path:
    """Return the path of a checkpoint's validator scores."""
    return out / training.name / "validators" / f"{checkpoint}.json"


def read_scores(training: RunSpec, out: Path, checkpoint: str) -> Results | None:
    """Return the scores of a checkpoint, None without scores or with scores of another protocol.

    The scores of a run that shares the run folder count where its test-time augmentation is equal.

    Raises:
        InputError: the file is damaged.
    """
    for name in (training.name, *training.twins):
        file = score_file(replace(training, name=name), out, checkpoint)
        results = Results.read(file) if file.is_file() else None
        if results is None or not _fits(results.protocol, training):
            continue
        if name == training.name:
            return results
        own = {"pair": training.pair, "method": training.method}
        return replace(results, protocol={**results.protocol, **own})
    return None


def read_validator_scores(training: RunSpec, out: Path, checkpoint: str) -> dict[str, float] | None:
    """Return each validator's score of a checkpoint, None without scores for the present plan.

    Raises:
        InputError: the file is damaged.
    """
    file = validator_scores_file(training, out, checkpoint)
    if not file.is_file():
        return None
    told = read_json_mapping(file, "file of validator scores")
    values = told.get("values")
    if not isinstance(values, dict) or not all(map(_is_number, values.values())):
        raise InputError(
            f"{file} is damaged: 'values' holds {short_repr(values)} instead of a number for each "
            "validator; remove the file, and the same command writes it again."
        )
    return values if told.get("source_validation") == training.source_validation else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def write_validator_scores(
    training: RunSpec, out: Path, checkpoint: str, values: Mapping[str, float]
) -> None:
    """Write each validator's score of a checkpoint."""
    content = {"source_validation": training.source_validation, "values": values}
    write_text(validator_scores_file(training, out, checkpoint), json.dumps(content, indent=2))


def unscored(training: RunSpec, out: Path) -> list[str]:
    """Return the checkpoints without scores for the present plan."""
    names = scored_checkpoints(training, out)
    return [name for name in names if read_scores(training, out, name) is None]


def without_validator_scores(training: RunSpec, out: Path) -> list[str]:
    """Return the checkpoints without validator scores; none for a run in another run's folder."""
    if training.taught_by is not None:
        return []
    names = kept_checkpoints(training, out)
    return [name for name in names if read_validator_scores(training, out, name) is None]


def _fits(protocol: Mapping[str, Any], training: RunSpec) -> bool:
    """Return whether scores have a run's TTA, test set and at least its thresholds."""
    told = {f.name: protocol[f.name] for f in fields(TTAConfig) if f.name in protocol}
    # Scores from before the protocol had 'test' name the file that was read.
    test = str(protocol.get("test", protocol.get("dataset", "")))
    same = test == training.test or ("test" not in protocol and test.endswith(f"/{training.test}"))
    images = protocol.get("test_images", training.test_images)
    return (
        TTAConfig(**told) == training.tta
        and same
        and images == training.test_images
        and set(training.thresholds) <= set(protocol.get("thresholds", ()))
    )
