"""What changed between two models' predictions for the same crops, by joint and by photograph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.data.samples import UnlabeledSamples
from posebridge.evaluation.run_comparison import GalleryImage, JointMove
from posebridge.skeleton import Skeleton
from posebridge.validators.validators import Answers

NEAR = 0.05
"""Fraction of the crop's side: nearer than this, two views agree, and a joint did not move."""


def steady(answers: Answers) -> Bool[Tensor, "N K"]:
    """Return whether two views agree on a joint; true where either does not show it."""
    apart = (answers.first - answers.second).norm(dim=-1)
    return (apart <= NEAR * answers.size) | ~answers.seen


def moved(source: Answers, adapted: Answers) -> Float[Tensor, "N K"]:
    """Return the distance between the two models' predictions, percent of the crop's side."""
    return 100 * (adapted.points - source.points).norm(dim=-1).cpu() / adapted.size


def worst_first(answers: Answers) -> np.ndarray:
    """Return the rows in order of their fraction of steady joints, the lowest first.

    Rows with the same fraction are in order of confidence.
    """
    share = (steady(answers) & answers.seen).sum(dim=1) / answers.seen.sum(dim=1).clamp_min(1)
    confidence = answers.confidence.mean(dim=1)
    return np.lexsort((confidence.cpu().numpy(), share.cpu().numpy()))


def joint_moves(source: Answers, adapted: Answers, skeleton: Skeleton) -> tuple[JointMove, ...]:
    """Return the change of each joint, the joint that moved most first."""
    apart = moved(source, adapted).double().numpy()
    before, after = (_share(steady(a), a.seen, 0) for a in (source, adapted))
    middle, high = np.percentile(apart, [50, 90], axis=0)
    share = 100 * (apart > 100 * NEAR).mean(axis=0)
    joints = [
        JointMove(name, float(middle[j]), float(high[j]), float(share[j]), (before[j], after[j]))
        for j, name in enumerate(skeleton.keypoints)
    ]
    return tuple(sorted(joints, key=lambda joint: -joint.median))


def photographs(
    source: Answers, adapted: Answers, samples: UnlabeledSamples, order: np.ndarray
) -> tuple[GalleryImage, ...]:
    """Return an entry for each subject, in the given order."""
    before, after = (_share(steady(a), a.seen, 1) for a in (source, adapted))
    middle = np.median(moved(source, adapted).numpy(), axis=1)
    return tuple(
        GalleryImage(str(samples.path(row)), (before[row], after[row]), float(middle[row]))
        for row in order.tolist()
    )


def by_model(answers: Mapping[str, Answers], order: np.ndarray) -> dict[str, np.ndarray]:
    """Return for each model whether its joints are steady, (N, K), in the given order."""
    return {name: steady(a).cpu().numpy()[order] for name, a in answers.items()}


def _share(hits: Tensor, counted: Tensor, axis: int) -> list[float | None]:
    total = counted.sum(dim=axis).tolist()
    found = (hits & counted).sum(dim=axis).tolist()
    return [100 * part / whole if whole else None for part, whole in zip(found, total, strict=True)]
