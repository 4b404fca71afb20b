"""The losses of facing, by hand."""

from __future__ import annotations

import math

import torch

from posebridge.alignment.facing import facing_loss, same_way
from posebridge.alignment.label_shift import estimated_prior


def test_facing_loss_by_hand() -> None:
    # ln(1 + e^-2) for a right prediction, ln 2 for a logit of 0, and a subject in side view.
    loss = facing_loss(
        torch.tensor([2.0, 0.0, 9.0]),
        torch.tensor([1.0, 0.0, 0.0]),
        torch.tensor([True, True, False]),
    )
    assert math.isclose(loss.item(), (math.log1p(math.exp(-2)) + math.log(2)) / 3, rel_tol=1e-5)


def test_teacher_views_are_averaged_and_uncertain_images_left_out() -> None:
    student = torch.tensor([1.0, -1.0], requires_grad=True)
    teacher = torch.tensor(
        [[4.0, 3.0], [2.0, -3.0]]
    )  # on average confident of the first image, not of the second
    loss = same_way(student, teacher, keep=0.5)
    p = 1 / (1 + math.exp(-3))
    expected = p * math.log1p(math.exp(-1)) + (1 - p) * math.log1p(math.exp(1))
    assert math.isclose(loss.item(), expected / 2, rel_tol=1e-5)
    loss.backward()
    assert student.grad is not None
    assert student.grad[0] != 0 and student.grad[1] == 0


def test_fraction_of_turned_subjects_is_estimated() -> None:
    # Two unit Gaussians at -1 and 1: the log odds at equal fractions are exactly 2 x.
    generator = torch.Generator().manual_seed(0)
    for true_fraction in (0.1, 0.3, 0.7):
        turned = (torch.rand(20_000, generator=generator) < true_fraction).float()
        logits = 2 * (torch.randn(20_000, generator=generator) + 2 * turned - 1)
        assert abs(estimated_prior(logits, 0.5).item() - true_fraction) < 0.02
        # These subjects by a classifier whose source had a quarter of turned subjects.
        quarter = logits + math.log(0.25 / 0.75)
        assert abs(estimated_prior(quarter, 0.25).item() - true_fraction) < 0.02


def test_one_round_of_expectation_maximization_by_hand() -> None:
    share = estimated_prior(torch.tensor([0.0, math.log(3)]), 0.5, rounds=1)
    assert math.isclose(share.item(), (0.5 + 0.75) / 2, rel_tol=1e-6)
