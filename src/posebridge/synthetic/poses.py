"""Poses in three dimensions: where the joints of a body and the marks beside them are.

A body has its own frame: x to the person's left, y up, z forward, the pelvis at the origin and a
standing adult about 1 tall. Every random draw comes from the given generator.
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

NECK, HEAD = 12, 13
# Landmarks that are drawn but are not joints follow the 14 joints.
TOES = {"right": 14, "left": 15}
HANDS = {"right": 16, "left": 17}
SKULL, CAP, NOSE, EYES, CHEST = 18, 19, 20, (21, 22), (23, 24, 25, 26)
LIMBS = {"right": (2, 1, 0, 8, 7, 6), "left": (3, 4, 5, 9, 10, 11)}
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
        """Return the body with some measures multiplied."""
        return replace(self, **{name: getattr(self, name) * f for name, f in factors.items()})


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


def turned_about(axis: int, degrees: float) -> np.ndarray:
    """Return the (3, 3) rotation about x (0), y (1) or z (2), right-handed."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if axis == 0:
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == 1:
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _draw_angles(rng: np.random.Generator) -> tuple[_Angles, dict[str, tuple[_Angles, _Angles]]]:
    """Return a torso, and for each side the angles of the arm and the leg."""
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


def stand_up(
    rng: np.random.Generator, form: Proportions
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Place all landmarks in the body's frame: (27, 3), and the turns of torso and head."""
    (lean, side, twist, nod), limbs = _draw_angles(rng)
    torso = turned_about(2, -side) @ turned_about(0, lean) @ turned_about(1, twist)
    head = torso @ turned_about(0, nod) @ turned_about(1, rng.normal(0, 20))
    down, forward = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    marks = np.zeros((27, 3))
    marks[NECK] = torso @ (0, form.torso, 0)
    marks[HEAD] = marks[NECK] + head @ (0, form.head, 0)
    for name, sign in (("right", -1), ("left", 1)):
        hip, knee, ankle, shoulder, elbow, wrist = LIMBS[name]
        (raised, spread, roll, bent_elbow), (stepped, apart, bent_knee) = limbs[name]
        marks[hip] = (sign * form.hips, 0, 0)
        thigh = turned_about(2, sign * apart) @ turned_about(0, -stepped)
        shin = thigh @ turned_about(0, bent_knee)
        marks[knee] = marks[hip] + form.thigh * (thigh @ down)
        marks[ankle] = marks[knee] + form.shin * (shin @ down)
        marks[TOES[name]] = marks[ankle] + shin @ (sign * 0.015, -0.03, 0.085)
        marks[shoulder] = marks[NECK] + torso @ (sign * form.shoulders, -0.03, 0)
        arm = (
            torso
            @ turned_about(2, sign * spread)
            @ turned_about(0, -raised)
            @ turned_about(1, sign * roll)
        )
        lower = arm @ turned_about(0, -bent_elbow)
        marks[elbow] = marks[shoulder] + form.upper_arm * (arm @ down)
        marks[wrist] = marks[elbow] + form.forearm * (lower @ down)
        marks[HANDS[name]] = marks[wrist] + 0.035 * (lower @ down)
    r = form.skull
    marks[SKULL] = marks[HEAD] + head @ (0, -0.92 * r, 0.1 * r)
    marks[CAP] = marks[SKULL] + head @ (0, 0.22 * r, -0.3 * r)
    marks[NOSE] = marks[SKULL] + head @ (0, -0.15 * r, 1.0 * r)
    for eye, sign in zip(EYES, (-1, 1), strict=True):
        marks[eye] = marks[SKULL] + head @ (sign * 0.4 * r, 0.05 * r, 0.85 * r)
    corners = ((-0.45, -0.1), (0.45, -0.1), (0.3, -0.55), (-0.3, -0.55))
    for mark, (across, along) in zip(CHEST, corners, strict=True):
        at = (across * form.shoulders, along * form.torso, 0.06 * form.girth)
        marks[mark] = marks[NECK] + torso @ at
    return marks, {"torso": torso @ forward, "head": head @ forward}
