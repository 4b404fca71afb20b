"""Feature level: features that a discriminator cannot tell apart (Ganin et al., JMLR 2016)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return -gradients[0]


def reverse_gradient(features: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The features themselves; their gradient changes sign on the way back."""
    return _Reversal.apply(features)  # type: ignore[no-any-return]


def domain_loss(
    source_logits: Float[Tensor, "B 1 H W"], target_logits: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    """L_f = BCE(D(R(f_s)), 0) + BCE(D(R(f_t)), 1), each a mean over batch and patches.

    Range: from 0 (domains told apart) up; 2 log 2 = 1.386 where the discriminator cannot tell.
    """
    return F.softplus(source_logits.float()).mean() + F.softplus(-target_logits.float()).mean()


def domain_accuracy(
    source_logits: Float[Tensor, "B 1 H W"], target_logits: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    """Share of patches that the discriminator places in the right domain; 0.5 is chance."""
    return 0.5 * ((source_logits < 0).float().mean() + (target_logits > 0).float().mean())
