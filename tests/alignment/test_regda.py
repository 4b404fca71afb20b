"""The adversarial regressor: distributions and divergence by hand, and the gradients of both losses."""

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
    """Return heatmaps of one image; at this sigma a Gaussian is one cell (its neighbors have 4e-6)."""
    return heatmaps.render(torch.tensor(cells, dtype=torch.float32)[None], size, sigma)


def test_ground_false_is_at_the_other_joints():
    truth, false = ground_truth_and_false(peaks((1, 2), (5, 2), (3, 6)), sigma=0.2)
    # Rows are y. Each joint is at its own cell, and could be mistaken for either of the other two.
    for joint, (x, y) in enumerate(((1, 2), (5, 2), (3, 6))):
        assert truth[0, joint, y, x].item() == pytest.approx(1, abs=1e-4)
        assert false[0, joint, y, x].item() == pytest.approx(0, abs=1e-4)
    assert false[0, 0, 2, 5].item() == pytest.approx(0.5, abs=1e-4)
    assert false[0, 0, 6, 3].item() == pytest.approx(0.5, abs=1e-4)
    for distribution in (truth, false):
        torch.testing.assert_close(distribution.sum(dim=(2, 3)), torch.ones(1, 3))


def test_two_joints_at_one_cell_count_once():
    """The sum is limited to 1: for the third joint the cell counts as much as with one joint."""
    _, false = ground_truth_and_false(peaks((1, 1), (1, 1), (6, 6)), sigma=0.2)
    assert false[0, 2, 1, 1].item() == pytest.approx(1, abs=1e-4)
    # For the first joint: the second joint's cell, which is its own, and the third's, half each.
    assert false[0, 0, 1, 1].item() == pytest.approx(0.5, abs=1e-4)
    assert false[0, 0, 6, 6].item() == pytest.approx(0.5, abs=1e-4)


def test_ground_false_of_a_single_joint_is_flat():
    _, false = ground_truth_and_false(peaks((2, 2)), sigma=0.2)
    torch.testing.assert_close(false, torch.full((1, 1, 8, 8), 1 / 64))


def test_divergence_by_hand():
    flat = torch.zeros(1, 1, 2, 2)
    certain = torch.tensor([[[[1.0, 0], [0, 0]]]])
    halved = torch.tensor([[[[0.5, 0.5], [0, 0]]]])
    assert divergence(flat, certain).item() == pytest.approx(1)  # log 4 / log 4
    assert divergence(flat, halved).item() == pytest.approx(0.5)  # (log 4 - log 2) / log 4
    assert divergence((halved + 1e-9).log(), halved).item() == pytest.approx(0, abs=1e-6)
    # Logits (log 3, 0, 0, 0): p = 1/2 at the first cell, 1/6 at the others.
    leaning = torch.tensor([[[[math.log(3), 0], [0, 0]]]])
    assert divergence(leaning, certain).item() == pytest.approx(math.log(2) / math.log(4))
    assert divergence(leaning, halved).item() == pytest.approx(
        (0.5 * math.log(0.5 / (1 / 2)) + 0.5 * math.log(0.5 / (1 / 6))) / math.log(4)
    )
    two = torch.cat([leaning, flat], dim=1), torch.cat([certain, certain], dim=1)
    assert divergence(*two).item() == pytest.approx((0.5 + 1) / 2)
    assert divergence(*two, torch.tensor([[False, True]])).item() == pytest.approx(1)
    assert divergence(*two, torch.tensor([[0.0, 0.0]])).item() == 0


def test_divergence_of_flat_logits_is_about_a_half():
    """Expect (log 4096 - log(2 pi e sigma^2)) / log 4096, with the entropy of a normal distribution."""
    truth, _ = ground_truth_and_false(peaks((30, 31), size=64, sigma=2.0), sigma=2.0)
    expected = 1 - math.log(2 * math.pi * math.e * 4) / math.log(4096)
    assert divergence(torch.zeros(1, 1, 64, 64), truth).item() == pytest.approx(expected, abs=2e-3)


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


def test_each_loss_has_gradients_for_one_player():
    given, regressor = situation(), Regressor(4, 3)
    weights = list(regressor.parameters())
    shared = [v for v in given.values() if isinstance(v, torch.Tensor) and v.requires_grad]
    losses = regression_disparity(regressor, **given)

    def gradients(loss, inputs):
        return torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)

    assert all(g is not None and g.abs().sum() > 0 for g in gradients(losses.regressor, weights))
    assert gradients(losses.regressor, shared) == (None,) * 4
    assert gradients(losses.features, weights) == (None,) * len(weights)
    on_source, source_maps, on_target, target_maps = gradients(losses.features, shared)
    assert on_source.abs().sum() > 0 and on_target.abs().sum() > 0
    assert source_maps is None and target_maps is None  # the model's heatmaps are constants


def test_feature_gradient_equals_the_plain_gradient():
    given, regressor = situation(), Regressor(4, 3)
    torch.nn.init.normal_(regressor.last.weight)
    losses = regression_disparity(regressor, **given, margin=4.0)
    inputs = given["source_features"], given["target_features"]
    truth_s = ground_truth_and_false(given["source_heatmaps"], 0.5).truth
    truth_t = ground_truth_and_false(given["target_heatmaps"], 0.5).truth
    plain = 4 * divergence(regressor(inputs[0]), truth_s, given["visible"])
    plain = plain + divergence(regressor(inputs[1]), truth_t)
    torch.testing.assert_close(losses.features, plain)
    torch.testing.assert_close(
        torch.autograd.grad(losses.features, inputs), torch.autograd.grad(plain, inputs)
    )


def test_regressor_agrees_on_the_source_and_is_wrong_on_the_target():
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
    # With a fixed regressor, a step of the features makes it right on the target too.
    features = given["target_features"]
    before = right("target")
    loss = regression_disparity(regressor, **given).features
    (gradient,) = torch.autograd.grad(loss, [features])
    given["target_features"] = features - 50 * gradient
    assert right("target") > before
