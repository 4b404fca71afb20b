"""Checks that weights are finite numbers, before they are stored and after they are loaded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from posebridge.errors import InputError


def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of the first tensor with an infinite value or NaN; None where there is none.

    It costs one synchronization with the device, for any number of tensors.

    >>> first_not_finite({"a": torch.ones(2), "b": torch.tensor([1.0, float("nan")])})
    'b'
    """
    named = {k: v for k, v in tensors.items() if v.is_floating_point() or v.is_complex()}
    if not named:
        return None
    home = next(iter(named.values())).device
    fine = torch.stack([torch.isfinite(v.detach()).all().to(home) for v in named.values()])
    flags = fine.tolist()
    return next((name for name, ok in zip(named, flags, strict=True) if not ok), None)


def require_finite_weights(tensors: Mapping[str, Tensor], where: str) -> None:
    """Raise InputError where loaded weights hold an infinite value or NaN.

    Args:
        where: the file or model, for the message.
    """
    name = first_not_finite(tensors)
    if name is not None:
        raise InputError(
            f"{where} has weights that are not finite numbers (the first in '{name}'), so its "
            "predictions are meaningless; use an earlier checkpoint, or train again."
        )
