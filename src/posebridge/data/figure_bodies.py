"""Articulated bodies in three dimensions: a pose, its projection, and the parts to paint.

A body stands in a frame of its own: x to the person's left, y up, z forward, the pelvis at the
origin and a standing adult about 1 tall. The camera looks along -z, so that a person who faces it
has the left hand at the right of the image. Every random draw comes from the generator that is
handed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

KEYPOINTS = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "neck",
    "head_top",
)
EDGES = (
    (0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8), (9, 10), (10, 11),
    (12, 13), (8, 12), (9, 12), (2, 3), (2, 8), (3, 9),
)  # fmt: skip

# What a part is made of: an index into a palette. The right side wears warm, the left cool
# colours in every look; this is what tells left from right where the face is not seen.
NOTHING, SKIN, SHIRT, PANTS, RIGHT, LEFT, HAIR, BIB, EYE, RIGHT_SHOE, LEFT_SHOE = range(11)
MATERIALS = 11

_NECK, _HEAD = 12, 13
# Landmarks that are drawn but are not joints follow the 14 joints.
_TOE = {"right": 14, "left": 15}
_HAND = {"right": 16, "left": 17}
_SKULL, _CAP, _NOSE, _EYES, _CHEST = 18, 19, 20, (21, 22), (23, 24, 25, 26)
_LIMB = {"right": (2, 1, 0, 8, 7, 6), "left": (3, 4, 5, 9, 10, 11)}
"""Hip, knee, ankle, shoulder, elbow, wrist of each side."""


@dataclass(frozen=True)
class Proportions:
    """Lengths and radii in units of an adult's height."""

    shin: float = 0.245
    thigh: float = 0.25
    hips: float = 0.075
    torso: float = 0.3
    shoulders: float = 0.13
    upper_arm: float = 0.17
    forearm: float = 0.15
    head: float = 0.2
    skull: float = 0.08
    girth: float = 1.0

    def scaled(self, **factors: float) -> Proportions:
        """The same body with some measures multiplied."""
        return replace(self, **{name: getattr(self, name) * f for name, f in factors.items()})


Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """The convex hull of circles, painted in one material.

    Attributes:
        material: an index into a palette of ``MATERIALS`` colours.
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
        points: (14, 2) float64, x, y in pixels of the image, an integer is a pixel's centre.
        parts: from the farthest to the nearest.
        unit: pixels that one body unit covers.
    """

    points: np.ndarray
    parts: tuple[Part, ...]
    unit: float


# Angles in degrees: torso (lean forward, lean left, twist, nod), then for the left and the right
# arm (flexion, abduction, twist, elbow) and leg (flexion, abduction, knee), last the spread.
_Angles = tuple[float, ...]
_POSES: tuple[tuple[float, _Angles, _Angles, _Angles, _Angles, _Angles, float], ...] = (
    (1.5, (3, 0, 0, 0), (5, 14, 0, 15), (0, 14, 0, 20), (2, 6, 5), (0, 6, 5), 9),  # stand
    (2.5, (12, 0, 12, 0), (-40, 14, 0, 80), (45, 14, 0, 80), (50, 4, 50), (-25, 4, 40), 15),  # run
    (1.5, (2, 0, 0, -8), (0, 155, 0, 25), (0, 150, 0, 30), (8, 8, 10), (-5, 8, 8), 15),  # arms up
    (1.5, (0, 0, 0, 0), (0, 90, 0, 15), (0, 95, 0, 20), (0, 26, 8), (0, 26, 12), 15),  # star
    (1.0, (35, 0, 0, -15), (60, 20, 0, 50), (55, 20, 0, 50), (85, 16, 100), (75, 16, 100), 16),
    (1.0, (65, 0, 0, -20), (75, 14, 0, 15), (75, 20, 0, 15), (8, 12, 12), (0, 12, 12), 15),  # bend
    (1.0, (-8, 6, 10, 0), (35, 60, 0, 30), (-20, 50, 0, 30), (0, 6, 15), (80, 12, 20), 15),  # kick
    (
        1.0,
        (5, 0, 25, 0),
        (75, 15, 0, 15),
        (145, -15, 0, 75),
        (35, 8, 25),
        (-25, 8, 15),
        15,
    ),  # throw
    (1.0, (0, 5, 0, 0), (0, 50, -75, 95), (0, 45, -75, 85), (4, 12, 5), (4, 10, 8), 12),  # akimbo
    (1.0, (5, 0, 0, 0), (0, 95, 80, 75), (0, 90, 80, 80), (40, 10, 60), (0, 10, 20), 18),  # flex
    (2.0, (10, 0, 0, 0), (40, 50, 0, 50), (40, 50, 0, 50), (25, 15, 35), (25, 15, 35), 38),  # any
)
_CHANCES = np.array([pose[0] for pose in _POSES]) / sum(pose[0] for pose in _POSES)


def _turn(axis: int, degrees: float) -> np.ndarray:
    """The (3, 3) rotation about x (0), y (1) or z (2), right-handed."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if axis == 0:
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == 1:
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _draw_angles(rng: np.random.Generator) -> tuple[_Angles, dict[str, tuple[_Angles, _Angles]]]:
    """A torso, and for each side the angles of the arm and the leg."""
    _, torso, arm_a, arm_b, leg_a, leg_b, spread = _POSES[rng.choice(len(_POSES), p=_CHANCES)]
    lean, side, twist, nod = torso + rng.normal(0, 0.5 * spread, 4)
    arms = [np.add(arm, rng.normal(0, spread, 4) * (1, 1, 2, 1)) for arm in (arm_a, arm_b)]
    legs = [np.add(leg, rng.normal(0, spread, 3) * (1, 0.6, 1)) for leg in (leg_a, leg_b)]
    for arm in arms:
        arm[1] = max(arm[1], -15)
        arm[3] = min(max(arm[3], 0), 140)
    for leg in legs:
        leg[1] = max(leg[1], -5)
        leg[2] = min(max(leg[2], 0), 140)
    if rng.random() < 0.5:
        side, twist = -side, -twist
        arms.reverse()
        legs.reverse()
    limbs = {"left": (tuple(arms[0]), tuple(legs[0])), "right": (tuple(arms[1]), tuple(legs[1]))}
    return (lean, side, twist, nod), limbs


def _stand_up(
    rng: np.random.Generator, form: Proportions
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Place all landmarks in the body's frame: (27, 3), and the turns of torso and head."""
    (lean, side, twist, nod), limbs = _draw_angles(rng)
    torso = _turn(2, -side) @ _turn(0, lean) @ _turn(1, twist)
    head = torso @ _turn(0, nod) @ _turn(1, rng.normal(0, 20))
    down, forward = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    marks = np.zeros((27, 3))
    marks[_NECK] = torso @ (0, form.torso, 0)
    marks[_HEAD] = marks[_NECK] + head @ (0, form.head, 0)
    for name, sign in (("right", -1), ("left", 1)):
        hip, knee, ankle, shoulder, elbow, wrist = _LIMB[name]
        (raised, spread, roll, bent_elbow), (stepped, apart, bent_knee) = limbs[name]
        marks[hip] = (sign * form.hips, 0, 0)
        thigh = _turn(2, sign * apart) @ _turn(0, -stepped)
        shin = thigh @ _turn(0, bent_knee)
        marks[knee] = marks[hip] + form.thigh * (thigh @ down)
        marks[ankle] = marks[knee] + form.shin * (shin @ down)
        marks[_TOE[name]] = marks[ankle] + shin @ (sign * 0.015, -0.03, 0.085)
        marks[shoulder] = marks[_NECK] + torso @ (sign * form.shoulders, -0.03, 0)
        arm = torso @ _turn(2, sign * spread) @ _turn(0, -raised) @ _turn(1, sign * roll)
        lower = arm @ _turn(0, -bent_elbow)
        marks[elbow] = marks[shoulder] + form.upper_arm * (arm @ down)
        marks[wrist] = marks[elbow] + form.forearm * (lower @ down)
        marks[_HAND[name]] = marks[wrist] + 0.035 * (lower @ down)
    r = form.skull
    marks[_SKULL] = marks[_HEAD] + head @ (0, -0.92 * r, 0.1 * r)
    marks[_CAP] = marks[_SKULL] + head @ (0, 0.22 * r, -0.3 * r)
    marks[_NOSE] = marks[_SKULL] + head @ (0, -0.15 * r, 1.0 * r)
    for eye, sign in zip(_EYES, (-1, 1), strict=True):
        marks[eye] = marks[_SKULL] + head @ (sign * 0.4 * r, 0.05 * r, 0.85 * r)
    corners = ((-0.45, -0.1), (0.45, -0.1), (0.3, -0.55), (-0.3, -0.55))
    for mark, (across, along) in zip(_CHEST, corners, strict=True):
        at = (across * form.shoulders, along * form.torso, 0.06 * form.girth)
        marks[mark] = marks[_NECK] + torso @ at
    return marks, {"torso": torso @ forward, "head": head @ forward}


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
        rng: every draw comes from here.
        size: side of the image in pixels.
        form: the proportions of the body.
        tilt: standard deviation in degrees of the camera's height above or below the body.
        long_sleeves, long_pants: what the clothes cover.
    """
    marks, facing = _stand_up(rng, form)
    yaw = rng.normal(0, 45) if rng.random() < 0.65 else rng.uniform(-180, 180)
    roll = rng.normal(0, 9) if rng.random() < 0.85 else rng.uniform(-100, 100)
    camera = _turn(2, roll) @ _turn(0, rng.normal(0.4 * tilt, tilt)) @ _turn(1, yaw)
    marks = marks @ camera.T
    facing = {name: camera @ direction for name, direction in facing.items()}

    nearness = 1 / (1 - marks[:, 2] / 4.0)
    flat = marks[:, :2] * (1, -1) * nearness[:, None]
    low, high = flat[:14].min(0), flat[:14].max(0)
    unit = size * rng.uniform(0.62, 0.70) / float((high - low).max())
    centre = (size - 1) / 2 + size * rng.uniform(-0.03, 0.03, 2)
    pixels = (flat - (low + high) / 2) * unit + centre
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
        self.parts: list[Part] = []

    def dress(self, long_sleeves: bool, long_pants: bool) -> tuple[Part, ...]:
        """All parts, from the farthest to the nearest."""
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
        """The hull of circles round landmarks, radii in body units."""
        outline = tuple((*self.pixels[mark], r * self.units[mark]) for mark, r in circles)
        axis = self._direction(circles[0][0], circles[-1][0])
        self.parts.append(Part(material, outline, axis, depth, joints))

    def _direction(self, a: int, b: int) -> Triple:
        """The unit vector from one landmark to another, zero where they are the same."""
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
        """A tapered piece of the limb between two landmarks, ``span`` of its length."""
        a, b = ends
        (ax, ay), (bx, by) = self.pixels[a], self.pixels[b]
        girth = self.form.girth * wider
        first, last = radii[0] * self.units[a] * girth, radii[1] * self.units[b] * girth
        outline = tuple(
            (ax + t * (bx - ax), ay + t * (by - ay), first + t * (last - first)) for t in span
        )
        depth = (self.marks[a][2] + self.marks[b][2]) / 2 + 0.012
        joints = tuple(end for end in ends if end < 14)
        self.parts.append(Part(material, outline, self._direction(a, b), depth, joints))

    def _trunk(self) -> None:
        girth, marks = self.form.girth, self.marks
        trunk = (2, 3, 8, 9)
        depth = sum(marks[joint][2] for joint in trunk) / 4
        seen = tuple(j for j in trunk if marks[j][2] > depth - 0.05)
        shirt = [(8, 0.05 * girth), (9, 0.05 * girth), (2, 0.062 * girth), (3, 0.062 * girth)]
        self._add(SHIRT, shirt, depth, (*seen, _NECK))
        self._add(PANTS, [(2, 0.07 * girth), (3, 0.07 * girth)], depth, seen)
        if self.facing["torso"][2] > 0.2:
            self._add(BIB, [(mark, 0.012) for mark in _CHEST], depth, (_NECK,))
        self._bone(SKIN, (_NECK, _SKULL), (0.036, 0.036))

    def _head(self) -> None:
        r = self.form.skull
        depth = self.marks[_SKULL][2] + 0.03
        hair = [(_CAP, 0.98 * r)]
        towards = self.facing["head"][2]
        if towards > -0.15:
            self._add(HAIR, hair, depth, (_HEAD,))
        self._add(SKIN, [(_SKULL, 0.86 * r)], depth, (_HEAD,))
        self._add(SKIN, [(_NOSE, 0.16 * r)], depth)
        if towards <= -0.15:
            self._add(HAIR, hair, depth, (_HEAD,))
        for eye in _EYES:
            if self.marks[eye][2] - self.marks[_SKULL][2] > 0.35 * r:
                self._add(EYE, [(eye, 0.17 * r)], depth)

    def _leg(self, name: str, long_pants: bool) -> None:
        hip, knee, ankle = _LIMB[name][:3]
        sock, shoe = (RIGHT, RIGHT_SHOE) if name == "right" else (LEFT, LEFT_SHOE)
        thigh, shin = (0.064, 0.044), (0.044, 0.030)
        self._bone(SKIN, (hip, knee), thigh)
        self._bone(PANTS, (hip, knee), thigh, (0.0, 1.0 if long_pants else 0.6), 1.1)
        self._bone(PANTS if long_pants else SKIN, (knee, ankle), shin)
        self._bone(sock, (knee, ankle), shin, (0.62 if long_pants else 0.35, 1.0), 1.12)
        self._bone(shoe, (ankle, _TOE[name]), (0.032, 0.024))

    def _arm(self, name: str, long_sleeves: bool) -> None:
        shoulder, elbow, wrist = _LIMB[name][3:]
        sleeve = RIGHT if name == "right" else LEFT
        upper, lower = (0.045, 0.034), (0.034, 0.026)
        self._bone(sleeve, (shoulder, elbow), upper)
        self._bone(SKIN, (elbow, wrist), lower)
        if long_sleeves:
            self._bone(sleeve, (elbow, wrist), lower, (0.0, 0.8), 1.12)
        self._bone(SKIN, (wrist, _HAND[name]), (0.026, 0.03))
