"""What each level says of one step, as losses by name.

``figures`` takes what is worth logging beside the losses; None where the step is not logged.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.labelling import Labels
from posebridge.alignment.consistency import relative_error
from posebridge.alignment.facing import same_way
from posebridge.alignment.feature import domain_accuracy, domain_loss, reverse_gradient
from posebridge.alignment.pose import information_maximization
from posebridge.models.discriminator import PatchDiscriminator
from posebridge.models.pose import PoseOutput
from posebridge.ops import heatmaps

Figures = dict[str, Tensor | float]


def gaussians(
    points: Float[Tensor, "B K 2"], stride: float, config: AdaptConfig
) -> Float[Tensor, "B K S S"]:
    """What heatmaps aim at where the joints lie at ``points``, pixels of a view."""
    cells = heatmaps.pixels_to_cells(points, stride)
    return heatmaps.render(cells, config.model.heatmap_size, config.model.sigma)


def consistency_level(
    target: PoseOutput,
    labels: Labels,
    stride: float,
    config: AdaptConfig,
    figures: Figures | None,
) -> dict[str, Tensor]:
    """What the student's heatmaps, and the way it says subjects face, differ from the labels."""
    aim = gaussians(labels.points, stride, config)  # (B,K,S,S)
    counts = labels.kept if labels.plausible is None else labels.kept * labels.plausible  # (B,K)
    losses = {"consistency": relative_error(target.heatmaps, aim, counts, config.model.sigma)}
    if target.turned is not None and labels.turned is not None:
        losses["target_facing"] = same_way(target.turned, labels.turned, config.consistency.keep)
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
