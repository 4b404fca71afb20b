"""``posebridge report``, and the report at the end of ``adapt``, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import posebridge
from posebridge.cli.main import main
from posebridge.evaluation.calibration import read_calibrations
from tests.command_line import posebridge as run_posebridge
from tests.conftest import TINY

SETTINGS = [f"--{name}={value}" for name, value in TINY.items()]


@pytest.fixture
def run(finished_run, tmp_path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_a_run_gets_its_page_as_a_process(run, figures):
    done = run_posebridge(
        *("report", str(run)),
        *("--labels", str(figures.test), "--max-images", "5"),
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((run / "report" / "report.json").read_text())
    assert "Did the adaptation help? " + content["verdict"]["headline"] in done.stdout
    assert "report:" in done.stdout
    assert (content["images"], content["labeled_images"]) == (5, 8)
    page = (run / "report" / "index.html").read_text()
    assert content["verdict"]["headline"] in page
    assert "posebridge report " in page
    maps = read_calibrations(run / "report" / "calibration.json")
    assert {name: [m.within for m in found] for name, found in maps.items()} == {
        "source": [0.05, 0.1],
        "adapted": [0.05, 0.1],
    }


def test_adapt_makes_the_page_unless_told_not_to(figures, tmp_path, capsys):
    data = ["--source", str(figures.source), "--target", str(figures.target)]
    arguments = ["adapt", "--preset", "demo", *SETTINGS, *data]
    assert main([*arguments, "--no-report", "--out", str(tmp_path / "without")]) == 0
    assert "Did the adaptation help?" not in capsys.readouterr().out
    assert not (tmp_path / "without" / "report").exists()
    resumed = ["adapt", "--resume", "--no-report", "--out", str(tmp_path / "without")]
    assert main(resumed) == 0
    assert not (tmp_path / "without" / "report").exists()
    assert main([*arguments, "--out", str(tmp_path / "with")]) == 0
    said = capsys.readouterr().out
    assert "Did the adaptation help?" in said
    assert "index.html" in said.replace("\n", "")
    assert (tmp_path / "with" / "report" / "index.html").stat().st_size > 10_000


def test_from_python(run, capsys):
    made = posebridge.make_report(run, checkpoint="selected", max_images=4)
    assert made.judgment.weights == "selected"
    assert made.page == run / "report" / "index.html"
    assert made.page.is_file()
    assert capsys.readouterr().out == ""


def other_skeleton(figures, folder: Path) -> str:
    content = json.loads(figures.test.read_text())
    content["categories"][0]["keypoints"][0] = "tail"
    for image in content["images"]:
        image["file_name"] = str(figures.test.parent / "images" / image["file_name"])
    file = folder / "other.json"
    file.write_text(json.dumps(content))
    return str(file)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nothing", "is not a run folder"),
        ("labels of others", "do not match"),
        ("source of others", "do not match"),
        ("no labels there", "does not exist"),
        ("no photographs", "give 1 or more"),
        ("no source weights", "no checkpoint 'source'"),
        ("data that moved", "--data-root"),
    ],
)
def test_bad_input_gets_a_sentence(kind, words, run, figures, tmp_path, capsys):
    images = ["--label-image-root", str(figures.test.parent / "images")]
    other = other_skeleton(figures, tmp_path)
    more = {
        "labels of others": ["--labels", other, *images],
        "source of others": ["--source-validation", other],
        "no labels there": ["--labels", str(tmp_path / "gone.json")],
        "no photographs": ["--max-images", "0"],
    }.get(kind, [])
    if kind == "nothing":
        run = tmp_path / "nothing"
    elif kind == "no source weights":
        shutil.rmtree(run / "checkpoints" / "source")
    elif kind == "data that moved":
        config = run / "config.yaml"
        config.write_text(config.read_text().replace(str(figures.source), "/gone/a.json"))
    assert main(["report", str(run), *more]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert said.startswith("posebridge report: ")
    assert not (run / "report").exists()
