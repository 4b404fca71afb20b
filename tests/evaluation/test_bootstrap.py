"""Paired intervals: values by hand, what pairing brings, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.evaluation.bootstrap import Interval, by_image, paired_bootstrap


def means(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones_like(values)], axis=1)


def test_subjects_of_an_image_are_one_row():
    parts = np.array([[1.0, 2], [3, 4], [5, 6]])
    found = by_image(parts, np.array([b"z.png", b"a.png", b"z.png"]))
    assert found.tolist() == [[3, 4], [6, 8]]


def test_the_value_is_the_ratio_of_sums_and_not_the_mean_of_ratios():
    source, adapted = np.array([[1.0, 1], [0, 3]]), np.array([[1.0, 1], [3, 3]])
    found = paired_bootstrap(source, adapted)
    assert found.source.value == pytest.approx(0.25)
    assert found.adapted.value == 1
    assert found.difference.value == pytest.approx(0.75)


def test_pairing_takes_the_difference_between_images_out():
    """Images differ by tens, the models by exactly 2 on each: the change is certain."""
    hard = np.random.default_rng(0).normal(50, 20, 60)
    found = paired_bootstrap(means(hard), means(hard + 2))
    assert found.source.high - found.source.low > 5
    assert (found.difference.low, found.difference.high) == pytest.approx((2, 2))
    assert found.difference.sign == 1
    assert paired_bootstrap(means(hard), means(hard)).difference.sign == 0
    assert paired_bootstrap(means(hard), means(hard - 2)).difference.sign == -1


def test_the_interval_of_a_mean_is_that_of_the_normal_law():
    values = np.random.default_rng(1).normal(0, 1, 400)
    found = paired_bootstrap(means(values), means(values)).source
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.high - values.mean() == pytest.approx(half, rel=0.1)
    assert values.mean() - found.low == pytest.approx(half, rel=0.1)


def test_draws_are_a_function_of_the_seed():
    one, other = np.random.default_rng(2).random((2, 30))
    first = paired_bootstrap(means(one), means(other))
    assert paired_bootstrap(means(one), means(other)) == first
    assert paired_bootstrap(means(one), means(other), seed=1) != first


def test_one_image_has_no_interval_and_no_joints_no_value():
    single = paired_bootstrap([[3.0, 4]], [[4.0, 4]])
    assert single.difference == Interval(0.25, None, None)
    assert single.difference.sign == 0
    assert paired_bootstrap([[0.0, 0]], [[0.0, 0]]).source == Interval(None, None, None)
    assert paired_bootstrap(np.zeros((0, 2)), np.zeros((0, 2))).source.value is None
    with pytest.raises(ValueError, match="must both be"):
        paired_bootstrap([[1.0, 1]], [[1.0, 1], [2, 1]])


@pytest.mark.parametrize("count", [6, 10, 30])
def test_noise_is_seldom_called_clear(count):
    """Two models alike, 300 times: 5 % may leave 0 out; plain percentiles of 6 do 13 %."""
    values = np.random.default_rng(3).normal(0, 1, (300, 2, count))
    found = [paired_bootstrap(means(a), means(b), draws=500) for a, b in values]
    assert np.mean([paired.difference.sign != 0 for paired in found]) < 0.09


def test_a_few_images_have_no_interval_however_alike():
    better = paired_bootstrap(means(np.zeros(5)), means(np.ones(5))).difference
    assert better == Interval(1.0, None, None)
    assert paired_bootstrap(means(np.zeros(6)), means(np.ones(6))).difference.sign == 1
