"""Left and right by the set's own poses."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.data.quality.sides import LEAST_SUBJECTS, exchanged_sides, facing, side_links
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.skeleton import Skeleton, read_skeleton

LSP = read_skeleton("lsp-14")
# In front of us, arms and legs apart; pixels.
STANDING = {
    "ankle": (18, 100), "knee": (14, 78), "hip": (10, 56), "wrist": (34, 60), "elbow": (27, 43),
    "shoulder": (17, 26), "neck": (0, 21), "head_top": (0, 0),
}  # fmt: skip


def people(count: int, turn: float = 0.0) -> LabeledSamples:
    rng = np.random.default_rng(0)
    pose = np.zeros((14, 2))
    for index, name in enumerate(LSP.keypoints):
        x, y = STANDING[name.removeprefix("left_").removeprefix("right_")]
        pose[index] = (-x if name.startswith("right_") else x), y
    cos, sin = np.cos(turn), np.sin(turn)
    points = (pose + rng.normal(0, 1.5, (count, 14, 2))) @ np.array([[cos, sin], [-sin, cos]])
    images = UnlabeledSamples.from_lists(
        "people", ["x.png"] * count, np.ones((count, 4)), range(count), range(count)
    )
    labeled = np.ones((count, 14), bool)
    return LabeledSamples(images, LSP, (points + 200).astype(np.float32), labeled)


def exchange(samples: LabeledSamples, row: int, *names: str) -> None:
    for name in names:
        left, right = (LSP.keypoints.index(f"{side}_{name}") for side in ("left", "right"))
        samples.points[row, [left, right]] = samples.points[row, [right, left]]


def suspects(samples: LabeledSamples) -> dict[int, set[str]]:
    def name(pair: int) -> str:
        return LSP.keypoints[LSP.pairs[pair][0]].removeprefix("left_")

    return {s.row: {name(p) for p in s.pairs} for s in exchanged_sides(samples)}


def test_links_are_bones_of_both_sides():
    names = [
        {LSP.keypoints[LSP.pairs[p][0]], LSP.keypoints[LSP.pairs[q][0]]} for p, q in side_links(LSP)
    ]
    assert {"left_elbow", "left_wrist"} in names
    assert {"left_hip", "left_shoulder"} in names
    assert len(names) == 5


def test_clean_people_are_not_suspected():
    assert suspects(people(60)) == {}


@pytest.mark.parametrize(
    ("exchanged", "blamed"),
    [
        (("wrist",), {"wrist"}),
        (("elbow",), {"elbow"}),
        (("ankle",), {"ankle"}),
        (("wrist", "elbow"), {"wrist", "elbow"}),
        (("knee", "ankle"), {"knee", "ankle"}),
    ],
)
@pytest.mark.parametrize("turn", [0.0, 2.5])
def test_exchanged_pairs_are_named(exchanged, blamed, turn):
    samples = people(60, turn)
    exchange(samples, 17, *exchanged)
    assert suspects(samples) == {17: blamed}


def test_arms_that_really_cross_pass():
    samples = people(60)
    points = samples.points
    left, right = LSP.keypoints.index("left_wrist"), LSP.keypoints.index("right_wrist")
    elbows = [LSP.keypoints.index(f"{side}_elbow") for side in ("left", "right")]
    # Each forearm keeps its length of 18 px and points inwards: the wrists lie on the other side.
    points[5, left] = points[5, elbows[0]] + (-30, 4)
    points[5, right] = points[5, elbows[1]] + (30, 4)
    forearm = np.hypot(30, 4)
    for row in range(len(points)):  # forearms of this length are usual here
        if row != 5:
            for wrist, elbow in zip((left, right), elbows, strict=True):
                points[row, wrist] = points[row, elbow] + (0, forearm)
    assert points[5, left, 0] < points[5, right, 0]
    assert suspects(samples) == {}


def test_unlabeled_joints_and_few_subjects_are_not_suspected():
    samples = people(60)
    exchange(samples, 3, "wrist")
    samples.labeled[3, LSP.keypoints.index("left_wrist")] = False
    assert suspects(samples) == {}
    few = people(LEAST_SUBJECTS - 1)
    exchange(few, 3, "wrist")
    assert suspects(few) == {}


def test_facing_counts_the_side_whatever_way_up():
    assert facing(people(40)) == (1.0, 40)
    assert facing(people(40, np.pi)) == (1.0, 40)
    mirrored = people(40)
    for row in range(10):
        exchange(mirrored, row, "ankle", "knee", "hip", "wrist", "elbow", "shoulder")
    assert facing(mirrored) == (0.75, 40)
    assert suspects(mirrored) == {}  # a whole mirrored person is a person
    hand = Skeleton.from_names("hand", LSP.keypoints[:3])
    assert (
        facing(
            LabeledSamples(mirrored.images, hand, mirrored.points[:, :3], mirrored.labeled[:, :3])
        )
        is None
    )
