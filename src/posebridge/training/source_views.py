"""Labeled views of a source batch."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from posebridge.alignment.step import SourceViews
from posebridge.data.loaders import SourceBatch
from posebridge.ops import affine, color_augmentation, facing
from posebridge.ops.augmentation import draw_views, render_views
from posebridge.ops.augmentation_config import AugmentationConfig


def source_views(
    batch: SourceBatch,
    ranges: AugmentationConfig,
    mirror: Int[Tensor, " K"],
    trunk: Int[Tensor, "Q 4"] | None,
    generator: torch.Generator,
) -> SourceViews:
    """Return random views of labeled crops, in their own style.

    Args:
        mirror: the partner of each keypoint.
        trunk: quadrangles that determine which way a subject faces, see
            :func:`~posebridge.ops.facing.trunk`; None where sides are named.
    """
    crops, points, visible, way = (
        color_augmentation.pixels(batch.images),
        batch.points,
        batch.visible,
        None,
    )
    size = crops.shape[-1]
    if trunk is not None:
        way = facing.take_apart(points, visible, trunk, mirror, size)
        points, visible = way.points, way.visible
    views = draw_views(crops, ranges, generator)
    images = render_views(crops, views, ranges, generator)
    points = affine.points_to_view(points, views, mirror)
    visible = affine.swap_sides(visible, views.flipped, mirror)
    return SourceViews(images, points, visible & affine.inside(points, size), way)
