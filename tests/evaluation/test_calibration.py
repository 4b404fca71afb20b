"""Calibrated confidence: maps and errors by hand, monotonicity, and an overconfident model."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.errors import InputError
from posebridge.evaluation.calibration import (
    Calibration,
    fit_calibration,
    read_calibrations,
    reliability,
)
from posebridge.evaluation.run_comparison import write_calibrations


def test_calibration_map_by_hand():
    """Right: no, yes, no, yes. The middle two pool to 0.5, at the mean of their peaks."""
    result = fit_calibration([[0.1], [0.2], [0.3], [0.4]], [[0.9], [0.01], [0.9], [0.0]], 0.05)
    assert result.shared.peak == pytest.approx((0.1, 0.25, 0.4))
    assert result.shared.probability == pytest.approx((0, 0.5, 1))
    np.testing.assert_allclose(result([[0.0], [0.175], [0.25], [0.9]])[:, 0], [0, 0.25, 0.5, 1])
    assert result.points == 4


def test_only_labeled_points_count():
    result = fit_calibration([[0.1, 0.2], [0.3, 0.4]], [[np.nan, 0.0], [np.inf, np.nan]], 0.05)
    assert result.points == 2
    assert result.shared.probability == (0.5,)
    assert fit_calibration([[0.5]], [[np.nan]], 0.05) is None
    with pytest.raises(ValueError, match="must both be"):
        fit_calibration([[0.5]], [[0.1, 0.2]], 0.05)


def test_joint_with_enough_labels_has_its_own_map():
    """At the same peak the first joint is always right, the second never."""
    peaks = np.full((20, 2), 0.5)
    ratio = np.stack([np.zeros(20), np.ones(20)], axis=1)
    own = fit_calibration(peaks, ratio, 0.05, least=20)
    assert own([[0.5, 0.5]]).tolist() == [[1, 0]]
    shared = fit_calibration(peaks, ratio, 0.05, least=21)
    assert shared([[0.5, 0.5]]).tolist() == [[0.5, 0.5]]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=2, max_size=10),
)
@settings(max_examples=60, deadline=None)
def test_confidence_is_monotone_and_in_range(points, heights):
    peaks = np.array([[p] for p, _ in points])
    ratio = np.array([[0.0 if right else 1.0] for _, right in points])
    calibrated = fit_calibration(peaks, ratio, 0.05)(np.sort(np.array(heights))[:, None])[:, 0]
    assert (np.diff(calibrated) >= -1e-12).all()
    assert calibrated.min() >= 0
    assert calibrated.max() <= 1


def test_calibration_error_by_hand():
    """Two points at 5 %, half right, and two at 95 %, all right: 0.45 and 0.05, averaged."""
    result = reliability([0.05, 0.05, 0.95, 0.95], [True, False, True, True])
    assert result.error == pytest.approx(100 * (0.5 * 0.45 + 0.5 * 0.05))
    assert result.probability == pytest.approx((5, 95))
    assert result.fraction == pytest.approx((50, 100))
    assert result.points == (2, 2)
    assert (result.expected, result.right) == pytest.approx((50, 75))
    assert reliability([], []) is None
    assert reliability([1.0], [True]).error == 0


def test_overconfident_model_is_calibrated_on_other_images():
    """Peaks are drawn at random, and the probability of being right is the peak squared."""
    draw = np.random.default_rng(0)
    peaks = draw.random((400, 14))
    ratio = np.where(draw.random((400, 14)) < peaks**2, 0.01, 0.5)
    fit = fit_calibration(peaks[:200], ratio[:200], 0.05)
    right = ratio[200:].ravel() <= 0.05
    before = reliability(peaks[200:].ravel(), right)
    after = reliability(fit(peaks[200:]).ravel(), right)
    assert before.error > 13
    assert after.error < 4
    assert after.expected == pytest.approx(after.right, abs=3)


def test_calibration_file_round_trip(tmp_path):
    draw = np.random.default_rng(1)
    fit = fit_calibration(draw.random((50, 2)), draw.random((50, 2)), 0.3, least=50)
    file = tmp_path / "calibration.json"
    write_calibrations(file, {"adapted": [fit]})
    read = read_calibrations(file)["adapted"][0]
    assert read == fit
    assert Calibration.from_dict(fit.to_dict(), "here") == fit


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "[]",
        json.dumps({"adapted": [{"within": 0.05}]}),
        json.dumps(
            {"adapted": [{"within": 0.1, "points": 1, "own": {}, "shared": [[2, 1], [0, 1]]}]}
        ),
        *(
            json.dumps({"adapted": [{"within": w, "points": p, "own": {}, "shared": curve}]})
            for w, p, curve in (
                (math.nan, 1, [[0, 1], [0, 1]]),
                (0.1, math.inf, [[0, 1], [0, 1]]),
                (0.1, 1, [[0, 1], [0, 1.5]]),
                (0.1, 1, [[0, 1], [-0.5, 1]]),
                (0.1, 1, [[0, 1], [0, math.nan]]),
                (0.1, 1, [[0, math.nan], [0, 1]]),
            )
        ),
    ],
)
def test_damaged_calibration_file_is_reported(tmp_path, text):
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(InputError, match="calibration.json.*posebridge report"):
        read_calibrations(file)
