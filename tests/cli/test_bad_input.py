"""The command line given what it cannot use: one sentence, exit code 2, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from posebridge.cli.main import main
from tests.command_line import posebridge_here
from tests.conftest import TINY

SETTINGS = [f"--{name}={value}" for name, value in TINY.items()]


def damaged(kind: str, figures, folder: Path) -> list[str]:
    """Arguments of an adapt with one thing wrong, and the files for it."""
    shutil.copytree(figures.source.parent, folder / "source")
    source = folder / "source" / "annotations.json"
    target = str(figures.target)
    content = json.loads(source.read_text())
    if kind == "missing file":
        source = folder / "nowhere.json"
    elif kind == "broken JSON":
        source.write_text(source.read_text()[:-50])
    elif kind == "missing image":
        (folder / "source" / "images" / content["images"][3]["file_name"]).unlink()
    elif kind == "wrong length":
        content["annotations"][2]["keypoints"].pop()
        source.write_text(json.dumps(content))
    elif kind == "two categories":
        other = {"id": 2, "name": "dog", "keypoints": ["nose", "tail"], "skeleton": []}
        content["categories"].append(other)
        content["annotations"][1] |= {"category_id": 2, "keypoints": [1, 1, 2, 2, 2, 2]}
        source.write_text(json.dumps(content))
    elif kind == "no keypoints":
        for annotation in content["annotations"]:
            del annotation["keypoints"]
        source.write_text(json.dumps(content))
    elif kind == "empty target":
        (folder / "empty").mkdir()
        target = str(folder / "empty")
    elif kind == "truncated images":
        shutil.copytree(figures.target.parent, folder / "target")
        for image in (folder / "target" / "images").iterdir():
            image.write_bytes(image.read_bytes()[:40])
        target = str(folder / "target" / "images")
    return ["adapt", "--preset", "demo", *SETTINGS, "--source", str(source), "--target", target]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing file", "nowhere.json does not exist"),
        ("broken JSON", "annotations.json is not valid JSON"),
        ("missing image", "names the image"),
        ("wrong length", "keypoints of length 41, expected 42"),
        ("two categories", "two categories with different keypoints"),
        ("no keypoints", "no annotation with keypoints"),
        ("empty target", "holds no image"),
        ("truncated images", "can be read"),
    ],
)
def test_bad_data_gets_a_sentence(kind, words, figures, tmp_path, capsys):
    arguments = damaged(kind, figures, tmp_path)
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert said.startswith("posebridge adapt: ")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "nothing"], "unknown preset 'nothing'; known are"),
        (["--feature.wieght", "1"], "feature.wieght"),
        (["--target", "x"], "no source is given"),
        (["--source", "x"], "no target is given"),
    ],
)
def test_bad_settings_get_a_sentence(arguments, words, tmp_path, capsys):
    assert main(["adapt", *arguments, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["skeleton", "show", "coco-17", "--out", "FILE/x.yaml"], "FILE"),
        (["adapt", "--source", "x", "--target", "x", "--out", "FILE"], "is a file; give a folder"),
        (["compare", "a", "b", "x", "--out", "FILE"], "is a file; give a folder"),
        (["compare", "a", "b", "x", "--out", "FILE/below"], "is a file; give a folder"),
        (["predict", "a", "x", "--out", "a.csv", "--overlays", "FILE"], "--overlays"),
        (["bench", "x.yaml", "--out", "FILE"], "is a file; give a folder"),
        (["demo", "--out", "FILE"], "is a file; give a folder"),
        (["synth", "FILE"], "FILE"),
    ],
)
def test_a_file_where_a_folder_goes_gets_a_sentence(arguments, words, tmp_path, capsys):
    file = tmp_path / "FILE"
    file.write_text("kept")
    assert main([part.replace("FILE", str(file)) for part in arguments]) == 2
    said = capsys.readouterr().err
    assert words.replace("FILE", str(file)) in said and said.count("\n") == 1
    assert file.read_text() == "kept"


def test_an_answer_that_never_comes_is_no(monkeypatch, capsys):
    from posebridge.cli import push

    def ended(_):
        raise EOFError

    monkeypatch.setattr(push, "main", ended)
    assert main(["push", "runs/people", "ann/people"]) == 2
    assert "nothing was done" in capsys.readouterr().err


def test_names_with_brackets_are_printed_whole(tmp_path, capsys):
    file = tmp_path / "[raw] :train:" / "x.yaml"
    file.parent.mkdir()
    assert main(["skeleton", "show", "coco-17", "--out", str(file)]) == 0
    assert str(file) in "".join(capsys.readouterr().out.splitlines())


def test_missing_model_is_one_sentence(tmp_path):
    done = posebridge_here("predict", tmp_path / "nothing", tmp_path, "--out", tmp_path / "p.json")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
