"""Domain-adversarial training (feature level).

The features of both domains become indistinguishable to a discriminator (Ganin et al., JMLR 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.alignment.level import Level, register
from posebridge.alignment.step import Step
from posebridge.models.discriminator import PatchDiscriminator
from posebridge.models.pose import PoseModel
from posebridge.ranges import Channels, LossWeight, NonNegative


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return -gradients[0]


def reverse_gradient(features: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return the features unchanged; the backward pass negates their gradient."""
    return _Reversal.apply(features)  # type: ignore[no-any-return]


def domain_loss(
    source_logits: Float[Tensor, "B 1 H W"], target_logits: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    """Return L_f = BCE(D(R(f_s)), 0) + BCE(D(R(f_t)), 1), each a mean over batch and patches.

    Range: [0, inf). It is 0 where the discriminator separates the domains, and 2 log 2 = 1.386 where
    its output does not depend on the domain.
    """
    return F.softplus(source_logits.float()).mean() + F.softplus(-target_logits.float()).mean()


def domain_accuracy(
    source_logits: Float[Tensor, "B 1 H W"], target_logits: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    """Return the fraction of patches that the discriminator classifies correctly; 0.5 is random."""
    return 0.5 * ((source_logits < 0).float().mean() + (target_logits > 0).float().mean())


@dataclass(frozen=True)
class DomainAdversarialConfig:
    """Feature level: the domain discriminator.

    Attributes:
        weight: loss weight of the adversarial loss; 0 turns the level off.
        width: channels of the discriminator's hidden layers.
        lr: learning rate of the discriminator, as a multiple of the student's.
    """

    weight: LossWeight = 0.1
    width: Channels = 64
    lr: NonNegative = 1.0


@register
class DomainAdversarial(Level):
    """The discriminator on the features of both domains, which are trained to deceive it."""

    name = "feature"
    config_type = DomainAdversarialConfig
    needs = frozenset({"source", "target"})
    terms = ("feature",)
    learns_from_target = True
    description = "domain discriminator"

    config: DomainAdversarialConfig
    discriminator: PatchDiscriminator

    def build(self, model: PoseModel, channels: int) -> None:
        self.seed(1)
        self.discriminator = PatchDiscriminator(channels, self.config.width)

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        return [(list(self.discriminator.parameters()), self.config.lr)]

    def losses(self, step: Step) -> dict[str, Tensor]:
        if step.discriminated is None:
            return {}
        source, target = step.discriminated  # (B,F,S,S) of each domain
        logits = self.discriminator(torch.cat([reverse_gradient(source), reverse_gradient(target)]))
        on_source, on_target = logits.chunk(2)
        step.log("discriminator/accuracy", domain_accuracy(on_source, on_target))
        return {"feature": domain_loss(on_source, on_target)}
