"""Normalizers: the length that an error is divided by, of the crop, the box, the torso or the head.

A new normalizer is one entry in ``NORMALIZERS`` and one branch of :func:`normalizer_sizes`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton, canonical_name

NORMALIZERS: dict[str, str] = {
    "crop": "side of the model's square crop, in pixels of the original image",
    "box": "longer side of the annotation's box",
    "torso": "distance from left_shoulder to right_hip; for a skeleton without these names, "
    "distance from neck to the middle of left_hip and right_hip",
    "head": "head segment: distance from head_top to neck (or upper_neck)",
}
"""The length that an error is divided by before it is compared with a threshold.

- ``crop`` is the metric of this project's benchmark.
- ``box`` is usual for animals.
- ``torso`` is the torso diameter of FLIC and of the LSP evaluations (Sapp & Taskar, CVPR 2013;
  Toshev & Szegedy, CVPR 2014: left shoulder to right hip). The fallback, neck to mid-hip, is
  shorter than the diagonal: compare only results with the same skeleton.
- ``head`` follows PCKh (Andriluka et al., CVPR 2014) with the head *segment*, as for LSP-like
  skeletons. MPII itself uses 0.6 times the diagonal of an annotated head box. Such boxes are not
  part of :class:`~posebridge.data.samples.LabeledSamples`, so the values are close, not equal.
"""

_NEEDS = {
    "torso": "'left_shoulder' and 'right_hip' (or 'neck', 'left_hip' and 'right_hip')",
    "head": "'head_top' and 'neck' (or 'upper_neck')",
}


def normalizer_sizes(
    kind: str, labels: LabeledSamples, crop_sides: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the length that each subject's errors are divided by.

    Args:
        kind: one of ``NORMALIZERS``, which holds the definitions.
        labels: N subjects.
        crop_sides: (N,) side of each square crop in pixels of the original image; for "crop".

    Returns:
        (N,) pixels; NaN for a subject to leave out: a joint that the normalizer needs is not labeled,
        both joints are at the same point, or the box is "the whole image, whatever its size".

    Raises:
        InputError: the normalizer is unknown, or this skeleton lacks the joints for it.
    """
    if kind not in NORMALIZERS:
        raise InputError(
            f"unknown normalizer '{kind}'; for skeleton '{labels.skeleton.name}' choose one "
            f"of: {', '.join(possible_normalizers(labels.skeleton))}."
        )
    if kind == "crop":
        if crop_sides is None:
            raise ValueError("the normalizer 'crop' needs crop_sides, (N,)")
        size = np.asarray(crop_sides, dtype=np.float64)
        if size.shape != (len(labels),):
            raise ValueError(f"crop_sides {size.shape} must be ({len(labels)},)")
    elif kind == "box":
        box = labels.images.boxes[:, 2:].astype(np.float64)
        size = np.where((box > 0).all(axis=1), box.max(axis=1), 0.0)
    else:
        ends = _segment(kind, labels.skeleton)
        if ends is None:
            raise InputError(
                f"the normalizer '{kind}' needs keypoints named {_NEEDS[kind]}, which skeleton "
                f"'{labels.skeleton.name}' does not have; choose one of: "
                f"{', '.join(possible_normalizers(labels.skeleton))}."
            )
        start, end = (list(joints) for joints in ends)
        known = labels.labeled[:, start + end].all(axis=1)
        points = labels.points.astype(np.float64)
        apart = points[:, start].mean(axis=1) - points[:, end].mean(axis=1)
        size = np.where(known, np.hypot(apart[:, 0], apart[:, 1]), 0.0)
    return np.where(np.isfinite(size) & (size > 0), size, np.nan)


def possible_normalizers(skeleton: Skeleton) -> tuple[str, ...]:
    """Return the ``NORMALIZERS`` whose joints are in a skeleton."""
    return tuple(
        kind
        for kind in NORMALIZERS
        if kind in ("crop", "box") or _segment(kind, skeleton) is not None
    )


def _segment(kind: str, skeleton: Skeleton) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the joints at each end of the segment (several: their middle), None if one is missing."""
    index = {canonical_name(name): number for number, name in enumerate(skeleton.keypoints)}
    choices: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
        "torso": (
            (("left_shoulder",), ("right_hip",)),
            (("neck",), ("left_hip", "right_hip")),
        ),
        "head": ((("head_top",), ("neck",)), (("head_top",), ("upper_neck",))),
    }
    for start, end in choices[kind]:
        if all(name in index for name in start + end):
            return tuple(index[name] for name in start), tuple(index[name] for name in end)
    return None
