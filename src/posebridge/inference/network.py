"""Networks that predict keypoints: a PyTorch model or an exported file, behind one protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors.torch import save
from torch import Tensor, nn

from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.data.crops import CropConfig
from posebridge.evaluation.calibration import Calibration
from posebridge.inference.calibrated_graph import ConfidenceCalibrator
from posebridge.models.finite import require_finite_weights
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.ops import color_augmentation, facing, heatmaps
from posebridge.skeleton import Skeleton


class Keypoints(NamedTuple):
    """The keypoints of B crops, K keypoints each.

    Attributes:
        points: (B, K, 2) float32, x, y in pixels of the crop: where a Gaussian of the training's
            width fits the heatmap best.
        confidence: (B, K) float32 in [0, 1]: the height of the heatmap's peak.
        cells: (B, K, 2) float32, x, y of the highest cell of each heatmap; (0, 0) for a heatmap
            that is nowhere positive, as the published protocol has it.
    """

    points: np.ndarray
    confidence: np.ndarray
    cells: np.ndarray


class Network(Protocol):
    """Crops in, keypoints out: the interface that prediction and scoring use.

    Attributes:
        name: the folder or file, for messages.
        skeleton: the names and pairs of the keypoints.
        crop: how subjects are cut out of images.
        heatmap_size: cells on a side.
        notes: the recorded entries of the checkpoint: 'step', 'weights', 'seed' and
            'target' (what it was adapted to), where recorded.
    """

    name: str
    skeleton: Skeleton
    crop: CropConfig
    heatmap_size: int
    notes: Mapping[str, Any]

    def keypoints(self, crops: UInt8[Tensor, "B 3 C C"]) -> Keypoints:
        """Find the keypoints in RGB crops of ``crop.size`` pixels."""
        ...


def read_heatmaps(
    maps: Float[Tensor, "B K S S"], stride: float, sigma: float
) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"], Float[Tensor, "B K 2"]]:
    """Return points in crop pixels, confidence in [0, 1] and highest cells; see :class:`Keypoints`.

    Args:
        sigma: of the Gaussians that the model was trained on, in cells.
    """
    centers, _ = heatmaps.decode(heatmaps.fitted(maps, sigma))
    highest, peak = heatmaps.argmax_cells(maps)
    return heatmaps.cells_to_pixels(centers, stride), peak.clamp(0, 1), highest


class EndToEnd(nn.Module):
    """A pose model with its pre-processing and decoding: what an exported file computes.

    Args:
        model: of any floating type; only the network itself computes in that type.
        skeleton: the names and pairs of the keypoints.
        heatmaps: whether the heatmaps are an output.
        calibration: adds calibrated confidence as an output.
    """

    OUTPUTS = ("points", "confidence", "cells", "heatmaps", "probability")

    mirror: Tensor

    def __init__(
        self,
        model: PoseModel,
        skeleton: Skeleton,
        heatmaps: bool = False,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("mirror", torch.tensor(skeleton.mirror), persistent=False)
        self.model, self.heatmaps = model, heatmaps
        self.calibrated = (
            None if calibration is None else ConfidenceCalibrator(calibration, len(skeleton))
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of :meth:`forward`, in their order."""
        wanted = (True, True, True, self.heatmaps, self.calibrated is not None)
        return tuple(name for name, given in zip(self.OUTPUTS, wanted, strict=True) if given)

    def forward(self, images: UInt8[Tensor, "B C C 3"]) -> tuple[Tensor, ...]:
        """Return points, confidence, cells and optional outputs of crops in OpenCV's layout."""
        pixels = images.permute(0, 3, 1, 2).to(torch.float32) / 255
        output: PoseOutput = self.model(pixels.to(self.model.head.weight.dtype))
        maps = facing.by_name(output.heatmaps.to(torch.float32), output.turned, self.mirror)
        answer = read_heatmaps(maps, self.model.stride, self.model.config.sigma)
        if self.heatmaps:
            answer = (*answer, maps)
        return answer if self.calibrated is None else (*answer, self.calibrated(answer[1]))


class TorchNetwork:
    """A model folder's network on a device."""

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        require_finite_weights(checkpoint.model.state_dict(), str(checkpoint.folder))
        self.checkpoint, self.device = checkpoint, torch.device(device)
        self.model: PoseModel = checkpoint.model.eval()
        self.model.to(self.device).to(memory_format=torch.channels_last)
        self._mirror = torch.tensor(checkpoint.skeleton.mirror, device=self.device)
        self.name = str(checkpoint.folder)
        self.skeleton, self.crop = checkpoint.skeleton, checkpoint.crop
        self.heatmap_size = self.model.config.heatmap_size
        self.notes: Mapping[str, Any] = {
            **{key: checkpoint.results.get(key) for key in ("step", "weights")},
            **{key: checkpoint.config.get(key) for key in ("seed", "target")},
        }

    @cached_property
    def digest(self) -> str:
        """A checksum of all that the keypoints depend on: weights, architecture, crop, skeleton."""
        state = {k: v.detach().cpu().contiguous() for k, v in self.model.state_dict().items()}
        about = (asdict(self.model.config), asdict(self.crop), self.skeleton.to_json())
        content = hashlib.sha256(save(state))
        content.update(json.dumps(about, sort_keys=True, default=str).encode())
        return content.hexdigest()

    @torch.inference_mode()
    def keypoints(self, crops: UInt8[Tensor, "B 3 C C"]) -> Keypoints:
        """Return the keypoints in RGB crops; see :class:`Network`."""
        images = color_augmentation.pixels(crops.to(self.device, non_blocking=True))
        output: PoseOutput = self.model(images)
        maps = facing.by_name(output.heatmaps.float(), output.turned, self._mirror)
        answer = read_heatmaps(maps, self.model.stride, self.model.config.sigma)
        return Keypoints(*(part.cpu().numpy() for part in answer))
