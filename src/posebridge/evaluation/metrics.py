"""How far predictions are from labels: distances, PCK, its area, end-point error, all pooled.

Every function works on whole arrays: N subjects with K joints, points (x, y) in pixels of the
original image. A mean or a share is always *pooled*: every labelled joint of every subject counts
once. It is not a mean of batches, of subjects or of joints, whose value depends on how subjects
were put together.
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
"""The row that pools every joint, beside the skeleton's groups."""


def distances(predicted: ArrayLike, points: ArrayLike, labelled: ArrayLike) -> NDArray[np.float64]:
    """Euclidean distance of every prediction from its label.

    Args:
        predicted: (N, K, 2), pixels.
        points: (N, K, 2), the labels in the same pixels.
        labelled: (N, K) bool, which labels exist.

    Returns:
        (N, K) pixels; NaN where there is no label, infinity where there is one but the prediction
        is not finite: a broken prediction is a miss, it does not drop out of the count.

    Raises:
        ValueError: the shapes differ.
    """
    there = np.asarray(predicted, dtype=np.float64)
    here = np.asarray(points, dtype=np.float64)
    exists = np.asarray(labelled, dtype=bool)
    if there.shape != here.shape or there.shape != (*exists.shape, 2) or exists.ndim != 2:
        raise ValueError(
            f"predicted {there.shape} and points {here.shape} must both be (N, K, 2) and labelled "
            f"{exists.shape} (N, K)"
        )
    usable = np.isfinite(there).all(axis=-1)
    apart = np.where((usable & exists)[..., None], there - here, 0.0)
    length = np.hypot(apart[..., 0], apart[..., 1])
    return np.where(exists, np.where(usable, length, np.inf), np.nan)


def normalised(distances: ArrayLike, normaliser: ArrayLike) -> NDArray[np.float64]:
    """Distances (N, K) divided by each subject's normaliser (N,), both in pixels.

    Subjects whose normaliser is NaN or not positive become NaN: they are left out.

    Raises:
        ValueError: the numbers of subjects differ.
    """
    pixels = np.asarray(distances, dtype=np.float64)
    size = np.asarray(normaliser, dtype=np.float64)
    if pixels.ndim != 2 or size.shape != pixels.shape[:1]:
        raise ValueError(f"normaliser {size.shape} must be (N,) for distances {pixels.shape}")
    usable = np.isfinite(size) & (size > 0)
    return pixels / np.where(usable, size, np.nan)[:, None]


def pck(
    distances: ArrayLike, normaliser: ArrayLike, threshold: float, groups: Groups | None = None
) -> Scores:
    """Percentage of correct keypoints: labelled joints with distance <= threshold x normaliser.

    PCK = 100 * #{(n, k): d_nk <= t s_n} / #{(n, k): labelled}, pooled over the whole set
    (Yang & Ramanan, TPAMI 2013, with the set's normaliser in place of theirs).

    Args:
        distances: (N, K) pixels, NaN where unlabelled, as :func:`distances` gives.
        normaliser: (N,) pixels, NaN for subjects to leave out.
        threshold: share of the normaliser.
        groups: name -> joints, such as ``skeleton.groups``.

    Returns:
        ``"all"`` and each group -> percentage, NaN for a group without a labelled joint.
    """
    ratio = normalised(distances, normaliser)
    hit = np.where(np.isnan(ratio), np.nan, ratio <= threshold)
    return _percent(_pooled_mean(hit, groups))


def auc(
    distances: ArrayLike, normaliser: ArrayLike, maximum: float, groups: Groups | None = None
) -> Scores:
    """Area under the PCK curve over the thresholds 0 to ``maximum``, as a percentage of the whole.

    AUC = 1/m * integral of PCK(t) dt for t in [0, m]. The pooled PCK is a staircase, so the
    integral has a closed form, the pooled mean of max(0, 1 - r/m) with r = d_nk / s_n. It is taken
    exactly: there is no number of steps to choose. Sums over a grid of thresholds (20 or 30 in
    other tools) tend to it as the grid gets finer.

    Args and returns are those of :func:`pck`, with ``maximum`` > 0 in place of the threshold.
    """
    if not maximum > 0:
        raise ValueError(f"the largest threshold must be positive, got {maximum}")
    ratio = normalised(distances, normaliser)
    return _percent(_pooled_mean(np.clip(1.0 - ratio / maximum, 0.0, 1.0), groups))


def epe(distances: ArrayLike, groups: Groups | None = None) -> Scores:
    """Mean end-point error: the pooled mean distance of labelled joints, in pixels.

    ``"all"`` and each group -> pixels; NaN for a group without a labelled joint.
    """
    return _pooled_mean(np.asarray(distances, dtype=np.float64), groups)


def epe_median(distances: ArrayLike, groups: Groups | None = None) -> Scores:
    """Median distance of labelled joints, pooled, in pixels; keys as in :func:`epe`."""
    pixels = np.asarray(distances, dtype=np.float64)
    return {
        name: float(np.median(present)) if present.size else float("nan")
        for name, members in _members(pixels.shape[1], groups).items()
        for present in [_present(pixels[:, members])]
    }


@dataclass(frozen=True)
class PublishedPck:
    """What the released code's protocol gives, as fractions in [0, 1].

    Attributes:
        per_keypoint: (K,) share of correct joints; NaN for a keypoint without a valid target
            (the published function marks it with -1).
        mean: the unweighted mean over the keypoints that have a valid target, 0 if none has.
        count: how many keypoints these are.
    """

    per_keypoint: NDArray[np.float64]
    mean: float
    count: int

    def percentages(self, skeleton: Skeleton) -> Scores:
        """Percentages for a results table; a group is the mean of its keypoints, as ``all`` is."""
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
    """PCK as the released code takes it: argmax against argmax, in whole heatmap cells.

    The function ``accuracy`` of SimpleBaseline (Xiao et al., ECCV 2018), which the released code of
    Chen et al. (ICME 2024) uses. A target counts if both its coordinates are above 1 cell; a joint
    is correct if |(dx / (W/10), dy / (H/10))| < threshold, so the default 0.5 is 0.05 of the
    heatmap's side. It differs from :func:`pck` on purpose: both sides are rounded to cells, joints
    in the first two rows and columns are ignored, and keypoints are averaged without weights. For
    maps that are not square the original divides x by the height; here each axis has its own side.

    The released code calls it batch by batch and averages; give the whole set for a figure that
    does not depend on the batches.

    Args:
        predicted: (B, K, H, W) heatmaps.
        target: (B, K, H, W) heatmaps of the labels, zero where unlabelled.
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
    """:func:`published_pck` from the highest cells alone, so that no heatmap has to be kept.

    Args:
        found, aimed: (B, K, 2) x, y of the highest cell; (0, 0) where there is none.
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
    """Name -> joints of every row: ``all`` first, then the groups in their order."""
    named = {name: list(joints) for name, joints in (groups or {}).items()}
    return {ALL: list(range(count)), **named}


def _present(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _pooled_mean(values: NDArray[np.float64], groups: Groups | None) -> Scores:
    """Mean of the entries of (N, K) that are not NaN, of all joints and of each group."""
    counted = ~np.isnan(values)
    sums = np.where(counted, values, 0.0).sum(axis=0)
    counts = counted.sum(axis=0)
    return {
        name: float(sums[joints].sum() / total) if total else float("nan")
        for name, joints in _members(values.shape[1], groups).items()
        for total in [int(counts[joints].sum())]
    }


def _percent(shares: Scores) -> Scores:
    return {name: 100.0 * share for name, share in shares.items()}
