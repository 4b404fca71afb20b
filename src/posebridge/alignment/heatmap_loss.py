"""The error between predicted heatmaps and the heatmaps that they aim at."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.ops import heatmaps


def aim_heatmaps(
    points: Float[Tensor, "B K 2"], crop_size: int, heatmap_size: int, sigma: float
) -> Float[Tensor, "B K S S"]:
    """Return the Gaussians that heatmaps aim at.

    Args:
        points: in pixels of views of ``crop_size`` pixels. sigma: in cells.
    """
    cells = heatmaps.pixels_to_cells(points, crop_size / heatmap_size)
    return heatmaps.render(cells, heatmap_size, sigma)


def supervised_loss(
    predicted: Float[Tensor, "B K S S"],
    aim: Float[Tensor, "B K S S"],
    visible: Bool[Tensor, "B K"],
    sigma: float,
) -> Float[Tensor, ""]:
    """Return L_s in units of a Gaussian's energy, as a mean over visible joints. Range: [0, inf)."""
    error = relative_error(predicted, aim, visible, sigma)
    return 0.5 * error / visible.float().mean().clamp_min(1e-6)


def joint_errors(
    predicted: Float[Tensor, "B K S S"], target: Float[Tensor, "B K S S"], sigma: float
) -> Float[Tensor, "B K"]:
    """Return the squared error of each heatmap in units of a Gaussian's energy.

    An empty heatmap has an error of 1. The mean of the errors is :func:`relative_error`.
    """
    difference = predicted.float() - target.float()
    return difference.square().sum(dim=(2, 3)) / heatmaps.gaussian_energy(sigma)


def squared_error(
    predicted: Float[Tensor, "B K S S"],
    target: Float[Tensor, "B K S S"],
    weight: Float[Tensor, "B K"] | Bool[Tensor, "B K"],
) -> Float[Tensor, ""]:
    """Return the mean over batch, joints and cells of weight (predicted - target)^2.

    It is twice L_s with ``weight`` = visible, and L_c with ``weight`` = kept, as in the released code:
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
    """Return :func:`squared_error` in units of a Gaussian's energy: sum of squares / (pi sigma^2).

    The error of an empty prediction is the fraction of joints that ``weight`` keeps, for any sigma and
    heatmap size. In these units the four losses have one order of magnitude, so loss weights near 1
    are meaningful; as means over cells the losses are three orders of magnitude apart.
    """
    cells = predicted.shape[-1] * predicted.shape[-2]
    return squared_error(predicted, target, weight) * (cells / heatmaps.gaussian_energy(sigma))
