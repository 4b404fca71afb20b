"""Affine views of square crops, as batched tensor functions.

A matrix is (B, 2, 3) and maps *output* pixels to *input* pixels, the direction in which an image is
resampled. Points therefore travel from input to output by the inverse. Pixels are those of the
convention of the whole package: an integer is the center of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.ops.augmentation_config import AugmentationConfig


def _full_precision(tensor: Tensor) -> torch.autocast:
    """Keep matrix products of coordinates out of bf16 and fp16.

    A training in mixed precision runs everything under autocast, which computes products in 8 bits:
    at pixel 200 that is half a pixel, in labels that the image does not follow.
    """
    return torch.autocast(tensor.device.type, enabled=False)


def compose(
    first: Float[Tensor, "B 2 3"], second: Float[Tensor, "B 2 3"]
) -> Float[Tensor, "B 2 3"]:
    """Return the matrix that applies ``first`` and then ``second`` to a point.

    >>> shift = torch.tensor([[[1.0, 0, 5], [0, 1, 0]]])
    >>> double = torch.tensor([[[2.0, 0, 0], [0, 2, 0]]])
    >>> transform_points(torch.ones(1, 1, 2), compose(shift, double))
    tensor([[[12.,  2.]]])
    """
    with _full_precision(first):
        linear = second[:, :, :2] @ first[:, :, :2]
        offset = second[:, :, :2] @ first[:, :, 2:] + second[:, :, 2:]
    return torch.cat([linear, offset], dim=2)


def invert(matrix: Float[Tensor, "B 2 3"]) -> Float[Tensor, "B 2 3"]:
    """Return the inverse map, in closed form; a singular matrix gives infinities.

    Cramer's rule rather than ``torch.linalg.inv``: no workspace, no host sync for the error flag.
    """
    a, b, c = matrix[:, 0].unbind(1)
    d, e, f = matrix[:, 1].unbind(1)
    determinant = a * e - b * d
    top = torch.stack([e, -b, b * f - c * e], dim=1)
    bottom = torch.stack([-d, a, c * d - a * f], dim=1)
    return torch.stack([top, bottom], dim=1) / determinant[:, None, None]


def transform_points(
    points: Float[Tensor, "B K 2"], matrix: Float[Tensor, "B 2 3"]
) -> Float[Tensor, "B K 2"]:
    """Apply each sample's matrix to its points."""
    with _full_precision(points):
        return points @ matrix[:, :, :2].transpose(1, 2) + matrix[:, :, 2].unsqueeze(1)


def warp(
    images: Float[Tensor, "B C H W"], matrix: Float[Tensor, "B 2 3"], size: int
) -> Float[Tensor, "B C S S"]:
    """Resample each image once, by bicubic interpolation, to ``size`` x ``size``; 0 outside it.

    ``matrix`` maps output pixels to input pixels. Bilinear interpolation would blur every view of
    the training, and the model would meet sharp images only when it is used. Bicubic overshoots
    at edges: the result is cut to [0, 1], where images lie.
    """
    height, width = images.shape[-2:]
    return F.grid_sample(
        images,
        _sampling_grid(matrix, size, height, width).to(images.dtype),
        mode="bicubic",
        padding_mode="zeros",
        align_corners=False,
    ).clamp(0, 1)


def _sampling_grid(matrix: Tensor, size: int, height: int, width: int) -> Float[Tensor, "B S S 2"]:
    """Input positions in grid_sample's units: pixel x is (2 x + 1) / width - 1."""
    axis = torch.arange(size, device=matrix.device, dtype=matrix.dtype)
    # x' = m00 x + m01 y + m02 is separable in x and y: two outer sums instead of a matmul on S*S.
    along_x = matrix[:, :, 0, None] * axis  # (B, 2, S)
    along_y = matrix[:, :, 1, None] * axis + matrix[:, :, 2, None]  # (B, 2, S)
    pixels = (along_y[:, :, :, None] + along_x[:, :, None, :]).permute(0, 2, 3, 1)
    extent = torch.tensor([width, height], device=matrix.device, dtype=matrix.dtype)
    return (2 * pixels + 1) / extent - 1


@dataclass(frozen=True)
class Views:
    """One drawn view for each sample.

    Attributes:
        matrix: (B, 2, 3), view pixels to crop pixels.
        flipped: (B,) the view is a mirror image, so that left and right change names.
    """

    matrix: Float[Tensor, "B 2 3"]
    flipped: Bool[Tensor, " B"]

    def to(self, device: torch.device) -> Views:
        """Return the same views on another device."""
        return Views(
            self.matrix.to(device, non_blocking=True), self.flipped.to(device, non_blocking=True)
        )


def rotations(angles: Float[Tensor, " B"]) -> Float[Tensor, "B 2 2"]:
    """Return matrices that turn (x, y) by radians, clockwise on a screen, where y points down."""
    cos, sin = torch.cos(angles), torch.sin(angles)
    return torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)


def about_center(
    linear: Float[Tensor, "B 2 2"], size: int, shift: Float[Tensor, "B 2"] | float = 0.0
) -> Float[Tensor, "B 2 3"]:
    """Return a linear map about the center of a crop of ``size`` pixels, followed by a shift."""
    center = torch.full((len(linear), 2, 1), (size - 1) / 2)
    offset = shift[:, :, None] if isinstance(shift, Tensor) else shift
    with _full_precision(linear):
        moved = linear @ center
    return torch.cat([linear, center + offset - moved], dim=2)


def draw_views(
    count: int, size: int, ranges: AugmentationConfig, generator: torch.Generator
) -> Views:
    """Draw a view for each of ``count`` crops of ``size`` pixels, from a CPU generator.

    Order of what happens to the subject: mirror, shear, rotate, scale, all about the center, then
    shift. Scales are drawn uniformly in their logarithm, so that halving is as likely as doubling.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    angle = torch.deg2rad(uniform(-ranges.rotation, ranges.rotation))
    shear = torch.tan(torch.deg2rad(uniform(-ranges.shear, ranges.shear)))
    low, high = ranges.scale
    scale = torch.exp(
        uniform(float(torch.log(torch.tensor(low))), float(torch.log(torch.tensor(high))))
    )
    shift = torch.stack(
        [uniform(-ranges.translation, ranges.translation) * size for _ in range(2)], dim=1
    )
    flipped = torch.rand(count, generator=generator) < ranges.flip

    rotation = rotations(angle) * scale[:, None, None]
    slant = torch.eye(2).repeat(count, 1, 1)
    slant[:, 0, 1] = shear
    mirror = torch.eye(2).repeat(count, 1, 1)
    mirror[:, 0, 0] = torch.where(flipped, -1.0, 1.0)
    with _full_precision(rotation):
        linear = rotation @ slant @ mirror
    crop_to_view = about_center(linear, size, shift)
    return Views(invert(crop_to_view), flipped)


def identity_views(count: int) -> Views:
    """Return the views that leave crops as they are."""
    return Views(torch.eye(2, 3).repeat(count, 1, 1), torch.zeros(count, dtype=torch.bool))


def swap_sides(
    values: Float[Tensor, "B K ..."] | Bool[Tensor, "B K ..."],
    flipped: Bool[Tensor, " B"],
    mirror: Int[Tensor, " K"],
) -> Tensor:
    """Exchange left and right joints in the samples that are mirrored.

    ``mirror[k]`` is the index of joint k's mirror image (``Skeleton.mirror``).
    """
    shape = (-1,) + (1,) * (values.dim() - 1)
    return torch.where(flipped.view(shape), values[:, mirror], values)


def points_to_view(
    points: Float[Tensor, "B K 2"], views: Views, mirror: Int[Tensor, " K"]
) -> Float[Tensor, "B K 2"]:
    """Return points of the crop in the view's pixels and under the view's names."""
    return swap_sides(transform_points(points, invert(views.matrix)), views.flipped, mirror)


def points_to_crop(
    points: Float[Tensor, "B K 2"], views: Views, mirror: Int[Tensor, " K"]
) -> Float[Tensor, "B K 2"]:
    """Return the inverse of :func:`points_to_view`."""
    return swap_sides(transform_points(points, views.matrix), views.flipped, mirror)


def inside(points: Float[Tensor, "B K 2"], size: int) -> Bool[Tensor, "B K"]:
    """Return whether a point is on the pixels of a square image of side ``size``."""
    return ((points >= -0.5) & (points <= size - 0.5)).all(dim=-1)
