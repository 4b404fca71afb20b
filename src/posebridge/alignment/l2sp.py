"""L2-SP: weight decay towards the weights from before the adaptation, against drift."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from posebridge.alignment.level import Level, register
from posebridge.models.pose import PoseModel
from posebridge.ranges import LossWeight


@dataclass(frozen=True)
class L2SPConfig:
    """Decay of the student's weights toward their values from before the adaptation.

    Attributes:
        weight: strength of the decay, as optimizer.weight_decay is toward 0; 0 turns the level off.
    """

    weight: LossWeight = 0.0


@register
class L2SP(Level):
    """Weight decay towards the weights at the start of the adaptation.

    After each step of the optimizer w <- w + rate * strength * (w_0 - w), with the learning rate of
    the parameter. This is AdamW's decoupled weight decay (Loshchilov & Hutter, ICLR 2019) towards the
    starting point in place of 0, as in L2-SP (Li et al., ICML 2018). It is not part of a loss, so
    Adam does not rescale it. It is proportional to the learning rate, so it ends with a cosine
    schedule. Without other gradients a difference shrinks by exp(-strength * sum of the rates). With
    a strength of 1, 500 steps at a mean rate of 2.5e-4 undo an eighth of a difference. The default
    15,000 steps (1e-4, with step decay) undo almost two thirds.

    The alternative is a loss against the heatmaps of a frozen copy (Peng et al., ICCV 2023; Ding et
    al., 2023). It costs a forward pass of every batch and teaches the copy's mistakes on the target.
    """

    name = "l2sp"
    config_type = L2SPConfig
    description = "L2-SP: decay towards the weights from before the adaptation"

    config: L2SPConfig

    def build(self, model: PoseModel, channels: int) -> None:
        for number, parameter in enumerate(model.parameters()):
            self.register_buffer(f"start_{number}", parameter.detach().clone())

    @torch.no_grad()
    def begin_step(self, step: int, student: nn.Module) -> None:
        if step == self.setup.source_steps:
            for start, parameter in zip(self.buffers(), student.parameters(), strict=True):
                start.copy_(parameter)

    @torch.no_grad()
    def after_step(self, student: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Move every parameter a small step back."""
        rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
        for start, parameter in zip(self.buffers(), student.parameters(), strict=True):
            parameter.lerp_(start, min(1.0, rates[id(parameter)] * self.config.weight))
