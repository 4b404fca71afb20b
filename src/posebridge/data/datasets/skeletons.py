"""The joint sets in which the papers compare datasets, and how samples are cut down to one.

Readers of datasets that are paired with each other yield the same names in the same order, so that
a source and a target need no table between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton


def _skeleton(
    name: str,
    keypoints: Sequence[str],
    bones: Sequence[tuple[str, str]],
    groups: dict[str, Sequence[str]],
) -> Skeleton:
    place = {keypoint: index for index, keypoint in enumerate(keypoints)}
    return Skeleton(
        name=name,
        keypoints=tuple(keypoints),
        edges=tuple((place[a], place[b]) for a, b in bones),
        pairs=tuple(
            (place[k], place[k.replace("left_", "right_", 1)])
            for k in keypoints
            if k.startswith("left_")
        ),
        groups={group: tuple(place[k] for k in members) for group, members in groups.items()},
    )


def _both(*joints: str) -> list[str]:
    return [f"{side}_{joint}" for joint in joints for side in ("left", "right")]


BODY16 = _skeleton(
    "person",
    [
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("pelvis", "thorax", "neck", "head_top"),
        *("right_wrist", "right_elbow", "right_shoulder"),
        *("left_shoulder", "left_elbow", "left_wrist"),
    ],
    [
        *(("right_ankle", "right_knee"), ("right_knee", "right_hip"), ("right_hip", "neck")),
        *(("left_ankle", "left_knee"), ("left_knee", "left_hip"), ("left_hip", "neck")),
        *(("right_wrist", "right_elbow"), ("right_elbow", "right_shoulder")),
        *(("left_wrist", "left_elbow"), ("left_elbow", "left_shoulder")),
        *(("right_shoulder", "neck"), ("left_shoulder", "neck"), ("neck", "head_top")),
    ],
    {
        "limbs": _both("shoulder", "elbow", "wrist", "hip", "knee", "ankle"),
        "head": ["head_top"],
        **{j: _both(j) for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
    },
)
"""MPII's order, which RegDA and its successors use for every human set. What those papers print as
"all" is the row ``limbs`` here: head, neck, pelvis and thorax are placed differently by each set."""

_FINGERS = ("thumb", "index", "middle", "ring", "little")

HAND21 = _skeleton(
    "hand",
    ["wrist", *(f"{finger}_{joint}" for finger in _FINGERS for joint in range(1, 5))],
    [
        pair
        for finger in _FINGERS
        for pair in (
            ("wrist", f"{finger}_1"),
            *((f"{finger}_{joint}", f"{finger}_{joint + 1}") for joint in range(1, 4)),
        )
    ],
    {
        name: [f"{finger}_{joint}" for finger in _FINGERS]
        for joint, name in enumerate(("mcp", "pip", "dip", "fingertip"), start=1)
    },
)
"""Wrist, then each finger from the palm (1) to its tip (4). A mirrored left hand is a right hand, so
no joint changes its name in a mirrored image."""

ANIMAL18 = _skeleton(
    "animal",
    [
        *_both("eye"),
        "chin",
        *_both("front_paw", "back_paw"),
        "tail_base",
        *_both("front_knee", "back_knee", "shoulder", "front_elbow", "back_elbow"),
    ],
    [
        *(("left_eye", "chin"), ("right_eye", "chin")),
        *((f"{s}_{e}_paw", f"{s}_{e}_knee") for s in ("left", "right") for e in ("front", "back")),
        *(
            (f"{s}_{e}_knee", f"{s}_{e}_elbow")
            for s in ("left", "right")
            for e in ("front", "back")
        ),
        *((f"{s}_shoulder", "tail_base") for s in ("left", "right")),
    ],
    {
        "eye": _both("eye"),
        "chin": ["chin"],
        "hoof": _both("front_paw", "back_paw"),
        "hip": ["tail_base"],
        "knee": _both("front_knee", "back_knee"),
        "shoulder": _both("shoulder"),
        "elbow": _both("front_elbow", "back_elbow"),
    },
)
"""TigDog's first 18 landmarks, which CC-SSL and its successors compare (names: CC-SSL's README; a
paw is a hoof; the papers call the root of the tail the hip)."""

ANIMALPOSE20 = _skeleton(
    "animal",
    [
        *_both("eye"),
        "nose",
        *_both("ear", "front_elbow", "back_elbow", "front_knee", "back_knee"),
        *_both("front_paw", "back_paw"),
        *("throat", "withers", "tail_base"),
    ],
    [
        *(("left_eye", "nose"), ("right_eye", "nose"), ("left_ear", "left_eye")),
        *(("right_ear", "right_eye"), ("nose", "throat"), ("throat", "withers")),
        ("withers", "tail_base"),
        *(("throat", f"{s}_front_elbow") for s in ("left", "right")),
        *(("tail_base", f"{s}_back_elbow") for s in ("left", "right")),
        *(
            pair
            for s in ("left", "right")
            for e in ("front", "back")
            for pair in (
                (f"{s}_{e}_elbow", f"{s}_{e}_knee"),
                (f"{s}_{e}_knee", f"{s}_{e}_paw"),
            )
        ),
    ],
    {
        "eye": _both("eye"),
        "ear": _both("ear"),
        "hoof": _both("front_paw", "back_paw"),
        "knee": _both("front_knee", "back_knee"),
        "elbow": _both("front_elbow", "back_elbow"),
        "trunk": ["nose", "throat", "withers", "tail_base"],
    },
)
"""AnimalPose's own order: eyes, nose, ears, elbows, knees, paws, throat, withers, root of the tail."""

JOINTS: dict[str, tuple[str, ...]] = {
    "body12": tuple(
        k for k in BODY16.keypoints if k not in ("pelvis", "thorax", "neck", "head_top")
    ),
    "body14": tuple(k for k in BODY16.keypoints if k not in ("pelvis", "thorax")),
    "animal14": tuple(
        k for k in ANIMAL18.keypoints if k not in ("chin", "tail_base") and "shoulder" not in k
    ),
}
"""Joint sets that a reference can ask for with ``@``: the limbs; those that LSP has; those that the
synthetic animals and AnimalPose share (UniFrame)."""


def make_subset(skeleton: Skeleton, names: Sequence[str]) -> Skeleton:
    """Return the skeleton of the given keypoints, in the given order, with what connects them.

    Raises:
        InputError: one of them is not a keypoint of the skeleton.
    """
    missing = [n for n in names if n not in skeleton.keypoints]
    if missing:
        raise InputError(
            f"the joints {', '.join(missing)} are none of '{skeleton.name}' "
            f"({', '.join(skeleton.keypoints)}); ask for another joint set."
        )
    place = {skeleton.keypoints.index(n): i for i, n in enumerate(names)}

    def kept(links: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple((place[a], place[b]) for a, b in links if a in place and b in place)

    groups = {g: tuple(place[j] for j in m if j in place) for g, m in skeleton.groups.items()}
    return Skeleton(
        name=skeleton.name,
        keypoints=tuple(names),
        edges=kept(skeleton.edges),
        pairs=kept(skeleton.pairs),
        groups={g: members for g, members in groups.items() if members},
    )


def with_joints(samples: LabeledSamples, names: Sequence[str]) -> LabeledSamples:
    """Return the samples with these joints alone; subjects without any of them are left out."""
    skeleton = make_subset(samples.skeleton, names)
    columns = [samples.skeleton.keypoints.index(n) for n in names]
    labeled = samples.labeled[:, columns]
    cut = LabeledSamples(samples.images, skeleton, samples.points[:, columns], labeled)
    return cut.subset(np.flatnonzero(labeled.any(axis=1)))
