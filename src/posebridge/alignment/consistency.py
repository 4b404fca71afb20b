"""The mean teacher: pseudo-labels from one view of a target image, for another view of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.ops import geometry, heatmaps


@dataclass(frozen=True)
class PseudoLabels:
    """The teacher's word about the student's view.

    Attributes:
        points: (B, K, 2) in pixels of the student's view, sub-pixel.
        confidence: (B, K) the peak of the teacher's heatmap, not clamped.
        inside: (B, K) the joint lies in both views.
    """

    points: Float[Tensor, "B K 2"]
    confidence: Float[Tensor, "B K"]
    inside: Bool[Tensor, "B K"]


def pseudo_labels(
    teacher_heatmaps: Float[Tensor, "B K S S"],
    teacher_views: geometry.Views,
    student_views: geometry.Views,
    mirror: Int[Tensor, " K"],
    stride: float,
) -> PseudoLabels:
    """Decode the teacher's heatmaps and carry the points to the student's view by matrices.

    Teacher view -> crop -> student view; heatmaps are never warped, so nothing is blurred. A joint
    that lies on the border of the teacher's map may lie beyond it and counts as outside.

    Args:
        stride: pixels of a view for each heatmap cell.
    """
    size = teacher_heatmaps.shape[-1]
    cells, confidence = heatmaps.decode(teacher_heatmaps)
    seen = ((cells > 0.5) & (cells < size - 1.5)).all(dim=-1)
    points = heatmaps.cells_to_pixels(cells.float(), stride)
    in_crop = geometry.points_to_crop(points, teacher_views, mirror)
    in_view = geometry.points_to_view(in_crop, student_views, mirror)
    confidence, seen = (
        geometry.swap_sides(
            geometry.swap_sides(v, teacher_views.flipped, mirror), student_views.flipped, mirror
        )
        for v in (confidence.float(), seen)
    )
    inside = seen & geometry.inside(in_view, round(size * stride))
    return PseudoLabels(in_view, confidence, inside)


def most_confident(
    confidence: Float[Tensor, "B K"], keep: float, each_joint: bool = False
) -> tuple[Bool[Tensor, "B K"], Float[Tensor, "..."]]:
    """Mark the share ``keep`` of joints with the highest confidence, and give the threshold.

    The threshold is the ceil((1 - keep) N)-th smallest of N values and only what is above it is
    kept, as in the released code; over all joints of the batch, or for each joint by itself
    (``each_joint``), so that wrists are not crowded out by shoulders.
    """
    values = confidence if each_joint else confidence.flatten()
    count = values.shape[0]
    rank = int((1 - keep) * count)
    if rank <= 0:
        return torch.ones_like(confidence, dtype=torch.bool), values.min(dim=0).values
    threshold = values.kthvalue(rank, dim=0).values
    return confidence > threshold, threshold


def squared_error(
    predicted: Float[Tensor, "B K S S"],
    target: Float[Tensor, "B K S S"],
    weight: Float[Tensor, "B K"] | Bool[Tensor, "B K"],
) -> Float[Tensor, ""]:
    """mean over batch, joints and cells of weight (predicted - target)^2.

    Twice L_s with ``weight`` = visible, and L_c with ``weight`` = kept, as in the released code:
    masked joints count in the mean, with an error of 0. Range: [0, inf), about 1e-3 for heatmaps.
    """
    each = (predicted.float() - target.float()).square().mean(dim=(2, 3))
    return (each * weight).mean()


def relative_error(
    predicted: Float[Tensor, "B K S S"],
    target: Float[Tensor, "B K S S"],
    weight: Float[Tensor, "B K"] | Bool[Tensor, "B K"],
    sigma: float,
) -> Float[Tensor, ""]:
    """:func:`squared_error` in units of a Gaussian's energy: sum of squares / (pi sigma^2).

    An empty prediction scores the share of joints that ``weight`` keeps, whatever the size of the
    heatmaps and sigma. In these units the four losses are of one order, and a weight of 1 means
    something; as a mean over cells they are three orders of magnitude apart.
    """
    cells = predicted.shape[-1] * predicted.shape[-2]
    return squared_error(predicted, target, weight) * (cells / heatmaps.gaussian_energy(sigma))
