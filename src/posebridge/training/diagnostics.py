"""Diagnostics of a training run: preview images, non-finite terms, gradients of each loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Preview(NamedTuple):
    """Inputs and labels of the last step for preview images; references only, without computation."""

    source_views: Float[Tensor, "B 3 C C"] | None = None
    styled_views: Float[Tensor, "B 3 C C"] | None = None
    source_points: Float[Tensor, "B K 2"] | None = None
    source_visible: Bool[Tensor, "B K"] | None = None
    target_views: Float[Tensor, "B 3 C C"] | None = None
    pseudo_points: Float[Tensor, "B K 2"] | None = None
    kept: Bool[Tensor, "B K"] | None = None


class NonFiniteLoss(RuntimeError):
    """A loss became infinite or not a number; the message names step and term."""


class FiniteLossGuard(nn.Module):
    """Records on the device, without a sync, the first step at which each term is not finite.

    Args:
        terms: names of all possible losses.
    """

    first_bad: Tensor

    def __init__(self, terms: Sequence[str]) -> None:
        super().__init__()
        self.terms = tuple(terms)
        self.register_buffer("first_bad", torch.full((len(terms),), -1), persistent=False)

    def look(self, losses: Mapping[str, Tensor], step: int) -> None:
        """Record which losses of a step are not finite."""
        for place, name in enumerate(self.terms):
            if name in losses:
                bad = ~torch.isfinite(losses[name].detach()) & (self.first_bad[place] < 0)
                self.first_bad[place] = torch.where(bad, step, self.first_bad[place])

    def require_finite(self) -> None:
        """Raise :class:`NonFiniteLoss` if a term was not finite since the run started."""
        first_bad = self.first_bad.tolist()
        for name, step in zip(self.terms, first_bad, strict=True):
            if step >= 0:
                raise NonFiniteLoss(
                    f"the {name} loss was not finite at step {step}; the checkpoints from before "
                    "are kept. Try a lower optimizer.lr, or a smaller loss weight of that term."
                )


def term_metrics(
    losses: Mapping[str, Tensor], weighted: Mapping[str, Tensor], features: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Return every loss raw and weighted, and the norm of its gradient at the shared features."""
    figures: dict[str, Tensor] = {}
    for name, loss in losses.items():
        figures[f"loss/{name}"] = loss.detach()
        figures[f"weighted/{name}"] = weighted[name].detach()
        figures[f"gradient/{name}"] = _gradient_norm(weighted[name], features)
    figures["loss/total"] = torch.stack([w.detach() for w in weighted.values()]).sum()
    return figures


def _gradient_norm(weighted: Tensor, features: Sequence[Tensor]) -> Tensor:
    """Return the norm of d(weighted loss) / d(decoder features); only the head is differentiated."""
    gradients = torch.autograd.grad(weighted, features, retain_graph=True, allow_unused=True)
    squares = [g.float().square().sum() for g in gradients if g is not None]
    return torch.stack(squares).sum().sqrt() if squares else torch.zeros(())
