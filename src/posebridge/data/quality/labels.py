"""Checks of points and keypoints."""

from __future__ import annotations

import numpy as np

from posebridge.data.quality.findings import Finding, counted, make_rows, share
from posebridge.data.quality.record import CheckedSet
from posebridge.data.quality.sides import RULE, exchanged_sides, side_links

OUTSIDE = 1.0
"""Pixels by which a labeled point may be outside its image."""
FEW = 0.25
"""Fraction of the keypoints below which a subject counts as hardly labeled."""
RARE = 0.05
"""Fraction of the most labeled keypoint's number below which another is called rare."""


def outside(looked: CheckedSet) -> list[Finding]:
    """Return labeled points outside of their image."""
    labels = looked.labels
    if labels is None:
        return []
    points = labels.points.astype(np.float64)
    last = looked.sizes[:, None].astype(np.float64) - 1
    beyond = np.maximum(-points, points - last).max(axis=2)
    off = labels.labeled & (beyond > OUTSIDE) & looked.seen[:, None]
    if not off.any():
        return []
    rows = np.flatnonzero(off.any(axis=1))
    rows = rows[np.argsort(-np.where(off, beyond, 0).max(axis=1)[rows], kind="stable")]
    names = labels.skeleton.keypoints
    return [
        Finding(
            "point outside",
            "warning",
            f"{counted(int(off.sum()), 'labeled point')} of {counted(len(rows), 'subject')} "
            f"({share(len(rows), len(labels))}) outside of the image",
            "Training masks such points. If they are many, the labels may belong to images of another "
            "size, or x and y may be exchanged.",
            f"More than {OUTSIDE:g} pixel beyond the image's edge.",
            (looked.name,),
            make_rows(rows),
            [
                f"{looked.where(r)} ({looked.sizes[r][0]} x {looked.sizes[r][1]}): "
                + ", ".join(
                    f"{names[k]} at ({points[r, k, 0]:.0f}, {points[r, k, 1]:.0f})"
                    for k in np.flatnonzero(off[r])
                )
                for r in rows
            ],
            [np.flatnonzero(off[r]).tolist() for r in rows],
        )
    ]


def at_origin(looked: CheckedSet) -> list[Finding]:
    """Return labeled points exactly at (0, 0) or (-1, -1)."""
    labels = looked.labels
    if labels is None:
        return []
    corner = (labels.points == 0).all(axis=2) | (labels.points == -1).all(axis=2)
    zero = labels.labeled & corner
    if not zero.any():
        return []
    rows = np.flatnonzero(zero.any(axis=1)).tolist()
    return [
        Finding(
            "point at origin",
            "warning",
            f"{counted(int(zero.sum()), 'labeled point')} of {counted(len(rows), 'subject')} "
            f"({share(len(rows), len(labels))}) exactly at (0, 0) or (-1, -1)",
            "Most tools write one of these places for a joint without a label; its flag must be 0 "
            "then, or "
            "the model learns the corner.",
            "x and y are both 0, or both -1, and the flag is 1 or 2.",
            (looked.name,),
            make_rows(rows),
            [
                f"{looked.where(r)}: "
                + ", ".join(labels.skeleton.keypoints[k] for k in np.flatnonzero(zero[r]))
                for r in rows
            ],
            [np.flatnonzero(zero[r]).tolist() for r in rows],
        )
    ]


def never_labeled(looked: CheckedSet) -> list[Finding]:
    """Return keypoints that no subject, or hardly any subject, has a label for."""
    labels = looked.labels
    if labels is None:
        return []
    names, count = labels.skeleton.keypoints, labels.labeled.sum(axis=0)
    found = []
    never = np.flatnonzero(count == 0)
    if len(never):
        found.append(
            Finding(
                "never labeled",
                "warning",
                f"{counted(len(never), 'keypoint')} of {len(names)} never labeled: "
                + ", ".join(names[k] for k in never),
                "The model has an output for each and learns nothing there. Leave them out with "
                "--skeleton.",
                "No subject has a flag above 0.",
                (looked.name,),
            )
        )
    rare = [k for k in np.flatnonzero(count) if count[k] < RARE * count.max()]
    if rare:
        found.append(
            Finding(
                "rarely labeled",
                "note",
                f"{counted(len(rare), 'keypoint')} of {len(names)} rarely labeled: "
                + ", ".join(f"{names[k]} ({count[k]:,})" for k in rare),
                "Their scores will be low and uncertain.",
                f"Less than {RARE:.0%} as often as the keypoint that is labeled most.",
                (looked.name,),
            )
        )
    return found


def sparsely_labeled(looked: CheckedSet) -> list[Finding]:
    """Return subjects with few labeled keypoints."""
    labels = looked.labels
    if labels is None:
        return []
    total = len(labels.skeleton)
    per_subject = labels.labeled.sum(axis=1)
    few = np.flatnonzero(per_subject < FEW * total)
    if len(few) == 0:
        return []
    few = few[np.argsort(per_subject[few], kind="stable")]
    return [
        Finding(
            "hardly labeled",
            "note",
            f"{counted(len(few), 'subject')} ({share(len(few), len(labels))}) with fewer than a "
            "quarter of the keypoints",
            "Such subjects count like any other in a batch and teach less.",
            f"Fewer than {FEW:.0%} of the {total} keypoints have a flag above 0.",
            (looked.name,),
            make_rows(few),
            [f"{looked.where(r)}: {per_subject[r]} of {total}" for r in few],
        )
    ]


def exchanged(looked: CheckedSet) -> list[Finding]:
    """Return left and right that look exchanged, or the reason why they could not be checked."""
    labels = looked.labels
    if labels is None:
        return []
    skeleton = labels.skeleton
    if not skeleton.pairs:
        return [
            Finding(
                "no pairs",
                "note",
                "no left/right pairs in the skeleton",
                "Mirrored images keep every name, which is right for a hand and wrong for a body. Name "
                "sides like left_knee and right_knee, or give pairs in a skeleton file.",
                "No two names differ in their side alone.",
                (looked.name,),
            )
        ]
    if not side_links(skeleton):
        return [
            Finding(
                "no bones",
                "note",
                "left and right could not be checked: the skeleton has no bones that both sides have",
                "Give edges in the annotation file or in a skeleton file.",
                RULE,
                (looked.name,),
            )
        ]
    suspects = exchanged_sides(labels)
    if not suspects:
        return []

    def words(pair: int) -> str:
        return " / ".join(skeleton.keypoints[k] for k in skeleton.pairs[pair])

    return [
        Finding(
            "sides exchanged",
            "warning",
            f"{counted(len(suspects), 'subject')} ({share(len(suspects), len(labels))}) whose left "
            "and right look exchanged",
            "A suspicion, the strongest first: look at the images, where blue is left and red is "
            "right. Exchanged labels teach the model to mistake one for the other.",
            RULE,
            (looked.name,),
            make_rows([s.row for s in suspects]),
            [f"{looked.where(s.row)}: {', '.join(words(p) for p in s.pairs)}" for s in suspects],
            [[k for p in s.pairs for k in skeleton.pairs[p]] for s in suspects],
        )
    ]
