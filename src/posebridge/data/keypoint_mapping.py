"""Labels of one skeleton as labels of another."""

from __future__ import annotations

import numpy as np

from posebridge.data.samples import LabeledSamples
from posebridge.skeleton import SkeletonMatch


def remapped(samples: LabeledSamples, match: SkeletonMatch) -> LabeledSamples:
    """Return the samples with the keypoints of the match's target skeleton.

    An average is labeled where all its parts are; a keypoint without partner is labeled nowhere.
    The skeleton is the target's as a whole: its edges and pairs are kept for keypoints that are
    never labeled, since a mirrored image needs a joint's partner even where only one of the two has
    labels (``SkeletonMatch.common`` is the skeleton without them). No subject is dropped.

    Args:
        samples: N subjects whose skeleton names the keypoints of ``match.source``.
        match: the result of ``match_skeletons(samples.skeleton, target)``.

    Raises:
        ValueError: the match was made for other keypoints.
    """
    if samples.skeleton.keypoints != match.source.keypoints:
        raise ValueError(
            f"the match is for {match.source.keypoints}, the samples have "
            f"{samples.skeleton.keypoints}"
        )
    weights = match.weights
    missing = (~samples.labeled).astype(np.float64) @ (weights.T > 0)
    labeled = (missing == 0) & (weights.sum(axis=1) > 0)
    points = np.einsum("tk,nkx->ntx", weights, samples.points.astype(np.float64))
    points = np.where(labeled[..., None], points, 0).astype(np.float32)
    return LabeledSamples(samples.images, match.target, points, labeled)


def with_labels(samples: LabeledSamples) -> LabeledSamples:
    """Return the subjects of which at least one keypoint is labeled."""
    return samples.subset(np.flatnonzero(samples.labeled.any(axis=1)))
