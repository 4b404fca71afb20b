"""The paired bootstrap: values by hand, the effect of pairing, and missing intervals."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.evaluation.bootstrap import Interval, by_image, paired_bootstrap


def means(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones_like(values)], axis=1)


def test_subjects_of_an_image_are_summed():
    parts = np.array([[1.0, 2], [3, 4], [5, 6]])
    result = by_image(parts, np.array([b"z.png", b"a.png", b"z.png"]))
    assert result.tolist() == [[3, 4], [6, 8]]


def test_value_is_ratio_of_sums():
    source, adapted = np.array([[1.0, 1], [0, 3]]), np.array([[1.0, 1], [3, 3]])
    result = paired_bootstrap(source, adapted)
    assert result.source.value == pytest.approx(0.25)
    assert result.adapted.value == 1
    assert result.difference.value == pytest.approx(0.75)


def test_pairing_removes_differences_between_images():
    """Images differ by tens, the models by exactly 2 on each image: the change is certain."""
    hard = np.random.default_rng(0).normal(50, 20, 60)
    result = paired_bootstrap(means(hard), means(hard + 2))
    assert result.source.high - result.source.low > 5
    assert (result.difference.low, result.difference.high) == pytest.approx((2, 2))
    assert result.difference.sign == 1
    assert paired_bootstrap(means(hard), means(hard)).difference.sign == 0
    assert paired_bootstrap(means(hard), means(hard - 2)).difference.sign == -1


def test_interval_of_a_mean_matches_the_normal_distribution():
    values = np.random.default_rng(1).normal(0, 1, 400)
    result = paired_bootstrap(means(values), means(values)).source
    half = 1.96 * values.std() / np.sqrt(400)
    assert result.high - values.mean() == pytest.approx(half, rel=0.1)
    assert values.mean() - result.low == pytest.approx(half, rel=0.1)


def test_draws_depend_on_the_seed_alone():
    source, adapted = np.random.default_rng(2).random((2, 30))
    first = paired_bootstrap(means(source), means(adapted))
    assert paired_bootstrap(means(source), means(adapted)) == first
    assert paired_bootstrap(means(source), means(adapted), seed=1) != first


def test_missing_intervals_and_values_are_none():
    single = paired_bootstrap([[3.0, 4]], [[4.0, 4]])
    assert single.difference == Interval(0.25, None, None)
    assert single.difference.sign == 0
    assert paired_bootstrap([[0.0, 0]], [[0.0, 0]]).source == Interval(None, None, None)
    assert paired_bootstrap(np.zeros((0, 2)), np.zeros((0, 2))).source.value is None
    with pytest.raises(ValueError, match="must both be"):
        paired_bootstrap([[1.0, 1]], [[1.0, 1], [2, 1]])


@pytest.mark.parametrize("count", [6, 10, 30])
def test_noise_is_rarely_significant(count):
    """Two equal models, 300 times: about 5 % are significant (13 % with plain percentiles of 6)."""
    values = np.random.default_rng(3).normal(0, 1, (300, 2, count))
    intervals = [paired_bootstrap(means(a), means(b), draws=500) for a, b in values]
    assert np.mean([paired.difference.sign != 0 for paired in intervals]) < 0.09


def test_too_few_images_have_no_interval():
    better = paired_bootstrap(means(np.zeros(5)), means(np.ones(5))).difference
    assert better == Interval(1.0, None, None)
    assert paired_bootstrap(means(np.zeros(6)), means(np.ones(6))).difference.sign == 1
