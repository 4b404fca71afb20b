"""Left/right factorization: the side on which a joint is seen, and the way the body faces.

Which of two knees is the left one is the exclusive or of two things: on which side of the trunk the
knee lies in the image, and whether the body shows its front or its back. A network learns an
exclusive or late: each half alone gives no evidence of the name and so no gradient, and
the two heatmaps of a pair stay equal for the whole of a short run. Each half by itself is
learned at once. Here the names are therefore factorized: labels become *sides* (left and right as
they would be if every body faced the same way), and a bit marks which bodies are *turned*.

The bit is the sign of the trunk's area, taken round left and right in order. Rotation and scale do not
change it, and neither does a mirrored view, as that changes the sign twice: once in the image and once
in the names. Which of the two signs counts as turned follows from the order of the keypoints; nothing
depends on it.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.errors import InputError
from posebridge.ops.affine import swap_sides
from posebridge.skeleton import Skeleton

# Fraction of the crop's area below which a trunk is seen edge on, and its bit means nothing.
EDGE_ON = 0.005


class Sides(NamedTuple):
    """Labels with the names factorized.

    Attributes:
        points: (B, K, 2) left and right exchanged where the subject is turned.
        visible: (B, K) likewise; joints of a pair are invisible where the trunk is not labeled.
        turned: (B,) 1 where the subject is turned, else 0.
        known: (B,) the bit is known: the trunk is labeled and not seen edge on.
    """

    points: Float[Tensor, "B K 2"]
    visible: Bool[Tensor, "B K"]
    turned: Float[Tensor, " B"]
    known: Bool[Tensor, " B"]


def trunk(skeleton: Skeleton) -> list[tuple[int, int, int, int]]:
    """Return the quadrangles (left a, left b, right b, right a) between mirrored bones of the trunk.

    A mirrored bone is one of the left side whose mirror image is a bone too. The mirrored bones that
    are on a closed path of the skeleton are the trunk (hip to shoulder: hips and shoulders are joined
    across); limbs hang loose and cross. Where hips and shoulders hang on a spine instead, the line from
    one to the other replaces the bone that is not drawn, see :func:`_along_spine`. A skeleton with
    neither uses every mirrored bone. All bones are walked from one end, so that their areas have one
    sign where nothing crosses.

    Raises:
        InputError: no bone has a mirror image, so no area shows the sides.
    """
    mirror = skeleton.mirror
    lefts = {left for left, _ in skeleton.pairs}
    bones = {frozenset(edge) for edge in skeleton.edges}
    mirrored = [
        bone
        for bone in sorted(map(sorted, bones))
        if set(bone) <= lefts and frozenset(mirror[j] for j in bone) in bones
    ]
    if not mirrored:
        raise InputError(
            f"model.left_right is facing, but skeleton '{skeleton.name}' has no bone on its left side "
            "with a mirror image on the right; add bones (edges) to it, or set model.left_right to named."
        )
    closed = [bone for bone in mirrored if _on_closed_path(bone, bones)]
    found = closed or _along_spine(skeleton, bones, mirrored) or mirrored
    return [(a, b, mirror[b], mirror[a]) for a, b in _walk(found)]


def trunk_area(
    points: Float[Tensor, "B K 2"], visible: Bool[Tensor, "B K"], quads: Int[Tensor, "Q 4"]
) -> Float[Tensor, " B"]:
    """Return the signed area of the trunk in square pixels; unlabeled quadrangles add 0."""
    corners = points[:, quads]  # (B, Q, 4, 2)
    following = corners.roll(-1, dims=2)
    cross = corners[..., 0] * following[..., 1] - corners[..., 1] * following[..., 0]
    area = 0.5 * cross.sum(dim=2) * visible[:, quads].all(dim=2)
    return area.sum(dim=1)


def take_apart(
    points: Float[Tensor, "B K 2"],
    visible: Bool[Tensor, "B K"],
    quads: Int[Tensor, "Q 4"],
    mirror: Int[Tensor, " K"],
    size: int,
) -> Sides:
    """Return named labels as sides and turned; ``size`` is the crop's side, in the points' pixels.

    Without a labeled quadrangle of the trunk the sides are unknown, so that joints of a pair are not
    visible there; joints of the midline are. Seen edge on, a trunk still has a sign.
    """
    area = trunk_area(points, visible, quads)
    turned = area > 0
    labeled = visible[:, quads].all(dim=2).any(dim=1)  # (B,)
    unpaired = mirror == torch.arange(len(mirror), device=mirror.device)  # (K,)
    visible = visible & (labeled[:, None] | unpaired)
    return Sides(
        swap_sides(points, turned, mirror),
        swap_sides(visible, turned, mirror),
        turned.to(points.dtype),
        area.abs() > EDGE_ON * size**2,
    )


def by_name(
    heatmaps: Float[Tensor, "B K S S"],
    turned: Float[Tensor, " B"] | None,
    mirror: Int[Tensor, " K"],
) -> Float[Tensor, "B K S S"]:
    """Return heatmaps of sides as heatmaps of named joints.

    Args:
        turned: logit that the subject is turned; None: the heatmaps are named already.
    """
    return heatmaps if turned is None else swap_sides(heatmaps, turned > 0, mirror)


def _on_closed_path(bone: list[int], bones: set[frozenset[int]]) -> bool:
    """Return whether the bone's ends stay connected without it."""
    return bone[1] in _reached(bone[0], bones - {frozenset(bone)})


def _reached(start: int, bones: set[frozenset[int]]) -> set[int]:
    """Return the joints that bones connect with one joint, itself included."""
    reached, waiting = {start}, deque([start])
    while waiting:
        joint = waiting.popleft()
        for bone in bones:
            if joint in bone:
                fresh = set(bone) - reached
                reached |= fresh
                waiting.extend(fresh)
    return reached


def _along_spine(
    skeleton: Skeleton, bones: set[frozenset[int]], mirrored: list[list[int]]
) -> list[list[int]]:
    """Return the line between the two left joints that hang on one spine and begin a limb each.

    A spine is a connected set of joints without a mirror image (pelvis, thorax, neck). Two left joints
    on it, and on no other, are hip and shoulder. With a third the head is one of them (eyes of an
    animal), and a line from there to the trunk bends with the neck: such a skeleton has none here.
    """
    mirror = skeleton.mirror
    lefts = {left for left, _ in skeleton.pairs}
    begins = {joint for bone in mirrored for joint in bone}
    hanging = [_hanging(spine, lefts, bones) for spine in _spines(mirror, bones)]
    return [
        sorted(two)
        for two in hanging
        if len(two) == 2
        and two <= begins
        and not any(two & other for other in hanging if other is not two)
    ]


def _spines(mirror: list[int], bones: set[frozenset[int]]) -> list[set[int]]:
    """Return the connected sets of joints that are their own mirror image."""
    waiting = {joint for joint, other in enumerate(mirror) if joint == other}
    between = {bone for bone in bones if bone <= waiting}
    spines: list[set[int]] = []
    while waiting:
        spine = _reached(min(waiting), between)
        spines.append(spine)
        waiting -= spine
    return spines


def _hanging(spine: set[int], lefts: set[int], bones: set[frozenset[int]]) -> set[int]:
    """Return the left joints with a bone to a spine."""
    return {joint for bone in bones if bone & spine for joint in bone & lefts}


def _walk(bones: list[list[int]]) -> list[tuple[int, int]]:
    """Return each bone as (nearer, farther) from an end of its chain; the end with the lowest index."""
    directed: list[tuple[int, int]] = []
    left = [tuple(bone) for bone in bones]
    while left:
        joints = sorted({joint for bone in left for joint in bone})
        ends = [j for j in joints if sum(j in bone for bone in left) == 1]
        reached, waiting = {(ends or joints)[0]}, deque([(ends or joints)[0]])
        while waiting:
            joint = waiting.popleft()
            for bone in [b for b in left if joint in b]:
                far = bone[0] if bone[1] == joint else bone[1]
                directed.append((joint, far))
                left.remove(bone)
                if far not in reached:
                    reached.add(far)
                    waiting.append(far)
    return directed
