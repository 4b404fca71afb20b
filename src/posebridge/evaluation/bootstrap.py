"""Paired bootstrap over images: two models on the same images, with intervals.

Every metric is a ratio of sums over images (a mean has a denominator of 1 for each), so a resample is
a product of matrices. Both models are resampled by the same draws. An image that is hard for one
model is mostly hard for the other, which makes the interval of the difference narrower. Subjects of
one image stay together, because they are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
LEVEL = 0.95
LEAST_IMAGES = 6
"""Fewer images have no interval: five random signs are all equal in one case of 16."""


@dataclass(frozen=True)
class Interval:
    """A metric with its interval; None where there are too few images (:data:`LEAST_IMAGES`)."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval is on one side of 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


@dataclass(frozen=True)
class Paired:
    """A metric of both models and its change, adapted minus source."""

    source: Interval
    adapted: Interval
    difference: Interval


def by_image(parts: ArrayLike, images: ArrayLike) -> NDArray[np.float64]:
    """Sum the (numerator, denominator) rows of the subjects of each image.

    Args:
        parts: (N, 2). images: (N,) the image of each subject, of any sortable type.

    Returns:
        (G, 2), images in sorted order.
    """
    table = np.asarray(parts, dtype=np.float64)
    _, group = np.unique(np.asarray(images), return_inverse=True)
    sums = np.zeros((int(group.max(initial=-1)) + 1, 2))
    np.add.at(sums, group.reshape(-1), table)
    return sums


def paired_bootstrap(
    source: ArrayLike, adapted: ArrayLike, *, draws: int = DRAWS, seed: int = 0
) -> Paired:
    """Return expanded percentile intervals (95 %) of two ratios of sums and of their difference.

    Images are drawn with replacement, the same images for both models (Efron & Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13). Percentiles of resamples are too narrow for few
    images. They are expanded by Student's t (Hesterberg, What Teachers Should Know About the
    Bootstrap, 2015): Phi(-sqrt(G / (G - 1)) t) in each tail, 2.5 % for many images.

    Args:
        source, adapted: (G, 2) numerator and denominator of each image, images in the same order.

    Raises:
        ValueError: the shapes differ or are not (G, 2).
    """
    before, after = (np.asarray(parts, dtype=np.float64) for parts in (source, adapted))
    if before.shape != after.shape or before.ndim != 2 or before.shape[1] != 2:
        raise ValueError(f"source {before.shape} and adapted {after.shape} must both be (G, 2)")
    count = len(before)
    weights, tail = np.ones((1, count)), 0.0
    if count >= LEAST_IMAGES:
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), draws)
        weights, tail = np.concatenate([weights, drawn]), _tail(count)
    first, second = (_ratio(weights @ parts) for parts in (before, after))
    return Paired(*(_interval(values, tail) for values in (first, second, second - first)))


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    denominator = sums[:, 1]
    usable = denominator > 0
    return np.where(usable, sums[:, 0] / np.where(usable, denominator, 1), np.nan)


def _tail(images: int) -> float:
    """Return the percentage of resamples beyond either end of the interval."""
    from scipy.stats import norm, t

    reach = t.isf((1 - LEVEL) / 2, images - 1) * np.sqrt(images / (images - 1))
    return float(100 * norm.sf(reach))


def _interval(values: NDArray[np.float64], tail: float) -> Interval:
    """Return the interval; the first value is of the images themselves, the rest are resamples."""
    whole, drawn = values[0], values[1:][np.isfinite(values[1:])]
    if not np.isfinite(whole):
        return Interval(None, None, None)
    if drawn.size == 0:
        return Interval(float(whole), None, None)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return Interval(float(whole), float(low), float(high))
