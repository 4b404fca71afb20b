"""Random views of crops: one resampling by a random affine matrix, then colors, blur and noise."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.ops import affine, color_augmentation
from posebridge.ops.augmentation_config import AugmentationConfig


def draw_views(
    crops: Float[Tensor, "B 3 C C"], ranges: AugmentationConfig, generator: torch.Generator
) -> affine.Views:
    """Return a random view of each crop, drawn on the CPU and moved to the crops' device."""
    return affine.draw_views(
        len(crops),
        crops.shape[-1],
        ranges,
        generator,
    ).to(crops.device)


@torch.no_grad()
def render_views(
    crops: Float[Tensor, "B 3 C C"],
    views: affine.Views,
    ranges: AugmentationConfig,
    generator: torch.Generator,
) -> Float[Tensor, "B 3 C C"]:
    """Return the crops as the views show them, in full precision whatever the run's precision."""
    with torch.autocast(crops.device.type, enabled=False):
        images = affine.warp(crops, views.matrix, crops.shape[-1])
        images = color_augmentation.jitter(images, ranges, generator)
        return images.contiguous(memory_format=torch.channels_last)
