"""Losses of the levels and pseudo-labels: values by hand and gradients."""

from __future__ import annotations

import math

import pytest
import torch

from posebridge.alignment import (
    domain_adversarial,
    heatmap_loss,
    information_maximization,
    pseudo_labels,
)
from posebridge.ops import affine, heatmaps
from posebridge.ops.augmentation_config import AugmentationConfig


def test_gradients():
    torch.manual_seed(0)
    maps = torch.rand(3, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    # The losses compute in float32 on purpose; with a coarse step rounding does not affect the check.
    check = {"eps": 1e-2, "atol": 1e-2, "rtol": 1e-2}

    def information(values):
        return information_maximization.information_maximization(
            values, temperature=0.5
        ).loss.double()

    def error(values):
        return heatmap_loss.relative_error(
            values, torch.zeros_like(values), torch.ones(3, 2), sigma=1.0
        ).double()

    def domains(values):
        return domain_adversarial.domain_loss(values[:1], values[1:]).double()

    for loss in (information, error, domains):
        assert torch.autograd.gradcheck(loss, (maps,), **check)


def test_reversal_negates_the_gradient():
    features = torch.ones(2, 3, requires_grad=True)
    reversed_ = domain_adversarial.reverse_gradient(features)
    assert torch.equal(reversed_, features)
    (reversed_ * 2).sum().backward()
    assert features.grad is not None
    assert torch.equal(features.grad, torch.full((2, 3), -2.0))


def test_domain_loss_by_hand():
    undecided = torch.zeros(2, 1, 3, 3)
    assert domain_adversarial.domain_loss(undecided, undecided).item() == pytest.approx(
        2 * math.log(2)
    )
    certain = torch.full((2, 1, 3, 3), 20.0)
    assert domain_adversarial.domain_loss(-certain, certain).item() == pytest.approx(0, abs=1e-6)
    assert domain_adversarial.domain_accuracy(-certain, certain).item() == 1
    assert domain_adversarial.domain_accuracy(-certain, -certain).item() == 0.5


def peaked(places: torch.Tensor, height: float) -> torch.Tensor:
    return height * heatmaps.render(places, 32, 1.0)


def test_range_of_information_maximization():
    """0 if flat or all at one cell; towards -log B / log H W for B images at B cells."""
    torch.manual_seed(0)
    batch = 8
    apart = torch.stack(
        torch.meshgrid(torch.arange(4) * 8 + 4.0, torch.tensor([8.0, 24.0]), indexing="ij"), -1
    )
    apart = apart.reshape(batch, 1, 2)
    together = apart[:1].expand(batch, 1, 2)

    def value(maps: torch.Tensor) -> float:
        return information_maximization.information_maximization(maps, 0.05).loss.item()

    assert value(torch.zeros(batch, 1, 32, 32)) == pytest.approx(0, abs=1e-5)
    assert value(peaked(together, 1.0)) == pytest.approx(0, abs=1e-5)
    lowest = -math.log(batch) / math.log(32 * 32)
    values = [value(peaked(apart, height)) for height in (0.2, 0.5, 1.0)]
    assert values == sorted(values, reverse=True)
    assert lowest - 1e-5 < values[-1] < 0.8 * lowest


def test_gradient_is_larger_than_that_of_the_released_formula():
    """Compare the norm of the gradient between flat and peaked heatmaps with the released formula's."""
    torch.manual_seed(0)
    places = torch.rand(8, 4, 2) * 31

    def released(maps: torch.Tensor) -> torch.Tensor:
        def entropy(v: torch.Tensor) -> torch.Tensor:
            log_p = torch.log_softmax(v, -1)
            return -(log_p.exp() * log_p).sum(-1) / (32 * 32)

        sides = entropy(maps.mean(-1)).mean() + entropy(maps.mean(-2)).mean()
        return sides - entropy(maps.mean(0).flatten(1)).mean()

    def norm(loss, height: float) -> float:
        maps = peaked(places, height).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(maps), maps)
        return gradient.norm().item()

    for height in (0.3, 0.6, 0.9):
        ours = norm(lambda m: information_maximization.information_maximization(m).loss, height)
        assert ours > 1e3 * norm(released, height)


def test_error_of_an_empty_prediction_is_the_kept_fraction():
    aim = heatmaps.render(torch.full((4, 2, 2), 16.0), 32, 2.0)
    kept = torch.tensor([[True, False]] * 4)
    value = heatmap_loss.relative_error(torch.zeros_like(aim), aim, kept, sigma=2.0)
    assert value.item() == pytest.approx(0.5, rel=1e-3)


def test_most_confident_by_hand():
    confidence = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    kept, threshold = pseudo_labels.most_confident(confidence, 0.5)
    assert kept.tolist() == [[True, False]] * 4
    assert threshold.item() == pytest.approx(0.4)
    kept, _ = pseudo_labels.most_confident(confidence, 0.5, per_keypoint=True)
    assert kept.tolist() == [[True, False], [True, False], [False, True], [False, True]]
    assert pseudo_labels.most_confident(confidence, 1.0)[0].all()


def test_pseudo_labels_are_mapped_to_the_students_view():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    ranges = AugmentationConfig(rotation=30, shear=5, scale=(0.8, 1.1), flip=0.5)
    mirror = torch.tensor([1, 0, 2])
    teacher, student = (affine.draw_views(6, 64, ranges, generator) for _ in range(2))
    in_crop = torch.rand(6, 3, 2, generator=generator) * 20 + 22
    in_teacher = affine.points_to_view(in_crop, teacher, mirror)
    maps = heatmaps.render(heatmaps.pixels_to_cells(in_teacher, 4), 16, 1.5)
    labels = pseudo_labels.carry_points(maps, teacher, student, mirror, stride=4)
    expected = affine.points_to_view(in_crop, student, mirror)
    assert labels.inside.all()
    assert (labels.points - expected).abs().max() < 0.05


def test_joints_beyond_a_view_are_outside():
    views = affine.identity_views(1)
    cells = torch.tensor([[[8.0, 8.0], [-3.0, 8.0]]])
    labels = pseudo_labels.carry_points(
        heatmaps.render(cells, 16, 1.5), views, views, torch.tensor([0, 1]), stride=4
    )
    assert labels.inside.tolist() == [[True, False]]
