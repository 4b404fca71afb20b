"""A calibration as tensors, so that an exported network carries it."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.evaluation.calibration import Calibration

_NARROWEST = 1e-6


class ConfidenceCalibrator(nn.Module):
    """Peaks to calibrated confidence, as :class:`~posebridge.evaluation.calibration.Calibration` does.

    A curve through (p_i, c_i), constant beyond its ends, is

        c(x) = c_0 + sum_i (c_{i+1} - c_i) clamp((x - p_i) / (p_{i+1} - p_i), 0, 1),

    one clamped ramp for each of its pieces. It is batched, and every runtime has its operations. Each
    ramp is between 0 and its rise, so that nothing cancels.

    Args:
        calibration: a shared curve, and separate curves for some keypoints.
        joints: K.
    """

    start: Tensor
    rise: Tensor
    peak: Tensor
    slope: Tensor

    def __init__(self, calibration: Calibration, joints: int) -> None:
        super().__init__()
        curves = [calibration.own.get(joint, calibration.shared) for joint in range(joints)]
        pieces = max(1, *(len(curve.peak) - 1 for curve in curves))
        rise, peak, slope = np.zeros((3, joints, pieces))
        for joint, curve in enumerate(curves):
            count = len(curve.peak) - 1
            rise[joint, :count] = np.diff(curve.probability)
            peak[joint, :count] = curve.peak[:-1]
            slope[joint, :count] = 1 / np.maximum(np.diff(curve.peak), _NARROWEST)
        start = np.array([curve.probability[0] for curve in curves])
        for name, values in (("start", start), ("rise", rise), ("peak", peak), ("slope", slope)):
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def forward(self, peaks: Float[Tensor, "B K"]) -> Float[Tensor, "B K"]:
        """Return the calibrated confidence in [0, 1], in single precision."""
        ramps = ((peaks[..., None] - self.peak) * self.slope).clamp(0, 1)
        return self.start + (ramps * self.rise).sum(dim=-1)
