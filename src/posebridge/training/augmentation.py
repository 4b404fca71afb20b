"""Random views of crops, as the settings of a view say: one resampling, then colours."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.data.loaders import SourceBatch
from posebridge.ops import affine, color_augmentation, facing
from posebridge.training.config import ViewConfig


class SourceViews(NamedTuple):
    """Labelled views of source crops.

    Attributes:
        images: in [0, 1].
        points: in pixels of the views.
        visible: labelled, and in the view.
        way: which way the subjects face, its points those of the crops; None where sides are named.
    """

    images: Float[Tensor, "B 3 C C"]
    points: Float[Tensor, "B K 2"]
    visible: Bool[Tensor, "B K"]
    way: facing.Sides | None


def draw_views(
    crops: Float[Tensor, "B 3 C C"], ranges: ViewConfig, generator: torch.Generator
) -> affine.Views:
    """A random view of each crop, drawn on the CPU and moved to where the crops are."""
    return affine.draw_views(
        len(crops),
        crops.shape[-1],
        affine.ViewRange(
            ranges.rotation, ranges.shear, ranges.translation, ranges.scale, ranges.flip
        ),
        generator,
    ).to(crops.device)


@torch.no_grad()
def render_views(
    crops: Float[Tensor, "B 3 C C"],
    views: affine.Views,
    ranges: ViewConfig,
    generator: torch.Generator,
) -> Float[Tensor, "B 3 C C"]:
    """The crops as the views show them, in full precision whatever the training computes in."""
    with torch.autocast(crops.device.type, enabled=False):
        images = affine.warp(crops, views.matrix, crops.shape[-1])
        colours = color_augmentation.PhotometryRange(
            ranges.colour, ranges.hue, ranges.blur, ranges.noise
        )
        images = color_augmentation.jitter(images, colours, generator)
        return images.contiguous(memory_format=torch.channels_last)


def source_views(
    batch: SourceBatch,
    ranges: ViewConfig,
    mirror: Int[Tensor, " K"],
    trunk: Int[Tensor, "Q 4"] | None,
    generator: torch.Generator,
) -> SourceViews:
    """Random views of labelled crops, in their own style.

    Args:
        mirror: the partner of each keypoint.
        trunk: quadrangles that tell which way a subject faces, see
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
