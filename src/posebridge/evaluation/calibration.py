"""From the height of a heatmap's peak to the chance that the joint is right.

A peak is in [0, 1] but is no probability: how often a joint with a peak of 0.4 lies within 0.05 of the
crop's side depends on the model. :func:`fit_calibration` learns the map on labelled images that the
model did not train on; :func:`reliability` says on others how well it holds.

The map is isotonic (the pool-adjacent-violators algorithm, Zadrozny & Elkan, KDD 2002), read between
the centres of its blocks rather than as a staircase (centred isotonic regression, Oron & Flournoy
2017). One map serves all joints; a joint with enough labels of its own has its own. Learned on the
source, it holds on the source: on photographs it tends to promise too much.
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
"""Labelled points that a joint needs for a map of its own; fewer make a map of noise."""


@dataclass(frozen=True)
class Curve:
    """A monotone map: ``chance`` at ``peak``, straight between, level beyond the ends."""

    peak: tuple[float, ...]
    chance: tuple[float, ...]

    def __call__(self, peaks: ArrayLike) -> NDArray[np.float64]:
        return np.interp(np.asarray(peaks, dtype=np.float64), self.peak, self.chance)


@dataclass(frozen=True)
class Calibration:
    """Peaks of one model to the chance of lying within a distance of the truth.

    Attributes:
        within: the distance, a share of the crop's side.
        shared: the map for all joints.
        own: joint -> its own map, for those with enough labels.
        points: how many labelled points it was fitted on.
    """

    within: float
    shared: Curve
    own: Mapping[int, Curve] = field(default_factory=dict)
    points: int = 0

    def __call__(self, peaks: ArrayLike) -> NDArray[np.float64]:
        """(N, K) peaks to (N, K) chances in [0, 1]."""
        given = np.asarray(peaks, dtype=np.float64)
        chances = self.shared(given)
        for joint, curve in self.own.items():
            chances[:, joint] = curve(given[:, joint])
        return chances

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {
            "within": self.within,
            "points": self.points,
            "shared": [list(self.shared.peak), list(self.shared.chance)],
            "own": {str(j): [list(c.peak), list(c.chance)] for j, c in self.own.items()},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], where: str) -> Calibration:
        """Read what :meth:`to_dict` gave; ``where`` names the file in an error."""
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
    """Weights (``source``, ``adapted``) -> maps, from the ``calibration.json`` of a report."""
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
    """Learn the map from labelled images.

    Args:
        peaks: (N, K) heights of the peaks.
        ratio: (N, K) distance from the label over the crop's side; NaN where unlabelled.
        within: share of the crop's side up to which a joint is right.
        least: labelled points that a joint needs for a map of its own.

    Returns:
        None where nothing is labelled.
    """
    heights, away = np.asarray(peaks, np.float64), np.asarray(ratio, np.float64)
    if heights.shape != away.shape or heights.ndim != 2:
        raise ValueError(f"peaks {heights.shape} and ratio {away.shape} must both be (N, K)")
    known = ~np.isnan(away)
    if not known.any():
        return None
    right = away <= within
    enough = np.flatnonzero(known.sum(axis=0) >= least)
    own = {
        int(j): _isotonic(heights[known[:, j], j], right[known[:, j], j].astype(float))
        for j in enough
    }
    shared = _isotonic(heights[known], right[known].astype(float))
    return Calibration(within, shared, own, int(known.sum()))


@dataclass(frozen=True)
class Reliability:
    """How chances compare with what was right.

    Attributes:
        error: expected calibration error, percent: the mean distance between chance and share
            that is right over equal-width bins, weighted by their points (Naeini et al., AAAI
            2015; Guo et al., ICML 2017).
        expected, right: mean chance, and the share that really is right, percent.
        chance, share, points: of each bin that has points; percent, percent, a count.
    """

    error: float
    expected: float
    right: float
    chance: tuple[float, ...]
    share: tuple[float, ...]
    points: tuple[int, ...]


def reliability(chances: ArrayLike, right: ArrayLike, bins: int = BINS) -> Reliability | None:
    """Compare chances with outcomes.

    Args:
        chances: (M,) in [0, 1]. right: (M,) bool.

    Returns:
        None where there are no points.
    """
    said, true = np.asarray(chances, np.float64), np.asarray(right, np.float64)
    if said.size == 0:
        return None
    place = np.minimum((said * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    there = count > 0
    chance = np.bincount(place, said, bins)[there] / count[there]
    share = np.bincount(place, true, bins)[there] / count[there]
    weight = count[there] / count.sum()
    return Reliability(
        error=float(100 * (weight * np.abs(chance - share)).sum()),
        expected=float(100 * said.mean()),
        right=float(100 * true.mean()),
        chance=tuple((100 * chance).tolist()),
        share=tuple((100 * share).tolist()),
        points=tuple(int(c) for c in count[there]),
    )


def _isotonic(peaks: NDArray[np.float64], right: NDArray[np.float64]) -> Curve:
    from scipy.optimize import isotonic_regression

    # Equal peaks must have equal chances: they go in as one point with their number as weight.
    place, group = np.unique(peaks, return_inverse=True)
    weight = np.bincount(group).astype(float)
    fitted = isotonic_regression(np.bincount(group, right) / weight, weights=weight)
    starts = fitted.blocks[:-1]
    mass = np.add.reduceat(weight, starts)
    centre = np.add.reduceat(weight * place, starts) / mass
    level = np.clip(fitted.x[starts], 0.0, 1.0)
    return Curve(tuple(centre.tolist()), tuple(level.tolist()))


def _within(raw: Any) -> float:
    within = float(raw)
    if not 0 < within < math.inf:
        raise ValueError("'within' must be a number above 0")
    return within


def _curve(raw: Any) -> Curve:
    peak, chance = (tuple(float(v) for v in column) for column in raw)
    if len(peak) != len(chance) or not peak or list(peak) != sorted(peak):
        raise ValueError("a map's peaks must rise and have a chance each")
    if not all(map(math.isfinite, peak)) or not all(0 <= value <= 1 for value in chance):
        raise ValueError("a map's peaks must be finite, and its chances 0 to 1")
    return Curve(peak, chance)
