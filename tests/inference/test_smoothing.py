"""The one-euro filter against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.inference.smoothing import one_euro

# At this step and cutoff 2 pi f dt is 1, so that alpha is 1/2.
STEP = 1 / (2 * np.pi)


def test_values_worked_out_by_hand():
    points = np.array([[[0.0, 0.0]], [[3.0, 4.0]], [[3.0, 4.0]]])
    times = np.arange(3) * STEP
    # Without beta alpha is 1/2 always: half of the way, then half of the rest.
    still = one_euro(points, times, min_cutoff=1, beta=0)
    np.testing.assert_allclose(still[:, 0], [[0, 0], [1.5, 2], [2.25, 3]])
    # Frame 1: the raw speed is 5 / dt = 10 pi, half of it 5 pi; with beta = 2 / (5 pi) the cutoff
    # is 1 + 2 = 3 and alpha 3/4: (2.25, 3). Frame 2: x - y' = (0.75, 1), raw speed 1.25 * 2 pi =
    # 2.5 pi, mean with 5 pi 3.75 pi; the cutoff is 1 + 1.5 = 2.5, alpha 2.5 / 3.5 = 5/7.
    quick = one_euro(points, times, min_cutoff=1, beta=2 / (5 * np.pi))
    np.testing.assert_allclose(quick[:, 0], [[0, 0], [2.25, 3], [2.25 + 3.75 / 7, 3 + 5 / 7]])
    # Twice the time: alpha is 1 / (1 + 1/2).
    late = one_euro(points[:2], np.array([0, 2 * STEP]), min_cutoff=1, beta=0)
    np.testing.assert_allclose(late[1, 0], [2, 8 / 3])


def test_a_constant_stays_and_joints_are_apart():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.1, 20))
    points = np.broadcast_to(rng.normal(size=(1, 5, 2)), (20, 5, 2))
    np.testing.assert_array_equal(one_euro(points, times), points)
    moving = points + rng.normal(size=(20, 5, 2))
    whole = one_euro(moving, times)
    np.testing.assert_allclose(one_euro(moving[:, 2:3], times), whole[:, 2:3])
    # No frame knows of a later one.
    np.testing.assert_array_equal(one_euro(moving[:7], times[:7]), whole[:7])
    turned = moving @ np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(one_euro(turned, times), whole @ [[0.6, -0.8], [0.8, 0.6]])


def test_the_defaults_hold_what_trembles_and_follow_what_runs():
    times = np.arange(100) / 25
    trembling = np.random.default_rng(1).normal(scale=0.005, size=(100, 5, 2))
    steadier = np.diff(one_euro(trembling, times), axis=0).std()
    assert steadier < 0.35 * np.diff(trembling, axis=0).std()
    running = np.zeros((100, 1, 2))
    running[:, 0, 0] = times  # one side of the crop a second, 0.04 a frame
    behind = (running - one_euro(running, times))[50:, 0, 0]
    assert 0 < behind.max() < 0.02


def test_times_must_rise():
    with pytest.raises(ValueError, match="rise"):
        one_euro(np.zeros((2, 1, 2)), np.zeros(2))
    assert one_euro(np.zeros((0, 3, 2)), np.zeros(0)).shape == (0, 3, 2)
