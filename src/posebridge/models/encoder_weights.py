"""Encoder weights from a local file, matched by name with any prefix.

timm loads the weights that it publishes; this module reads a file that a user trained or downloaded.
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
"""The keys under which training scripts store the weights in a .pth file that holds more."""


def weights_file(name: str, weights: str) -> Path | None:
    """Return the local file that ``weights`` names, None for 'pretrained' and 'none'."""
    if weights in ("pretrained", "none"):
        return None
    file = Path(weights).expanduser()
    if file.suffix not in (".safetensors", ".pth", ".pt"):
        raise InputError(
            f"weights '{weights}' of encoder '{name}' are not known; give 'pretrained', 'none', or a "
            ".safetensors, .pth or .pt file."
        )
    if not file.is_file():
        raise InputError(f"weights file {file} of encoder '{name}' does not exist; check the path.")
    return file


def load_local(net: nn.Module, name: str, file: Path) -> None:
    """Copy the weights of a local file into a timm feature model, cast to its dtypes."""
    state = _read(file)
    matched, missing, misshapen = _match(net, state)
    if missing or misshapen:
        converted = _converted(net, state)
        if converted is not None:
            matched, missing, misshapen = _match(net, converted)
    if missing:
        raise InputError(
            f"{file} does not hold the weights of encoder '{name}': {len(missing)} are missing, "
            f"such as {', '.join(missing[:3])}; give a file of this architecture."
        )
    if misshapen:
        raise InputError(
            f"{file} does not fit encoder '{name}': {len(misshapen)} weights have another shape, "
            f"such as {', '.join(misshapen[:3])}; give a file of this architecture."
        )
    require_finite_weights(matched, str(file))
    net.load_state_dict(matched, strict=False)


def _read(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file by name; no code in the file is executed."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        raw: Any = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{file} holds more than plain tensors and is not opened because it could run code; "
            "save its weights as .safetensors."
        ) from error
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(
            f"{file} cannot be read as weights ({type(error).__name__}); it may be damaged, "
            "so download or save it again."
        ) from error
    for key in _NESTED:
        if isinstance(raw, Mapping) and isinstance(raw.get(key), Mapping):
            raw = raw[key]
    if not isinstance(raw, Mapping):
        raise InputError(f"{file} holds a {type(raw).__name__}, expected a dictionary of tensors.")
    return {str(k): v for k, v in raw.items() if isinstance(v, Tensor)}


def _flat(key: str) -> str:
    """Return a key in one spelling: timm renames ``stages.0`` to ``stages_0`` in feature models."""
    return key.replace(".", "_")


def _match(
    net: nn.Module, state: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """Return (weights by the model's keys, missing keys, keys of another shape) for the best prefix."""
    keys = {key.removeprefix("model."): key for key in net.state_dict()}
    prefix = _prefix([_flat(key) for key in keys], [_flat(key) for key in state])
    flat = {_flat(key): value for key, value in state.items()}
    matched: dict[str, Tensor] = {}
    missing: list[str] = []
    misshapen: list[str] = []
    own = net.state_dict()
    for short, key in keys.items():
        value = flat.get(prefix + _flat(short))
        if value is None:
            if not short.endswith("num_batches_tracked"):
                missing.append(short)
        elif value.shape != own[key].shape:
            misshapen.append(f"{short} {tuple(value.shape)} for {tuple(own[key].shape)}")
        else:
            matched[key] = value
    return matched, missing, misshapen


def _prefix(own: Sequence[str], stored: Sequence[str]) -> str:
    """Return the prefix of the names in a file (``module.encoder.``) that matches most weights."""
    names = set(stored)
    anchors = own[:: max(len(own) // 8, 1)]
    candidates = {"": None}
    for anchor in anchors:
        candidates.update({k.removesuffix(anchor): None for k in stored if k.endswith(anchor)})
    return max(candidates, key=lambda prefix: sum(prefix + key in names for key in own))


def _converted(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Convert the weights with timm's converter of the architecture; None where timm has none.

    It renames the keys of original releases and resamples position embeddings to the input size.
    """
    inner = getattr(net, "model", None)
    if not isinstance(inner, nn.Module):
        return None
    convert = getattr(sys.modules[type(inner).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return None
    own = [_flat(key.removeprefix("model.")) for key in net.state_dict()]
    length = len(_prefix(own, [_flat(key) for key in state]))
    prefix = next((k[:length] for k in state if _flat(k)[length:] in set(own)), "")
    try:
        return convert({k.removeprefix(prefix): v for k, v in state.items()}, inner)
    except (KeyError, AttributeError, IndexError, RuntimeError, TypeError):
        return None
