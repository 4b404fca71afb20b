"""A finished run judged: against what the run logged, against the evaluation, and in bad weather."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from posebridge import api
from posebridge.checkpoints.model_folder import load_checkpoint, save_checkpoint
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.errors import InputError
from posebridge.inference import run_folder
from posebridge.inference.run_comparison import compare_run
from posebridge.inference.run_folder import open_run, source_check
from posebridge.training import run as adaptation_run
from posebridge.training.run import train
from posebridge.training.splits import split_source, split_target
from tests.conftest import tiny


@pytest.fixture(scope="module")
def judged(finished_run, figures):
    labels = read_labeled(figures.test)
    return compare_run(open_run(finished_run), labels=labels, source_labels=labels)


def copy(run: Path, folder: Path) -> Path:
    return Path(shutil.copytree(run, folder / "run"))


def test_agreement_is_what_the_validator_logged(judged, finished_run):
    """The same photographs in the same views: the first and the last look, to six digits."""
    with (finished_run / "metrics.csv").open() as stream:
        looks = [float(v) for _, name, v in csv.reader(stream) if name == "validator/agreement"]
    change = next(r for r in judged.judgment.validators if r.name == "agreement").change
    assert change.source.value == pytest.approx(looks[0], rel=1e-5)
    assert change.adapted.value == pytest.approx(looks[-1], rel=1e-5)
    assert change.difference.value == pytest.approx(looks[-1] - looks[0], abs=1e-3)
    assert judged.judgment.steps == (4, 10)
    assert judged.judgment.images == judged.judgment.subjects == 12


def test_labels_give_the_figures_of_evaluate(judged, finished_run, figures):
    for model, weights in (("source", "source"), ("adapted", "last")):
        metrics = api.evaluate(finished_run, figures.test, checkpoint=weights).metrics
        for within in ("0.05", "0.10"):
            found = getattr(judged.judgment.labels[within], model).value
            assert found == pytest.approx(metrics[f"pck@{within}"]["all"])
            memory = next(r for r in judged.judgment.validators if r.name == f"source_pck@{within}")
            assert getattr(memory.change, model).value == pytest.approx(found)
    trust = judged.judgment.trust[0]
    assert trust.target.right == pytest.approx(judged.judgment.labels["0.05"].adapted.value)
    assert judged.judgment.labeled_images == 8


def test_every_validator_speaks_and_all_of_it_is_json(judged, tmp_path):
    judgment = judged.judgment
    assert {row.name for row in judgment.validators} == {
        *("agreement", "confident_agreement", "confidence", "certainty", "information"),
        "neighborhood_density",
        *("pose_prior", "source_pck@0.05", "source_pck@0.10"),
    }
    judgment.write(tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["verdict"]["headline"] == judgment.verdict.headline
    assert len(content["photographs"]) == 12
    assert len(content["joints"]) == 14
    assert content["source_kind"] == "given"


def test_the_least_steady_photograph_is_the_first(judged):
    shares = [p.steady[1] for p in judged.judgment.photographs if p.steady[1] is not None]
    assert shares == sorted(shares)
    moves = [joint.median for joint in judged.judgment.joints]
    assert moves == sorted(moves, reverse=True)
    pictures = judged.pictures
    apart = np.linalg.norm(pictures.points["adapted"] - pictures.points["source"], axis=-1)
    for row, photograph in enumerate(judged.judgment.photographs):
        assert photograph.moved == pytest.approx(100 * np.median(apart[row]) / 32, abs=1e-3)
        assert str(pictures.samples.path(row)) == photograph.file


def test_collapsed_answers_are_told_whatever_else_rose(finished_run, tmp_path):
    """Weights that give every photograph the same heatmaps: perfectly alike answers."""
    run = copy(finished_run, tmp_path)
    last = load_checkpoint(run / "checkpoints" / "last")
    torch.nn.init.zeros_(last.model.head.weight)
    save_checkpoint(last.folder, last.model, last.skeleton, last.config, last.results)
    judgment = compare_run(open_run(run)).judgment
    assert judgment.sanity.variety[1] == pytest.approx(0, abs=1e-4)
    assert judgment.verdict.answer == "probably_not"
    assert judgment.verdict.prefers_source


def test_weights_from_before_the_adaptation_have_nothing_to_compare(finished_run, tmp_path):
    run = copy(finished_run, tmp_path)
    shutil.rmtree(run / "checkpoints" / "selected")
    shutil.copytree(run / "checkpoints" / "source", run / "checkpoints" / "selected")
    judgment = compare_run(open_run(run), weights="selected").judgment
    assert judgment.verdict.answer == "same"
    assert all(row.change.difference.value == 0 for row in judgment.validators)


def test_the_course_is_that_of_the_log(judged, finished_run):
    course = judged.judgment.course
    assert [step for step, _ in course["validator/agreement"]] == [4, 6, 8, 10]
    assert [step for step, _ in course["validator/settled"]] == [6, 8, 10]
    assert all(0 <= value <= 100 for _, value in course["validator/settled"])
    assert len(course["teacher/kept"]) == 6
    assert run_folder.read_course(finished_run / "checkpoints", ["teacher/kept"]) == {}


def test_half_a_row_of_a_killed_run_is_left_out(tmp_path):
    rows = "step,name,value\n3,teacher/kept,0.5\n4,teacher/kept,"
    (tmp_path / "metrics.csv").write_text(rows)
    assert run_folder.read_course(tmp_path, ["teacher/kept"]) == {"teacher/kept": ((4, 0.5),)}


def test_added_photographs_are_not_taken_for_held_out_ones(figures, finished_run, tmp_path):
    """More images would draw another split; the list of the run keeps to those of the run."""
    run = copy(finished_run, tmp_path)
    before = sorted(open_run(run).held_out.files.tolist())
    config = open_run(run).config
    listed = (run / "held_out.txt").read_bytes().splitlines()
    assert listed == before
    target = read_boxes(figures.target)
    assert before == sorted(np.unique(split_target(target, config).held_out.files).tolist())
    (run / "held_out.txt").write_bytes(listed[0] + b"\n/gone/photograph.png\n")
    assert open_run(run).held_out.files.tolist() == [listed[0]]
    (run / "held_out.txt").unlink()
    assert sorted(open_run(run).held_out.files.tolist()) == before


def test_data_that_moved_is_found_below_a_root(figures, finished_run, tmp_path):
    run = copy(finished_run, tmp_path)
    root = figures.source.parents[1]
    stored = run / "config.yaml"
    stored.write_text(stored.read_text().replace(str(root), "/gone/figures"))
    with pytest.raises(InputError, match="/gone/figures/source.*--data-root"):
        open_run(run)
    names = {run.held_out.path(row).name for run in [open_run(finished_run)] for row in range(12)}
    moved = open_run(run, data_root=root)
    assert {moved.held_out.path(row).name for row in range(12)} == names
    with pytest.raises(InputError, match="no tail of"):
        open_run(run, data_root=tmp_path)
    shutil.copy(figures.test, tmp_path / "annotations.json")
    with pytest.raises(InputError, match="source and target are both"):
        open_run(run, data_root=tmp_path)
    # What did not move stays where it is.
    stay = (finished_run / "config.yaml").read_text()
    stored.write_text(stay.replace(str(figures.target), "/gone/target/annotations.json"))
    again = open_run(run, data_root=root)
    assert (again.config.source, again.config.target) == (str(figures.source), str(figures.target))


def test_what_is_no_finished_run_gets_a_sentence(finished_run, tmp_path):
    with pytest.raises(InputError, match="not a run folder"):
        open_run(tmp_path)
    run = copy(finished_run, tmp_path)
    shutil.rmtree(run / "checkpoints" / "last")
    with pytest.raises(InputError, match=r"no checkpoint 'last'.*--resume"):
        compare_run(open_run(run))


def test_the_best_source_images_that_can_be_had(finished_run, figures, monkeypatch):
    run = open_run(finished_run)
    assert source_check(run, read_labeled(figures.test))[1] == "given"
    assert source_check(run, None)[1] == "trained"
    kept = dataclasses.replace(
        run,
        config=dataclasses.replace(
            run.config,
            validation=dataclasses.replace(run.config.validation, source_fraction=0.25),
        ),
    )
    held_out, kind, _ = source_check(kept, None)
    assert (kind, len(held_out)) == ("held_out", 6)
    # 3 steps of 4 crops: half of the 24 images were reached.
    steps = dataclasses.replace(run.config.steps, source=1, adaptation=2)
    short = dataclasses.replace(run, config=dataclasses.replace(run.config, steps=steps))
    monkeypatch.setattr(run_folder, "_LEAST_UNSEEN", 5)
    unseen, kind, _ = source_check(short, None)
    assert (kind, len(unseen)) == ("unseen", 12)


def test_source_images_that_are_held_out_do_not_train(figures, tmp_path, monkeypatch):
    seen = []

    class Watched(adaptation_run.PairedBatches):
        def __init__(self, source, *rest):
            seen.append(source)
            super().__init__(source, *rest)

    monkeypatch.setattr(adaptation_run, "PairedBatches", Watched)
    source, target = read_labeled(figures.source), read_boxes(figures.target)
    config = tiny(validation__source_fraction=0.25, steps__source=1, steps__adaptation=1)
    train(config, source, target, tmp_path / "run")
    split = split_source(source, config)
    assert (len(split.held_out), len(seen[0])) == (6, 18)
    assert not set(split.held_out.images.files) & set(seen[0].images.files)
    assert len(split_source(source, tiny()).held_out) == 0
