"""Label-free validators: a model and unlabelled target images in, one number out.

A validator may not take anything else. It is what chooses the weights of a run, so a keypoint that
reached it would be a leak.
"""

from __future__ import annotations

import torch
from jaxtyping import UInt8
from torch import Tensor

from posebridge.adaptation.config import ViewConfig
from posebridge.models.pose import PoseModel
from posebridge.ops import geometry, heatmaps, photometry

# Milder than the views of training: a validator should measure the model, not the augmentation.
VALIDATION_VIEW = ViewConfig(rotation=30, shear=0, scale=(0.8, 1.2), colour=0.25, flip=0.5)


@torch.no_grad()
def agreement(
    model: PoseModel,
    crops: UInt8[Tensor, "N 3 C C"],
    mirror: Tensor,
    within: float = 0.05,
    seed: int = 0,
    batch: int = 32,
) -> float:
    """Share (percent) of joints that two random views of an image place within a distance.

    The points of both views are carried back to the crop and compared there; ``within`` is a share
    of the crop's side. Joints that leave either view do not count. The views depend on ``seed``
    alone, so that two models are asked the same question.

    A model that puts every joint at the centre would score 100: the number compares stages of one
    run and is no measure of truth.
    """
    model.eval()
    device = next(model.parameters()).device
    size = crops.shape[-1]
    generator = torch.Generator().manual_seed(seed)
    agreed = counted = torch.zeros((), device=device)
    for start in range(0, len(crops), batch):
        images = crops[start : start + batch].to(device)
        images = images.to(torch.float32, memory_format=torch.channels_last) / 255
        first, first_seen = _points_in_crop(model, images, mirror, generator)
        second, second_seen = _points_in_crop(model, images, mirror, generator)
        both = first_seen & second_seen
        close = (first - second).norm(dim=-1) <= within * size
        agreed = agreed + (close & both).sum()
        counted = counted + both.sum()
    return float(100 * agreed / counted.clamp_min(1))


def _points_in_crop(
    model: PoseModel, images: Tensor, mirror: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    size = images.shape[-1]
    view = VALIDATION_VIEW
    ranges = geometry.ViewRange(view.rotation, view.shear, view.translation, view.scale, view.flip)
    views = geometry.draw_views(len(images), size, ranges, generator).to(images.device)
    shown = geometry.warp(images, views.matrix, size)
    shown = photometry.jitter(shown, photometry.PhotometryRange(view.colour, view.hue), generator)
    cells, _ = heatmaps.decode(model(shown).heatmaps.float())
    last = model.config.heatmap_size - 1
    seen = ((cells > 0.5) & (cells < last - 0.5)).all(dim=-1)
    points = heatmaps.cells_to_pixels(cells, model.stride)
    return (
        geometry.points_to_crop(points, views, mirror),
        geometry.swap_sides(seen, views.flipped, mirror),
    )
