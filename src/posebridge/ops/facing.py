"""Left and right in two questions: which side of the body one sees, and which way it faces.

Which of two knees is the left one is the exclusive or of two things: on which side of the trunk the
knee lies in the image, and whether the body shows its front or its back. A network learns an
exclusive or late: each half alone says nothing about the name, so there is no gradient to follow, and
the two heatmaps of a pair stay equal for the whole of a short training. Each half by itself is
learned at once. Here the names are therefore taken apart: labels become *sides* (left and right as
they would be if every body faced the same way), and a bit says which bodies are *turned*.

The bit is the sign of the trunk's area, taken round left and right in order. Rotation and scale do not
change it, and neither does a mirrored view, as that changes the sign twice: once in the image and once
in the names. Which of the two signs counts as turned follows from the order of the keypoints; nothing
depends on it.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.errors import InputError
from posebridge.ops.geometry import swap_sides
from posebridge.skeleton import Skeleton

# Share of the crop's area below which a trunk is seen edge on, and its bit means nothing.
EDGE_ON = 0.005


class Sides(NamedTuple):
    """Labels with the names taken apart.

    Attributes:
        points: (B, K, 2) left and right exchanged where the subject is turned.
        visible: (B, K) likewise.
        turned: (B,) 1 where the subject is turned, else 0.
        known: (B,) the bit can be told: the trunk is labelled and not seen edge on.
    """

    points: Float[Tensor, "B K 2"]
    visible: Bool[Tensor, "B K"]
    turned: Float[Tensor, " B"]
    known: Bool[Tensor, " B"]


def trunk(skeleton: Skeleton) -> list[tuple[int, int, int, int]]:
    """The quadrangles (left a, left b, right b, right a) between mirrored bones of the trunk.

    A mirrored bone is one of the left side whose mirror image is a bone too. Of these the ones that
    lie on a closed path of the skeleton are the trunk (hip to shoulder: hips and shoulders are joined
    across); limbs hang loose and cross. A skeleton without such a path uses every mirrored bone. All
    are walked from one end, so that their areas have one sign where nothing crosses.

    Raises:
        InputError: no bone has a mirror image, so no area tells the sides apart.
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
            f"model.sides is facing, but skeleton '{skeleton.name}' has no bone on its left side "
            "with a mirror image on the right; add bones (edges) to it, or set model.sides to named."
        )
    closed = [bone for bone in mirrored if _on_closed_path(bone, bones)]
    return [(a, b, mirror[b], mirror[a]) for a, b in _walk(closed or mirrored)]


def trunk_area(
    points: Float[Tensor, "B K 2"], visible: Bool[Tensor, "B K"], quads: Int[Tensor, "Q 4"]
) -> Float[Tensor, " B"]:
    """Signed area of the trunk in square pixels, by the shoelace formula; unlabelled quads add 0."""
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
    """Named labels -> sides and turned; ``size`` is the crop's side, in the points' pixels."""
    area = trunk_area(points, visible, quads)
    turned = area > 0
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
    """Heatmaps of sides -> heatmaps of named joints.

    Args:
        turned: logit that the subject is turned; None: the heatmaps are named already.
    """
    return heatmaps if turned is None else swap_sides(heatmaps, turned > 0, mirror)


def _on_closed_path(bone: list[int], bones: set[frozenset[int]]) -> bool:
    """Whether the bone's ends stay connected without it."""
    others = bones - {frozenset(bone)}
    reached, waiting = {bone[0]}, deque([bone[0]])
    while waiting:
        joint = waiting.popleft()
        for other in others:
            if joint in other:
                fresh = set(other) - reached
                reached |= fresh
                waiting.extend(fresh)
    return bone[1] in reached


def _walk(bones: list[list[int]]) -> list[tuple[int, int]]:
    """Each bone as (nearer, farther) from an end of its chain; the end with the lowest index."""
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
