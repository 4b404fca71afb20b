"""Weights of an encoder from a local file: whatever prefix a training left before their names.

timm loads what it publishes; a file that a user trained or downloaded is matched here.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from posebridge.errors import InputError
from posebridge.models.finite import require_finite_weights

_NESTED = ("state_dict", "model", "teacher")
"""Where training scripts put the weights when a .pth file holds more than those."""


def weights_file(name: str, weights: str) -> Path | None:
    """The local file that ``weights`` names, None for 'pretrained' and 'none'."""
    if weights in ("pretrained", "none"):
        return None
    file = Path(weights).expanduser()
    if file.suffix not in (".safetensors", ".pth", ".pt"):
        raise InputError(
            f"weights '{weights}' of encoder '{name}' are neither 'pretrained' nor 'none' nor a "
            ".safetensors, .pth or .pt file."
        )
    if not file.is_file():
        raise InputError(f"weights file {file} of encoder '{name}' does not exist.")
    return file


def load_local(net: nn.Module, name: str, file: Path) -> None:
    """Copy the weights of a local file into a timm feature model, cast to its dtypes."""
    state = _read(file)
    found, missing, misshapen = _match(net, state)
    if missing or misshapen:
        converted = _converted(net, state)
        if converted is not None:
            found, missing, misshapen = _match(net, converted)
    if missing:
        raise InputError(
            f"{file} does not hold the weights of encoder '{name}': {len(missing)} are missing, "
            f"such as {', '.join(missing[:3])}."
        )
    if misshapen:
        raise InputError(
            f"{file} does not fit encoder '{name}': {len(misshapen)} weights have another shape, "
            f"such as {', '.join(misshapen[:3])}."
        )
    require_finite_weights(found, str(file))
    net.load_state_dict(found, strict=False)


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name; nothing in the file is executed."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        raw: Any = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{file} holds more than plain tensors, which is not opened as it could run code; "
            "save its weights as .safetensors."
        ) from error
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(
            f"{file} cannot be read as weights ({type(error).__name__}); it seems damaged."
        ) from error
    for key in _NESTED:
        if isinstance(raw, Mapping) and isinstance(raw.get(key), Mapping):
            raw = raw[key]
    if not isinstance(raw, Mapping):
        raise InputError(f"{file} holds a {type(raw).__name__}, expected a dictionary of tensors.")
    return {str(k): v for k, v in raw.items() if isinstance(v, Tensor)}


def _flat(key: str) -> str:
    """One spelling for a weight: timm renames ``stages.0`` to ``stages_0`` in feature models."""
    return key.replace(".", "_")


def _match(
    net: nn.Module, state: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """(weights by the model's keys, missing keys, keys of another shape) under the best prefix."""
    wanted = {key.removeprefix("model."): key for key in net.state_dict()}
    prefix = _prefix([_flat(key) for key in wanted], [_flat(key) for key in state])
    flat = {_flat(key): value for key, value in state.items()}
    found: dict[str, Tensor] = {}
    missing: list[str] = []
    misshapen: list[str] = []
    own = net.state_dict()
    for short, key in wanted.items():
        value = flat.get(prefix + _flat(short))
        if value is None:
            if not short.endswith("num_batches_tracked"):
                missing.append(short)
        elif value.shape != own[key].shape:
            misshapen.append(f"{short} {tuple(value.shape)} for {tuple(own[key].shape)}")
        else:
            found[key] = value
    return found, missing, misshapen


def _prefix(wanted: Sequence[str], given: Sequence[str]) -> str:
    """What stands before the names in a file (``module.encoder.``): the one with most matches."""
    names = set(given)
    anchors = wanted[:: max(len(wanted) // 8, 1)]
    candidates = {"": None}
    for anchor in anchors:
        candidates.update({k.removesuffix(anchor): None for k in given if k.endswith(anchor)})
    return max(candidates, key=lambda prefix: sum(prefix + key in names for key in wanted))


def _converted(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The weights through timm's own converter of the architecture, where it has one.

    It renames the keys of original releases and resamples position embeddings to the input size.
    """
    inner = getattr(net, "model", None)
    if not isinstance(inner, nn.Module):
        return None
    convert = getattr(sys.modules[type(inner).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return None
    wanted = [_flat(key.removeprefix("model.")) for key in net.state_dict()]
    length = len(_prefix(wanted, [_flat(key) for key in state]))
    prefix = next((k[:length] for k in state if _flat(k)[length:] in set(wanted)), "")
    try:
        return convert({k.removeprefix(prefix): v for k, v in state.items()}, inner)
    except (KeyError, AttributeError, IndexError, RuntimeError, TypeError):
        return None
