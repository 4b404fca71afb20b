"""RegDA: features on which an adversarial regressor agrees with the model.

Jiang, Ji, Wang, Liu, Wang and Long, *Regressive Domain Adaptation for Unsupervised Keypoint
Detection*, CVPR 2021. A second regressor is trained to agree with the model on the source, and to be
wrong on the target as models are: to mistake another joint for the right one. The features are
trained so that the regressor agrees with the model on the target too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call

from posebridge.alignment.level import Level, register
from posebridge.alignment.step import Step
from posebridge.models.adversarial_head import Regressor
from posebridge.models.pose import PoseModel
from posebridge.ops import heatmaps as maps
from posebridge.ranges import Fraction, LossWeight, NonNegative, Positive

# Added to every cell before normalizing; a distribution that is 0 everywhere becomes flat.
_FLOOR = 1e-7


class Distributions(NamedTuple):
    """Two distributions over the cells for each joint, both with a sum of 1."""

    truth: Float[Tensor, "B K S S"]
    falsehood: Float[Tensor, "B K S S"]


class Disparity(NamedTuple):
    """The losses of the regressor and of the features, see :func:`regression_disparity`."""

    regressor: Float[Tensor, ""]
    features: Float[Tensor, ""]


@torch.no_grad()
def ground_truth_and_false(heatmaps: Float[Tensor, "B K S S"], sigma: float) -> Distributions:
    """Return the ground truth and the ground false of each joint, by the model's own heatmaps.

    The ground truth is a Gaussian at the peak. The ground false, where the joint could be mistaken
    for another, is the sum of the Gaussians of all other joints, at most 1 in each cell. Both are
    normalized.
    """
    cells, _ = maps.decode(heatmaps.float())
    drawn = maps.render(cells, heatmaps.shape[-1], sigma)
    others = (drawn.sum(dim=1, keepdim=True) - drawn).clamp(0, 1)
    return Distributions(_normalized(drawn), _normalized(others))


def _normalized(drawn: Float[Tensor, "B K S S"]) -> Float[Tensor, "B K S S"]:
    raised = drawn + _FLOOR
    return raised / raised.sum(dim=(2, 3), keepdim=True)


def divergence(
    logits: Float[Tensor, "B K S S"],
    aim: Float[Tensor, "B K S S"],
    weight: Float[Tensor, "B K"] | Bool[Tensor, "B K"] | None = None,
) -> Float[Tensor, ""]:
    """Return KL(aim || softmax of the logits) / log of the number of cells, a weighted joint mean.

    Range: [0, inf). Flat logits against a Gaussian have a divergence of about a half (0.49 at 64 x 64
    cells and a sigma of 2). So does an empty heatmap in the loss of the source: in these units the
    published loss weights keep their meaning.
    """
    cells = aim.shape[-1] * aim.shape[-2]
    log_p = torch.log_softmax(logits.float().flatten(2), dim=2)
    p = aim.float().flatten(2)
    each = (torch.special.xlogy(p, p) - p * log_p).sum(dim=2) / math.log(cells)
    if weight is None:
        return each.mean()
    counts = weight.float()
    return (each * counts).sum() / counts.sum().clamp_min(1e-6)


def regression_disparity(
    regressor: nn.Module,
    source_features: Float[Tensor, "B F S S"],
    source_heatmaps: Float[Tensor, "B K S S"],
    visible: Bool[Tensor, "B K"],
    target_features: Float[Tensor, "B F S S"],
    target_heatmaps: Float[Tensor, "B K S S"],
    sigma: float,
    margin: float = 4.0,
) -> Disparity:
    """Return the losses of both players; neither loss has a gradient for the other player's weights.

    With r the regressor, KL as in :func:`divergence`, true and false by the model's own heatmaps:

        regressor: margin KL(true_s || r(f_s)) + KL(false_t || r(f_t)),  f held fixed
        features:  margin KL(true_s || r(f_s)) + KL(true_t || r(f_t)),   r held fixed

    The minimax game is two minimizations, as published. The paper takes three steps of three
    optimizers; here the losses are added and computed at the same weights.
    """
    fixed = {name: value.detach() for name, value in regressor.named_parameters()}
    source = ground_truth_and_false(source_heatmaps, sigma)
    target = ground_truth_and_false(target_heatmaps, sigma)
    of_regressor = margin * divergence(regressor(source_features.detach()), source.truth, visible)
    of_regressor = of_regressor + divergence(regressor(target_features.detach()), target.falsehood)
    of_features = margin * divergence(
        functional_call(regressor, fixed, (source_features,)), source.truth, visible
    )
    of_features = of_features + divergence(
        functional_call(regressor, fixed, (target_features,)), target.truth
    )
    return Disparity(of_regressor, of_features)


@dataclass(frozen=True)
class RegDAConfig:
    """The adversarial regressor of RegDA (Jiang et al., CVPR 2021).

    Attributes:
        weight: loss weight of its losses; 0 turns the level off.
        source_weight: loss weight of the source relative to the target.
        feature_weight: fraction of the weight with which the features oppose the regressor, at its
            highest.
        ramp: fraction of the adaptation after which 0.46 of the feature weight is reached; the ramp is
            2 / (1 + exp(-t / ramp)) - 1.
        lr: learning rate of the regressor, as a multiple of the student's.
    """

    weight: LossWeight = 0.0
    source_weight: LossWeight = 4.0
    feature_weight: Fraction = 0.1
    ramp: Positive = 0.1
    lr: NonNegative = 1.0


@register
class RegDA(Level):
    """The losses of the adversarial regressor and of the features."""

    name = "regda"
    config_type = RegDAConfig
    needs = frozenset({"source", "target"})
    terms = ("regressor", "disparity")
    learns_from_target = True
    description = "adversarial regressor (RegDA)"

    config: RegDAConfig
    regressor: Regressor

    def build(self, model: PoseModel, channels: int) -> None:
        self.seed(2)
        self.regressor = Regressor(model.feature_channels, model.keypoints)

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        return [(list(self.regressor.parameters()), self.config.lr)]

    def losses(self, step: Step) -> dict[str, Tensor]:
        assert step.source is not None and step.target is not None
        assert step.source_views is not None
        terms = regression_disparity(
            self.regressor,
            step.source.features,
            step.source.heatmaps,
            step.source_views.visible,
            step.target.features,
            step.target.heatmaps,
            self.setup.sigma,
            self.config.source_weight,
        )
        return {"regressor": terms.regressor, "disparity": terms.features}

    def weight(self, term: str, progress: float) -> float:
        if term == "regressor":
            return self.config.weight
        ramp = 2 / (1 + math.exp(-progress / self.config.ramp)) - 1
        return self.config.weight * self.config.feature_weight * ramp
