"""What is scored and judged of a training, and whether it is what the plan asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from posebridge.bench.plan import Training
from posebridge.errors import InputError
from posebridge.evaluation import Results
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json_mapping
from posebridge.files.whole import write_text
from posebridge.models.tta import Asked

FINAL = ("last", "selected")
FINISHED = "finished.json"


def told_at_the_end(folder: Path) -> dict[str, Any]:
    """What a run folder says of a training that ended, empty where none did.

    Raises:
        InputError: the file is damaged.
    """
    file = folder / FINISHED
    if not file.is_file():
        return {}
    told = read_json_mapping(file, "note of a training's end")
    kept, stage = told.get("checkpoints", []), told.get("first_stage")
    named = isinstance(kept, list) and all(isinstance(name, str) for name in kept)
    if not named or not isinstance(stage, (str, type(None))):
        raise InputError(
            f"{file} is damaged: 'checkpoints' and 'first_stage' are not names; remove the file, "
            "and the same command notes the end again."
        )
    return told


def kept_checkpoints(training: Training, out: Path) -> list[str]:
    """All checkpoints that the adaptation of the run left, also where their weights are elsewhere."""
    folder = out / training.run / "checkpoints"
    if not folder.is_dir():
        return list(told_at_the_end(folder.parent).get("checkpoints", []))
    # A killed run may leave a half-written NAME.partial.
    kept = sorted(p.name for p in folder.glob("*") if p.is_dir() and not p.suffix)
    return [name for name in kept if name in FINAL or name.startswith("step_")]


def scored_checkpoints(training: Training, out: Path) -> list[str]:
    """Those that the comparison scores: all of them, or the last and the validator's choice."""
    kept = kept_checkpoints(training, out)
    return [name for name in kept if training.scores_all or name in FINAL]


def score_file(training: Training, out: Path, checkpoint: str) -> Path:
    """Where the scores of a checkpoint lie."""
    return out / training.name / "scores" / f"{checkpoint}.json"


def judgement_file(training: Training, out: Path, checkpoint: str) -> Path:
    """Where the validators' words about a checkpoint lie."""
    return out / training.name / "validators" / f"{checkpoint}.json"


def scores_of(training: Training, out: Path, checkpoint: str) -> Results | None:
    """The scores of a checkpoint, None where there are none or they are of other settings.

    Where a training of the same weights was asked the same, its scores are this one's.

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


def judgement_of(training: Training, out: Path, checkpoint: str) -> dict[str, float] | None:
    """What each validator said of a checkpoint, None where they said nothing by the plan as it is.

    Raises:
        InputError: the file is damaged.
    """
    file = judgement_file(training, out, checkpoint)
    if not file.is_file():
        return None
    told = read_json_mapping(file, "judgement")
    values = told.get("values")
    if not isinstance(values, dict) or not all(map(_is_number, values.values())):
        raise InputError(
            f"{file} is damaged: 'values' holds {short_repr(values)} where a number for each validator "
            "belongs; remove the file, and the same command makes it again."
        )
    return values if told.get("source_validation") == training.source_validation else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def write_judgement(
    training: Training, out: Path, checkpoint: str, values: Mapping[str, float]
) -> None:
    """Write what each validator said of a checkpoint."""
    content = {"source_validation": training.source_validation, "values": values}
    write_text(judgement_file(training, out, checkpoint), json.dumps(content, indent=2))


def unscored(training: Training, out: Path) -> list[str]:
    """Checkpoints that have no scores by the plan as it is now."""
    names = scored_checkpoints(training, out)
    return [name for name in names if scores_of(training, out, name) is None]


def unjudged(training: Training, out: Path) -> list[str]:
    """Checkpoints that a validator of the plan said nothing about; those of another's run are its."""
    if training.taught_by is not None:
        return []
    names = kept_checkpoints(training, out)
    return [name for name in names if judgement_of(training, out, name) is None]


def _fits(protocol: Mapping[str, Any], training: Training) -> bool:
    """Whether scores are of these views, this test set and at least these thresholds."""
    told = {f.name: protocol[f.name] for f in fields(Asked) if f.name in protocol}
    # Scores from before the plan's words were kept name the file that was read.
    test = str(protocol.get("test", protocol.get("dataset", "")))
    same = test == training.test or ("test" not in protocol and test.endswith(f"/{training.test}"))
    images = protocol.get("test_images", training.test_images)
    return (
        Asked(**told) == training.asked
        and same
        and images == training.test_images
        and set(training.thresholds) <= set(protocol.get("thresholds", ()))
    )
