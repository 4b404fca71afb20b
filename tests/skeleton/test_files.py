"""Skeletons from files and by name."""

from __future__ import annotations

import json

import pytest

from posebridge.errors import InputError
from posebridge.skeleton import Skeleton, builtin_skeletons, read_skeleton
from posebridge.skeleton.files import read_skeleton_and_layout, to_yaml
from posebridge.synthetic.figures import FIGURE_SKELETON

SIZES = {
    "animal-18": (18, 8),
    "animal-20": (20, 8),
    "ap10k-17": (17, 7),
    "coco-17": (17, 8),
    "hand-21": (21, 0),
    "lsp-14": (14, 6),
    "mpii-16": (16, 6),
}


def test_the_built_in_ones():
    assert set(builtin_skeletons()) == set(SIZES)
    for name, (count, pairs) in SIZES.items():
        skeleton, layout = read_skeleton_and_layout(name)
        assert (len(skeleton), len(skeleton.pairs)) == (count, pairs)
        assert set(layout) == set(skeleton.keypoints)
        assert builtin_skeletons()[name]
        grouped = sorted(i for members in skeleton.groups.values() for i in members)
        assert grouped == list(range(count))
        assert all("left" in skeleton.keypoints[left] for left, _ in skeleton.pairs)
        joints = {i for edge in skeleton.edges for i in edge}
        assert joints == set(range(count))  # every joint hangs on a bone
        # Drawn as it is, the left of somebody who faces us is at our right.
        if name in ("coco-17", "lsp-14", "mpii-16"):
            for left, right in skeleton.pairs:
                assert layout[skeleton.keypoints[left]][0] > layout[skeleton.keypoints[right]][0]


def test_the_figures_have_the_joints_of_the_leeds_set():
    assert read_skeleton("lsp-14").keypoints == FIGURE_SKELETON.keypoints
    assert read_skeleton("lsp-14").groups == FIGURE_SKELETON.groups


@pytest.mark.parametrize("name", sorted(SIZES))
def test_yaml_round_trip(name, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(to_yaml(read_skeleton(name)))
    assert read_skeleton(file) == read_skeleton(name)


def test_names_that_yaml_would_convert_stay_text(tmp_path):
    odd = Skeleton.from_names(
        "yes", ["no", "1", "a: b", "mixamorig:Hips", "root (pelvis)"], [(0, 2)]
    )
    file = tmp_path / "odd.yaml"
    file.write_text(to_yaml(odd))
    assert read_skeleton(file) == odd


def test_pairs_and_groups_can_be_given(tmp_path):
    file = tmp_path / "horse.yaml"
    file.write_text(
        "keypoints: [near, off, left_eye, right_eye]\npairs: [[near, off]]\n"
        "groups: {legs: [near, off]}\nedges: [[near, off]]\n"
    )
    skeleton = read_skeleton(file)
    assert skeleton == Skeleton(
        "horse",
        ("near", "off", "left_eye", "right_eye"),
        ((0, 1),),
        ((0, 1),),
        {"legs": (0, 1)},
    )
    file.write_text("keypoints: [near, off, left_eye, right_eye]\n")
    assert read_skeleton(file).pairs == ((2, 3),)


def test_from_a_model_and_from_annotations(tmp_path):
    skeleton = read_skeleton("coco-17")
    model = tmp_path / "run" / "checkpoints" / "last"
    model.mkdir(parents=True)
    (model / "skeleton.json").write_text(skeleton.to_json())
    assert read_skeleton(model) == read_skeleton(tmp_path / "run") == skeleton
    file = tmp_path / "annotations.json"
    categories = [
        {"id": 1, "name": "thing"},
        {"id": 2, "name": "arm", "keypoints": ["elbow", "wrist"], "skeleton": [[1, 2]]},
    ]
    annotations = [
        {"keypoints": [5, 6, 0, 7, 8, 2]},
        {"keypoints": [1, 2, 2, 3, 4, 2]},
    ]
    file.write_text(json.dumps({"categories": categories, "annotations": annotations}))
    assert read_skeleton(tmp_path) == Skeleton.from_names("arm", ["elbow", "wrist"], [(0, 1)])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.yaml", "keypoints: [a, a]", "more than once"),
        ("a.yaml", "keypoints: nose", "not a list of names"),
        ("a.yaml", "keypoints: [a]\njoints: 3", "no field 'joints'"),
        ("a.yaml", "keypoints: [a, b]\nedges: [[a, c]]", "names 'c'"),
        ("a.yaml", "keypoints: [a, b]\nedges: [[a]]", "not a list of 2 keypoints"),
        ("a.yaml", "keypoints: [a, b]\nedges: a", "'edges' is not a list"),
        ("a.yaml", "keypoints: [a, b]\ngroups: [a]", "'groups' is not a mapping"),
        ("a.yaml", "keypoints: [a, b]\npairs: [[a, b], [b, a]]", "more than one left/right pair"),
        ("a.yaml", "keypoints: [a]\nlayout: {b: [1, 2]}", "'layout' names 'b'"),
        ("a.yaml", "keypoints: [a]\nlayout: {a: 1}", "'layout' does not give x, y"),
        ("a.yaml", "]", "not valid YAML"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[]", "it is a list"),
        ("a.json", '{"categories": [{"id": 1}]}', "no category with keypoints"),
        (
            "a.json",
            '{"categories": [{"keypoints": ["a"], "skeleton": [[1, 9]]}]}',
            "points outside",
        ),
        ("a.json", '{"categories": [{"keypoints": ["a"], "skeleton": 5}]}', "not a list of pairs"),
    ],
)
def test_broken_skeleton_file_is_reported(name, text, words, tmp_path):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read_skeleton(file)
    assert words in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"unknown skeleton 'coco'.*coco-17, hand-21"):
        read_skeleton("coco")
