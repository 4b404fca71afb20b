"""What each level says of one step, as losses by name.

``figures`` takes what is worth logging beside the losses; None where the step is not logged.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.alignment.coarse_to_fine import easiest, joint_errors
from posebridge.alignment.domain_adversarial import domain_accuracy, domain_loss, reverse_gradient
from posebridge.alignment.facing import facing_loss, same_way
from posebridge.alignment.information_maximization import information_maximization
from posebridge.alignment.mean_teacher import relative_error
from posebridge.alignment.regda import regression_disparity
from posebridge.models.adversarial_head import Regressor
from posebridge.models.discriminator import PatchDiscriminator
from posebridge.models.pose import PoseOutput
from posebridge.models.refinement_block import Refined
from posebridge.ops import heatmaps
from posebridge.training.auxiliary_networks import Refinement
from posebridge.training.config import AdaptConfig
from posebridge.training.pseudo_labels import Labels
from posebridge.training.source_views import SourceViews

Figures = dict[str, Tensor | float]


def gaussians(points: Float[Tensor, "B K 2"], config: AdaptConfig) -> Float[Tensor, "B K S S"]:
    """What heatmaps aim at where the joints lie at ``points``, pixels of a view."""
    size = config.model.heatmap_size
    cells = heatmaps.pixels_to_cells(points, config.crop.size / size)
    return heatmaps.render(cells, size, config.model.sigma)


def source_level(output: PoseOutput, shown: SourceViews, config: AdaptConfig) -> dict[str, Tensor]:
    """L_s, and the way the subjects face."""
    losses = {"source": _supervised(output.heatmaps, shown, config)}
    if shown.way is not None and output.turned is not None:
        losses["facing"] = facing_loss(output.turned, shown.way.turned, shown.way.known)
    return losses


def _supervised(
    predicted: Float[Tensor, "B K S S"], shown: SourceViews, config: AdaptConfig
) -> Float[Tensor, ""]:
    """L_s in units of a Gaussian's energy, as a mean over visible joints."""
    aim = gaussians(shown.points, config)  # (B,K,S,S)
    error = relative_error(predicted, aim, shown.visible, config.model.sigma)
    return 0.5 * error / shown.visible.float().mean().clamp_min(1e-6)


def consistency_level(
    target: PoseOutput,
    labels: Labels,
    config: AdaptConfig,
    figures: Figures | None,
) -> dict[str, Tensor]:
    """What the student's heatmaps, and the way it says subjects face, differ from the labels."""
    aim = gaussians(labels.points, config)  # (B,K,S,S)
    error = relative_error(target.heatmaps, aim, labels.weight, config.model.sigma)
    return {"consistency": error} | _facing_as_labelled(target, labels, figures)


def _facing_as_labelled(
    target: PoseOutput, labels: Labels, figures: Figures | None
) -> dict[str, Tensor]:
    """The way the student says subjects face against the labels', and what is logged of these."""
    losses: dict[str, Tensor] = {}
    if target.turned is not None and labels.turned is not None:
        losses["target_facing"] = same_way(target.turned, labels.turned, labels.share)
    if figures is not None:
        figures["teacher/kept"] = labels.kept.float().mean()
        figures["teacher/inside"] = labels.inside.float().mean()
        figures["teacher/confidence"] = labels.confidence.mean()
        figures["teacher/threshold"] = labels.threshold.mean()
        if labels.plausible is not None:
            figures["teacher/plausible"] = labels.plausible.mean()
    return losses


def feature_level(
    discriminator: PatchDiscriminator,
    source: Float[Tensor, "B F S S"],
    target: Float[Tensor, "B F S S"],
    figures: Figures | None,
) -> dict[str, Tensor]:
    """The discriminator on the features of both domains, which learn to deceive it."""
    judged = discriminator(torch.cat([reverse_gradient(source), reverse_gradient(target)]))
    on_source, on_target = judged.chunk(2)
    if figures is not None:
        figures["discriminator/accuracy"] = domain_accuracy(on_source, on_target)
    return {"feature": domain_loss(on_source, on_target)}


def pose_level(
    target: PoseOutput, config: AdaptConfig, figures: Figures | None
) -> dict[str, Tensor]:
    """Certain for each image, diverse over the batch."""
    information = information_maximization(target.heatmaps, config.pose.temperature)
    if figures is not None:
        figures["pose/certainty"] = information.certainty
        figures["pose/diversity"] = information.diversity
    return {"pose": information.loss}


def disparity_level(
    regressor: Regressor,
    source: PoseOutput,
    visible: Bool[Tensor, "B K"],
    target: PoseOutput,
    config: AdaptConfig,
) -> dict[str, Tensor]:
    """The adversarial regressor's own loss, and what the features answer."""
    found = regression_disparity(
        regressor,
        source.features,
        source.heatmaps,
        visible,
        target.features,
        target.heatmaps,
        config.model.sigma,
        config.disparity.margin,
    )
    return {"regressor": found.regressor, "disparity": found.features}


def coarse_to_fine(
    refinement: Refinement,
    source: PoseOutput,
    shown: SourceViews,
    target: PoseOutput,
    labels: Labels,
    updated: Labels,
    mined: float,
    config: AdaptConfig,
    figures: Figures | None,
) -> tuple[dict[str, Tensor], tuple[Float[Tensor, "B F S S"], Float[Tensor, "B F S S"]]]:
    """Everything that the refinement block takes part in, and its joined maps for the discriminator.

    Args:
        updated: labels by the averaged block; of the way subjects face, theirs are learned.
    """
    fine, target_fine = refinement(source, target)
    losses = _facing_as_labelled(target, labels._replace(turned=updated.turned), figures)
    losses["refined_source"] = _supervised(fine.heatmaps, shown, config)
    losses |= refinement_level(target, target_fine, labels, updated, mined, config)
    return losses, (fine.features, target_fine.features)


def refinement_level(
    target: PoseOutput,
    fine: Refined,
    labels: Labels,
    updated: Labels,
    mined: float,
    config: AdaptConfig,
) -> dict[str, Tensor]:
    """Coarse to fine: the student's heatmaps are the coarse ones, the block's the fine ones.

    Both learn from the first labels (this ``consistency`` takes the place of the level's own), the
    coarse ones from the fine ones (inner loop), the fine ones from the average of the block (outer
    loop). As the weights of the two loops rise while that of the first labels falls, what the model
    aims at is a mixture that moves from the first labels to the updated ones: a sum of squared
    errors is the squared error against the weighted mean of what they aim at, and a constant.

    Args:
        labels: the first ones.
        updated: by the averaged block, each joint counted by its confidence and how plausible it is.
        mined: share of each image's joints, the easiest, that is learned from.
    """
    sigma, coarse = config.model.sigma, target.heatmaps
    first = gaussians(labels.points, config)
    consistency = torch.zeros((), device=coarse.device)
    for maps in (coarse, fine.heatmaps):
        errors = joint_errors(maps, first, sigma)
        counts = labels.weight * easiest(errors, labels.kept, mined)
        consistency = consistency + (errors * counts).mean()
    errors = joint_errors(coarse, fine.heatmaps.detach(), sigma)
    inner = (errors * easiest(errors, torch.ones_like(labels.kept), mined)).mean()
    sure = updated.confidence.clamp(0, 1) * updated.inside
    if updated.plausible is not None:
        sure = sure * updated.plausible
    errors = joint_errors(fine.heatmaps, gaussians(updated.points, config), sigma)
    return {"consistency": consistency, "inner": inner, "outer": (errors * sure).mean()}
