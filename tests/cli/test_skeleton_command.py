"""``posebridge skeleton``: list, show, match."""

from __future__ import annotations

import cv2
import pytest

from posebridge.cli.main import main
from posebridge.skeleton import builtin_skeletons, match_skeletons, read_mapping, read_skeleton
from posebridge.synthetic.figures import write_synthetic_figures


def test_list_and_show(tmp_path, capsys):
    assert main(["skeleton", "list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in builtin_skeletons())
    file = write_synthetic_figures(tmp_path / "figures", "rendered", 2, seed=0, size=32)
    for name in ("hand-21", str(file)):
        picture = tmp_path / "picture.png"
        assert main(["skeleton", "show", name, "--out", str(picture)]) == 0
        drawn = cv2.imread(str(picture))
        assert min(drawn.shape[:2]) > 300
        assert (drawn < 200).any()
    said = capsys.readouterr().out
    assert "head_top+neck" in said
    assert "6 left/right pairs" in said


def test_show_writes_a_file_to_start_from(tmp_path):
    out = tmp_path / "folder" / "mine.yaml"
    assert main(["skeleton", "show", "animal-20", "--out", str(out)]) == 0
    assert read_skeleton(out) == read_skeleton("animal-20")


def test_match_prints_draws_and_writes_a_mapping(tmp_path, capsys):
    mapping = tmp_path / "joints.yaml"
    mapping.write_text("neck: [left_shoulder, right_shoulder]\n")
    given = ["skeleton", "match", "coco-17", "lsp-14", "--keypoint-mapping", str(mapping)]
    picture, written, common = tmp_path / "m.png", tmp_path / "m.yaml", tmp_path / "c.yaml"
    assert main([*given, "--out", str(picture), "--common", str(common)]) == 0
    said = capsys.readouterr().out
    assert "13 of 14 keypoints matched" in said
    assert "left_shoulder + right_shoulder" in said
    assert "not used: nose, left_eye, right_eye, left_ear, right_ear" in said
    assert cv2.imread(str(picture)) is not None
    assert len(read_skeleton(common)) == 13
    # The mapping that is written gives the same match without the first one.
    assert main([*given, "--out", str(written)]) == 0
    coco, lsp = read_skeleton("coco-17"), read_skeleton("lsp-14")
    again = match_skeletons(coco, lsp, read_mapping(written))
    assert again.partners == match_skeletons(coco, lsp, read_mapping(mapping)).partners


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "coco"], "unknown skeleton 'coco'"),
        (["show", "coco-17", "--out", "picture.txt"], "give a .png"),
        (["match", "hand-21", "ap10k-17"], "no keypoint of 'hand'"),
        (
            ["match", "coco-17", "lsp-14", "--keypoint-mapping", "none.yaml"],
            "none.yaml can't be read",
        ),
    ],
)
def test_unusable_input_gets_a_sentence(arguments, words, capsys):
    assert main(["skeleton", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
