"""Two models on the same images, with intervals: the paired bootstrap over images.

Every figure is a ratio of sums over images (a mean has a denominator of 1 for each), so that a
resample is a product of matrices. Both models are resampled by the same draws: an image that is hard
for one is mostly hard for the other, and the interval of the difference is the narrower for it.
Subjects of one image stay together, because they are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
LEVEL = 0.95
LEAST_IMAGES = 6
"""Fewer images have no interval: five that all point one way do so by chance in one case of 16."""


@dataclass(frozen=True)
class Interval:
    """A figure with its interval; None where it cannot be had (:data:`LEAST_IMAGES`)."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval lies on one side of 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


@dataclass(frozen=True)
class Paired:
    """A figure of both models and its change, adapted less source."""

    source: Interval
    adapted: Interval
    difference: Interval


def by_image(parts: ArrayLike, images: ArrayLike) -> NDArray[np.float64]:
    """Sum the (numerator, denominator) rows of the subjects of each image.

    Args:
        parts: (N, 2). images: (N,) which image each subject is in, anything that can be sorted.

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
    """Expanded percentile intervals (95 %) of two ratios of sums and of their difference.

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; images are drawn with
    replacement, the same ones for both models. Percentiles of resamples are too narrow where images
    are few; they are taken as far out as Student's t asks for (Hesterberg, What Teachers Should Know
    About the Bootstrap, 2015): Phi(-sqrt(G / (G - 1)) t) in each tail, 2.5 % for many images.

    Args:
        source, adapted: (G, 2) numerator and denominator of each image, rows in the same order.

    Raises:
        ValueError: the shapes differ or are not (G, 2).
    """
    one, other = (np.asarray(parts, dtype=np.float64) for parts in (source, adapted))
    if one.shape != other.shape or one.ndim != 2 or one.shape[1] != 2:
        raise ValueError(f"source {one.shape} and adapted {other.shape} must both be (G, 2)")
    count = len(one)
    weights, tail = np.ones((1, count)), 0.0
    if count >= LEAST_IMAGES:
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), draws)
        weights, tail = np.concatenate([weights, drawn]), _tail(count)
    first, second = (_ratio(weights @ parts) for parts in (one, other))
    return Paired(*(_interval(values, tail) for values in (first, second, second - first)))


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    below = sums[:, 1]
    return np.where(below > 0, sums[:, 0] / np.where(below > 0, below, 1), np.nan)


def _tail(images: int) -> float:
    """Percent of the resamples beyond either end."""
    from scipy.stats import norm, t

    reach = t.isf((1 - LEVEL) / 2, images - 1) * np.sqrt(images / (images - 1))
    return float(100 * norm.sf(reach))


def _interval(values: NDArray[np.float64], tail: float) -> Interval:
    """The first value is that of the images themselves, the others are resamples."""
    whole, drawn = values[0], values[1:][np.isfinite(values[1:])]
    if not np.isfinite(whole):
        return Interval(None, None, None)
    if drawn.size == 0:
        return Interval(float(whole), None, None)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return Interval(float(whole), float(low), float(high))
