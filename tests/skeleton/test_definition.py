"""Names, pairs and groups."""

from __future__ import annotations

import pytest

from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

LSP = [
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    *("neck", "head_top"),
]


def test_pairs_and_groups_follow_from_the_names():
    skeleton = Skeleton.from_names("person", LSP)
    assert skeleton.mirror == [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13]
    assert skeleton.groups["head_top+neck"] == (12, 13)
    assert skeleton.groups["knee"] == (1, 4)


@pytest.mark.parametrize(
    "names",
    [
        ["LeftKnee", "RightKnee"],
        ["knee_l", "knee_r"],
        ["L-knee", "R-knee"],
        ["LKnee", "RKnee"],
        ["eyeL", "eyeR"],
        ["forelegL2", "forelegR2"],
        ["lknee", "rknee"],
        ["leftforepaw", "rightforepaw"],
        ["leftwing", "rightwing"],
        ["lfoot", "rfoot"],
        ["lear", "rear"],
        ["Lpaw", "Rpaw"],
        ["paw_FL", "FR_paw"],
        ["leg_L1", "leg_R1"],
        ["HL", "HR"],
        ["l1", "r1"],
    ],
)
def test_other_spellings(names):
    assert Skeleton.from_names("x", names).pairs == ((0, 1),)


def test_names_without_sides_stay_apart():
    assert Skeleton.from_names("x", ["tail", "left", "l"]).pairs == ()
    # 'rear' is not a right ear without a left ear, 'spine_L5' a vertebra.
    assert Skeleton.from_names("x", ["ear", "rear", "spine_L5", "lip", "rib"]).pairs == ()
    # Two that could be the left one of the same joint: nothing is sure.
    assert Skeleton.from_names("x", ["lpaw", "pawl", "rpaw"]).pairs == ()


def test_a_side_without_a_partner_is_known():
    assert Skeleton.from_names("x", ["left_ear", "right_ear", "left_paw", "tail"]).unpaired == [
        "left_paw"
    ]


def test_round_trip_and_damage():
    skeleton = Skeleton.from_names("person", LSP, [(0, 1), (1, 2)])
    assert Skeleton.from_json(skeleton.to_json(), "here") == skeleton
    for text in ("", "[]", "{}", '{"name": 1, "keypoints": 3}'):
        with pytest.raises(InputError, match="here"):
            Skeleton.from_json(text, "here")


def test_invalid_skeletons_are_refused():
    for arguments in (("x", []), ("x", ["a", "a"]), ("x", ["a"], [(0, 1)])):
        with pytest.raises(InputError):
            Skeleton.from_names(*arguments)


@pytest.mark.parametrize(
    ("pairs", "groups", "words"),
    [
        (((0, 1), (1, 2)), {}, "'b' is in more than one"),
        (((0, 0),), {}, "'a' is in more than one"),
        ((), {"g": (3,)}, "group 'g'"),
        ((), {"g": ()}, "group 'g'"),
    ],
)
def test_pairs_and_groups_that_cannot_be(pairs, groups, words):
    with pytest.raises(InputError, match=words):
        Skeleton("x", ("a", "b", "c"), (), pairs, groups)


def test_subset_drops_edges_and_pairs_that_lose_a_joint():
    skeleton = Skeleton.from_names("person", LSP, [(0, 1), (1, 2), (2, 3), (12, 13)])
    some = skeleton.subset([13, 1, 4, 2])  # head_top, right_knee, left_knee, right_hip
    assert some.keypoints == ("head_top", "right_knee", "left_knee", "right_hip")
    assert some.edges == ((1, 3),)
    assert some.pairs == ((2, 1),)
    assert some.groups == {"knee": (1, 2), "hip": (3,), "head_top+neck": (0,)}


def test_differences_are_named():
    one = Skeleton.from_names("x", ["a", "b"])
    with pytest.raises(InputError, match="missing there: b; only there: c"):
        one.require_same(Skeleton.from_names("x", ["a", "c"]), "one", "other")
    with pytest.raises(InputError, match="another order"):
        one.require_same(Skeleton.from_names("x", ["b", "a"]), "one", "other")
    one.require_same(Skeleton.from_names("y", ["a", "b"]), "one", "other")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("name", 3),
        ("keypoints", [1, 2]),
        ("keypoints", [{"class_path": "os.system"}, "b"]),
        ("edges", [[0, 1.5]]),
        ("edges", [[False, True]]),
        ("pairs", [["0", "1"]]),
        ("groups", {"a": [0.9]}),
    ],
)
def test_value_of_another_type_is_refused(entry, value):
    content = {"name": "s", "keypoints": ["a", "b"], "edges": [], "pairs": [], "groups": {}}
    assert Skeleton.from_content(content, "here").keypoints == ("a", "b")
    with pytest.raises(InputError, match="^here is not a skeleton that posebridge wrote"):
        Skeleton.from_content({**content, entry: value}, "here")


def test_sides_of_keypoints_and_edges():
    """An edge has the one side that its ends name; an edge between left and right is in the middle."""
    names = ["left_hip", "right_hip", "neck", "head"]
    body = Skeleton.from_names("body", names, [(0, 1), (0, 2), (2, 1), (2, 3)])
    assert body.sides == ("left", "right", "middle", "middle")
    assert body.edge_sides == ("middle", "left", "right", "middle")
