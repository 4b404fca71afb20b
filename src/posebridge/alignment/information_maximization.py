"""Information maximization on heatmaps (pose level)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.alignment.level import Level, register
from posebridge.alignment.step import Step
from posebridge.ranges import LossWeight, Positive


class Information(NamedTuple):
    """The two entropies, each divided by the log of the number of cells: in [0, 1]."""

    certainty: Float[Tensor, ""]
    diversity: Float[Tensor, ""]

    @property
    def loss(self) -> Float[Tensor, ""]:
        """Return L_p, see :func:`information_maximization`."""
        return self.certainty - self.diversity


def information_maximization(
    heatmaps: Float[Tensor, "B K H W"], temperature: float = 0.1
) -> Information:
    """Return both entropies of L_p = mean_bk H(p_bk) - mean_k H(mean_b p_bk).

    Here p is the softmax over cells of h / temperature. The loss is minus the mutual information
    between image and position (Bridle 1991; Liang et al., ICML 2020), estimated for each joint on the
    batch. Minimizing it makes heatmaps certain for each image and diverse over the batch.

    Range: [-1, 0]. It is 0 where every image has the same distribution (all flat, or all peaked at
    one cell), and -log(B) / log(H W) where B images peak at B cells. Gradients flow through both
    entropies.

    Heatmaps aim at a peak of 1 over 0, so a softmax without a temperature is flat: exp(1) = 2.7
    against thousands of cells. At a temperature of 0.1 the peak weighs exp(10) = 22,000 cells. The
    released code has no temperature, averages rows and columns first and divides by H W: its whole
    range is 6e-8.
    """
    cells = heatmaps.shape[-1] * heatmaps.shape[-2]
    scale = 1.0 / math.log(cells)
    log_p = torch.log_softmax(heatmaps.float().flatten(2) / temperature, dim=2)
    p = log_p.exp()
    certainty = -(p * log_p).sum(dim=2).mean() * scale
    mean = p.mean(dim=0)
    diversity = -torch.special.xlogy(mean, mean.clamp_min(1e-12)).sum(dim=1).mean() * scale
    return Information(certainty, diversity)


@dataclass(frozen=True)
class InformationMaximizationConfig:
    """Pose level: information maximization on the student's target heatmaps.

    Attributes:
        weight: loss weight; 0 turns the level off.
        temperature: temperature of the softmax over heatmap cells.
    """

    weight: LossWeight = 0.1
    temperature: Positive = 0.1


@register
class InformationMaximization(Level):
    """Heatmaps that are certain for each image and diverse over the batch."""

    name = "pose"
    config_type = InformationMaximizationConfig
    needs = frozenset({"target"})
    terms = ("pose",)
    learns_from_target = True
    pushes = frozenset({"confident_agreement", "information", "confidence", "certainty"})
    description = "information maximization"

    config: InformationMaximizationConfig

    def losses(self, step: Step) -> dict[str, Tensor]:
        assert step.target is not None
        information = information_maximization(step.target.heatmaps, self.config.temperature)
        step.log("pose/certainty", information.certainty)
        step.log("pose/diversity", information.diversity)
        return {"pose": information.loss}
