"""Pictures of a look at data: subjects with their labels, what a finding means, the set's poses."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from posebridge.data.crops import Region, UnreadableImage, cut, decode_image, region_of, to_crop
from posebridge.data.quality import CheckedSet, Finding
from posebridge.report.overlays import draw_poses
from posebridge.report.side_colors import ON_WHITE, to_rgb

SIDE = 224
_GAP = 6
_MARK, _BOX = (255, 221, 0), (255, 255, 255)


def example_pictures(looked: CheckedSet, count: int) -> list[np.ndarray]:
    """Subjects spread evenly over the set, with their labels where it has some, (S, S, 3) each."""
    rows = np.flatnonzero(looked.seen)
    if len(rows) == 0:
        return []
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
    return [subject_picture(looked, int(row)) for row in rows]


def finding_pictures(finding: Finding, sets: dict[str, CheckedSet], count: int) -> list[np.ndarray]:
    """The first subjects of a finding with the keypoints in question marked; pairs side by side."""
    pictures = []
    for place, row in enumerate(finding.rows[:count]):
        marks = finding.marks[place] if len(finding.marks) > place else ()
        parts = [
            subject_picture(sets[name], int(r), marks if column == 0 else ())
            for column, (name, r) in enumerate(zip(finding.sets, row, strict=True))
        ]
        pictures.append(strip(parts) if len(parts) > 1 else parts[0])
    return pictures


def subject_picture(
    looked: CheckedSet, row: int, marks: Sequence[int] = (), side: int = SIDE
) -> np.ndarray:
    """One subject with its box in white, its labels, and rings round the marked keypoints.

    Points farther outside of the image than a third of its size are not in the picture.
    """
    try:
        image = decode_image(looked.samples.path(row))
    except UnreadableImage:
        return np.full((side, side, 3), 200, np.uint8)
    region = _region(looked, row, image.shape[1], image.shape[0])
    picture = cut(image, region, side)
    place = np.array([region], np.float64)
    if looked.own_box[row]:
        x, y, w, h = looked.boxes[row]
        corners = to_crop(np.array([[(x, y), (x + w - 1, y + h - 1)]]), place, side)[0]
        (x0, y0), (x1, y1) = np.clip(corners, -4 * side, 4 * side).round().astype(int)
        cv2.rectangle(picture, (x0, y0), (x1, y1), (0, 0, 0), 2)
        cv2.rectangle(picture, (x0, y0), (x1, y1), _BOX, 1)
    if looked.labels is None:
        return picture
    points = to_crop(looked.labels.points[[row]].astype(np.float64), place, side)
    near = (np.abs(points) < 4 * side).all(axis=2)
    shown = looked.labels.labelled[[row]] & near
    picture = draw_poses(picture, points, looked.labels.skeleton, shown, thickness=2)
    for k in marks:
        if shown[0, k]:
            x, y = (int(v) for v in points[0, k].round())
            cv2.circle(picture, (x, y), 10, (0, 0, 0), 4, cv2.LINE_AA)
            cv2.circle(picture, (x, y), 10, _MARK, 2, cv2.LINE_AA)
    return picture


def joint_maps(looked: CheckedSet, side: int = 116, most: int = 3000) -> dict[str, np.ndarray]:
    """Where the joints of each group of the skeleton lie, (side, side, 3), by group.

    Centred on each subject's box and over its longer side. Left blue, right red, the middle green;
    darker is more often. Empty without labels.
    """
    labels = looked.labels
    rows = np.flatnonzero(looked.seen & labels.labelled.any(axis=1)) if labels is not None else []
    if labels is None or len(rows) == 0:
        return {}
    rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    boxes = looked.boxes[rows]
    middle, longer = boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:].max(axis=1)
    here = (labels.points[rows] - middle[:, None]) / longer[:, None, None]
    cells = ((here / 1.15 + 0.5) * side).astype(int)
    inside = labels.labelled[rows] & ((cells >= 0) & (cells < side)).all(axis=2)
    sides = labels.skeleton.sides
    maps = {}
    for group, joints in labels.skeleton.groups.items():
        ink = np.zeros((side, side, 3))
        for side_name, color in ON_WHITE.items():
            some = [k for k in joints if sides[k] == side_name]
            spots = cells[:, some][inside[:, some]]
            density = np.zeros((side, side))
            np.add.at(density, (spots[:, 1], spots[:, 0]), 1.0)
            density = cv2.GaussianBlur(density, (0, 0), side / 32)
            ink += (density / max(density.max(), 1e-9))[..., None] * (
                1 - np.array(to_rgb(color)) / 255
            )
        maps[group] = (255 * np.exp(-1.6 * ink)).round().astype(np.uint8)
    return maps


def strip(pictures: list[np.ndarray], gap: int = _GAP) -> np.ndarray:
    """Pictures of one height in a row, white between them."""
    space = np.full((pictures[0].shape[0], gap, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (picture, space)][:-1]
    return np.concatenate(parts, axis=1)


def _region(looked: CheckedSet, row: int, width: int, height: int) -> Region:
    """A square round box and points with some room, no more than a third beyond the image."""
    if not looked.own_box[row] and looked.labels is None:
        return region_of(np.zeros(4), width, height, 1.0)
    room = max(width, height) / 3
    x, y, w, h = looked.boxes[row]
    corners = [(x, y), (x + w, y + h)]
    if looked.labels is not None:
        corners += looked.labels.points[row][looked.labels.labelled[row]].tolist()
    spots = np.clip(np.array(corners), (-room, -room), (width + room, height + room))
    low, high = spots.min(axis=0), spots.max(axis=0)
    side = max(16, round(1.12 * float((high - low).max())))
    middle = (low + high) / 2
    return Region(round(middle[0] - side / 2), round(middle[1] - side / 2), side)
