"""OKS-AP: values by hand, subjects and images that are left out, and no output."""

from __future__ import annotations

import math

import numpy as np
import pytest

from posebridge.errors import InputError
from posebridge.evaluation import oks
from posebridge.skeleton import Skeleton

from .people import COCO, LEEDS, labels_of, scattered


def score(points, labels, confidence=0.5, **options):
    each = np.broadcast_to(np.asarray(confidence, dtype=float), points.shape[:2])
    return oks.oks_average_precision(oks.coco_results(points, each, labels), labels, **options)


@pytest.mark.parametrize("names", [COCO, LEEDS])
def test_perfect_predictions_score_100_and_print_nothing(names, capfd):
    labels = scattered(names, 5)
    assert score(labels.points, labels) == pytest.approx(
        {"AP": 100, "AP50": 100, "AP75": 100, "AR": 100}
    )
    assert capfd.readouterr() == ("", "")


def test_coco_names_have_the_official_sigmas():
    official = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
    np.testing.assert_allclose(
        oks.sigmas(Skeleton.from_names("person", COCO)), np.array(official) / 1000
    )


def test_other_names_have_the_documented_sigmas():
    names = ["L_Knee", "head_top", "neck", "left_thumb_tip"]
    np.testing.assert_allclose(
        oks.sigmas(Skeleton.from_names("person", names)), [0.087, 0.079, 0.079, 0.05]
    )


@pytest.mark.parametrize("similarity", [0.52, 0.63, 0.77, 0.96])
def test_similarity_by_hand(similarity):
    """One joint, moved until OKS is ``similarity``: right at every threshold up to it."""
    labels = labels_of(["nose"], np.full((1, 1, 2), 50.0))
    area = 0.53 * 100 * 200
    away = math.sqrt(-2 * area * (2 * 0.026) ** 2 * math.log(similarity))
    result = score(labels.points + np.array([away, 0.0]), labels)
    reached = sum(50 + 5 * step <= 100 * similarity for step in range(10))
    assert result["AP"] == pytest.approx(10 * reached)
    assert result["AR"] == pytest.approx(10 * reached)
    assert result["AP75"] == pytest.approx(100 if similarity >= 0.75 else 0)


def test_unlabeled_joints_do_not_count():
    labels = scattered(COCO, 3)
    some = labels_of(COCO, labels.points, np.arange(17)[None] % 2 == np.zeros((3, 1)))
    moved = np.where(some.labeled[..., None], some.points, 1e4)
    assert score(moved, some)["AP"] == pytest.approx(100)


def test_ranking_is_by_confidence():
    labels = scattered(COCO, 2)
    points = labels.points.copy()
    points[1] += 1000
    right_first = score(points, labels, [[0.9], [0.1]])
    wrong_first = score(points, labels, [[0.1], [0.9]])
    assert right_first["AR"] == wrong_first["AR"] == pytest.approx(50)
    assert right_first["AP"] > wrong_first["AP"]


def test_several_subjects_share_an_image():
    points = scattered(COCO, 4).points
    labels = labels_of(COCO, points, image_ids=np.array([7, 7, 7, 9]))
    assert score(points, labels)["AP"] == pytest.approx(100)


def test_given_areas_are_used():
    labels = labels_of(["nose"], np.full((1, 1, 2), 50.0))
    points = labels.points + 20
    assert score(points, labels)["AP"] == 0
    assert score(points, labels, areas=np.array([1e8]))["AP"] == pytest.approx(100)


def test_images_without_a_known_area_are_left_out():
    points = scattered(COCO, 2).points
    boxes = np.array([[0, 0, 0, 0], [0, 0, 100, 200]])
    labels = labels_of(COCO, points, boxes=boxes)
    moved = points.copy()
    moved[0] += 1000
    assert score(moved, labels)["AP"] == pytest.approx(100)


@pytest.mark.parametrize(
    "labels",
    [
        labels_of(COCO, np.zeros((1, 17, 2)), boxes=np.zeros((1, 4))),
        labels_of(COCO, np.zeros((1, 17, 2)), np.zeros((1, 17), bool)),
    ],
    ids=["no area", "no label"],
)
def test_nothing_to_score_is_nan(labels):
    result = score(labels.points, labels)
    assert all(math.isnan(value) for value in result.values())


def test_no_predictions_score_0():
    labels = scattered(COCO, 2)
    assert oks.oks_average_precision([], labels)["AP"] == 0


def test_predictions_for_another_dataset_are_refused():
    labels = scattered(COCO, 2)
    results = oks.coco_results(labels.points, np.ones((2, 17)), labels)
    results[1]["image_id"] = 5
    with pytest.raises(InputError, match="prediction 1 is for image_id 5"):
        oks.oks_average_precision(results, labels)


def test_wrong_number_of_joints_is_refused():
    labels = scattered(COCO, 1)
    results = oks.coco_results(labels.points, np.ones((1, 17)), labels)
    results[0]["keypoints"] = results[0]["keypoints"][:-3]
    with pytest.raises(InputError, match="48 values in 'keypoints', expected 51"):
        oks.oks_average_precision(results, labels)


def test_given_results_are_not_modified():
    labels = scattered(COCO, 1)
    results = oks.coco_results(labels.points, np.ones((1, 17)), labels)
    oks.oks_average_precision(results, labels)
    assert set(results[0]) == {"image_id", "category_id", "keypoints", "score"}
