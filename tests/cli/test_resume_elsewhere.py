"""A run is resumed from another folder, and with its data moved, to the same weights."""

from __future__ import annotations

import os
import shutil

import pytest

from posebridge.cli.main import main
from posebridge.training.origin import ORIGIN
from tests.conftest import TINY
from tests.run_folders import same, weights

SETTINGS = [f"--{name}={value}" for name, value in TINY.items()]


@pytest.fixture(scope="module")
def started(figures, tmp_path_factory):
    """A project in which a run began with relative paths and stopped, and the whole run's weights."""
    project = tmp_path_factory.mktemp("elsewhere") / "a project"
    for name in ("source", "target"):
        shutil.copytree(getattr(figures, name).parent, project / "data" / name)
    before = os.getcwd()
    os.chdir(project)
    try:
        paths = ["--source", "data/source/annotations.json", "--target", "data/target"]
        given = ["adapt", "--preset", "demo", *SETTINGS, *paths, "--no-report"]
        assert main([*given, "--out", "runs/whole"]) == 0
        assert main([*given, "--out", "runs/run", "--stop-after", "5"]) == 0
    finally:
        os.chdir(before)
    return project, weights(project / "runs" / "whole", "last")


@pytest.fixture
def project(started, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return shutil.copytree(started[0], tmp_path / "moved project")


def test_from_another_folder_and_the_report_too(started, project):
    # The project moved as a whole, and the folder where it began is still there.
    run = project / "runs" / "run"
    assert main(["adapt", "--resume", "--out", str(run)]) == 0
    assert same(weights(run, "last"), started[1])
    assert (run / "report" / "index.html").is_file()


def test_a_project_that_moved_as_a_whole_finds_its_data(started, project):
    run = project / "runs" / "run"
    origin = run / ORIGIN
    origin.write_text(origin.read_text().replace(str(started[0]), str(started[0]) + " gone"))
    assert main(["adapt", "--resume", "--no-report", "--out", "../moved project/runs/run"]) == 0
    assert same(weights(run, "last"), started[1])
    assert str(project / "data") in (run / "config.yaml").read_text()


@pytest.mark.parametrize(
    "given",
    [
        ["--data-root", "../elsewhere"],
        [
            "--source=../elsewhere/data/source/annotations.json",
            "--target",
            "../elsewhere/data/target",
        ],
    ],
)
def test_data_that_moved_is_given_again(given, started, project, capsys):
    run = project / "runs" / "run"
    origin = run / ORIGIN
    origin.write_text(origin.read_text().replace(str(started[0]), str(started[0]) + " gone"))
    (project / "data").rename(project / "other")
    (project.parent / "elsewhere").mkdir()
    (project / "other").rename(project.parent / "elsewhere" / "data")
    resume = ["adapt", "--resume", "--no-report", "--out", str(run)]
    assert main(resume) == 2
    said = capsys.readouterr().err
    assert "names the data data/source/annotations.json" in said and "--data-root FOLDER" in said
    assert main([*resume, *given]) == 0
    assert same(weights(run, "last"), started[1])


def test_other_data_is_refused(started, project, figures, capsys):
    run = project / "runs" / "run"
    resume = ["adapt", "--resume", "--no-report", "--out", str(run)]
    assert main([*resume, "--source", str(figures.test)]) == 2
    assert "the source is not the one that the run" in capsys.readouterr().err
    assert main([*resume, "--target", "gone"]) == 2
    assert "--target gone does not exist" in capsys.readouterr().err
    assert main([*resume, "--target"]) == 2
    assert "takes new paths of moved data alone" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", '{"folder": 1}', "[" * 5000, '{"folder": "a"}'])
def test_a_damaged_note_of_the_origin_is_as_if_absent(content, started, project, monkeypatch):
    (project / "runs" / "run" / ORIGIN).write_text(content)
    monkeypatch.chdir(project)
    assert main(["adapt", "--resume", "--no-report", "--out", "runs/run"]) == 0
    assert same(weights(project / "runs" / "run", "last"), started[1])
