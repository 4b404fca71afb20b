"""The entry point of evaluation: metrics, protocol, the results file and the errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posebridge.errors import InputError
from posebridge.evaluation import Predictions, Results, evaluate_predictions, pck_key

from .people import COCO, LEEDS, labels_of, predicted_at, scattered


def strict(text: str):
    """Parse JSON, refusing NaN and infinities."""

    def refuse(token: str):
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def knees():
    """Two subjects: left_knee 5 and 0 px off, right_knee 10 px and unlabeled, neck unlabeled."""
    labels = labels_of(
        ["left_knee", "right_knee", "neck"],
        np.full((2, 3, 2), 50.0),
        np.array([[True, True, False], [True, False, False]]),
    )
    points = labels.points.copy()
    points[0, 0, 0] += 5
    points[0, 1, 1] += 10
    points[:, 2] = 1e6
    return predicted_at(points, side=100), labels


def test_metrics_by_hand(knees):
    metrics = evaluate_predictions(*knees).metrics
    assert list(metrics) == ["pck@0.05", "pck@0.10", "epe", "epe_median", "auc", "oks"]
    assert metrics["pck@0.05"] == {
        "all": pytest.approx(200 / 3),
        "knee": pytest.approx(200 / 3),
        "neck": None,
    }
    assert metrics["pck@0.10"]["all"] == pytest.approx(100)
    assert metrics["epe"] == {"all": pytest.approx(5), "knee": pytest.approx(5), "neck": None}
    assert metrics["epe_median"]["knee"] == pytest.approx(5)
    assert metrics["auc"]["all"] == pytest.approx(75)
    assert set(metrics["oks"]) == {"AP", "AP50", "AP75", "AR"}


def test_perfect_predictions_score_100():
    labels = scattered(LEEDS, 4)
    metrics = evaluate_predictions(predicted_at(labels.points), labels).metrics
    for metric in ("pck@0.05", "pck@0.10", "auc", "oks"):
        assert list(metrics[metric].values()) == pytest.approx([100] * len(metrics[metric]))
    assert set(metrics["epe"].values()) == {0.0}


def test_protocol_is_complete(knees):
    results = evaluate_predictions(*knees, protocol={"seed": 3, "selection": "last weights"})
    protocol = results.protocol
    assert (protocol["subjects"], protocol["joints"]) == (2, 3)
    assert protocol["thresholds"] == [0.05, 0.1]
    assert protocol["normalizer"] == "crop"
    assert protocol["visibility"] == "labeled joints only, flags 1 and 2"
    assert "no mean of batches" in protocol["pooling"]
    assert protocol["groups"] == {"knee": ["left_knee", "right_knee"], "neck": ["neck"]}
    assert set(protocol["metrics"]) == set(results.metrics)
    assert (protocol["seed"], protocol["selection"]) == (3, "last weights")


def test_subjects_without_the_normalizer_are_counted():
    labels = scattered(LEEDS, 3)
    labels.labeled[0, LEEDS.index("right_hip")] = False
    labels.labeled[1] = False
    results = evaluate_predictions(predicted_at(labels.points), labels, normalizer="torso")
    assert results.protocol["left_out"] == {
        "subjects_without_labeled_joints": 1,
        "subjects_without_normalizer": 1,
        "joints_without_normalizer": 13,
        "subjects_without_area_for_oks": 0,
    }


def test_protocol_entries_cannot_be_overwritten(knees):
    with pytest.raises(ValueError, match="normalizer"):
        evaluate_predictions(*knees, protocol={"normalizer": "mine"})


def test_published_metric_is_added(knees):
    published = {"all": 50.0, "knee": float("nan")}
    results = evaluate_predictions(*knees, published=published)
    assert results.metrics["pck_published@0.05"] == {"all": 50.0, "knee": None}
    assert "released code" in results.protocol["metrics"]["pck_published@0.05"]


def test_json_round_trip_without_nan(knees, tmp_path):
    extra = {"seed": np.int64(3), "loss": float("inf"), "weights": np.array([1.0, np.nan])}
    results = evaluate_predictions(*knees, protocol=extra)
    raw = strict(results.to_json())
    assert raw["metrics"]["pck@0.05"]["neck"] is None
    assert raw["protocol"]["loss"] is None
    assert raw["protocol"]["weights"] == [1.0, None]
    path = tmp_path / "run" / "results.json"
    results.write(path)
    results.write(path)
    assert Results.read(path) == results
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]


def test_nan_is_written_as_null():
    text = Results(metrics={"epe": {"all": float("nan")}}, protocol={}).to_json()
    assert strict(text) == {"metrics": {"epe": {"all": None}}, "protocol": {}}


def test_file_without_results_is_reported(tmp_path):
    path = tmp_path / "other.json"
    path.write_text("[1]")
    with pytest.raises(InputError, match=r"other\.json is not a results file"):
        Results.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        Results.read(tmp_path / "missing.json")


def test_failed_write_is_reported_and_leaves_nothing(tmp_path):
    (tmp_path / "results.json").mkdir()
    with pytest.raises(InputError, match=r"results\.json can't be written: it is a folder"):
        Results({}, {}).write(tmp_path / "results.json")
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("threshold", "key"),
    [(0.05, "pck@0.05"), (0.1, "pck@0.10"), (0.2, "pck@0.20"), (0.005, "pck@0.005")],
)
def test_pck_keys(threshold, key):
    assert pck_key(threshold) == key


def test_dataset_without_labeled_joints_is_refused():
    labels = labels_of(COCO, np.zeros((1, 17, 2)), np.zeros((1, 17), bool))
    with pytest.raises(InputError, match="drawn people has no labeled joint"):
        evaluate_predictions(predicted_at(labels.points), labels)


def test_normalizer_unknown_for_every_subject_is_refused():
    labels = labels_of(COCO, np.zeros((1, 17, 2)), boxes=np.zeros((1, 4)))
    with pytest.raises(InputError, match="'box' is not known for any subject of drawn people"):
        evaluate_predictions(predicted_at(labels.points), labels, normalizer="box")


@pytest.mark.parametrize("thresholds", [(), (0.0,), (-0.1,), (float("nan"),)])
def test_thresholds_must_be_positive(knees, thresholds):
    with pytest.raises(InputError, match="positive fractions"):
        evaluate_predictions(*knees, thresholds=thresholds)


def test_wrong_number_of_subjects_is_refused():
    labels = scattered(COCO, 3)
    with pytest.raises(ValueError, match="do not fit"):
        evaluate_predictions(predicted_at(labels.points[:2]), labels)


def test_invalid_predictions_are_refused():
    points = np.zeros((2, 3, 2), np.float32)
    confidence, sides = np.ones((2, 3), np.float32), np.ones(2, np.float32)
    with pytest.raises(ValueError, match=r"\(N, K, 2\), \(N, K\) and \(N,\)"):
        Predictions(points, confidence, sides[:1])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Predictions(points, confidence * 2, sides)
    points[1, 0, 0] = np.nan
    with pytest.raises(InputError, match="1 of 2 subjects are not finite"):
        Predictions(points, confidence, sides)
