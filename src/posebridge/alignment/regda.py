"""Features on which an adversarial regressor finds nothing to object to (RegDA).

Jiang, Ji, Wang, Liu, Wang and Long, *Regressive Domain Adaptation for Unsupervised Keypoint
Detection*, CVPR 2021. A second regressor agrees with the model on the source and is told to be wrong
on the target, in the way in which models are wrong: by taking another joint for the one asked for.
The features learn to leave it no choice but to agree there too.
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

# Of a cell's probability before normalising; a distribution that is 0 everywhere becomes flat.
_FLOOR = 1e-7


class Distributions(NamedTuple):
    """Two distributions over the cells for each joint, each with a sum of 1."""

    truth: Float[Tensor, "B K S S"]
    falsehood: Float[Tensor, "B K S S"]


class Disparity(NamedTuple):
    """What the regressor and what the features are to minimise, see :func:`regression_disparity`."""

    regressor: Float[Tensor, ""]
    features: Float[Tensor, ""]


@torch.no_grad()
def ground_truth_and_false(heatmaps: Float[Tensor, "B K S S"], sigma: float) -> Distributions:
    """Where a joint is by the model's own heatmaps, and where it is not but might be taken to be.

    The ground truth is a Gaussian at the peak; the ground false the sum of those of all other
    joints, at most 1 in each cell. Both are normalised.
    """
    cells, _ = maps.decode(heatmaps.float())
    drawn = maps.render(cells, heatmaps.shape[-1], sigma)
    others = (drawn.sum(dim=1, keepdim=True) - drawn).clamp(0, 1)
    return Distributions(_normalised(drawn), _normalised(others))


def _normalised(drawn: Float[Tensor, "B K S S"]) -> Float[Tensor, "B K S S"]:
    raised = drawn + _FLOOR
    return raised / raised.sum(dim=(2, 3), keepdim=True)


def divergence(
    logits: Float[Tensor, "B K S S"],
    aim: Float[Tensor, "B K S S"],
    weight: Float[Tensor, "B K"] | Bool[Tensor, "B K"] | None = None,
) -> Float[Tensor, ""]:
    """KL(aim || softmax of the logits) / log of the number of cells, as a weighted mean over joints.

    Range: [0, inf). Flat logits against a Gaussian score about a half (at 64 x 64 cells and a sigma
    of 2, 0.49), as an empty heatmap does in the loss of the source: in these units the published
    weights keep their meaning beside it.
    """
    cells = aim.shape[-1] * aim.shape[-2]
    log_p = torch.log_softmax(logits.float().flatten(2), dim=2)
    wanted = aim.float().flatten(2)
    each = (torch.special.xlogy(wanted, wanted) - wanted * log_p).sum(dim=2) / math.log(cells)
    if weight is None:
        return each.mean()
    share = weight.float()
    return (each * share).sum() / share.sum().clamp_min(1e-6)


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
    """Both sides of the game as losses to be added: neither's gradient reaches the other's weights.

    With r the regressor, KL as in :func:`divergence`, true and false by the model's own heatmaps:

        regressor: margin KL(true_s || r(f_s)) + KL(false_t || r(f_t)),  f held fixed
        features:  margin KL(true_s || r(f_s)) + KL(true_t || r(f_t)),   r held fixed

    The minimax game is two minimisations, as published; three steps of three optimizers there are
    one sum here, whose parts are taken at the same weights.
    """
    fixed = {name: value.detach() for name, value in regressor.named_parameters()}
    source = ground_truth_and_false(source_heatmaps, sigma)
    target = ground_truth_and_false(target_heatmaps, sigma)
    own = margin * divergence(regressor(source_features.detach()), source.truth, visible)
    own = own + divergence(regressor(target_features.detach()), target.falsehood)
    theirs = margin * divergence(
        functional_call(regressor, fixed, (source_features,)), source.truth, visible
    )
    theirs = theirs + divergence(
        functional_call(regressor, fixed, (target_features,)), target.truth
    )
    return Disparity(own, theirs)


@dataclass(frozen=True)
class DisparityConfig:
    """The adversarial regressor of RegDA (Jiang et al., CVPR 2021).

    Attributes:
        weight: of its losses; 0 turns it off.
        margin: weight of the source beside the target in them.
        features: share of that weight with which the features answer the regressor, at its highest.
        rise: share of the adaptation after which 0.46 of that is in force; it goes on as
            2 / (1 + exp(-t / rise)) - 1.
        lr: the regressor's learning rate, as a multiple of the student's.
    """

    weight: LossWeight = 0.0
    margin: LossWeight = 4.0
    features: Fraction = 0.1
    rise: Positive = 0.1
    lr: NonNegative = 1.0


@register
class RegDA(Level):
    """The adversarial regressor's own loss, and what the features answer."""

    name = "disparity"
    config_type = DisparityConfig
    needs = frozenset({"source", "target"})
    terms = ("regressor", "disparity")
    learns_from_target = True
    description = "adversarial regressor (RegDA)"

    config: DisparityConfig
    regressor: Regressor

    def build(self, model: PoseModel, channels: int) -> None:
        self.seed(2)
        self.regressor = Regressor(model.feature_channels, model.keypoints)

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        return [(list(self.regressor.parameters()), self.config.lr)]

    def losses(self, step: Step) -> dict[str, Tensor]:
        assert step.source is not None and step.target is not None
        assert step.source_views is not None
        found = regression_disparity(
            self.regressor,
            step.source.features,
            step.source.heatmaps,
            step.source_views.visible,
            step.target.features,
            step.target.heatmaps,
            self.setup.sigma,
            self.config.margin,
        )
        return {"regressor": found.regressor, "disparity": found.features}

    def weight(self, term: str, progress: float) -> float:
        if term == "regressor":
            return self.config.weight
        answer = 2 / (1 + math.exp(-progress / self.config.rise)) - 1
        return self.config.weight * self.config.features * answer
