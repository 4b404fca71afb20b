"""Statistics of the source's poses: lengths by hand, what they catch, how they are stored."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from posebridge.alignment.bone_lengths import BoneLengths
from posebridge.data.formats.coco import read_labeled
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton
from posebridge.synthetic.figures import FIGURE_SKELETON, write_synthetic_figures
from posebridge.training.source_poses import RECORD, SourcePoses

# Bones: hip to knee, knee to ankle, ankle to toe, hip to head.
CHAIN = Skeleton(
    "leg", ("hip", "knee", "ankle", "toe", "head"), edges=((0, 1), (1, 2), (2, 3), (0, 4))
)
STRAIGHT = torch.tensor([[0.0, 0], [0, 4], [0, 8], [2, 8], [0, -4]])


def chain_bones() -> BoneLengths:
    return BoneLengths(
        torch.tensor([[0, 1], [1, 2], [2, 3], [0, 4]]),
        torch.tensor([4.0, 4, 2, 4]),
        torch.tensor([1.0, 1, 1, 1.5]),
        5,
    )


def known(count: int = 1) -> torch.Tensor:
    return torch.ones(count, 5, dtype=torch.bool)


@pytest.mark.parametrize(
    ("joint", "place", "scores"),
    [
        # All joints in place; the scale is 1, each bone has its length.
        (0, [0, 0], [1, 1, 1, 1, 1]),
        # The toe at 3 from the ankle: its bone is 1.5 times the 2 expected, half way from 1 to 2.
        (3, [3, 8], [1, 1, 0.75, 0.5, 1]),
        # At 4 and beyond it scores 0; the ankle's other bone fits.
        (3, [4, 8], [1, 1, 0.5, 0, 1]),
        (3, [90, 8], [1, 1, 0.5, 0, 1]),
        # The head at 8 is twice the expected length, 4 / 3 of the limit of 1.5: 2 - 4 / 3 = 2 / 3.
        (4, [0, -8], [5 / 6, 1, 1, 1, 2 / 3]),
        # A bone that points at the camera is short and still plausible.
        (3, [0, 8], [1, 1, 1, 1, 1]),
    ],
)
def test_plausible_by_hand(joint, place, scores):
    points = STRAIGHT.clone()
    points[joint] = torch.tensor(place, dtype=torch.float32)
    found = chain_bones().plausible(points[None], known())
    torch.testing.assert_close(found, torch.tensor([scores], dtype=torch.float32))
    # Size, position and rotation do not matter.
    turned = 7 * points @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]]) + 30
    torch.testing.assert_close(chain_bones().plausible(turned[None], known()), found)


def test_unknown_joints_and_two_bones_are_plausible():
    points = STRAIGHT.clone()
    points[3] = torch.tensor([90.0, 8])
    both = torch.stack([points, points])
    seen = known(2)
    seen[0, 3] = False  # the toe: the other three bones fit
    seen[1, :2] = False  # hip and knee: the one other bone has no comparison
    found = chain_bones().plausible(both, seen)
    torch.testing.assert_close(found, torch.ones(2, 5))


def test_bone_lengths_are_robust_to_size_and_wrong_joints():
    """Recover 4 : 4 : 2 : 4 despite sizes, rotations and one wild joint in ten."""
    generator = torch.Generator().manual_seed(0)
    count = 200
    angle = torch.rand(count, generator=generator) * 6
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    size = 1 + 9 * torch.rand(count, 1, 1, generator=generator)
    points = size * (STRAIGHT @ turn) + 100
    points[::10, 3] += 50
    bones = BoneLengths.of(points, known(count), CHAIN)
    assert bones is not None
    torch.testing.assert_close(bones.typical / bones.typical[0], torch.tensor([1, 1, 0.5, 1.0]))
    torch.testing.assert_close(bones.limit[[0, 1, 3]], torch.ones(3))
    assert (
        bones.limit[2] > 2
    )  # one in ten is more than the one in a hundred that a limit leaves out


def test_a_bone_and_its_mirror_image_share_their_numbers():
    """Label only left legs in half of the subjects, and make right ones longer."""
    skeleton = Skeleton(
        "legs",
        ("hip", "left_knee", "right_knee", "left_foot", "right_foot"),
        edges=((0, 1), (2, 0), (1, 3), (4, 2)),
        pairs=((1, 2), (3, 4)),
    )
    pose = torch.tensor([[0.0, 0], [3, 0], [-5, 0], [3, 3], [-5, 3]])
    bones = BoneLengths.of(pose.repeat(20, 1, 1), known(20), skeleton)
    assert bones is not None
    assert bones.edges.tolist() == [[0, 1], [0, 2], [1, 3], [2, 4]]
    assert bones.typical[0] == bones.typical[1] and bones.typical[2] == bones.typical[3]
    assert bones.limit[0] == bones.limit[1] > 1


def test_too_few_poses_give_no_bone_lengths():
    assert BoneLengths.of(STRAIGHT.repeat(9, 1, 1), known(9), CHAIN) is None
    short = Skeleton("two", ("a", "b", "c"), edges=((0, 1), (1, 2)))
    points, labeled = torch.rand(50, 3, 2), torch.ones(50, 3, dtype=torch.bool)
    assert BoneLengths.of(points, labeled, short) is None
    # Poses without any spread have no Gaussian, which must not stop a training.
    poses = SourcePoses.of(STRAIGHT.repeat(20, 1, 1).numpy() * 0, known(20).numpy(), CHAIN)
    assert poses == SourcePoses()


def test_stored_bones_round_trip_and_damage_is_refused(tmp_path):
    samples = read_labeled(write_synthetic_figures(tmp_path, "rendered", 40, seed=0, size=64))
    poses = SourcePoses.of(samples.points, samples.labeled, samples.skeleton)
    assert poses.bones is not None and poses.shapes is not None
    record = json.loads(json.dumps({RECORD: poses.to_dict()}))
    again = SourcePoses.from_results(record, len(FIGURE_SKELETON), "model")
    assert again.bones is not None and again.shapes is not None
    points = torch.from_numpy(samples.points)
    marks = torch.from_numpy(samples.labeled)
    assert torch.equal(again.bones.plausible(points, marks), poses.bones.plausible(points, marks))
    assert torch.equal(again.shapes.mean, poses.shapes.mean)
    assert torch.equal(again.shapes.scale, poses.shapes.scale)
    # One in a hundred bones of the source is beyond its limit, and a joint has one to four bones.
    assert 0.97 < float(poses.bones.plausible(points, marks).mean()) < 1
    assert SourcePoses.from_results({}, 14, "model") == SourcePoses()
    damaged = [
        {"bones": {**record[RECORD]["bones"], "edges": [[0, 14]] * 14}},
        {"bones": {**record[RECORD]["bones"], "limit": [1.0]}},
        {"bones": {**record[RECORD]["bones"], "typical": [float("nan")] * 14}},
        {"bones": 3},
        {"bones": {"edges": [], "typical": [], "limit": []}},
        {"shapes": {**record[RECORD]["shapes"], "mean": [0.0]}},
        {"shapes": {"mean": [0.0] * 28, "scale": [0.0] * 406}},
        3,
    ]
    for part in damaged:
        with pytest.raises(InputError, match=r"model: results.json has no usable 'source_poses'"):
            SourcePoses.from_results({RECORD: part}, 14, "model")


def test_shapes_are_the_gaussian_of_the_labels():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 5, 2)).astype(np.float32)
    poses = SourcePoses.of(points, np.ones((50, 5), bool), CHAIN)
    assert poses.shapes is not None
    shape = points.astype(np.float64) - points.mean(axis=1, keepdims=True, dtype=np.float64)
    shape /= np.sqrt((shape**2).sum(axis=2).mean(axis=1))[:, None, None]
    np.testing.assert_allclose(poses.shapes.mean, shape.reshape(50, 10).mean(axis=0), atol=1e-12)
