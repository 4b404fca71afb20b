"""The models of a command line, and their predictions for an upload."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import posebridge
from posebridge.app.loaded_models import open_models
from posebridge.app.predictions import answer
from posebridge.app.upload import Limits, take_upload
from posebridge.errors import InputError


def test_a_run_is_two_models_and_a_model_folder_one(finished_run):
    both = open_models([str(finished_run)])
    assert [(m.name, m.detail) for m in both] == [
        ("before", "source only, step 4"),
        ("after", "adapted, step 10"),
    ]
    (one,) = open_models([str(finished_run / "checkpoints" / "selected")])
    assert one.name == "selected" and one.detail.startswith("selected checkpoint, step ")


def test_names_of_two_runs_differ(finished_run, tmp_path):
    runs = [shutil.copytree(finished_run, tmp_path / name / "run") for name in "ab"]
    shutil.rmtree(Path(runs[1]) / "checkpoints" / "source")
    shown = open_models([str(run) for run in runs])
    assert [m.name for m in shown] == ["a/run: before", "a/run: after", "b/run"]
    assert shown[2].detail == "last checkpoint, step 10"
    assert len({m.slug for m in shown}) == 3
    assert open_models([str(runs[0])] * 2)[1].name == "after"


def test_path_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="neither a model folder nor a run folder"):
        open_models([str(tmp_path / "nothing")])


def test_each_model_predicts_and_writes_its_points(finished_run, figures, tmp_path):
    image = sorted((figures.test.parent / "images").iterdir())[0]
    models = open_models([str(finished_run)])
    upload = take_upload(image, tmp_path, Limits())
    heard = []
    made = answer(models, upload, lambda done, count, name: heard.append((done, count, name)))
    assert heard[0] == (0, 2, "before") and heard[-1] == (2, 2, "after")
    expected = posebridge.load(finished_run, "source").predict(image)
    np.testing.assert_array_equal(made.found[0].points, expected.points)
    assert not np.array_equal(made.found[0].points, made.found[1].points)
    for found, (coco, table) in zip(made.found, made.files, strict=True):
        content = json.loads(coco.read_text())
        assert content["images"][0]["file_name"] == image.name
        triples = np.array(content["annotations"][0]["keypoints"]).reshape(-1, 3)
        np.testing.assert_allclose(triples[:, :2], found.points[0], atol=0.01)
        row = next(csv.DictReader(table.open()))
        assert row["file"] == image.name
        assert float(row["neck_x"]) == pytest.approx(
            found.points[0][models[0].predictor.skeleton.keypoints.index("neck"), 0], abs=1e-3
        )
    made.close()
    assert not upload.folder.exists()
    assert image.exists()
