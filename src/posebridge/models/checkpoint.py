"""A trained pose model as a folder of four files, none of which is ever executed.

model.safetensors   the weights
skeleton.json       who the keypoints are
config.yaml         the whole configuration of the run; 'model' and 'crop' rebuild the network
results.json        what the run says of these weights
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from posebridge.data.crops import CropRange
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton

WEIGHTS, SKELETON, CONFIG, RESULTS = (
    "model.safetensors",
    "skeleton.json",
    "config.yaml",
    "results.json",
)
CHOICES = ("last", "selected", "source")

_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class Checkpoint:
    """What a model folder holds, the network rebuilt and in evaluation mode."""

    folder: Path
    model: PoseModel
    skeleton: Skeleton
    crop: CropRange
    config: Mapping[str, Any]
    results: Mapping[str, Any]


def save_checkpoint(
    folder: Path,
    model: PoseModel,
    skeleton: Skeleton,
    config: Mapping[str, Any],
    results: Mapping[str, Any],
) -> None:
    """Write a model folder whole or not at all; one that exists is replaced."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(state, partial / WEIGHTS, metadata={"format": "posebridge pose model 1"})
    (partial / SKELETON).write_text(skeleton.to_json(), encoding="utf-8")
    (partial / CONFIG).write_text(yaml.safe_dump(dict(config), sort_keys=False), encoding="utf-8")
    (partial / RESULTS).write_text(json.dumps(dict(results), indent=2), encoding="utf-8")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(partial, folder)
    shutil.rmtree(old, ignore_errors=True)


def find_checkpoint(path: Path | str, choice: str = "last") -> Path:
    """The model folder that a user means: itself, or the ``choice`` of a run folder.

    Raises:
        InputError: neither a model folder nor a run folder with that choice.
    """
    folder = Path(path)
    if (folder / WEIGHTS).is_file():
        return folder
    if choice not in CHOICES:
        raise InputError(f"unknown choice of weights '{choice}'; known are {', '.join(CHOICES)}.")
    inside = folder / "checkpoints"
    if (inside / choice / WEIGHTS).is_file():
        return inside / choice
    if inside.is_dir():
        present = sorted(p.name for p in inside.iterdir() if (p / WEIGHTS).is_file())
        raise InputError(
            f"the run {folder} has no weights '{choice}' (it has: {', '.join(present) or 'none'}); "
            "choose one of these, or let the run finish with --resume."
        )
    raise InputError(
        f"{folder} is no model folder and no run folder; give what 'posebridge adapt --out' wrote."
    )


def load_checkpoint(path: Path | str, choice: str = "last") -> Checkpoint:
    """Rebuild a model from its folder, on the CPU, in evaluation mode.

    Raises:
        InputError: a file is missing, truncated, or does not fit the others.
    """
    folder = find_checkpoint(path, choice)
    for name in (SKELETON, CONFIG):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder} has no {name}; a model folder needs it, copy the whole one."
            )
    skeleton = Skeleton.from_json(
        # Bytes that are no text become characters that are no JSON.
        (folder / SKELETON).read_text(encoding="utf-8", errors="replace"),
        str(folder / SKELETON),
    )
    config = _read_config(folder / CONFIG)
    model_config = _settings(ModelConfig, config, "model", folder / CONFIG)
    crop = _settings(CropRange, config, "crop", folder / CONFIG)
    without_file = ModelConfig(**{**vars(model_config), "weights": "none"})
    try:
        model = PoseModel(without_file, len(skeleton), crop.size)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{folder / CONFIG} describes no network that can be built "
            f"({str(error).splitlines()[0]}); copy the whole model folder again."
        ) from error
    try:
        state = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{folder / WEIGHTS} is damaged or not a safetensors file ({error}); copy it again."
        ) from error
    expected = model.state_dict()
    wrong = [
        name
        for name in sorted(set(expected) | set(state))
        if name not in state or name not in expected or state[name].shape != expected[name].shape
    ]
    if wrong:
        raise InputError(
            f"{folder / WEIGHTS} does not fit {folder / CONFIG}: {len(wrong)} of its tensors are "
            f"missing, surplus or of another shape, the first '{wrong[0]}'; copy the whole folder."
        )
    model.load_state_dict(state)
    return Checkpoint(folder, model.eval(), skeleton, crop, config, _read_results(folder / RESULTS))


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not valid YAML ({str(error).splitlines()[0]}).") from error
    if not isinstance(config, dict):
        raise InputError(f"{file} holds no settings; copy the whole model folder again.")
    return config


def _read_results(file: Path) -> dict[str, Any]:
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Results are a note beside the weights; a model without them still predicts.
        return {}
    return results if isinstance(results, dict) else {}


def _settings(
    kind: type[_Settings], config: Mapping[str, Any], section: str, file: Path
) -> _Settings:
    values = config.get(section)
    if not isinstance(values, dict):
        raise InputError(f"{file} has no section '{section}'; copy the whole model folder again.")
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    surplus = sorted(set(values) - known)
    if surplus:
        raise InputError(
            f"{file}: '{section}.{surplus[0]}' is unknown to this version of posebridge."
        )
    hints = get_type_hints(kind)
    for name, value in values.items():
        if not _is_of(value, hints[name]):
            raise InputError(
                f"{file}: '{section}.{name}' is {value!r}, which is of the wrong type; copy the "
                "whole model folder again."
            )
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{file}: section '{section}' is incomplete ({error}).") from error


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value from YAML is what a setting's annotation says; NaN and infinity never are."""
    if isinstance(hint, UnionType):
        return any(_is_of(value, part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint in (int, float):
        number = isinstance(value, (int, hint)) and not isinstance(value, bool)
        return number and math.isfinite(value)
    return isinstance(value, get_origin(hint) or hint)
