"""Test-time augmentation: several views of each crop, predicted by one network and merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from posebridge.alignment.pseudo_labels import consensus
from posebridge.inference.network import Keypoints, Network, TorchNetwork
from posebridge.models.tta import TTAConfig
from posebridge.ops import affine, heatmaps
from posebridge.ops.augmentation_config import AugmentationConfig

_RANGES = AugmentationConfig(rotation=0, shear=0, translation=0.05, scale=(0.9, 1.1), flip=0)
_SPREAD = 1 / 32  # of the crop's side: 8 pixels of 256, as the pseudo-labels of training have it


def get_tta(network: Network) -> TTAConfig:
    """Return the test-time augmentation of a network."""
    return network.tta if isinstance(network, ManyViews) else TTAConfig()


def _turns(views: int, rotation: float, size: int) -> Float[Tensor, "N 2 3"]:
    """Return rotations about the crop's center by 1 / views, 2 / views, ... of [0, 2 rotation).

    2 ``rotation`` is subtracted from angles beyond ``rotation``; the first view is not rotated.
    """
    degrees = 2 * rotation * torch.arange(1, views) / views
    angles = torch.deg2rad(torch.where(degrees > rotation, degrees - 2 * rotation, degrees))
    return affine.about_center(affine.rotations(angles), size)


class ManyViews:
    """A network that predicts several views of each crop with another network and merges them.

    The first view is the crop itself; the others are shifted by up to 5 % of its side, scaled by
    0.9 to 1.1 and rotated by angles spread evenly within ``rotation`` to either side. The views are equal
    for every crop and every call (drawn from a fixed seed), so that a prediction does not depend on
    the batch of the crop. Pixels outside of the crop are black. A mirrored view is the exact mirror
    image, with left and right exchanged in its keypoints.

    One crop and its mirror image are averaged, each point weighted by its confidence, and so is the
    confidence. Several views are joined by :func:`~posebridge.alignment.pseudo_labels.consensus`: the
    confidence is the density of the votes, the mean confidence where all views agree and less where
    they do not. A calibration of peaks fits neither.

    Args:
        network: a PyTorch model or an exported file, called once for each view on whole batches.
        views, flip, rotation: see :class:`~posebridge.models.tta.TTAConfig`, which checks the ranges.
    """

    def __init__(
        self, network: Network, views: int = 1, flip: bool = False, rotation: float = 0.0
    ) -> None:
        self.network, self.tta = network, TTAConfig(views, flip, rotation)
        self.name, self.skeleton, self.crop = network.name, network.skeleton, network.crop
        self.heatmap_size = network.heatmap_size
        self.notes: Mapping[str, Any] = network.notes
        drawn = affine.draw_views(
            views - 1, self.crop.size, _RANGES, torch.Generator().manual_seed(0)
        )
        turned = affine.compose(drawn.matrix, _turns(views, rotation, self.crop.size))
        self.matrices = torch.cat([torch.eye(2, 3)[None], turned])
        self._mirror = torch.tensor(network.skeleton.mirror)
        own = isinstance(network, TorchNetwork)
        self._device = network.device if own else torch.device("cpu")

    def keypoints(self, crops: UInt8[Tensor, "B 3 C C"]) -> Keypoints:
        """Return the merged keypoints; a cell is the cell of the merged point."""
        crops = crops.to(self._device)
        points, votes = [], []
        for number, matrix in enumerate(self.matrices):
            pixels = self._seen(crops, matrix) if number else crops
            for flipped in (False, True) if self.tta.flip else (False,):
                answer = self._ask(pixels, flipped)
                points.append(answer[0] @ matrix[:, :2].T + matrix[:, 2])
                votes.append(answer[1])
        joined, confidence = self._joined(torch.stack(points), torch.stack(votes))
        stride = self.crop.size / self.heatmap_size
        cells = heatmaps.pixels_to_cells(joined, stride).round().clamp(0, self.heatmap_size - 1)
        return Keypoints(
            joined.numpy().astype(np.float32),
            confidence.clamp(0, 1).numpy().astype(np.float32),
            cells.numpy().astype(np.float32),
        )

    def _seen(self, crops: UInt8[Tensor, "B 3 C C"], matrix: Float[Tensor, "2 3"]) -> Tensor:
        several = matrix.to(crops.device).expand(len(crops), 2, 3)
        warped = affine.warp(crops.to(torch.float32) / 255, several, self.crop.size)
        return (warped * 255).round().to(torch.uint8)

    def _ask(self, pixels: Tensor, flipped: bool) -> tuple[Tensor, Tensor]:
        """Return points and confidence in the view's pixels, mirrored back where it is flipped."""
        answer = self.network.keypoints(pixels.flip(-1) if flipped else pixels)
        points, votes = torch.from_numpy(answer.points), torch.from_numpy(answer.confidence)
        if not flipped:
            return points.float(), votes.float()
        points, votes = points[:, self._mirror].float(), votes[:, self._mirror].float()
        return torch.stack([self.crop.size - 1 - points[..., 0], points[..., 1]], dim=-1), votes

    def _joined(
        self, points: Float[Tensor, "V B K 2"], votes: Float[Tensor, "V B K"]
    ) -> tuple[Tensor, Tensor]:
        if len(self.matrices) > 1:
            return consensus(points, votes.clamp_min(1e-6), _SPREAD * self.crop.size)
        weight = votes.clamp_min(1e-6)[..., None]
        return (weight * points).sum(dim=0) / weight.sum(dim=0), votes.mean(dim=0)
