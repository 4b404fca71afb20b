"""Checks of boxes."""

from __future__ import annotations

import numpy as np

from posebridge.data.quality.findings import Finding, counted, make_rows, share
from posebridge.data.quality.record import CheckedSet

BOX_SLACK = 0.1
"""Fraction of a box's longer side by which a labeled point may be outside of the box."""
SMALL = 24.0
"""Longer side of a box in pixels below which a subject is called small."""


def box_outside(looked: CheckedSet) -> list[Finding]:
    """Return boxes that are mostly outside of their image."""
    boxes, sizes = looked.boxes, looked.sizes.astype(np.float64)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    inside = np.clip(np.minimum(high, sizes) - np.maximum(low, 0), 0, None).prod(axis=1)
    kept = inside / np.maximum(boxes[:, 2:].prod(axis=1), 1e-9)
    stray = np.flatnonzero(looked.own_box & looked.seen & (kept < 0.5))
    if len(stray) == 0:
        return []
    stray = stray[np.argsort(kept[stray], kind="stable")]
    return [
        Finding(
            "box outside",
            "warning",
            f"{counted(len(stray), 'box', 'boxes')} ({share(len(stray), len(boxes))}) mostly outside "
            "of the image",
            "The crop shows mostly black. Boxes are x, y, width, height; written as x1, y1, x2, y2 or "
            "as middle and size they look like this.",
            "Less than half of the box's area is inside the image.",
            (looked.name,),
            make_rows(stray),
            [
                f"{looked.where(r)} ({sizes[r][0]:.0f} x {sizes[r][1]:.0f}): box {_words(boxes[r])}"
                for r in stray
            ],
        )
    ]


def box_misses_points(looked: CheckedSet) -> list[Finding]:
    """Return boxes that don't hold the points of their subject."""
    labels = looked.labels
    if labels is None:
        return []
    boxes = looked.boxes
    longer = np.maximum(boxes[:, 2:].max(axis=1), 1e-9)
    # A joint at pixel x is at x + 0.5 on the scale of COCO's boxes, where pixel 0 covers [0, 1).
    points = labels.points.astype(np.float64) + 0.5
    high = boxes[:, :2] + boxes[:, 2:]
    beyond = np.maximum(boxes[:, None, :2] - points, points - high[:, None]).max(axis=2)
    beyond = np.where(labels.labeled, beyond / longer[:, None], -np.inf)
    off = (beyond > BOX_SLACK) & looked.own_box[:, None]
    rows = np.flatnonzero(off.any(axis=1))
    if len(rows) == 0:
        return []
    rows = rows[np.argsort(-beyond.max(axis=1)[rows], kind="stable")]
    names = labels.skeleton.keypoints
    return [
        Finding(
            "box misses points",
            "warning",
            f"{counted(len(rows), 'box', 'boxes')} ({share(len(rows), len(boxes))}) not holding the "
            "labeled points",
            "Points outside the crop are not learned. The box of another subject, of a part, or in "
            "another unit looks like this.",
            f"A labeled point lies more than {BOX_SLACK:.0%} of the box's longer side outside of it.",
            (looked.name,),
            make_rows(rows),
            [
                f"{looked.where(r)}: box {_words(boxes[r])} without "
                + ", ".join(names[k] for k in np.flatnonzero(off[r]))
                for r in rows
            ],
            [np.flatnonzero(off[r]).tolist() for r in rows],
        )
    ]


def below_a_pixel(looked: CheckedSet) -> list[Finding]:
    """Return boxes smaller than a pixel."""
    sides = looked.boxes[:, 2:].max(axis=1)
    rows = np.flatnonzero(looked.own_box & looked.seen & (sides < 1))
    if len(rows) == 0:
        return []
    return [
        Finding(
            "box below a pixel",
            "warning",
            f"{counted(len(rows), 'box', 'boxes')} ({share(len(rows), len(sides))}) smaller than a "
            "pixel",
            "Boxes are pixels of the image; boxes given as fractions of it look like this.",
            "Both sides of the box are below one pixel.",
            (looked.name,),
            make_rows(rows),
            [
                f"{looked.where(int(r))}: box ({', '.join(f'{v:.3g}' for v in looked.boxes[r])})"
                for r in rows
            ],
        )
    ]


def small(looked: CheckedSet) -> list[Finding]:
    """Return subjects that are too small to show detail."""
    longer = looked.boxes[:, 2:].max(axis=1)
    rows = np.flatnonzero(looked.own_box & looked.seen & (longer < SMALL))
    if len(rows) == 0:
        return []
    rows = rows[np.argsort(longer[rows], kind="stable")]
    return [
        Finding(
            "small",
            "note",
            f"{counted(len(rows), 'subject')} ({share(len(rows), len(longer))}) smaller than "
            f"{SMALL:g} pixels",
            "Little can be seen of such subjects; they may be left out.",
            f"The longer side of the box is below {SMALL:g} pixels.",
            (looked.name,),
            make_rows(rows),
            [f"{looked.where(r)}: box {_words(looked.boxes[r])}" for r in rows],
        )
    ]


def _words(box: np.ndarray) -> str:
    return "(" + ", ".join(f"{v:.0f}" for v in box) + ")"
