"""The parts of every validator by image, against the validator itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from posebridge.evaluation import validator_intervals
from posebridge.evaluation.validator_intervals import (
    WORDS,
    correct_fractions,
    merged_sides,
    shares,
    variety,
)
from posebridge.synthetic.figures import FIGURE_SKELETON
from posebridge.training.initialization import build_model
from posebridge.validators.pose_prior import PosePrior
from posebridge.validators.validators import VALIDATORS, ask, neighborhood_density
from tests.conftest import tiny

MIRROR = torch.tensor(FIGURE_SKELETON.mirror)


@pytest.fixture(scope="module")
def predicted():
    model = build_model(tiny(), FIGURE_SKELETON)
    torch.manual_seed(0)
    crops = torch.randint(0, 256, (9, 3, 32, 32), dtype=torch.uint8)
    return model, crops, ask(model, crops, MIRROR)


def test_every_validator_is_the_ratio_of_its_parts(predicted):
    model, crops, answers = predicted
    poses = np.random.default_rng(0).normal(size=(40, 14, 2)).astype(np.float32)
    prior = PosePrior(poses, np.ones((40, 14), bool))
    information = validator_intervals.image_information(
        model, crops, MIRROR, answers.mean_probability, batch=4
    )
    split = shares(answers, information, prior)
    assert split.keys() == VALIDATORS.keys() | {"pose_prior"}
    assert split.keys() <= WORDS.keys()
    for name, parts in split.items():
        validator = VALIDATORS.get(name, prior)
        assert parts.shape == (9, 2)
        value = parts[:, 0].sum() / parts[:, 1].sum()
        assert value == pytest.approx(validator(answers), rel=1e-4, abs=1e-6), name
    assert "pose_prior" not in shares(answers, information, None)


@pytest.mark.parametrize("peak", [0.2, 2.0])
def test_confident_agreement_is_split_to_first_order(peak, predicted):
    """The sum of the parts of resampled images follows the validator of these images."""
    answers = predicted[2]
    peaks = answers.confidence * peak / answers.confidence.mean()
    answers = dataclasses.replace(answers, confidence=peaks)
    draw = np.random.default_rng(0)
    parts = shares(answers, np.zeros(9), None)["confident_agreement"][:, 0]
    approximations, expected = [], []
    for _ in range(40):
        rows = torch.from_numpy(draw.integers(0, 9, 9))
        again = {
            name: getattr(answers, name)[rows] for name in ("first", "second", "seen", "confidence")
        }
        approximations.append(parts[rows.numpy()].mean())
        expected.append(VALIDATORS["confident_agreement"](dataclasses.replace(answers, **again)))
    assert np.corrcoef(approximations, expected)[0, 1] > 0.99
    assert np.std(approximations) == pytest.approx(np.std(expected), rel=0.1)


def test_neighborhood_density_is_split_by_leaving_each_image_out(predicted):
    answers = predicted[2]
    torch.manual_seed(1)
    descriptors = torch.nn.functional.normalize(torch.rand(9, 5) ** 4, dim=1)
    made = dataclasses.replace(answers, descriptors=descriptors)
    parts = shares(made, np.zeros(9), None)["neighborhood_density"][:, 0]
    without = np.array(
        [
            neighborhood_density(
                dataclasses.replace(made, descriptors=descriptors[torch.arange(9) != i])
            )
            for i in range(9)
        ]
    )
    pseudo = -8 * without
    expected = pseudo - pseudo.mean() + neighborhood_density(made)
    np.testing.assert_allclose(parts, expected, atol=1e-3)
    assert parts.std() > 0.01


def test_correct_shares_by_hand():
    ratio = np.array([[0.04, 0.06, np.nan], [np.inf, 0.05, 0.0]])
    assert correct_fractions(ratio, 0.05).tolist() == [[100, 2], [200, 3]]
    assert correct_fractions(ratio, 0.1).tolist() == [[200, 2], [200, 3]]


def test_variety_and_merged_sides_by_hand(predicted):
    """Two poses that differ by 10 px in x on crops of 100 px: variance 25 px2, so 5 % of the side."""
    points = torch.tensor([[[10.0, 20.0], [30.0, 40.0]], [[20.0, 20.0], [40.0, 40.0]]])
    made = dataclasses.replace(predicted[2], size=100, points=points)
    assert variety(made) == pytest.approx(5)
    same = dataclasses.replace(made, points=points[:1].repeat(2, 1, 1))
    assert variety(same) == 0
    sides = np.array([[[0.0, 0], [3, 4]], [[0, 0], [3, 4.1]], [[0, 0], [np.nan, np.nan]]])
    assert merged_sides(sides, [(0, 1)], 100) == 50
    assert np.isnan(merged_sides(sides, [], 100))
