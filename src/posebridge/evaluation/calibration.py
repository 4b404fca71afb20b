"""Calibrated confidence: from the height of a heatmap's peak to the probability of being right.

A peak is in [0, 1] but is not a probability: how often a joint with a peak of 0.4 is within 0.05 of
the crop's side depends on the model. :func:`fit_calibration` fits a map on labeled images that the
model did not train on. :func:`reliability` measures the map on other images.

The map is isotonic (the pool-adjacent-violators algorithm, Zadrozny & Elkan, KDD 2002). It is
interpolated between the centers of its blocks rather than a staircase (centered isotonic regression,
Oron & Flournoy 2017). One map serves all joints; a joint with enough labels has a map of its own.
A map that is fitted on the source holds on the source. On photographs it tends to be overconfident.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json_mapping

BINS = 10
LEAST_OF_A_JOINT = 300
"""Labeled points that a joint needs for a map of its own; with fewer the map fits noise."""


@dataclass(frozen=True)
class Curve:
    """A monotone map: ``probability`` at ``peak``, linear in between, constant beyond the ends."""

    peak: tuple[float, ...]
    probability: tuple[float, ...]

    def __call__(self, peaks: ArrayLike) -> NDArray[np.float64]:
        return np.interp(np.asarray(peaks, dtype=np.float64), self.peak, self.probability)


@dataclass(frozen=True)
class Calibration:
    """A map from one model's peaks to calibrated confidences for a distance.

    Attributes:
        within: the distance, a fraction of the crop's side.
        shared: the map for all joints.
        own: joint -> a map of its own, for joints with enough labels.
        points: number of labeled points that the map was fitted on.
    """

    within: float
    shared: Curve
    own: Mapping[int, Curve] = field(default_factory=dict)
    points: int = 0

    def __call__(self, peaks: ArrayLike) -> NDArray[np.float64]:
        """Return the (N, K) calibrated confidences, in [0, 1], of (N, K) peaks."""
        heights = np.asarray(peaks, dtype=np.float64)
        confidences = self.shared(heights)
        for joint, curve in self.own.items():
            confidences[:, joint] = curve(heights[:, joint])
        return confidences

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, for JSON."""
        return {
            "within": self.within,
            "points": self.points,
            "shared": [list(self.shared.peak), list(self.shared.probability)],
            "own": {str(j): [list(c.peak), list(c.probability)] for j, c in self.own.items()},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], where: str) -> Calibration:
        """Read what :meth:`to_dict` returned; ``where`` names the file in an error."""
        try:
            return cls(
                within=_within(raw["within"]),
                points=int(raw["points"]),
                shared=_curve(raw["shared"]),
                own={int(joint): _curve(pair) for joint, pair in raw["own"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{where} is not a calibration that posebridge wrote ({short_repr(error)}); make it "
                "again with 'posebridge report'."
            ) from error


def read_calibrations(file: Path) -> dict[str, list[Calibration]]:
    """Read the ``calibration.json`` of a report: checkpoint (``source``, ``adapted``) -> maps."""
    try:
        raw = read_json_mapping(file, "calibration")
        items = {str(name): list(maps) for name, maps in raw.items()}
    except (TypeError, InputError) as error:
        reason = str(error).removeprefix(str(file)).lstrip(": ").split(";")[0].rstrip(".")
        raise InputError(
            f"{file} can't be read as calibrations ({reason}); make it with 'posebridge report'."
        ) from error
    return {
        name: [Calibration.from_dict(entry, str(file)) for entry in maps]
        for name, maps in items.items()
    }


def fit_calibration(
    peaks: ArrayLike, ratio: ArrayLike, within: float, least: int = LEAST_OF_A_JOINT
) -> Calibration | None:
    """Fit the map on labeled images.

    Args:
        peaks: (N, K) heights of the peaks.
        ratio: (N, K) distance from the label over the crop's side; NaN where unlabeled.
        within: fraction of the crop's side up to which a joint is right.
        least: labeled points that a joint needs for a map of its own.

    Returns:
        The map, or None where nothing is labeled.
    """
    heights, distance = np.asarray(peaks, np.float64), np.asarray(ratio, np.float64)
    if heights.shape != distance.shape or heights.ndim != 2:
        raise ValueError(f"peaks {heights.shape} and ratio {distance.shape} must both be (N, K)")
    known = ~np.isnan(distance)
    if not known.any():
        return None
    right = distance <= within
    enough = np.flatnonzero(known.sum(axis=0) >= least)
    own = {
        int(j): _isotonic(heights[known[:, j], j], right[known[:, j], j].astype(float))
        for j in enough
    }
    shared = _isotonic(heights[known], right[known].astype(float))
    return Calibration(within, shared, own, int(known.sum()))


@dataclass(frozen=True)
class Reliability:
    """Confidences compared with the fraction of joints that is right.

    Attributes:
        error: expected calibration error, percent: the mean distance between the confidence and the
            fraction that is right over equal-width bins, weighted by their points (Naeini et al.,
            AAAI 2015; Guo et al., ICML 2017).
        expected, right: mean confidence, and the fraction that is right, percent.
        probability, fraction, points: confidence (percent), fraction that is right (percent) and number of
            points of each bin that has points.
    """

    error: float
    expected: float
    right: float
    probability: tuple[float, ...]
    fraction: tuple[float, ...]
    points: tuple[int, ...]


def reliability(calibrated: ArrayLike, right: ArrayLike, bins: int = BINS) -> Reliability | None:
    """Compare confidences with outcomes.

    Args:
        calibrated: (M,) in [0, 1]. right: (M,) bool.

    Returns:
        The comparison, or None without points.
    """
    confidence, outcome = np.asarray(calibrated, np.float64), np.asarray(right, np.float64)
    if confidence.size == 0:
        return None
    bin_index = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(bin_index, minlength=bins)
    filled = count > 0
    probability = np.bincount(bin_index, confidence, bins)[filled] / count[filled]
    share = np.bincount(bin_index, outcome, bins)[filled] / count[filled]
    weight = count[filled] / count.sum()
    return Reliability(
        error=float(100 * (weight * np.abs(probability - share)).sum()),
        expected=float(100 * confidence.mean()),
        right=float(100 * outcome.mean()),
        probability=tuple((100 * probability).tolist()),
        fraction=tuple((100 * share).tolist()),
        points=tuple(int(c) for c in count[filled]),
    )


def _isotonic(peaks: NDArray[np.float64], right: NDArray[np.float64]) -> Curve:
    from scipy.optimize import isotonic_regression

    # Equal peaks must have equal confidences: they are one point, weighted by their number.
    heights, group = np.unique(peaks, return_inverse=True)
    weight = np.bincount(group).astype(float)
    fitted = isotonic_regression(np.bincount(group, right) / weight, weights=weight)
    starts = fitted.blocks[:-1]
    mass = np.add.reduceat(weight, starts)
    center = np.add.reduceat(weight * heights, starts) / mass
    level = np.clip(fitted.x[starts], 0.0, 1.0)
    return Curve(tuple(center.tolist()), tuple(level.tolist()))


def _within(raw: Any) -> float:
    within = float(raw)
    if not 0 < within < math.inf:
        raise ValueError("'within' must be a number above 0")
    return within


def _curve(raw: Any) -> Curve:
    peak, probability = (tuple(float(v) for v in column) for column in raw)
    if len(peak) != len(probability) or not peak or list(peak) != sorted(peak):
        raise ValueError("a map's peaks must increase, with one confidence for each peak")
    if not all(map(math.isfinite, peak)) or not all(0 <= value <= 1 for value in probability):
        raise ValueError("a map's peaks must be finite, and its confidences 0 to 1")
    return Curve(peak, probability)
