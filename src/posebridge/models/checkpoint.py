"""A trained pose model as a folder of five files, none of which is ever executed.

model.safetensors   the weights
skeleton.json       who the keypoints are
config.yaml         the whole configuration of the run; 'model' and 'crop' rebuild the network,
                    'asked' says in how many views it is asked
results.json        what is known of these weights, and the checksums of all four
README.md           the model card: the same for people; it may be edited and is never read
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from safetensors import SafetensorError
from safetensors.torch import load, save

from posebridge.data.crops import CropRange
from posebridge.errors import InputError
from posebridge.files.whole import files_written_whole, folder_written_whole
from posebridge.models import hub
from posebridge.models.asked import Asked
from posebridge.models.card import model_card
from posebridge.models.container import (
    CARD,
    CONFIG,
    FORMAT,
    RESULTS,
    SKELETON,
    WEIGHTS,
    read_files,
    sealed,
)
from posebridge.models.finite import require_finite_weights
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton

CHOICES = ("last", "selected", "source")
# What of an encoder's arguments would read further files; the weights are in the folder.
_READS_FILES = ("checkpoint_path", "cache_dir")

_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class Checkpoint:
    """What a model folder holds, the network rebuilt and in evaluation mode.

    Attributes:
        folder: where the files are: a folder, or the zip.
        asked: how the model is asked about a crop, where nobody says otherwise.
    """

    folder: Path
    model: PoseModel
    skeleton: Skeleton
    crop: CropRange
    config: Mapping[str, Any]
    results: Mapping[str, Any]
    asked: Asked = field(default_factory=Asked)


def save_checkpoint(
    folder: Path,
    model: PoseModel,
    skeleton: Skeleton,
    config: Mapping[str, Any],
    results: Mapping[str, Any],
) -> None:
    """Write a model folder whole or not at all; one that exists is replaced.

    Args:
        folder: where; its parent is made where it does not exist.
        config: 'model' and 'crop' rebuild the network; the rest is for the record.
        results: what is known of the weights; :mod:`posebridge.models.card` tells which entries
            the model card speaks of.
    """
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    files = {
        WEIGHTS: save(state, metadata={"format": FORMAT}),
        SKELETON: skeleton.to_json().encode(),
        CONFIG: yaml.safe_dump(dict(config), sort_keys=False).encode(),
    }
    files = sealed(files, results)
    files[CARD] = model_card(skeleton, config, results).encode()
    with folder_written_whole(folder, replace=True, alone=True) as partial:
        for name, content in files.items():
            (partial / name).write_bytes(content)


def record_scores(folder: Path, scores: Mapping[str, Any]) -> bool:
    """Add scores on labelled images to a model folder's results, and to its card.

    Scores of the same data set take the place of earlier ones.

    Args:
        scores: 'metrics' and 'protocol', as an evaluation writes them.

    Returns:
        whether the card was written too: one that somebody has edited is left as it is.
    """
    files, results = read_files(folder)
    checkpoint = load_checkpoint(folder)
    set_name = scores["protocol"]["dataset"]
    others = [s for s in results.get("scores", []) if s["protocol"]["dataset"] != set_name]
    card = folder / CARD
    untouched = model_card(checkpoint.skeleton, checkpoint.config, results)
    edited = card.is_file() and card.read_text(encoding="utf-8", errors="replace") != untouched
    results["scores"] = [*others, dict(scores)]
    content = {RESULTS: sealed(files, results)[RESULTS]}
    if not edited:
        content[CARD] = model_card(checkpoint.skeleton, checkpoint.config, results).encode()
    with files_written_whole([folder / name for name in content]) as partials:
        for partial, text in zip(partials, content.values(), strict=True):
            partial.write_bytes(text)
    return not edited


def find_checkpoint(path: Path | str, choice: str = "last") -> Path:
    """The model that a user means: a model folder, the ``choice`` of a run folder, or a zip.

    The id of a model on the Hugging Face hub (``user/name`` or ``user/name@revision``) is
    downloaded, unless a folder ``user`` exists here: then the name is taken for a path.

    Raises:
        InputError: neither a model folder nor a run folder with that choice, or no such id.
    """
    folder = Path(path)
    if (folder / WEIGHTS).is_file() or (folder.is_file() and folder.suffix.lower() == ".zip"):
        return folder
    if not folder.exists() and hub.is_id(str(path)):
        return hub.download(str(path))
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
        f"{folder} is no model folder and no run folder; give what 'posebridge adapt --out' wrote, "
        "a zip of a model folder, or the id of a model on the Hugging Face hub."
    )


def load_checkpoint(path: Path | str, choice: str = "last") -> Checkpoint:
    """Rebuild a model from a folder, a zip or the hub, on the CPU, in evaluation mode.

    Args:
        path: as in :func:`find_checkpoint`.
        choice: of a run folder: ``last``, ``selected`` or ``source``.

    Raises:
        InputError: a file is missing, truncated, differs from its checksum, or does not fit the
            others; the weights are not finite numbers.
    """
    folder = find_checkpoint(path, choice)
    files, results = read_files(folder)
    skeleton = Skeleton.from_json(
        # Bytes that are no text become characters that are no JSON.
        files[SKELETON].decode("utf-8", errors="replace"),
        str(folder / SKELETON),
    )
    config = _read_config(files[CONFIG], folder / CONFIG)
    model_config = _settings(ModelConfig, config, "model", folder / CONFIG)
    crop = _settings(CropRange, config, "crop", folder / CONFIG)
    # A folder from before there was the setting is asked once.
    asked = _settings(Asked, {"asked": {}, **config}, "asked", folder / CONFIG)
    arguments = {k: v for k, v in model_config.encoder_args.items() if k not in _READS_FILES}
    without_file = replace(model_config, weights="none", encoder_args=arguments)
    try:
        model = PoseModel(without_file, len(skeleton), crop.size)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{folder / CONFIG} describes no network that can be built "
            f"({str(error).splitlines()[0]}); copy the whole model folder again."
        ) from error
    try:
        state = load(files[WEIGHTS])
    except SafetensorError as error:
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
    require_finite_weights(state, str(folder / WEIGHTS))
    model.load_state_dict(state)
    return Checkpoint(folder, model.eval(), skeleton, crop, config, results, asked)


def _read_config(content: bytes, file: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(content.decode())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not valid YAML ({str(error).splitlines()[0]}).") from error
    if not isinstance(config, dict):
        raise InputError(f"{file} holds no settings; copy the whole model folder again.")
    return config


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
    except InputError as error:
        raise InputError(f"{file}: '{section}': {error}") from error


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
