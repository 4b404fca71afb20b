"""Metrics: value tables worked out by hand, and properties for any input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posebridge.evaluation import metrics

NAN, INF = float("nan"), float("inf")

# Two subjects, three joints. Sides 100 and 50, so that the ratios are
#   subject 0:  0.05  0.10   none
#   subject 1:  0.00  0.20   0.50
DISTANCES = np.array([[5.0, 10.0, NAN], [0.0, 10.0, 25.0]])
SIDES = np.array([100.0, 50.0])
GROUPS = {"left": (0, 1), "tail": (2,)}


def test_distances_are_euclidean_and_nan_where_unlabeled():
    points = np.zeros((1, 4, 2))
    predicted = np.array([[[3, 4], [-6, 8], [1, 1], [NAN, 0]]])
    result = metrics.distances(predicted, points, np.array([[True, True, False, True]]))
    np.testing.assert_array_equal(result, [[5, 10, NAN, INF]])


def test_predictions_of_unlabeled_joints_are_ignored():
    predicted = np.array([[[NAN, INF]]])
    assert np.isnan(metrics.distances(predicted, np.zeros((1, 1, 2)), np.array([[False]]))).all()


def test_wrong_shapes_of_points_are_reported():
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        metrics.distances(np.zeros((2, 3, 2)), np.zeros((2, 4, 2)), np.ones((2, 3), bool))


@pytest.mark.parametrize(
    ("threshold", "everything", "left", "tail"),
    [
        (0.04, 20, 25, 0),  # 0.00
        (0.05, 40, 50, 0),  # and 0.05: "at most", so equality counts
        (0.10, 60, 75, 0),
        (0.20, 80, 100, 0),
        (0.50, 100, 100, 100),
    ],
)
def test_pck_by_hand(threshold, everything, left, tail):
    result = metrics.pck(DISTANCES, SIDES, threshold, GROUPS)
    assert result == pytest.approx({"all": everything, "left": left, "tail": tail})


def test_pck_is_pooled_over_joints():
    batches = [metrics.pck(DISTANCES[i : i + 1], SIDES[i : i + 1], 0.05)["all"] for i in (0, 1)]
    assert batches == pytest.approx([50, 100 / 3])
    joints = [metrics.pck(DISTANCES[:, k : k + 1], SIDES, 0.05)["all"] for k in (0, 1, 2)]
    assert joints == pytest.approx([100, 0, 0])
    pooled = metrics.pck(DISTANCES, SIDES, 0.05)["all"]
    assert pooled == pytest.approx(40)
    assert pooled != pytest.approx(np.mean(batches))
    assert pooled != pytest.approx(np.mean(joints))


def test_subject_without_a_normalizer_is_left_out_of_pck():
    result = metrics.pck(DISTANCES, np.array([NAN, 50.0]), 0.05, GROUPS)
    assert result == pytest.approx({"all": 100 / 3, "left": 50, "tail": 0})
    assert metrics.pck(DISTANCES, np.array([0.0, 50.0]), 0.05, GROUPS) == pytest.approx(result)


def test_group_without_a_label_is_nan():
    distances = np.array([[5.0, 10.0, NAN]])
    for result in (
        metrics.pck(distances, np.array([100.0]), 0.1, GROUPS),
        metrics.auc(distances, np.array([100.0]), 0.1, GROUPS),
        metrics.epe(distances, GROUPS),
        metrics.epe_median(distances, GROUPS),
    ):
        assert np.isnan(result["tail"])
        assert np.isfinite(result["all"])


def test_prediction_that_is_not_finite_is_a_miss():
    result = metrics.pck(np.array([[INF, 0.0]]), np.array([100.0]), 0.1)
    assert result["all"] == pytest.approx(50)
    assert metrics.auc(np.array([[INF, 0.0]]), np.array([100.0]), 0.1)["all"] == pytest.approx(50)


def test_end_point_error_by_hand():
    assert metrics.epe(DISTANCES, GROUPS) == pytest.approx({"all": 10, "left": 6.25, "tail": 25})
    assert metrics.epe_median(DISTANCES, GROUPS) == pytest.approx(
        {"all": 10, "left": 7.5, "tail": 25}
    )


def test_auc_by_hand():
    # Up to 0.2 the ratios 0.05, 0.10, 0.00, 0.20, 0.50 leave 0.75, 0.5, 1, 0, 0 of the area.
    assert metrics.auc(DISTANCES, SIDES, 0.2, GROUPS) == pytest.approx(
        {"all": 45, "left": 56.25, "tail": 0}
    )


def test_auc_is_the_area_under_the_pck_curve():
    draw = np.random.default_rng(0)
    distances, sides = draw.uniform(0, 40, (30, 5)), draw.uniform(80, 160, 30)
    grid = np.linspace(0, 0.2, 2001)
    curve = [metrics.pck(distances, sides, t)["all"] for t in grid]
    area = np.trapezoid(curve, grid) / 0.2
    assert metrics.auc(distances, sides, 0.2)["all"] == pytest.approx(area, abs=0.01)


def test_auc_refuses_an_empty_range():
    with pytest.raises(ValueError, match="positive"):
        metrics.auc(DISTANCES, SIDES, 0.0)


places = arrays(np.float64, (4, 3, 2), elements=st.floats(-500, 500, width=32))
flags = arrays(np.bool_, (4, 3))
sides = arrays(np.float64, (4,), elements=st.floats(1, 500, width=32))
thresholds = st.floats(0.01, 1)


@settings(max_examples=50, deadline=None)
@given(places, flags, sides, thresholds)
def test_perfect_predictions_score_100(points, labeled, side, threshold):
    distances = metrics.distances(points, points, labeled)
    expected = 100 if labeled.any() else NAN
    for score in (metrics.pck, metrics.auc):
        assert score(distances, side, threshold)["all"] == pytest.approx(expected, nan_ok=True)
    assert metrics.epe(distances)["all"] == pytest.approx(0 if labeled.any() else NAN, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(places, places, flags, arrays(np.int64, (4, 1, 2), elements=st.integers(-500, 500)))
def test_distances_are_translation_invariant(predicted, points, labeled, shift):
    still = metrics.distances(predicted, points, labeled)
    moved = metrics.distances(predicted + shift, points + shift, labeled)
    np.testing.assert_allclose(still, moved, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(places, places, sides, thresholds, thresholds)
def test_pck_increases_with_the_threshold(predicted, points, side, first, second):
    distances = metrics.distances(predicted, points, np.ones((4, 3), bool))
    low, high = sorted((first, second))
    assert metrics.pck(distances, side, low)["all"] <= metrics.pck(distances, side, high)["all"]


@settings(max_examples=50, deadline=None)
@given(places, places, flags, sides, st.permutations(range(4)))
def test_order_of_subjects_does_not_matter(predicted, points, labeled, side, order):
    distances = metrics.distances(predicted, points, labeled)
    for score in (metrics.pck, metrics.auc):
        assert score(distances, side, 0.1)["all"] == pytest.approx(
            score(distances[order], side[order], 0.1)["all"], nan_ok=True
        )
