"""Crops of a dataset's subjects with their labels, and density maps of its joints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from markupsafe import Markup

from posebridge.data.crops import Region, UnreadableImage, cut, decode_image, get_region, to_crop
from posebridge.data.quality import CheckedSet, Finding
from posebridge.report.overlays import draw_poses
from posebridge.report.side_colors import ON_WHITE, to_rgb
from posebridge.report.skeleton_svg import skeleton_shapes, svg_over_image
from posebridge.skeleton import Skeleton

SIDE = 224
_SCALE = 1.6


@dataclass(frozen=True, eq=False)
class SubjectCrop:
    """A crop around one subject, with its box and labels.

    Attributes:
        image: (S, S, 3) uint8 RGB, without drawings.
        box: (2, 2) corners in pixels of the crop, or None.
        skeleton: of the labels; None without labels.
        points: (K, 2) in pixels of the crop.
        shown: (K,) bool.
        marks: the keypoints that get a ring.
    """

    image: np.ndarray
    box: np.ndarray | None = None
    skeleton: Skeleton | None = None
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    shown: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    marks: Sequence[int] = ()

    def svg(self) -> Markup:
        """Return the box, the skeleton and the rings as an SVG over the image."""
        size = self.image.shape[0]
        shapes = []
        if self.box is not None:
            low, extent = self.box[0] + 0.5, self.box[1] - self.box[0]
            shapes.append(
                Markup('<rect class="box" x="{:g}" y="{:g}" width="{:g}" height="{:g}"/>').format(
                    *low, *extent
                )
            )
        if self.skeleton is not None:
            shapes += skeleton_shapes(
                self.points, self.skeleton, (size, size), scale=_SCALE, shown=self.shown
            )
        shapes += [
            Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="10"/>').format(
                *(self.points[k] + 0.5)
            )
            for k in self.marks
            if self.shown[k]
        ]
        return svg_over_image(shapes, (size, size), _SCALE)

    def painted(self) -> np.ndarray:
        """Return the image with the box and the skeleton painted on it."""
        picture = self.image.copy()
        if self.box is not None:
            (x0, y0), (x1, y1) = self.box.astype(int).tolist()
            cv2.rectangle(picture, (x0, y0), (x1, y1), (0, 0, 0), 2)
            cv2.rectangle(picture, (x0, y0), (x1, y1), (255, 255, 255), 1)
        if self.skeleton is None:
            return picture
        return draw_poses(picture, self.points[None], self.skeleton, self.shown[None], thickness=2)


def example_crops(looked: CheckedSet, count: int) -> list[SubjectCrop]:
    """Return crops of subjects spread evenly over the set."""
    rows = np.flatnonzero(looked.seen)
    if len(rows) == 0:
        return []
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
    return [subject_crop(looked, int(row)) for row in rows]


def finding_crops(
    finding: Finding, sets: Mapping[str, CheckedSet], count: int
) -> list[list[SubjectCrop]]:
    """Return crops of a finding's first subjects, the marked keypoints ringed.

    A finding between two sets has two crops for each entry, others have one.
    """
    return [
        [
            subject_crop(
                sets[name],
                int(r),
                finding.marks[place] if column == 0 and place < len(finding.marks) else (),
            )
            for column, (name, r) in enumerate(zip(finding.sets, row, strict=True))
        ]
        for place, row in enumerate(finding.rows[:count])
    ]


def subject_crop(
    looked: CheckedSet, row: int, marks: Sequence[int] = (), side: int = SIDE
) -> SubjectCrop:
    """Return one subject's crop; gray where the image can't be read.

    Points farther outside of the image than a third of its size are not in the crop.
    """
    try:
        image = decode_image(looked.samples.path(row))
    except UnreadableImage:
        return SubjectCrop(np.full((side, side, 3), 200, np.uint8))
    region = _region(looked, row, image.shape[1], image.shape[0])
    crop = SubjectCrop(cut(image, region, side))
    regions = np.array([region], np.float64)
    if looked.own_box[row]:
        x, y, w, h = looked.boxes[row]
        corners = to_crop(np.array([[(x, y), (x + w - 1, y + h - 1)]]), regions, side)[0]
        crop = replace(crop, box=np.clip(corners, -4 * side, 4 * side).round())
    if looked.labels is None:
        return crop
    points = to_crop(looked.labels.points[[row]].astype(np.float64), regions, side)[0]
    shown = looked.labels.labeled[row] & (np.abs(points) < 4 * side).all(axis=1)
    skeleton = looked.labels.skeleton
    return replace(crop, skeleton=skeleton, points=points, shown=shown, marks=marks)


def joint_maps(looked: CheckedSet, side: int = 116, most: int = 3000) -> dict[str, np.ndarray]:
    """Return (side, side, 3) density maps of the joints, by group of the skeleton.

    Positions are centered on the subject's box, in units of its longer side. Left is blue, right
    red and the middle green; darker means more often. The result is empty without labels.
    """
    labels = looked.labels
    rows = np.flatnonzero(looked.seen & labels.labeled.any(axis=1)) if labels is not None else []
    if labels is None or len(rows) == 0:
        return {}
    rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    boxes = looked.boxes[rows]
    middle, longer = boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:].max(axis=1)
    here = (labels.points[rows] - middle[:, None]) / longer[:, None, None]
    cells = ((here / 1.15 + 0.5) * side).astype(int)
    inside = labels.labeled[rows] & ((cells >= 0) & (cells < side)).all(axis=2)
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


def _region(looked: CheckedSet, row: int, width: int, height: int) -> Region:
    """Return a square around box and points, at most a third of its size beyond the image."""
    if not looked.own_box[row] and looked.labels is None:
        return get_region(np.zeros(4), width, height, 1.0)
    room = max(width, height) / 3
    x, y, w, h = looked.boxes[row]
    corners = [(x, y), (x + w, y + h)]
    if looked.labels is not None:
        corners += looked.labels.points[row][looked.labels.labeled[row]].tolist()
    spots = np.clip(np.array(corners), (-room, -room), (width + room, height + room))
    low, high = spots.min(axis=0), spots.max(axis=0)
    side = max(16, round(1.12 * float((high - low).max())))
    middle = (low + high) / 2
    return Region(round(middle[0] - side / 2), round(middle[1] - side / 2), side)
