"""Bodies to paint: a pose before the camera, projected, and its parts from far to near.

The camera looks along -z of the pose's frame, so that a person who faces it has the left hand at the
right of the image. Every random draw comes from the given generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from posebridge.synthetic.poses import (
    CAP,
    CHEST,
    EYES,
    HANDS,
    HEAD,
    LIMBS,
    NECK,
    NOSE,
    SKULL,
    TOES,
    Proportions,
    stand_up,
    turned_about,
)

# What a part is made of: an index into a palette. The right side wears warm, the left cool
# colors in every look; this distinguishes left from right where the face is not visible.
NOTHING, SKIN, SHIRT, PANTS, RIGHT, LEFT, HAIR, BIB, EYE, RIGHT_SHOE, LEFT_SHOE = range(11)
MATERIALS = 11

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class BatchPrediction:
    """The convex hull of circles, painted in one material.

    Attributes:
        material: an index into a palette of ``MATERIALS`` colors.
        circles: one to four of x, y, radius in pixels of the image.
        axis: unit vector, direction of the bone in camera space, for shading.
        depth: larger is nearer to the camera; 0 is the pelvis; in body units.
        joints: the joints that are seen where this part is seen.
    """

    material: int
    circles: tuple[Triple, ...]
    axis: Triple
    depth: float
    joints: tuple[int, ...] = ()


@dataclass(frozen=True)
class Body:
    """One projected body.

    Attributes:
        points: (14, 2) float64, x, y in pixels of the image, an integer is a pixel's center.
        parts: from the farthest to the nearest.
        unit: pixels that one body unit covers.
    """

    points: np.ndarray
    parts: tuple[BatchPrediction, ...]
    unit: float


def draw_body(
    rng: np.random.Generator,
    size: int,
    form: Proportions,
    tilt: float = 8.0,
    long_sleeves: bool = False,
    long_pants: bool = False,
) -> Body:
    """Pose a body, turn it before the camera and fit it into a square image.

    Args:
        rng: the source of every draw.
        size: side of the image in pixels.
        form: the proportions of the body.
        tilt: standard deviation in degrees of the camera's height above or below the body.
        long_sleeves, long_pants: the parts that clothes cover.
    """
    marks, facing = stand_up(rng, form)
    yaw = rng.normal(0, 45) if rng.random() < 0.65 else rng.uniform(-180, 180)
    roll = rng.normal(0, 9) if rng.random() < 0.85 else rng.uniform(-100, 100)
    camera = (
        turned_about(2, roll) @ turned_about(0, rng.normal(0.4 * tilt, tilt)) @ turned_about(1, yaw)
    )
    marks = marks @ camera.T
    facing = {name: camera @ direction for name, direction in facing.items()}

    nearness = 1 / (1 - marks[:, 2] / 4.0)
    flat = marks[:, :2] * (1, -1) * nearness[:, None]
    low, high = flat[:14].min(0), flat[:14].max(0)
    unit = size * rng.uniform(0.62, 0.70) / float((high - low).max())
    center = (size - 1) / 2 + size * rng.uniform(-0.03, 0.03, 2)
    pixels = (flat - (low + high) / 2) * unit + center
    parts = _Dresser(marks, pixels, unit * nearness, facing, form)
    return Body(pixels[:14], parts.dress(long_sleeves, long_pants), unit)


class _Dresser:
    """Makes the parts of one projected body."""

    def __init__(
        self,
        marks: np.ndarray,
        pixels: np.ndarray,
        units: np.ndarray,
        facing: dict[str, np.ndarray],
        form: Proportions,
    ) -> None:
        self.marks, self.pixels, self.units = marks.tolist(), pixels.tolist(), units.tolist()
        self.facing, self.form = facing, form
        self.parts: list[BatchPrediction] = []

    def dress(self, long_sleeves: bool, long_pants: bool) -> tuple[BatchPrediction, ...]:
        """Return all parts, from the farthest to the nearest."""
        self._trunk()
        self._head()
        for name in ("right", "left"):
            self._leg(name, long_pants)
            self._arm(name, long_sleeves)
        return tuple(sorted(self.parts, key=lambda part: part.depth))  # stable: layers keep order

    def _add(
        self,
        material: int,
        circles: list[tuple[int, float]],
        depth: float,
        joints: tuple[int, ...] = (),
    ) -> None:
        """Add the hull of circles around landmarks, radii in body units."""
        outline = tuple((*self.pixels[mark], r * self.units[mark]) for mark, r in circles)
        axis = self._direction(circles[0][0], circles[-1][0])
        self.parts.append(BatchPrediction(material, outline, axis, depth, joints))

    def _direction(self, a: int, b: int) -> Triple:
        """Return the unit vector from one landmark to another, zero where they are the same."""
        (ax, ay, az), (bx, by, bz) = self.marks[a], self.marks[b]
        length = max(math.hypot(bx - ax, by - ay, bz - az), 1e-6)
        return ((bx - ax) / length, (by - ay) / length, (bz - az) / length)

    def _bone(
        self,
        material: int,
        ends: tuple[int, int],
        radii: tuple[float, float],
        span: tuple[float, float] = (0.0, 1.0),
        wider: float = 1.0,
    ) -> None:
        """Add a tapered piece of the limb between two landmarks, ``span`` of its length."""
        a, b = ends
        (ax, ay), (bx, by) = self.pixels[a], self.pixels[b]
        girth = self.form.girth * wider
        first, last = radii[0] * self.units[a] * girth, radii[1] * self.units[b] * girth
        outline = tuple(
            (ax + t * (bx - ax), ay + t * (by - ay), first + t * (last - first)) for t in span
        )
        depth = (self.marks[a][2] + self.marks[b][2]) / 2 + 0.012
        joints = tuple(end for end in ends if end < 14)
        self.parts.append(BatchPrediction(material, outline, self._direction(a, b), depth, joints))

    def _trunk(self) -> None:
        girth, marks = self.form.girth, self.marks
        trunk = (2, 3, 8, 9)
        depth = sum(marks[joint][2] for joint in trunk) / 4
        seen = tuple(j for j in trunk if marks[j][2] > depth - 0.05)
        shirt = [(8, 0.05 * girth), (9, 0.05 * girth), (2, 0.062 * girth), (3, 0.062 * girth)]
        self._add(SHIRT, shirt, depth, (*seen, NECK))
        self._add(PANTS, [(2, 0.07 * girth), (3, 0.07 * girth)], depth, seen)
        if self.facing["torso"][2] > 0.2:
            self._add(BIB, [(mark, 0.012) for mark in CHEST], depth, (NECK,))
        self._bone(SKIN, (NECK, SKULL), (0.036, 0.036))

    def _head(self) -> None:
        r = self.form.skull
        depth = self.marks[SKULL][2] + 0.03
        hair = [(CAP, 0.98 * r)]
        towards = self.facing["head"][2]
        if towards > -0.15:
            self._add(HAIR, hair, depth, (HEAD,))
        self._add(SKIN, [(SKULL, 0.86 * r)], depth, (HEAD,))
        self._add(SKIN, [(NOSE, 0.16 * r)], depth)
        if towards <= -0.15:
            self._add(HAIR, hair, depth, (HEAD,))
        for eye in EYES:
            if self.marks[eye][2] - self.marks[SKULL][2] > 0.35 * r:
                self._add(EYE, [(eye, 0.17 * r)], depth)

    def _leg(self, name: str, long_pants: bool) -> None:
        hip, knee, ankle = LIMBS[name][:3]
        sock, shoe = (RIGHT, RIGHT_SHOE) if name == "right" else (LEFT, LEFT_SHOE)
        thigh, shin = (0.064, 0.044), (0.044, 0.030)
        self._bone(SKIN, (hip, knee), thigh)
        self._bone(PANTS, (hip, knee), thigh, (0.0, 1.0 if long_pants else 0.6), 1.1)
        self._bone(PANTS if long_pants else SKIN, (knee, ankle), shin)
        self._bone(sock, (knee, ankle), shin, (0.62 if long_pants else 0.35, 1.0), 1.12)
        self._bone(shoe, (ankle, TOES[name]), (0.032, 0.024))

    def _arm(self, name: str, long_sleeves: bool) -> None:
        shoulder, elbow, wrist = LIMBS[name][3:]
        sleeve = RIGHT if name == "right" else LEFT
        upper, lower = (0.045, 0.034), (0.034, 0.026)
        self._bone(sleeve, (shoulder, elbow), upper)
        self._bone(SKIN, (elbow, wrist), lower)
        if long_sleeves:
            self._bone(sleeve, (elbow, wrist), lower, (0.0, 0.8), 1.12)
        self._bone(SKIN, (wrist, HANDS[name]), (0.026, 0.03))
