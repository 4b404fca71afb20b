"""Pseudo-labels of one batch of target crops: a teacher's views, their vote, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.alignment.bone_prior import BoneLengths
from posebridge.alignment.mean_teacher import PseudoLabels, most_confident, pseudo_labels
from posebridge.models.pose import PoseOutput
from posebridge.ops import affine, color_augmentation
from posebridge.ops.augmentation import draw_views, render_views
from posebridge.training.config import AdaptConfig


class Labels(NamedTuple):
    """What a teacher says of the student's views; V of its own views voted.

    Attributes:
        points: in pixels of the student's view.
        confidence: of each joint, see :class:`~posebridge.alignment.mean_teacher.PseudoLabels`.
        inside: the joint lies in a teacher's view and in the student's.
        kept: joints that are learned from.
        weight: what each joint counts: ``kept``, or that times its confidence, and times how
            plausible it is.
        share: of the joints that was to be kept.
        threshold: the confidence above which joints are kept.
        turned: the teacher's logits that its views show the subject turned; None where sides are
            named.
        plausible: how plausible the lengths of its bones make each joint; None where these are not
            asked.
    """

    points: Float[Tensor, "B K 2"]
    confidence: Float[Tensor, "B K"]
    inside: Bool[Tensor, "B K"]
    kept: Bool[Tensor, "B K"]
    weight: Bool[Tensor, "B K"] | Float[Tensor, "B K"]
    share: float
    threshold: Float[Tensor, "..."]
    turned: Float[Tensor, "V B"] | None
    plausible: Float[Tensor, "B K"] | None = None


@torch.no_grad()
def label(
    look: Callable[[Tensor], PoseOutput],
    crops: Float[Tensor, "B 3 C C"],
    count: int,
    student_views: affine.Views,
    mirror: Int[Tensor, " K"],
    config: AdaptConfig,
    keep: float,
    generator: torch.Generator,
    bones: BoneLengths | None = None,
) -> Labels:
    """Let a teacher look at ``count`` random views of every crop.

    Args:
        look: the teacher, in evaluation mode.
        student_views: the views that the labels are for.
        keep: share of the joints to keep.
        bones: of the source; None does not ask.
    """
    settings, size = config.consistency, config.crop.size
    looks = crops.repeat(count, 1, 1, 1)  # (V*B,3,C,C)
    views = draw_views(looks, config.teacher_view, generator)
    clean = render_views(looks, views, config.teacher_view, generator)
    taught = look(clean)  # (V*B,K,S,S)
    pseudo = pseudo_labels(
        taught.heatmaps,
        views,
        student_views,
        mirror,
        size / config.model.heatmap_size,
        settings.spread * size,
    )
    confident, threshold = most_confident(pseudo.confidence, keep, settings.each_joint)
    kept = confident & pseudo.inside
    weight = kept * pseudo.confidence.clamp(0, 1) if settings.weighted else kept
    plausible = None
    if bones is not None:
        plausible = _plausible(bones, pseudo, student_views, mirror, config)
        weight = weight * plausible
    return Labels(
        pseudo.points,
        pseudo.confidence,
        pseudo.inside,
        kept,
        weight,
        keep,
        threshold,
        None if taught.turned is None else taught.turned.unflatten(0, (-1, len(crops))),
        plausible,
    )


def _plausible(
    bones: BoneLengths,
    pseudo: PseudoLabels,
    student_views: affine.Views,
    mirror: Tensor,
    config: AdaptConfig,
) -> Float[Tensor, "B K"]:
    """1 - prior.weight (1 - plausible), looked at in the crop, where no shear stretches a bone."""
    in_crop = affine.points_to_crop(pseudo.points, student_views, mirror)
    known = affine.swap_sides(pseudo.confidence > 0, student_views.flipped, mirror)
    plausible = affine.swap_sides(bones.plausible(in_crop, known), student_views.flipped, mirror)
    return 1 - config.prior.weight * (1 - plausible)


def occlude(
    seen: Float[Tensor, "B 3 C C"],
    labels: Labels,
    config: AdaptConfig,
    generator: torch.Generator,
) -> Float[Tensor, "B 3 C C"]:
    """Cover a joint that the teacher is sure of in some of the student's views."""
    settings = config.consistency
    return color_augmentation.occlude(
        seen,
        labels.points,
        labels.kept & (labels.confidence >= settings.occlusion_confidence),
        settings.occlusion,
        round(settings.patch * config.crop.size),
        generator,
    )
