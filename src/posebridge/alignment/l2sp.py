"""L2-SP: a pull back to the weights from before the adaptation, against drift."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from posebridge.alignment.level import Level, register
from posebridge.models.pose import PoseModel
from posebridge.ranges import LossWeight


@dataclass(frozen=True)
class L2SPConfig:
    """Decay of the student's weights towards those from before the adaptation.

    Attributes:
        weight: as optimizer.weight_decay is towards 0; 0 turns it off.
    """

    weight: LossWeight = 0.0


@register
class L2SP(Level):
    """Decay towards where the adaptation began.

    After each step of the optimizer w <- w + rate * strength * (w_0 - w), with the learning rate of
    the parameter: AdamW's decoupled weight decay (Loshchilov & Hutter, ICLR 2019) towards the
    starting point in place of 0, as in L2-SP (Li et al., ICML 2018). As no loss carries it, Adam does
    not rescale it; as it goes with the rate, a cosine's end pulls nothing back. Left to itself a
    difference shrinks by exp(-strength * sum of the rates): over 500 steps at a mean of 2.5e-4 a
    strength of 1 undoes an eighth, over the default 15,000 (1e-4, with its step decay) almost two
    thirds, which is where a student without a source has the time to drift.

    A frozen copy whose heatmaps the student is held to (Peng et al., ICCV 2023; Ding et al., 2023)
    costs a forward pass of every batch and teaches the mistakes that the copy makes on the target.
    """

    name = "anchor"
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
        """Move every parameter a little way back."""
        rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
        for start, parameter in zip(self.buffers(), student.parameters(), strict=True):
            parameter.lerp_(start, min(1.0, rates[id(parameter)] * self.config.weight))
