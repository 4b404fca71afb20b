"""Left/right factorization: left and right as side times facing."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.data.datasets.skeletons import ANIMAL18, ANIMALPOSE20, BODY16
from posebridge.errors import InputError
from posebridge.ops import affine, facing
from posebridge.skeleton import Skeleton, read_skeleton

# A rectangular trunk in front view: left shoulder, right shoulder, right hip, left hip, head.
TORSO = Skeleton.from_names(
    "torso",
    ("left_shoulder", "right_shoulder", "right_hip", "left_hip", "head"),
    ((0, 3), (1, 2), (2, 3), (0, 4), (1, 4)),
)
FRONT = torch.tensor([[[40.0, 20], [20, 20], [20, 60], [40, 60], [30, 10]]])
BACK = FRONT[:, [1, 0, 3, 2, 4]]
QUADS = torch.tensor(facing.trunk(TORSO))
MIRROR = torch.tensor(TORSO.mirror)
ALL = torch.ones(1, 5, dtype=torch.bool)


def test_trunk_of_a_body_is_its_closed_part() -> None:
    names = [
        f"{side}_{joint}"
        for joint in ("ankle", "knee", "hip", "shoulder", "elbow")
        for side in ("left", "right")
    ]
    legs_and_arms = [(i, i + 2) for i in range(8)]
    body = Skeleton.from_names("body", [*names, "neck"], [*legs_and_arms, (4, 5), (6, 10), (7, 10)])
    assert facing.trunk(body) == [(4, 6, 7, 5)]  # hips to shoulders, joined across at both ends


def test_without_a_closed_part_every_mirrored_bone_is_in_the_trunk() -> None:
    names = [f"{side}_{j}" for j in ("ankle", "knee", "hip") for side in ("left", "right")]
    legs = Skeleton.from_names("legs", names, [(2, 0), (3, 1), (4, 2), (5, 3)])
    assert facing.trunk(legs) == [(0, 2, 3, 1), (2, 4, 5, 3)]


# MPII's order, which is BODY16's too.
STANDING = [
    *((-13, 100), (-12, 78), (-10, 56), (10, 56), (12, 78), (13, 100), (0, 55), (0, 27), (0, 18)),
    *((0, 0), (-28, 59), (-24, 43), (-17, 26), (17, 26), (24, 43), (28, 59)),
]


@pytest.mark.parametrize("skeleton", [BODY16, read_skeleton("mpii-16")])
def test_trunk_of_hips_and_shoulders_does_not_depend_on_the_arms(skeleton) -> None:
    trunk = [[skeleton.keypoints[j] for j in quad] for quad in facing.trunk(skeleton)]
    assert trunk == [["left_hip", "left_shoulder", "right_shoulder", "right_hip"]]

    standing = torch.tensor([STANDING], dtype=torch.float32)
    raised = standing.clone()
    for side in ("left", "right"):
        shoulder = standing[:, skeleton.keypoints.index(f"{side}_shoulder"), 1]
        for joint in ("elbow", "wrist"):
            y = raised[:, skeleton.keypoints.index(f"{side}_{joint}"), 1]
            y.copy_(shoulder - 3 * (y - shoulder))
    quads, mirror = torch.tensor(facing.trunk(skeleton)), torch.tensor(skeleton.mirror)
    front = torch.cat([standing, raised])
    both = torch.cat([front, front * torch.tensor([-1.0, 1.0])])  # front and back view
    seen = facing.take_apart(both, torch.ones(4, 16, dtype=torch.bool), quads, mirror, 64)
    assert seen.turned[0] == seen.turned[1] != seen.turned[2] == seen.turned[3]
    assert seen.known.all()


# The trunks of the published runs: the sign of facing in their models depends on them.
AS_PUBLISHED = {
    "lsp-14": [(3, 9, 8, 2)],
    "coco-17": [(1, 3, 4, 2), (3, 5, 6, 4), (5, 11, 12, 6)],
    "ap10k-17": [(5, 6, 9, 8), (6, 7, 10, 9), (11, 12, 15, 14), (12, 13, 16, 15)],
    "animal-18": [(3, 8, 9, 4), (8, 14, 15, 9), (14, 12, 13, 15), (5, 10, 11, 6), (10, 16, 17, 11)],
    "animal-20": [
        *((0, 2, 3, 1), (8, 12, 13, 9), (12, 16, 17, 13), (10, 14, 15, 11), (14, 18, 19, 15)),
    ],
}


@pytest.mark.parametrize("name", AS_PUBLISHED)
def test_trunks_of_published_skeletons_are_unchanged(name: str) -> None:
    assert facing.trunk(read_skeleton(name)) == AS_PUBLISHED[name]


def test_trunks_of_animals_are_made_of_their_bones() -> None:
    for skeleton in (ANIMAL18, ANIMALPOSE20):
        bones = {frozenset(edge) for edge in skeleton.edges}
        for a, b, mirrored_b, mirrored_a in facing.trunk(skeleton):
            assert {frozenset((a, b)), frozenset((mirrored_a, mirrored_b))} <= bones


def test_joints_of_pairs_need_a_labeled_trunk() -> None:
    visible = ALL.expand(3, 5).clone()
    visible[1, 3] = False  # a hip
    visible[2] = torch.tensor([True, True, False, False, False])
    seen = facing.take_apart(FRONT.expand(3, 5, 2), visible, QUADS, MIRROR, 128)
    assert seen.visible.tolist() == [[True] * 5, [False] * 4 + [True], [False] * 5]
    assert seen.known.tolist() == [True, False, False]
    # In side view, the joints are learned with the sign of the trunk's area.
    thin = facing.take_apart(FRONT * torch.tensor([0.05, 1.0]), ALL, QUADS, MIRROR, 128)
    assert thin.visible.all() and not thin.known.any()
    # One labeled quadrangle of several is enough.
    two = torch.cat([QUADS, torch.tensor([[0, 4, 4, 1]])])
    visible[2, 4] = True
    seen = facing.take_apart(FRONT.expand(3, 5, 2), visible, two, MIRROR, 128)
    assert seen.visible[2].tolist() == [True, True, False, False, True]


def test_skeleton_without_mirrored_bones_is_refused() -> None:
    with pytest.raises(InputError, match=r"'tail'.*no bone on its left side.*named"):
        facing.trunk(Skeleton.from_names("tail", ("root", "tip"), ((0, 1),)))


def test_trunk_area_by_hand() -> None:
    # A rectangle of 20 x 40, once clockwise and once counterclockwise.
    area = facing.trunk_area(torch.cat([FRONT, BACK]), ALL.expand(2, 5), QUADS)
    assert sorted(area.tolist()) == [-800.0, 800.0]
    hidden = ALL.clone()
    hidden[0, 2] = False
    assert facing.trunk_area(FRONT, hidden, QUADS).tolist() == [0.0]


def test_front_and_back_differ_only_in_turned() -> None:
    sides = facing.take_apart(torch.cat([FRONT, BACK]), ALL.expand(2, 5), QUADS, MIRROR, size=128)
    assert sorted(sides.turned.tolist()) == [0.0, 1.0]
    assert torch.equal(sides.points[0], sides.points[1])
    assert sides.known.all()
    thin = FRONT * torch.tensor([0.05, 1.0])  # almost a side view: 40 of 16,384 square pixels
    assert not facing.take_apart(thin, ALL, QUADS, MIRROR, size=128).known.any()


@settings(deadline=None)
@given(
    angle=st.floats(0, 2 * math.pi), scale=st.floats(0.5, 2), flip=st.booleans(), back=st.booleans()
)
def test_facing_does_not_depend_on_the_view(
    angle: float, scale: float, flip: bool, back: bool
) -> None:
    linear = scale * torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    if flip:
        linear = linear @ torch.diag(torch.tensor([-1.0, 1.0]))
    views = affine.Views(
        torch.cat([linear, torch.tensor([[3.0], [5.0]])], dim=1)[None], torch.tensor([flip])
    )
    points = BACK if back else FRONT

    first = facing.take_apart(points, ALL, QUADS, MIRROR, 128)
    seen = affine.points_to_view(points, views, MIRROR)
    then = facing.take_apart(seen, ALL, QUADS, MIRROR, 128)
    assert torch.equal(first.turned, then.turned)
    torch.testing.assert_close(
        affine.points_to_view(first.points, views, MIRROR), then.points, atol=1e-3, rtol=1e-4
    )


def test_heatmaps_are_returned_by_name() -> None:
    maps = torch.arange(10.0).view(2, 5, 1, 1).expand(2, 5, 3, 3)
    named = facing.by_name(maps, torch.tensor([2.0, -2.0]), MIRROR)
    assert named[0, :, 0, 0].tolist() == [1, 0, 3, 2, 4]
    assert named[1, :, 0, 0].tolist() == [5, 6, 7, 8, 9]
    assert facing.by_name(maps, None, MIRROR) is maps
