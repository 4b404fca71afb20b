"""The adversarial regressor: distributions and divergence by hand, and whose gradient goes where."""

from __future__ import annotations

import math

import pytest
import torch

from posebridge.alignment.regda import (
    divergence,
    ground_truth_and_false,
    regression_disparity,
)
from posebridge.models.adversarial_head import Regressor
from posebridge.ops import heatmaps


def peaks(*cells: tuple[int, int], size: int = 8, sigma: float = 0.2) -> torch.Tensor:
    """Heatmaps of one image; at this sigma a Gaussian is one cell (its neighbours have 4e-6)."""
    return heatmaps.render(torch.tensor(cells, dtype=torch.float32)[None], size, sigma)


def test_ground_false_is_where_the_other_joints_are():
    truth, false = ground_truth_and_false(peaks((1, 2), (5, 2), (3, 6)), sigma=0.2)
    # Rows are y. Each joint is where it is, and could be taken for either of the other two.
    for joint, (x, y) in enumerate(((1, 2), (5, 2), (3, 6))):
        assert truth[0, joint, y, x].item() == pytest.approx(1, abs=1e-4)
        assert false[0, joint, y, x].item() == pytest.approx(0, abs=1e-4)
    assert false[0, 0, 2, 5].item() == pytest.approx(0.5, abs=1e-4)
    assert false[0, 0, 6, 3].item() == pytest.approx(0.5, abs=1e-4)
    for distribution in (truth, false):
        torch.testing.assert_close(distribution.sum(dim=(2, 3)), torch.ones(1, 3))


def test_two_joints_in_one_place_count_once_there():
    """The sum is cut at 1: seen from the third, that cell is no likelier than one joint makes it."""
    _, false = ground_truth_and_false(peaks((1, 1), (1, 1), (6, 6)), sigma=0.2)
    assert false[0, 2, 1, 1].item() == pytest.approx(1, abs=1e-4)
    # Seen from the first: its twin's place, which is its own, and the third's, each a half.
    assert false[0, 0, 1, 1].item() == pytest.approx(0.5, abs=1e-4)
    assert false[0, 0, 6, 6].item() == pytest.approx(0.5, abs=1e-4)


def test_a_single_joint_can_be_anywhere_else():
    _, false = ground_truth_and_false(peaks((2, 2)), sigma=0.2)
    torch.testing.assert_close(false, torch.full((1, 1, 8, 8), 1 / 64))


def test_divergence_by_hand():
    flat = torch.zeros(1, 1, 2, 2)
    sure = torch.tensor([[[[1.0, 0], [0, 0]]]])
    halved = torch.tensor([[[[0.5, 0.5], [0, 0]]]])
    assert divergence(flat, sure).item() == pytest.approx(1)  # log 4 / log 4
    assert divergence(flat, halved).item() == pytest.approx(0.5)  # (log 4 - log 2) / log 4
    assert divergence((halved + 1e-9).log(), halved).item() == pytest.approx(0, abs=1e-6)
    # Logits (log 3, 0, 0, 0): p = 1/2 at the first cell, 1/6 at the others.
    leaning = torch.tensor([[[[math.log(3), 0], [0, 0]]]])
    assert divergence(leaning, sure).item() == pytest.approx(math.log(2) / math.log(4))
    assert divergence(leaning, halved).item() == pytest.approx(
        (0.5 * math.log(0.5 / (1 / 2)) + 0.5 * math.log(0.5 / (1 / 6))) / math.log(4)
    )
    two = torch.cat([leaning, flat], dim=1), torch.cat([sure, sure], dim=1)
    assert divergence(*two).item() == pytest.approx((0.5 + 1) / 2)
    assert divergence(*two, torch.tensor([[False, True]])).item() == pytest.approx(1)
    assert divergence(*two, torch.tensor([[0.0, 0.0]])).item() == 0


def test_flat_logits_score_about_a_half_against_a_gaussian():
    """log 4096 less the entropy of a normal distribution, log(2 pi e sigma^2), over log 4096."""
    truth, _ = ground_truth_and_false(peaks((30, 31), size=64, sigma=2.0), sigma=2.0)
    wanted = 1 - math.log(2 * math.pi * math.e * 4) / math.log(4096)
    assert divergence(torch.zeros(1, 1, 64, 64), truth).item() == pytest.approx(wanted, abs=2e-3)


def situation() -> dict:
    torch.manual_seed(0)
    return {
        "source_features": torch.randn(2, 4, 8, 8, requires_grad=True),
        "source_heatmaps": peaks((1, 2), (5, 2), (3, 6)).repeat(2, 1, 1, 1).requires_grad_(),
        "visible": torch.tensor([[True, True, False], [True, True, True]]),
        "target_features": torch.randn(2, 4, 8, 8, requires_grad=True),
        "target_heatmaps": peaks((2, 2), (6, 1), (3, 5)).repeat(2, 1, 1, 1).requires_grad_(),
        "sigma": 0.5,
    }


def test_gradients_reach_the_regressor_alone_or_the_features_alone():
    given, regressor = situation(), Regressor(4, 3)
    weights = list(regressor.parameters())
    shared = [v for v in given.values() if isinstance(v, torch.Tensor) and v.requires_grad]
    found = regression_disparity(regressor, **given)

    def gradients(loss, inputs):
        return torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)

    assert all(g is not None and g.abs().sum() > 0 for g in gradients(found.regressor, weights))
    assert gradients(found.regressor, shared) == (None,) * 4
    assert gradients(found.features, weights) == (None,) * len(weights)
    on_source, source_maps, on_target, target_maps = gradients(found.features, shared)
    assert on_source.abs().sum() > 0 and on_target.abs().sum() > 0
    assert source_maps is None and target_maps is None  # the model's own word is taken as it is


def test_the_features_feel_what_they_would_through_the_regressor_itself():
    given, regressor = situation(), Regressor(4, 3)
    torch.nn.init.normal_(regressor.last.weight)
    found = regression_disparity(regressor, **given, margin=4.0)
    inputs = given["source_features"], given["target_features"]
    truth_s = ground_truth_and_false(given["source_heatmaps"], 0.5).truth
    truth_t = ground_truth_and_false(given["target_heatmaps"], 0.5).truth
    plain = 4 * divergence(regressor(inputs[0]), truth_s, given["visible"])
    plain = plain + divergence(regressor(inputs[1]), truth_t)
    torch.testing.assert_close(found.features, plain)
    torch.testing.assert_close(
        torch.autograd.grad(found.features, inputs), torch.autograd.grad(plain, inputs)
    )


def test_the_regressor_learns_to_agree_on_the_source_and_to_be_wrong_on_the_target():
    given, regressor = situation(), Regressor(4, 3)
    given["visible"] = torch.ones(2, 3, dtype=torch.bool)
    optimizer = torch.optim.Adam(regressor.parameters(), 0.02)
    for _ in range(150):
        optimizer.zero_grad()
        regression_disparity(regressor, **given).regressor.backward()
        optimizer.step()

    def right(domain: str) -> float:
        truth, false = ground_truth_and_false(given[f"{domain}_heatmaps"], 0.5)
        p = regressor(given[f"{domain}_features"]).flatten(2).softmax(2).view_as(truth)
        return ((p * truth).sum() / (p * (truth + false)).sum()).item()

    assert right("source") > 0.9
    assert right("target") < 0.1
    # With the regressor as it is, the features can only follow by making it right there too.
    features = given["target_features"]
    before = right("target")
    loss = regression_disparity(regressor, **given).features
    (gradient,) = torch.autograd.grad(loss, [features])
    given["target_features"] = features - 50 * gradient
    assert right("target") > before
