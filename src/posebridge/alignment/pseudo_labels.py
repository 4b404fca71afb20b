"""Pseudo-labels of a batch of target crops: a teacher's views, their consensus, the labels to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.models.pose import PoseOutput
from posebridge.ops import affine, heatmaps
from posebridge.ops.augmentation import draw_views, render_views
from posebridge.ops.augmentation_config import AugmentationConfig


class PseudoLabels(NamedTuple):
    """A teacher's labels for the student's views, from V views of its own.

    Attributes:
        points: in pixels of the student's view.
        confidence: of each joint, see :class:`TeacherPoints`.
        inside: whether the joint is in a teacher's view and in the student's view.
        kept: joints to learn from.
        weight: of each joint: ``kept``, perhaps times its confidence and its plausibility.
        keep_ratio: fraction of the joints to keep.
        threshold: the confidence above which joints are kept.
        turned: the teacher's logits that its views show the subject turned; None where left and right
            are by name.
        plausible: plausibility of each joint by the lengths of its bones; None where it is not
            computed.
    """

    points: Float[Tensor, "B K 2"]
    confidence: Float[Tensor, "B K"]
    inside: Bool[Tensor, "B K"]
    kept: Bool[Tensor, "B K"]
    weight: Bool[Tensor, "B K"] | Float[Tensor, "B K"]
    keep_ratio: float
    threshold: Float[Tensor, "..."]
    turned: Float[Tensor, "V B"] | None
    plausible: Float[Tensor, "B K"] | None = None


@torch.no_grad()
def make_labels(
    teacher: Callable[[Tensor], PoseOutput],
    crops: Float[Tensor, "B 3 C C"],
    count: int,
    student_views: affine.Views,
    mirror: Int[Tensor, " K"],
    augmentation: AugmentationConfig,
    generator: torch.Generator,
    *,
    keep_ratio: float,
    radius: float,
    per_keypoint: bool = False,
    confidence_weighted: bool = False,
) -> PseudoLabels:
    """Predict ``count`` random views of every crop with a teacher and merge them into labels.

    Args:
        teacher: in evaluation mode.
        student_views: the views that the labels are for.
        augmentation: ranges of the teacher's views.
        keep_ratio: fraction of the joints to keep.
        radius: of :func:`consensus`, fraction of the crop's side.
        per_keypoint: whether ``keep_ratio`` applies to each keypoint rather than to all together.
        confidence_weighted: whether a joint counts by its confidence, clamped to [0, 1].
    """
    size = crops.shape[-1]
    repeated = crops.repeat(count, 1, 1, 1)  # (V*B,3,C,C)
    views = draw_views(repeated, augmentation, generator)
    images = render_views(repeated, views, augmentation, generator)
    taught = teacher(images)  # (V*B,K,S,S)
    carried = carry_points(
        taught.heatmaps,
        views,
        student_views,
        mirror,
        size / taught.heatmaps.shape[-1],
        radius * size,
    )
    confident, threshold = most_confident(carried.confidence, keep_ratio, per_keypoint)
    kept = confident & carried.inside
    weight = kept * carried.confidence.clamp(0, 1) if confidence_weighted else kept
    turned = None if taught.turned is None else taught.turned.unflatten(0, (-1, len(crops)))
    return PseudoLabels(
        carried.points,
        carried.confidence,
        carried.inside,
        kept,
        weight,
        keep_ratio,
        threshold,
        turned,
    )


@dataclass(frozen=True)
class TeacherPoints:
    """The teacher's predictions in the student's views.

    Attributes:
        points: (B, K, 2) in pixels of the student's view, sub-pixel.
        confidence: (B, K) the peak of the teacher's heatmap, not clamped above; with several
            views their agreement (:func:`consensus`). 0 where no view shows the joint.
        inside: (B, K) whether the joint is in a teacher's view and in the student's view.
    """

    points: Float[Tensor, "B K 2"]
    confidence: Float[Tensor, "B K"]
    inside: Bool[Tensor, "B K"]


def carry_points(
    teacher_heatmaps: Float[Tensor, "V*B K S S"],
    teacher_views: affine.Views,
    student_views: affine.Views,
    mirror: Int[Tensor, " K"],
    stride: float,
    spread: float = 8.0,
) -> TeacherPoints:
    """Decode the teacher's heatmaps and map the points to the student's view by matrices.

    The path is teacher view -> crop -> student view. Heatmaps are never warped, so nothing is blurred.
    A joint on the border of the teacher's heatmap may be beyond it and counts as outside. Several
    teacher views of every crop (V >= 1, all crops in the first view, then all in the second)
    are merged in the crop's pixels.

    Args:
        teacher_heatmaps: of V views of each of the B crops of ``student_views``.
        stride: pixels of a view per heatmap cell.
        spread: of :func:`consensus`, in pixels of the crop.
    """
    size = teacher_heatmaps.shape[-1]
    crops = len(student_views.matrix)
    cells, confidence = heatmaps.decode(teacher_heatmaps.float())
    seen = ((cells > 0.5) & (cells < size - 1.5)).all(dim=-1)
    points = heatmaps.cells_to_pixels(cells.float(), stride)
    votes = affine.swap_sides(confidence.float().clamp_min(0) * seen, teacher_views.flipped, mirror)
    in_crop, confidence = consensus(
        affine.points_to_crop(points, teacher_views, mirror).unflatten(0, (-1, crops)),
        votes.unflatten(0, (-1, crops)),
        spread,
    )
    in_view = affine.points_to_view(in_crop, student_views, mirror)
    confidence = affine.swap_sides(confidence, student_views.flipped, mirror)
    inside = (confidence > 0) & affine.inside(in_view, round(size * stride))
    return TeacherPoints(in_view, confidence, inside)


def consensus(
    points: Float[Tensor, "V B K 2"], votes: Float[Tensor, "V B K"], spread: float
) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"]]:
    """Return the consensus of the views on each joint, and how much the views agree.

    The density of the votes, d(x) = 1/V sum_v c_v exp(-|x - x_v|^2 / (2 spread^2)), is computed at
    each view's point. The point with the highest density wins, and one mean-shift step from there
    joins the views nearby. A mean of all views would be between two hypotheses; the mode is on one.

    Args:
        votes: the weight c_v of each view, 0 where it does not show the joint.
        spread: distance at which two views still support each other, in the points' pixels.

    Returns:
        The points, and d at the winner: the view's own vote if V is 1, the mean vote if all agree.
    """
    distance = (points[:, None] - points[None]).square().sum(dim=-1)  # (V, V, B, K)
    support = votes[None] * torch.exp(-distance / (2 * spread**2))
    density, winner = support.mean(dim=1).max(dim=0)  # (B, K)
    chosen = winner[None, ..., None].expand(1, *winner.shape, 2)
    best = points.gather(0, chosen)[0]
    weight = support.gather(0, winner[None, None].expand(1, *votes.shape))[0]
    shift = (weight[..., None] * (points - best)).sum(dim=0)
    return best + shift / weight.sum(dim=0).clamp_min(1e-9)[..., None], density


def most_confident(
    confidence: Float[Tensor, "B K"], keep: float, per_keypoint: bool = False
) -> tuple[Bool[Tensor, "B K"], Float[Tensor, "..."]]:
    """Mark the fraction ``keep`` of joints with the highest confidence, and return the threshold.

    The threshold is the floor((1 - keep) N)-th smallest of N values, and joints above it are kept, as
    in the released code. N counts all joints of the batch, or the batch for each keypoint
    (``per_keypoint``), so that confident shoulders do not displace wrists.
    """
    values = confidence if per_keypoint else confidence.flatten()
    count = values.shape[0]
    rank = int((1 - keep) * count)
    if rank <= 0:
        return torch.ones_like(confidence, dtype=torch.bool), values.min(dim=0).values
    threshold = values.kthvalue(rank, dim=0).values
    return confidence > threshold, threshold
