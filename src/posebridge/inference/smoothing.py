"""Keypoints of one video, smoothed over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from posebridge.inference.predictor import PosePredictions

MIN_CUTOFF = 1.0
BETA = 10.0


def one_euro(
    points: np.ndarray,
    times: np.ndarray,
    min_cutoff: float = MIN_CUTOFF,
    beta: float = BETA,
    speed_cutoff: float = 1.0,
) -> np.ndarray:
    """Return points after the one-euro filter (Casiez, Roussel & Vogel, CHI 2012, algorithm 1).

    An exponential mean whose cutoff rises with the speed: slow points are held still, fast ones
    followed. With alpha(f, dt) = 1 / (1 + 1 / (2 pi f dt)), for each frame:

        v = v' + alpha(speed_cutoff, dt) ((x - y') / dt - v')
        y = y' + alpha(min_cutoff + beta |v|, dt) (x - y')

    where y' and v' are the values of the frame before, y = x and v = 0 in the first one. The speed is
    the length of the point's velocity, so that rotating the image does not change the filter. The
    filter is causal: a frame depends on itself and on earlier frames.

    Args:
        points: (T, K, 2), in any unit of length.
        times: (T,) seconds, rising; frames may be unevenly spread.
        min_cutoff: Hz, of a point at rest; less is steadier and lags more.
        beta: Hz for each unit of length a second; more follows fast points more closely.
        speed_cutoff: Hz, of the speed itself.

    Returns:
        (T, K, 2) float64.
    """
    given = np.asarray(points, np.float64)
    seconds = np.asarray(times, np.float64)
    steps = np.diff(seconds)
    if len(seconds) != len(given) or (steps <= 0).any():
        raise ValueError(f"{len(given)} frames need as many times that rise")
    smooth = given.copy()
    speed = np.zeros_like(given[:1])[0] if len(given) else given
    for frame, step in enumerate(steps, start=1):
        before = smooth[frame - 1]
        speed = speed + _alpha(speed_cutoff, step) * ((given[frame] - before) / step - speed)
        cutoff = min_cutoff + beta * np.linalg.norm(speed, axis=-1, keepdims=True)
        smooth[frame] = before + _alpha(cutoff, step) * (given[frame] - before)
    return smooth


def smoothed(found: PosePredictions, times: np.ndarray) -> PosePredictions:
    """Return predictions on one video, one subject a frame, with smoothed points.

    Lengths are counted in the sides of the crop, so that ``BETA`` means the same at any resolution.
    Confidence stays as it is.

    Args:
        times: (N,) seconds at which the frames are shown, rising.
    """
    unit = float(np.median(found.regions[:, 2]))
    return replace(found, points=(one_euro(found.points / unit, times) * unit).astype(np.float32))


def _alpha(cutoff: np.ndarray | float, step: float) -> np.ndarray | float:
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))
