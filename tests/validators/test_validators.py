"""Validators on predictions made by hand, and the prediction itself."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.synthetic.figures import FIGURE_SKELETON
from posebridge.training.initialization import build_model
from posebridge.validators import validators
from posebridge.validators.pose_prior import PosePrior
from posebridge.validators.validators import VALIDATORS, Answers, ask, mean_rank
from tests.conftest import tiny

MIRROR = torch.tensor(FIGURE_SKELETON.mirror)


def answers(**changes: torch.Tensor) -> Answers:
    """Return predictions for four images, two joints, crops of 100 px, heatmaps of 4 cells."""
    points = torch.tensor([[[10.0, 20.0], [30.0, 40.0]]]).repeat(4, 1, 1)
    made = Answers(
        size=100,
        first=points,
        second=points,
        seen=torch.ones(4, 2, dtype=torch.bool),
        points=points,
        confidence=torch.full((4, 2), 0.5),
        entropy=torch.zeros(4, 2),
        mean_probability=torch.full((2, 4), 0.25),
        descriptors=torch.eye(4),
    )
    return dataclasses.replace(made, **changes)


def test_agreement_counts_joints_in_both_views():
    """Count 8 joints, 2 of them 5.1 px apart, one of which left a view: 6 of 7 agree."""
    second = answers().first.clone()
    second[0, :, 0] += 5.1
    second[1, :, 1] += 4.9
    seen = torch.ones(4, 2, dtype=torch.bool)
    seen[0, 1] = False
    found = validators.agreement(answers(second=second, seen=seen))
    assert found == pytest.approx(100 * 6 / 7, rel=1e-5)


def test_confidence_and_certainty_are_means():
    made = answers(
        confidence=torch.tensor([[0.1, 0.3]] * 4), entropy=torch.tensor([[0.25, 0.75]] * 4)
    )
    assert validators.confidence(made) == pytest.approx(20)
    assert validators.certainty(made) == pytest.approx(-0.5)


@pytest.mark.parametrize(("peak", "value"), [(0.1, 15.0), (0.4, 60.0), (0.5, 75.0), (4.7, 75.0)])
def test_confident_agreement_is_the_product_up_to_half_of_a_peak(peak, value):
    """Move two of eight joints apart: 75 % agree."""
    second = answers().first.clone()
    second[0, :, 0] += 5.1
    made = answers(second=second, confidence=torch.full((4, 2), peak))
    assert validators.confident_agreement(made) == pytest.approx(value)


@pytest.mark.parametrize(
    ("mean", "entropy", "value"),
    [
        ([0.25] * 4, 0.0, 1.0),  # certain each time, uniform over all positions
        ([0.5, 0.5, 0, 0], 0.0, 0.5),  # certain, at two of four positions
        ([1.0, 0, 0, 0], 0.0, 0.0),  # always one position
        ([0.25] * 4, 1.0, 0.0),  # never certain
    ],
)
def test_information_by_hand(mean, entropy, value):
    made = answers(mean_probability=torch.tensor([mean] * 2), entropy=torch.full((4, 2), entropy))
    assert validators.information(made) == pytest.approx(value, abs=1e-6)


def test_neighborhood_density_by_hand():
    """Compare four equidistant points with two pairs, where each has one neighbor."""
    assert validators.neighborhood_density(answers()) == pytest.approx(math.log(3), rel=1e-5)
    pairs = torch.eye(4)[[0, 0, 1, 1]]
    near, far = math.exp(20), 1.0
    p, q = near / (near + 2 * far), far / (near + 2 * far)
    value = -(p * math.log(p) + 2 * q * math.log(q))
    found = validators.neighborhood_density(answers(descriptors=pairs))
    assert found == pytest.approx(value, abs=1e-6)
    assert validators.neighborhood_density(answers(descriptors=torch.eye(2))) == 0


def test_source_pck_by_hand():
    labels = answers().points.numpy().copy()
    labels[:2, 0] += 4  # 5.7 px away, more than 5
    labeled = np.ones((4, 2), bool)
    labeled[1, 0] = False
    found = validators.source_pck(answers().points, labels, labeled, 100)
    assert found == pytest.approx(100 * 6 / 7, rel=1e-5)


def test_teacher_student_agreement_by_hand():
    """Get 100 for a model with itself, else the agreement; the student is not changed."""
    crops = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    teacher, student = (build_model(tiny(seed=seed), FIGURE_SKELETON) for seed in (0, 1))
    student.train()
    before = {name: value.clone() for name, value in student.state_dict().items()}
    ours = validators.teacher_student(teacher, student, crops, MIRROR, within=0.2)
    assert student.training
    assert all(torch.equal(before[name], value) for name, value in student.state_dict().items())
    one, other = (ask(model, crops, MIRROR).points for model in (teacher, student))
    assert ours == pytest.approx(
        100 * float(((one - other).norm(dim=-1) <= 0.2 * 32).float().mean())
    )
    assert 0 < ours < 100
    assert validators.teacher_student(teacher, teacher, crops, MIRROR) == 100


def test_pose_prior_is_independent_of_position():
    draw = np.random.default_rng(0)
    base = np.array([[0.0, 0], [10, 0], [10, 20], [0, 30]])
    poses = (base + draw.normal(0, 1.0, (200, 4, 2))).astype(np.float32)
    labeled = np.ones((200, 4), bool)
    poses[0], labeled[0, 0] = 1e6, False  # not whole: it does not count
    prior = PosePrior(poses, labeled)

    def likelihood(points: np.ndarray) -> float:
        return prior(answers(points=torch.from_numpy(points.astype(np.float32))))

    near = likelihood(poses[1:50])
    assert near == pytest.approx(likelihood(3 * poses[1:50] + 17), abs=1e-3)
    assert near > likelihood(base[None, ::-1].repeat(9, 0)) + 1
    assert near > likelihood(np.zeros((9, 4, 2)))
    with pytest.raises(ValueError, match="two subjects"):
        PosePrior(poses[:1], labeled[:1])


def test_ranks_are_averaged_and_shared():
    assert mean_rank({"a": [1.0, 3.0, 2.0], "b": [-5.0, -1.0, -1.0]}) == [0, 1.75, 1.25]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_one_validator_alone_keeps_its_order(values):
    ranks = mean_rank({"a": [float(v) for v in values]})
    assert np.argsort(values, kind="stable").tolist() == np.argsort(ranks, kind="stable").tolist()
    assert sum(ranks) == pytest.approx(len(values) * (len(values) - 1) / 2)


def test_predictions_are_repeatable_in_any_batch():
    model = build_model(tiny(), FIGURE_SKELETON)
    crops = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    one, two = (ask(model, crops, MIRROR, batch=5) for _ in range(2))
    for field in dataclasses.fields(Answers):
        a, b = getattr(one, field.name), getattr(two, field.name)
        assert a == b if field.name == "size" else torch.equal(a, b)
    split = ask(model, crops, MIRROR, batch=2)
    torch.testing.assert_close(split.points, one.points, atol=1e-3, rtol=0)
    torch.testing.assert_close(split.mean_probability, one.mean_probability)
    torch.testing.assert_close(one.mean_probability.sum(dim=1), torch.ones(14))
    torch.testing.assert_close(one.descriptors.norm(dim=1), torch.ones(5))
    for validator in VALIDATORS.values():
        assert math.isfinite(validator(one))
