"""Metrics with labels: distances, PCK, the area under its curve, end-point error, all pooled.

Every function takes whole arrays: N subjects with K joints, points (x, y) in pixels of the original
image. A mean or a fraction is always *pooled*: every labeled joint of every subject counts once. It
is not a mean of batches, of subjects or of joints, whose value depends on the grouping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from posebridge.ops.heatmaps import argmax_cells
from posebridge.skeleton import Skeleton

Groups = Mapping[str, Sequence[int]]
Scores = dict[str, float]

ALL = "all"
"""The row that pools every joint, in addition to the skeleton's groups."""


def distances(predicted: ArrayLike, points: ArrayLike, labeled: ArrayLike) -> NDArray[np.float64]:
    """Return the Euclidean distance of every prediction from its label.

    Args:
        predicted: (N, K, 2), pixels.
        points: (N, K, 2), the labels, in pixels of the same image.
        labeled: (N, K) bool, which labels exist.

    Returns:
        (N, K) pixels; NaN for an unlabeled joint, infinity where a labeled joint's prediction is not
        finite: such a prediction counts as a miss.

    Raises:
        ValueError: the shapes differ.
    """
    xy = np.asarray(predicted, dtype=np.float64)
    truth = np.asarray(points, dtype=np.float64)
    exists = np.asarray(labeled, dtype=bool)
    if xy.shape != truth.shape or xy.shape != (*exists.shape, 2) or exists.ndim != 2:
        raise ValueError(
            f"predicted {xy.shape} and points {truth.shape} must both be (N, K, 2) and labeled "
            f"{exists.shape} (N, K)"
        )
    usable = np.isfinite(xy).all(axis=-1)
    apart = np.where((usable & exists)[..., None], xy - truth, 0.0)
    length = np.hypot(apart[..., 0], apart[..., 1])
    return np.where(exists, np.where(usable, length, np.inf), np.nan)


def normalized(distances: ArrayLike, normalizer: ArrayLike) -> NDArray[np.float64]:
    """Return distances (N, K) divided by each subject's normalizer (N,), both in pixels.

    Subjects whose normalizer is NaN or not positive become NaN: they are left out.

    Raises:
        ValueError: the numbers of subjects differ.
    """
    pixels = np.asarray(distances, dtype=np.float64)
    size = np.asarray(normalizer, dtype=np.float64)
    if pixels.ndim != 2 or size.shape != pixels.shape[:1]:
        raise ValueError(f"normalizer {size.shape} must be (N,) for distances {pixels.shape}")
    usable = np.isfinite(size) & (size > 0)
    return pixels / np.where(usable, size, np.nan)[:, None]


def pck(
    distances: ArrayLike, normalizer: ArrayLike, threshold: float, groups: Groups | None = None
) -> Scores:
    """Return the percentage of correct keypoints: distance <= threshold x normalizer.

    PCK = 100 * #{(n, k): d_nk <= t s_n} / #{(n, k): labeled}, pooled over the whole dataset
    (Yang & Ramanan, TPAMI 2013, with another normalizer).

    Args:
        distances: (N, K) pixels, NaN where unlabeled, as :func:`distances` returns.
        normalizer: (N,) pixels, NaN for subjects to leave out.
        threshold: fraction of the normalizer.
        groups: name -> joints, such as ``skeleton.groups``.

    Returns:
        ``"all"`` and each group -> percentage, NaN for a group without a labeled joint.
    """
    ratio = normalized(distances, normalizer)
    hit = np.where(np.isnan(ratio), np.nan, ratio <= threshold)
    return _percent(_pooled_mean(hit, groups))


def auc(
    distances: ArrayLike, normalizer: ArrayLike, maximum: float, groups: Groups | None = None
) -> Scores:
    """Return the area under the PCK curve for thresholds 0 to ``maximum``, percent of the maximum.

    AUC = 1/m * integral of PCK(t) dt for t in [0, m]. The pooled PCK is a staircase, so the
    integral has a closed form, the pooled mean of max(0, 1 - r/m) with r = d_nk / s_n. The result is
    exact and has no number of steps to choose. Sums over a grid of thresholds (20 or 30 in other
    tools) approach it as the grid gets finer.

    Arguments and result are as for :func:`pck`, with ``maximum`` > 0 in place of the threshold.
    """
    if not maximum > 0:
        raise ValueError(f"the largest threshold must be positive, got {maximum}")
    ratio = normalized(distances, normalizer)
    return _percent(_pooled_mean(np.clip(1.0 - ratio / maximum, 0.0, 1.0), groups))


def epe(distances: ArrayLike, groups: Groups | None = None) -> Scores:
    """Return the mean end-point error: the pooled mean distance of labeled joints, in pixels.

    Returns:
        ``"all"`` and each group -> pixels; NaN for a group without a labeled joint.
    """
    return _pooled_mean(np.asarray(distances, dtype=np.float64), groups)


def epe_median(distances: ArrayLike, groups: Groups | None = None) -> Scores:
    """Return the pooled median distance of labeled joints, in pixels; keys as in :func:`epe`."""
    pixels = np.asarray(distances, dtype=np.float64)
    return {
        name: float(np.median(present)) if present.size else float("nan")
        for name, members in _members(pixels.shape[1], groups).items()
        for present in [_present(pixels[:, members])]
    }


@dataclass(frozen=True)
class PublishedPck:
    """PCK by the released code's protocol, as fractions in [0, 1].

    Attributes:
        per_keypoint: (K,) fraction of correct joints; NaN for a keypoint without a valid target
            (the published function marks it with -1).
        mean: the unweighted mean over the keypoints that have a valid target, 0 if none has.
        count: number of keypoints that have a valid target.
    """

    per_keypoint: NDArray[np.float64]
    mean: float
    count: int

    def percentages(self, skeleton: Skeleton) -> Scores:
        """Return percentages for a results table; ``all`` and a group are means over keypoints."""
        if len(skeleton) != len(self.per_keypoint):
            raise ValueError(
                f"{len(self.per_keypoint)} keypoints do not fit a skeleton of {len(skeleton)}"
            )
        groups = _pooled_mean(self.per_keypoint[None], skeleton.groups)
        return _percent({**groups, ALL: self.mean})


def published_pck(
    predicted: Tensor | NDArray[np.floating],
    target: Tensor | NDArray[np.floating],
    threshold: float = 0.5,
) -> PublishedPck:
    """Return PCK as the released code computes it: argmax against argmax, in whole heatmap cells.

    This is the function ``accuracy`` of SimpleBaseline (Xiao et al., ECCV 2018), which the released
    code of Chen et al. (ICME 2024) uses. A target counts if both its coordinates are above 1 cell. A
    joint is correct if |(dx / (W/10), dy / (H/10))| < threshold, so the default 0.5 is 0.05 of the
    heatmap's side. It differs from :func:`pck` on purpose: predictions and labels are rounded to
    cells, joints in the first two rows and columns are ignored, and keypoints are averaged without
    weights. For heatmaps that are not square the original divides x by the height; here each axis is
    divided by its own side.

    The released code calls it batch by batch and averages the results. Pass the whole dataset for a
    metric that does not depend on the batches.

    Args:
        predicted: (B, K, H, W) heatmaps.
        target: (B, K, H, W) heatmaps of the labels, zero where unlabeled.
        threshold: in tenths of the heatmap's side.

    Raises:
        ValueError: the shapes differ or are not (B, K, H, W).
    """
    maps, aims = torch.as_tensor(predicted), torch.as_tensor(target)
    if maps.ndim != 4 or maps.shape != aims.shape:
        raise ValueError(
            f"predicted {tuple(maps.shape)} and target {tuple(aims.shape)} must both be "
            "(B, K, H, W)"
        )
    height, width = maps.shape[-2:]
    found = argmax_cells(maps.detach().float())[0].double().cpu().numpy()
    aimed = argmax_cells(aims.detach().float())[0].double().cpu().numpy()
    return published_pck_of_cells(found, aimed, (width, height), threshold)


def published_pck_of_cells(
    found: NDArray[np.floating],
    aimed: NDArray[np.floating],
    size: tuple[int, int],
    threshold: float = 0.5,
) -> PublishedPck:
    """Return :func:`published_pck` from the highest cells alone, without keeping the heatmaps.

    Args:
        found, aimed: (B, K, 2) x, y of the highest cell of the predictions and of the labels; (0, 0)
            where there is none.
        size: (width, height) of the heatmaps in cells.
    """
    valid = (aimed > 1).all(axis=-1)
    apart = np.linalg.norm((found - aimed) / (np.array(size) / 10), axis=-1)
    counts = valid.sum(axis=0)
    hits = ((apart < threshold) & valid).sum(axis=0)
    per_keypoint = np.where(counts > 0, hits / np.maximum(counts, 1), np.nan)
    scored = _present(per_keypoint)
    mean = float(scored.mean()) if scored.size else 0.0
    return PublishedPck(per_keypoint=per_keypoint, mean=mean, count=scored.size)


def _members(count: int, groups: Groups | None) -> dict[str, list[int]]:
    """Return name -> joints of every row: ``all`` first, then the groups in their order."""
    named = {name: list(joints) for name, joints in (groups or {}).items()}
    return {ALL: list(range(count)), **named}


def _present(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _pooled_mean(values: NDArray[np.float64], groups: Groups | None) -> Scores:
    """Return the mean of the (N, K) entries that are not NaN, for all joints and for each group."""
    counted = ~np.isnan(values)
    sums = np.where(counted, values, 0.0).sum(axis=0)
    counts = counted.sum(axis=0)
    return {
        name: float(sums[joints].sum() / total) if total else float("nan")
        for name, joints in _members(values.shape[1], groups).items()
        for total in [int(counts[joints].sum())]
    }


def _percent(fractions: Scores) -> Scores:
    return {name: 100.0 * fraction for name, fraction in fractions.items()}
