"""Random views of crops, as the settings of a view say: one resampling, then colours."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.adaptation.config import ViewConfig
from posebridge.ops import geometry, photometry


def draw_views(
    crops: Float[Tensor, "B 3 C C"], ranges: ViewConfig, generator: torch.Generator
) -> geometry.Views:
    """A random view of each crop, drawn on the CPU and moved to where the crops are."""
    return geometry.draw_views(
        len(crops),
        crops.shape[-1],
        geometry.ViewRange(
            ranges.rotation, ranges.shear, ranges.translation, ranges.scale, ranges.flip
        ),
        generator,
    ).to(crops.device)


@torch.no_grad()
def render_views(
    crops: Float[Tensor, "B 3 C C"],
    views: geometry.Views,
    ranges: ViewConfig,
    generator: torch.Generator,
) -> Float[Tensor, "B 3 C C"]:
    """The crops as the views show them, in full precision whatever the training computes in."""
    with torch.autocast(crops.device.type, enabled=False):
        images = geometry.warp(crops, views.matrix, crops.shape[-1])
        colours = photometry.PhotometryRange(ranges.colour, ranges.hue, ranges.blur, ranges.noise)
        images = photometry.jitter(images, colours, generator)
        return images.contiguous(memory_format=torch.channels_last)
