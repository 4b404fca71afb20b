"""Heatmaps: one Gaussian of peak 1 for each joint, drawn and decoded without rounding.

Cells and pixels: heatmap cell i covers the crop's pixels around (i + 0.5) s - 0.5, s the stride.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

# Of a Gaussian's height; less adds nothing to a float32 sum.
_TAIL = 1e-9


def pixels_to_cells(points: Float[Tensor, "..."], stride: float) -> Float[Tensor, "..."]:
    """Return crop pixels as heatmap cells: x -> (x + 0.5) / s - 0.5."""
    return (points + 0.5) / stride - 0.5


def cells_to_pixels(cells: Float[Tensor, "..."], stride: float) -> Float[Tensor, "..."]:
    """Return heatmap cells as crop pixels: the inverse of :func:`pixels_to_cells`."""
    return (cells + 0.5) * stride - 0.5


def render(
    cells: Float[Tensor, "B K 2"], size: int, sigma: float, truncate: float | None = None
) -> Float[Tensor, "B K S S"]:
    """Draw exp(-|c - cells|^2 / (2 sigma^2)) at every cell c of a ``size`` x ``size`` map.

    Args:
        cells: centers (x, y) in heatmap cells, sub-cell, anywhere.
        sigma: in cells.
        truncate: zero beyond this many sigmas from the center along either axis, as the released
            code does with 3; None draws the whole tail.
    """
    axis = torch.arange(size, device=cells.device, dtype=cells.dtype)
    offset = axis - cells[..., None]  # (B, K, 2, S)
    # The Gaussian is separable: 2 S exponentials a joint instead of S^2.
    profile = torch.exp(-(offset**2) / (2 * sigma**2))
    if truncate is not None:
        profile = profile * (offset.abs() <= truncate * sigma)
    return profile[:, :, 1, :, None] * profile[:, :, 0, None, :]


def gaussian_energy(sigma: float) -> float:
    """Return the sum of squares of a whole rendered Gaussian, pi sigma^2 (cells)."""
    return math.pi * sigma**2


def argmax_cells(
    heatmaps: Float[Tensor, "B K H W"],
) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"]]:
    """Return the highest cell (x, y) and its value; (0, 0) for a value that is not positive."""
    width = heatmaps.shape[-1]
    value, index = heatmaps.flatten(2).max(dim=2)
    cells = torch.stack([index % width, index // width], dim=-1).to(heatmaps.dtype)
    return cells * (value > 0).unsqueeze(-1), value


def fitted(heatmaps: Float[Tensor, "B K H W"], sigma: float) -> Float[Tensor, "B K H W"]:
    """Return how well a Gaussian of this width, centered at each cell, fits a map: its matched filter.

    <h, g_c> / |g_c| with g_c the Gaussian at cell c, as far as the map shows it. Where it is highest,
    some multiple of g_c has the least squared error, so a whole hill outweighs a lone cell. A
    network that learned squared errors draws E[g_X], its belief about where the joint X is; the
    interior of this map is then proportional to E[exp(-|c - X|^2 / (4 sigma^2))]: its highest cell
    is the best estimate within some 1.4 sigma of the joint, which a peak is not. (DARK, Zhang
    et al. 2020, smooths by the training's Gaussian too, to remove spurious peaks.)

    A drawn Gaussian keeps its center, and has sqrt(2) of its width.

    Args:
        sigma: sigma of the Gaussians that are the maps' targets, in cells.
    """
    height, width = heatmaps.shape[-2:]
    down, across = (_unit_gaussians(n, sigma, heatmaps) for n in (height, width))
    return down @ heatmaps @ across.T


def _unit_gaussians(count: int, sigma: float, like: Tensor) -> Float[Tensor, "N N"]:
    """Return a Gaussian at cell c, of length 1, as row c."""
    axis = torch.arange(count, device=like.device, dtype=like.dtype)
    rows = torch.exp(-((axis - axis[:, None]) ** 2) / (2 * sigma**2))
    # Tails end in denormal numbers, with which a CPU multiplies many times slower.
    rows = torch.where(rows > _TAIL, rows, 0.0)
    return rows / rows.square().sum(dim=1, keepdim=True).sqrt()


def decode(
    heatmaps: Float[Tensor, "B K H W"],
) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"]]:
    """Return each map's peak between the cells.

    Along either axis a parabola through the logarithms of the highest cell and its two neighbors:
    exact for a Gaussian, whatever its width (the one-dimensional case of DARK, Zhang et al. 2020).
    At the border the three cells are the three nearest ones.

    Returns:
        centers (x, y) in heatmap cells, at most half a cell from the highest one, and the value
        of the highest cell (not clamped).
    """
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)
    value, index = flat.max(dim=2)
    column, row = index % width, index // width
    return torch.stack(
        [
            _refine(flat, row * width, column, 1, width),
            _refine(flat, column, row, width, height),
        ],
        dim=-1,
    ), value


def _refine(flat: Tensor, start: Tensor, position: Tensor, step: int, length: int) -> Tensor:
    """Return the sub-cell position along one axis; ``start`` is the line's first flat index."""
    if length < 3:
        return position.to(flat.dtype)
    middle = position.clamp(1, length - 2)
    places = start + middle * step
    around = torch.stack([places - step, places, places + step], dim=-1)
    heights = flat.gather(
        2, around.flatten(1).unsqueeze(1).expand(-1, 1, -1).view(flat.shape[0], flat.shape[1], 3)
    )
    left, center, right = heights.float().clamp_min(1e-6).log().unbind(-1)
    curvature = left + right - 2 * center
    offset = 0.5 * (left - right) / torch.where(curvature < -1e-6, curvature, -torch.inf)
    refined = middle + offset
    return torch.minimum(torch.maximum(refined, position - 0.5), position + 0.5).to(flat.dtype)
