"""Disagreement of two models: distances worked out by hand, and the command on tiny models."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from posebridge.checkpoints.model_folder import save_checkpoint
from posebridge.cli.main import main
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.inference.predictor import PosePredictions
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.report.disagreement import disagreement, joint_rows, write_sheet, write_tables
from posebridge.skeleton import Skeleton
from posebridge.synthetic.figures import FIGURE_SKELETON, write_synthetic_figures

PAIR = Skeleton.from_names("pair", ["a", "b"], [(0, 1)])
MODEL = ModelConfig("resnet10t", "none", {}, feature_level=1, decoder_channels=4, heatmap_size=8)


def predictions(points: np.ndarray, confidence: float, files: list[Path]) -> PosePredictions:
    count = len(points)
    return PosePredictions(
        points=points.astype(np.float32),
        confidence=np.full(points.shape[:2], confidence, np.float32),
        regions=np.array([(0, 0, 100)] * count),
        sizes=np.array([(100, 100)] * count),
        cells=np.zeros_like(points),
        rows=np.arange(count),
        samples=UnlabeledSamples.from_lists(
            "x", files, np.zeros((count, 4)), np.arange(count), np.arange(count)
        ),
        skipped=(),
    )


@pytest.fixture
def found(tmp_path):
    files = [tmp_path / f"{name}.png" for name in "xyz"]
    for shade, file in enumerate(files):
        cv2.imwrite(str(file), np.full((100, 100, 3), 60 * shade, np.uint8))
    first = np.array([[[50, 50], [20, 20]], [[50, 50], [20, 20]], [[50, 50], [20, 20]]], float)
    # Joint a: 0, 5, 10 px apart; joint b: 0, 50 (3-4-5 triangle), 0. The crop's side is 100 px.
    apart = np.array([[[0, 0], [0, 0]], [[3, 4], [30, 40]], [[6, 8], [0, 0]]])
    pair = predictions(first, 0.25, files), predictions(first + apart, 0.75, files)
    return disagreement(("one", "other"), *pair, PAIR), files


def test_distances_by_hand(found):
    result, _ = found
    np.testing.assert_allclose(result.distances, [[0, 0], [0.05, 0.5], [0.1, 0]], atol=1e-6)
    assert result.order.tolist() == [1, 2, 0]
    rows = {name: values for name, *values in joint_rows(result)}
    assert list(rows) == ["a", "b", "all"]
    # 5 % does not count as apart: one of three for either joint; ties are sorted by the median.
    np.testing.assert_allclose(rows["a"][:2], [100 / 3, 5.0], atol=1e-4)
    np.testing.assert_allclose(rows["b"][:2], [100 / 3, 0.0], atol=1e-4)
    np.testing.assert_allclose(rows["all"][0], 100 / 3, atol=1e-4)
    np.testing.assert_allclose(rows["all"][3:], [0.25, 0.75], atol=1e-6)


def test_tables_and_sheet(found, tmp_path):
    result, files = found
    by_joint, by_subject = write_tables(result, [str(f) for f in files], tmp_path)
    with by_subject.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["image"]).name for row in rows] == ["y.png", "z.png", "x.png"]
    assert float(rows[0]["mean_percent"]) == pytest.approx(27.5, abs=1e-3)
    assert float(rows[1]["a"]) == pytest.approx(10, abs=1e-3)
    assert by_joint.read_text().splitlines()[0].startswith("joint,apart_percent")
    write_sheet(result, tmp_path / "sheet.png", columns=2)
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    # Two columns of 192 px, the furthest apart (gray 60) first, then gray 120.
    assert picture.shape[1] == 2 * 196 + 4
    assert picture[4 + 24 + 180, 4 + 180].tolist() == [60] * 3
    assert picture[4 + 24 + 180, 4 + 196 + 180].tolist() == [120] * 3


def test_different_images_are_refused(found):
    result, files = found
    fewer = predictions(result.second.points[:2], 0.5, files[:2])
    with pytest.raises(InputError, match="did not read the same images"):
        disagreement(("a", "b"), result.first, fewer, PAIR)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("models")
    config = {"model": vars(MODEL), "crop": {"size": 32, "padding": 1.25}}
    for seed, name in enumerate(("a", "b")):
        torch.manual_seed(seed)
        network = PoseModel(MODEL, 14, 32)
        torch.nn.init.normal_(network.head.weight, std=3)
        save_checkpoint(root / name / "model", network, FIGURE_SKELETON, config, {})
    return root / "a" / "model", root / "b" / "model"


def test_command_with_and_without_labels(models, tmp_path, capsys):
    labels = write_synthetic_figures(tmp_path / "f", "camera", 5, seed=0, size=64)
    (labels.parent / "images" / "broken.jpg").write_bytes(b"x")
    out = tmp_path / "scored"
    assert main(["compare", *map(str, models), str(labels), "--out", str(out), "--pairs", "2"]) == 0
    said = capsys.readouterr().out
    assert "scores on the labels" in said
    assert {p.name for p in out.iterdir()} == {
        *("sheet.png", "pairs", "joints.csv", "subjects.csv", "scores_a.json", "scores_b.json")
    }
    assert len(list((out / "pairs").iterdir())) == 2
    assert json.loads((out / "scores_b.json").read_text())["protocol"]["subjects"] == 5
    images = str(labels.parent / "images")
    out = tmp_path / "unscored"
    assert main(["compare", *map(str, models), images, "--out", str(out), "--pairs", "0"]) == 0
    output = capsys.readouterr().out
    assert "skipped" in output
    assert "scores" not in output
    assert not (out / "scores_a.json").exists()
    with (out / "subjects.csv").open() as stream:
        means = [float(row["mean_percent"]) for row in csv.DictReader(stream)]
    assert len(means) == 5
    assert means == sorted(means, reverse=True)
    assert means[-1] > 0
    # A model agrees with itself.
    again = tmp_path / "again"
    assert main(["compare", str(models[0]), str(models[0]), images, "--out", str(again)]) == 0
    lines = (again / "joints.csv").read_text().splitlines()
    assert lines[-1].startswith("all,0.0000,0.0000,0.0000")


def test_different_skeleton_is_refused(models, tmp_path, capsys):
    other = tmp_path / "other"
    config = {"model": vars(MODEL), "crop": {"size": 32, "padding": 1.25}}
    save_checkpoint(other, PoseModel(MODEL, 2, 32), PAIR, config, {})
    images = str(tmp_path)
    assert main(["compare", str(models[0]), str(other), images, "--out", str(tmp_path / "o")]) == 2
    output = capsys.readouterr().err
    assert "model A" in output
    assert "do not match" in output
    assert output.count("\n") == 1
