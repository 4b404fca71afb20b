"""Information maximization: entropies by hand, the range, invariances and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.alignment.information_maximization import information_maximization
from posebridge.ops import heatmaps

SEEDS = st.integers(0, 2**31 - 1)


def maps_of(probabilities: list[list[float]], temperature: float) -> torch.Tensor:
    """Return (B, 1, 1, N) heatmaps whose softmax at this temperature has the given probabilities."""
    return torch.tensor(probabilities).log()[:, None, None, :] * temperature


def entropy(*p: float) -> float:
    return -sum(v * math.log(v) for v in p if v > 0)


@pytest.mark.parametrize(
    ("probabilities", "certainty", "diversity"),
    [
        ([[0.5, 0.5], [0.5, 0.5]], 1, 1),
        ([[0.9, 0.1], [0.1, 0.9]], entropy(0.9, 0.1) / math.log(2), 1),
        ([[0.9, 0.1], [0.9, 0.1]], *[entropy(0.9, 0.1) / math.log(2)] * 2),
        (
            [[0.8, 0.1, 0.1], [0.2, 0.6, 0.2]],
            (entropy(0.8, 0.1, 0.1) + entropy(0.2, 0.6, 0.2)) / 2 / math.log(3),
            entropy(0.5, 0.35, 0.15) / math.log(3),
        ),
    ],
)
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_entropies_by_hand(probabilities, certainty, diversity, temperature):
    result = information_maximization(maps_of(probabilities, temperature), temperature)
    assert result.certainty.item() == pytest.approx(certainty, rel=1e-5)
    assert result.diversity.item() == pytest.approx(diversity, rel=1e-5)
    assert result.loss.item() == pytest.approx(certainty - diversity, abs=1e-5)


@given(SEEDS, st.integers(1, 5), st.integers(1, 3), st.floats(0.01, 30))
@settings(max_examples=40, deadline=None)
def test_entropies_are_in_range(seed, batch, joints, height):
    draw = torch.Generator().manual_seed(seed)
    result = information_maximization(
        height * torch.randn(batch, joints, 6, 5, generator=draw), temperature=0.1
    )
    assert -1e-6 <= result.certainty.item() <= 1 + 1e-6
    assert -1e-6 <= result.diversity.item() <= 1 + 1e-6
    assert -math.log(batch) / math.log(30) - 1e-5 <= result.loss.item() <= 1e-5


def test_invariances_of_the_value():
    torch.manual_seed(0)
    maps = torch.rand(4, 3, 5, 5)
    value = information_maximization(maps).loss
    for same in (maps + 7, maps.flip(0), maps[:, [2, 0, 1]], maps.flip(3), maps.transpose(2, 3)):
        torch.testing.assert_close(information_maximization(same).loss, value)


def test_one_image_has_no_information():
    assert information_maximization(torch.rand(1, 3, 8, 8)).loss.item() == pytest.approx(
        0, abs=1e-6
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_heatmaps_stay_finite(dtype):
    for height in (0.0, 1e-3, 1e3):
        maps = (height * torch.randn(3, 2, 8, 8)).to(dtype).requires_grad_()
        value = information_maximization(maps).loss
        value.backward()
        assert value.isfinite() and maps.grad is not None and maps.grad.isfinite().all()


def test_gradients_flow_through_both_entropies():
    """Compare with the formula in double precision, whose gradient is checked by differences."""
    torch.manual_seed(0)
    maps = torch.rand(3, 2, 3, 4, dtype=torch.float64, requires_grad=True)

    def reference(values: torch.Tensor) -> torch.Tensor:
        p = torch.softmax(values.flatten(2) / 0.3, dim=2)
        each, mean = (-(q * q.log()).sum(-1).mean() for q in (p, p.mean(0)))
        return (each - mean) / math.log(12)

    assert torch.autograd.gradcheck(reference, (maps,))
    (expected,) = torch.autograd.grad(reference(maps), maps)
    (gradient,) = torch.autograd.grad(information_maximization(maps, 0.3).loss, maps)
    torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-4)


def released(maps: torch.Tensor) -> torch.Tensor:
    """Return the released formula: rows and columns averaged, no temperature, divided by H W."""

    def mean_entropy(values: torch.Tensor) -> torch.Tensor:
        log_p = torch.log_softmax(values, dim=-1)
        return (-(log_p.exp() * log_p).sum(-1) / (maps.shape[-1] * maps.shape[-2])).mean()

    return (
        mean_entropy(maps.mean(-1))
        + mean_entropy(maps.mean(-2))
        - mean_entropy(maps.mean(0).flatten(1))
    )


def test_value_and_gradient_change_where_the_released_ones_do_not():
    """Compare the range of the value and the gradient's norm between flat and peaked heatmaps."""
    torch.manual_seed(0)
    places = torch.rand(16, 4, 2) * 63
    heights = (0.05, 0.3, 0.6, 1.0)
    values: dict[str, list[float]] = {"ours": [], "released": []}
    norms: dict[str, list[float]] = {"ours": [], "released": []}
    for height in heights:
        for name, loss in (
            ("ours", lambda m: information_maximization(m).loss),
            ("released", released),
        ):
            # In double precision; in single precision the released values are rounding errors.
            maps = (height * heatmaps.render(places, 64, 2.0)).double().requires_grad_()
            value = loss(maps)
            (gradient,) = torch.autograd.grad(value, maps)
            values[name].append(value.item())
            norms[name].append(gradient.norm().item())
    assert max(values["ours"]) - min(values["ours"]) > 0.1
    assert max(values["released"]) - min(values["released"]) < 1e-6
    for ours, of_released in zip(norms["ours"], norms["released"], strict=True):
        assert ours > 1e3 * of_released > 0
    assert norms["ours"][2] > 1e-3


def test_gradient_descent_separates_the_images():
    """From low peaks the loss alone makes each image certain and the images different."""
    torch.manual_seed(0)
    maps = (0.2 * heatmaps.render(torch.rand(6, 2, 2) * 15, 16, 1.5)).requires_grad_()
    optimizer = torch.optim.Adam([maps], lr=0.02)
    before = information_maximization(maps)
    for _ in range(30):
        optimizer.zero_grad()
        information_maximization(maps).loss.backward()
        optimizer.step()
    after = information_maximization(maps)
    assert after.certainty < before.certainty - 0.1
    assert after.loss < before.loss - 0.1
