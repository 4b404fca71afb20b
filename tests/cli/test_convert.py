"""``posebridge convert`` as a subprocess: what it writes, what it says, how it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from posebridge.cli.main import main
from tests.command_line import posebridge


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 20)).save(tmp_path / "a.png")
    content = {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 20}],
        "categories": [
            {"id": 1, "name": "arm", "keypoints": ["left_hand", "elbow"], "skeleton": [[1, 2]]}
        ],
        "annotations": [
            {
                "id": 3,
                "image_id": 7,
                "category_id": 1,
                "bbox": [4, 2, 8, 4],
                "keypoints": [10, 5, 2, 20, 15, 1],
            }
        ],
    }
    file = tmp_path / "labels.json"
    file.write_text(json.dumps(content))
    return file


def test_to_yolo_and_back(labels, tmp_path):
    done = posebridge("convert", labels, tmp_path / "set", "--to", "yolo")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "read: 1 subjects with 2 keypoints in 1 images" in said
    assert "note: Ultralytics YOLO-pose does not hold ids of images and annotations" in said
    assert "data.yaml" in said
    # center (8, 4) and size (8, 4) of 40 x 20; (10, 5) visible, (20, 15) hidden
    line = (tmp_path / "set/labels/train/a.txt").read_text().split()
    expected = [0, 0.2, 0.2, 0.2, 0.2, 0.25, 0.25, 2, 0.5, 0.75, 1]
    assert [float(word) for word in line] == expected
    assert (tmp_path / "set/images/train/a.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    back = tmp_path / "set/back.json"
    assert main(["convert", str(tmp_path / "set"), str(back)]) == 0
    (row,) = json.loads(back.read_text())["annotations"]
    assert row["keypoints"] == [10, 5, 2, 20, 15, 1]
    assert row["bbox"] == pytest.approx([4, 2, 8, 4])


def test_to_a_table_says_what_is_lost(labels, tmp_path, capsys):
    assert main(["convert", str(labels), str(tmp_path / "out.csv")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for loss in (
        "boxes: 1 are left out",
        "hidden keypoints: 1 become visible",
        "edges: 1 are left",
    ):
        assert loss in said
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "scorer,posebridge,posebridge,posebridge,posebridge",
        "bodyparts,left_hand,left_hand,elbow,elbow",
        "coords,x,y,x,y",
        "a.png,10.0,5.0,20.0,15.0",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["labels.json", "out"], "can't be recognized by its ending; name one with --to"),
        (["gone.json", "out.csv"], "gone.json does not exist"),
        (["a.png", "out.csv"], "of no known format"),
        (["labels.json", "labels.json"], "exists already"),
        (["labels.json", "out.csv", "--from", "sloth"], "unknown format 'sloth'"),
        (["labels.json", "out.csv", "--from", "label-studio"], "is not a list of tasks"),
        (
            ["labels.json", "out.slp", "--image-root", "gone"],
            "the image folder gone does not exist",
        ),
    ],
)
def test_refusals(labels, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["convert", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    said = capsys.readouterr().out
    assert "examples:" in said and "--to yolo" in said and "label-studio" in said


def test_a_missing_library_is_a_sentence(labels, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    assert main(["convert", str(labels), str(tmp_path / "out.slp")]) == 2
    assert "pip install 'posebridge[formats]'" in capsys.readouterr().err
