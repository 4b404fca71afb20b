"""Color, blur, noise and pasted patches: one draw for each sample, all batched.

Images are (B, 3, H, W) floats in [0, 1]. Draws come from a CPU generator, so that they depend on
seed and step alone and not on the device.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from posebridge.ops.augmentation_config import AugmentationConfig

_LUMA = (0.299, 0.587, 0.114)
# RGB to YIQ; hue is a rotation in its last two rows, which keeps the whole jitter one 3x3 matrix.
_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def pixels(crops: UInt8[Tensor, "B 3 C C"]) -> Float[Tensor, "B 3 C C"]:
    """Return a loader's crops as numbers in [0, 1], channels last."""
    return crops.to(torch.float32, memory_format=torch.channels_last) / 255


def color_matrices(
    count: int, ranges: AugmentationConfig, generator: torch.Generator
) -> tuple[Float[Tensor, "B 3 3"], Float[Tensor, " B"]]:
    """Draw brightness x saturation x hue as one matrix for each sample, and a contrast factor."""

    def factor() -> Tensor:
        return 1 + ranges.color * (2 * torch.rand(count, generator=generator) - 1)

    brightness, contrast, saturation = factor(), factor(), factor()
    angle = torch.deg2rad(ranges.hue * (2 * torch.rand(count, generator=generator) - 1))
    to_yiq = torch.tensor(_YIQ)
    turn = torch.zeros(count, 3, 3)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = torch.cos(angle) * saturation
    turn[:, 1, 2] = -torch.sin(angle) * saturation
    turn[:, 2, 1] = torch.sin(angle) * saturation
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    return matrix * brightness[:, None, None], contrast


def jitter(
    images: Float[Tensor, "B 3 H W"],
    ranges: AugmentationConfig,
    generator: torch.Generator,
) -> Float[Tensor, "B 3 H W"]:
    """Apply random brightness, contrast, saturation, hue, blur and noise; the result is in [0, 1].

    Contrast pulls towards the mean gray of each image. With every range at 0 the images are
    returned as they are.
    """
    count = len(images)
    if ranges.color > 0 or ranges.hue > 0:
        matrix, contrast = (
            t.to(images.device, non_blocking=True) for t in color_matrices(count, ranges, generator)
        )
        luma = torch.tensor(_LUMA, device=images.device)
        gray = torch.einsum("bc,c->b", images.float().mean(dim=(2, 3)), luma)
        # A 1x1 convolution with one group a sample: the matrix product in one call.
        mixed = torch.einsum(
            "bij,bjhw->bihw", (matrix * contrast[:, None, None]).to(images), images
        )
        images = mixed + ((1 - contrast) * gray)[:, None, None, None].to(images)
    if ranges.blur > 0:
        images = blur(images, ranges.blur, generator)
    if ranges.noise > 0:
        strength = torch.rand(count, 1, 1, 1, generator=generator) * ranges.noise
        noise = torch.randn(images.shape, generator=generator) * strength
        images = images + noise.to(images)
    return images.clamp(0, 1)


def blur(
    images: Float[Tensor, "B 3 H W"], largest: float, generator: torch.Generator
) -> Float[Tensor, "B 3 H W"]:
    """Blur half of the images, each by its own sigma in (0, ``largest``] pixels."""
    count, channels = images.shape[:2]
    radius = max(1, math.ceil(2 * largest))
    sigma = torch.rand(count, generator=generator) * largest
    chosen = torch.rand(count, generator=generator) < 0.5
    sigma = torch.where(chosen, sigma, torch.zeros(())).clamp_min(1e-3)
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-(offsets**2) / (2 * sigma[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).to(images)
    kernel = kernel.repeat_interleave(channels, dim=0)[:, None]  # (B*C, 1, 2r+1)
    flat = images.reshape(1, count * channels, *images.shape[2:])
    flat = F.pad(flat, (radius,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernel[:, :, None, :], groups=count * channels)
    flat = F.conv2d(flat, kernel[:, :, :, None], groups=count * channels)
    return flat.view(images.shape)


def occlude(
    images: Float[Tensor, "B 3 H W"],
    points: Float[Tensor, "B K 2"],
    eligible: Bool[Tensor, "B K"],
    probability: float,
    side: int,
    generator: torch.Generator,
) -> Float[Tensor, "B 3 H W"]:
    """Cover one eligible joint of some images with a patch of another image of the batch.

    Args:
        points: in the pixels of ``images``.
        eligible: joints that may be covered; an image with none stays as it is.
        probability: fraction of the images in which a joint is covered.
        side: side of the square patch, pixels.

    The patch shows the neighboring image of the batch at that place, so it looks like the domain
    rather than like a gray square.
    """
    if probability <= 0 or len(images) < 2:
        return images
    device = images.device
    draw = torch.rand(points.shape[:2], generator=generator).to(device, non_blocking=True)
    joint = torch.where(eligible, draw, -1.0).argmax(dim=1)
    covered = torch.rand(len(images), generator=generator).to(device, non_blocking=True)
    covered = (covered < probability) & eligible.any(dim=1)
    center = points.gather(1, joint[:, None, None].expand(-1, 1, 2))[:, 0]  # (B, 2)
    height, width = images.shape[-2:]
    rows = torch.arange(height, device=device)
    columns = torch.arange(width, device=device)
    near_x = (columns - center[:, :1]).abs() <= side / 2  # (B, W)
    near_y = (rows - center[:, 1:]).abs() <= side / 2  # (B, H)
    patch = (near_y[:, None, :, None] & near_x[:, None, None, :]) & covered[:, None, None, None]
    return torch.where(patch, images.roll(1, dims=0), images)
