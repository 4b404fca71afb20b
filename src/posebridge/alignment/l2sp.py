"""A pull back to the weights from before the adaptation, against drift."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Anchor:
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

    def __init__(self, strength: float) -> None:
        """``strength`` is ``anchor`` of the settings; 0 holds nothing and does nothing."""
        self.strength = strength
        self.start: dict[str, Tensor] = {}

    def hold(self, model: nn.Module) -> None:
        """Remember the parameters as they are."""
        if self.strength > 0:
            self.start = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def pull(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Move every parameter a little way back."""
        if self.strength == 0:
            return
        rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
        for name, parameter in model.named_parameters():
            start = self.start[name]
            if start.device != parameter.device:  # it came from a file
                start = self.start[name] = start.to(parameter.device)
            parameter.lerp_(start, min(1.0, rates[id(parameter)] * self.strength))

    def load(self, start: Mapping[str, Tensor]) -> None:
        """Go on with what an earlier session held."""
        self.start = dict(start)
