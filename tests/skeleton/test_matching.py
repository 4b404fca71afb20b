"""Which keypoint is which: spellings, synonyms, mappings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.errors import InputError
from posebridge.skeleton import (
    Skeleton,
    builtin_skeletons,
    match_skeletons,
    read_mapping,
    read_skeleton,
)

MIXAMO = [
    *("mixamorig:Hips", "mixamorig:LeftUpLeg", "mixamorig:LeftLeg", "mixamorig:LeftFoot"),
    *("mixamorig:LeftShoulder", "mixamorig:LeftArm", "mixamorig:LeftForeArm", "mixamorig:LeftHand"),
]


def matched(source: list[str], target: str | list[str]) -> dict[str, str]:
    """target -> source of the keypoints that have a partner."""
    to = read_skeleton(target) if isinstance(target, str) else Skeleton.from_names("to", target)
    match = match_skeletons(Skeleton.from_names("from", source), to)
    return {target: source for target, source, _ in match.rows() if source != "-"}


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        (["r_ankle", "LKnee"], "coco-17", {"right_ankle": "r_ankle", "left_knee": "LKnee"}),
        (["L_EarBase"], "animal-20", {"left_ear_base": "L_EarBase"}),
        # Human3.6M's foot is an ankle; a foot beside an ankle, or of an animal, is not.
        (["right_foot", "knee", "wrist"], ["right_ankle"], {"right_ankle": "right_foot"}),
        (["foot", "knee", "elbow", "ankle"], ["ankle", "foot"], {"ankle": "ankle", "foot": "foot"}),
        (
            MIXAMO,
            "mpii-16",
            {
                "pelvis": "mixamorig:Hips",
                "left_hip": "mixamorig:LeftUpLeg",
                "left_knee": "mixamorig:LeftLeg",
                "left_ankle": "mixamorig:LeftFoot",
                "left_shoulder": "mixamorig:LeftArm",
                "left_elbow": "mixamorig:LeftForeArm",
                "left_wrist": "mixamorig:LeftHand",
            },
        ),
        (
            ["WRIST", "THUMB_CMC", "THUMB_TIP", "INDEX_FINGER_PIP", "PINKY_TIP"],
            "hand-21",
            {
                "wrist": "WRIST",
                "thumb1": "THUMB_CMC",
                "thumb4": "THUMB_TIP",
                "forefinger2": "INDEX_FINGER_PIP",
                "pinky_finger4": "PINKY_TIP",
            },
        ),
        # Counted from 0, index_1 would be the second joint: nothing is sure.
        (["wrist", "index_0", "index_1", "index_2", "index_3"], "hand-21", {"wrist": "wrist"}),
        (["tailbase", "nose"], "ap10k-17", {"root_of_tail": "tailbase", "nose": "nose"}),
        (
            ["hindpaw_left", "L_F_Paw"],
            "animal-18",
            {"left_back_hoof": "hindpaw_left", "left_front_hoof": "L_F_Paw"},
        ),
        (["thumb2"], "hand-21", {"thumb2": "thumb2"}),
        # MPII's upper neck is the neck of the Leeds set, but not of OpenPose.
        (["upper_neck", "thorax"], ["neck", "head_top"], {"neck": "upper_neck"}),
        (["neck", "nose"], ["upper_neck", "nose"], {"nose": "nose"}),
    ],
)  # fmt: skip
def test_only_certain_partners_match(source, target, found):
    assert matched(source, target) == found


@pytest.mark.parametrize(
    ("source", "target", "count", "missing"),
    [
        ("coco-17", "lsp-14", 12, ("neck", "head_top")),
        ("mpii-16", "lsp-14", 14, ()),
        ("lsp-14", "mpii-16", 14, ("pelvis", "thorax")),
        # The 14 that UniFrame scores on AnimalPose after the synthetic animals, and the tail.
        (
            "animal-18",
            "animal-20",
            15,
            ("left_ear_base", "right_ear_base", "nose", "throat", "withers"),
        ),
    ],
)  # fmt: skip
def test_built_in_skeletons_among_each_other(source, target, count, missing):
    match = match_skeletons(read_skeleton(source), read_skeleton(target))
    assert len(match.matched) == count
    assert tuple(t for t, s, _ in match.rows() if s == "-") == missing
    # A side never changes on the way.
    for name, from_, _ in match.rows():
        assert ("left" in name, "right" in name) == (
            "left" in from_,
            "right" in from_,
        ) or from_ == "-"


@given(st.sampled_from(sorted(builtin_skeletons())), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_any_order_is_found_again(name, random):
    skeleton = read_skeleton(name)
    order = list(range(len(skeleton)))
    random.shuffle(order)
    match = match_skeletons(skeleton, skeleton.subset(order))
    assert [p[0] for p in match.partners] == order
    assert set(match.reasons) == {"name"}
    assert match.is_identity == (order == sorted(order))
    assert (match.weights @ np.arange(len(order)) == order).all()


def test_a_mapping_comes_first_and_may_average(tmp_path):
    file = tmp_path / "joints.yaml"
    file.write_text("neck: [left_shoulder, RShoulder]\nR-Knee: left_knee\nleft_hip: null\n")
    coco, lsp = read_skeleton("coco-17"), read_skeleton("lsp-14")
    match = match_skeletons(coco, lsp, read_mapping(file), mapping_name=str(file))
    rows = {target: (source, reason) for target, source, reason in match.rows()}
    assert rows["neck"] == ("left_shoulder + right_shoulder", "mapping")
    assert rows["right_knee"] == ("left_knee", "mapping")
    assert rows["left_hip"] == ("-", "no partner")
    assert rows["left_shoulder"] == ("left_shoulder", "name")
    weights = match.weights[lsp.keypoints.index("neck")]
    assert weights[[5, 6]].tolist() == [0.5, 0.5]
    assert weights.sum() == 1
    assert match.common().keypoints == tuple(
        n for n in lsp.keypoints if n not in ("left_hip", "head_top")
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "it holds a list"),
        ("neck: 3", "the source keypoint '3'"),
        ("neck: {a: b}", "is not an entry"),
        ("neck: [nose, nose]", "twice"),
        ("neck: nose\nneck: left_eye", "is there twice"),
        ("neck: [", "not valid YAML"),
        ("tail: nose", "the target keypoint 'tail'"),
        ("neck: tail", "the source keypoint 'tail'"),
        ("left_knee: nose\nL_Knee: left_eye", "names 'left_knee' twice"),
    ],
)
def test_broken_mapping_is_reported(text, words, tmp_path):
    file = tmp_path / "joints.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        match_skeletons(
            read_skeleton("coco-17"),
            read_skeleton("lsp-14"),
            read_mapping(file),
            mapping_name=str(file),
        )
    assert words in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_in_common():
    with pytest.raises(InputError, match="no keypoint of 'hand' .*mapping file"):
        match_skeletons(read_skeleton("hand-21").subset([1, 2]), read_skeleton("coco-17"))
