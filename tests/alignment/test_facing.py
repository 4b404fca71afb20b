"""The losses of the way a subject faces, by hand."""

from __future__ import annotations

import math

import torch

from posebridge.alignment.facing import facing_loss, same_way
from posebridge.alignment.label_shift import estimated_share


def test_facing_loss_by_hand() -> None:
    # ln(1 + e^-2) for the right answer, ln 2 for no answer, and one that is seen edge on.
    loss = facing_loss(
        torch.tensor([2.0, 0.0, 9.0]),
        torch.tensor([1.0, 0.0, 0.0]),
        torch.tensor([True, True, False]),
    )
    assert math.isclose(loss.item(), (math.log1p(math.exp(-2)) + math.log(2)) / 3, rel_tol=1e-5)


def test_the_views_of_the_teacher_are_averaged_and_the_unsure_are_left_out() -> None:
    student = torch.tensor([1.0, -1.0], requires_grad=True)
    teacher = torch.tensor(
        [[4.0, 3.0], [2.0, -3.0]]
    )  # on average sure of the first, not the second
    loss = same_way(student, teacher, keep=0.5)
    p = 1 / (1 + math.exp(-3))
    expected = p * math.log1p(math.exp(-1)) + (1 - p) * math.log1p(math.exp(1))
    assert math.isclose(loss.item(), expected / 2, rel_tol=1e-5)
    loss.backward()
    assert student.grad is not None
    assert student.grad[0] != 0 and student.grad[1] == 0


def test_the_share_of_one_way_is_found_from_a_calibrated_classifier() -> None:
    # Two unit Gaussians at -1 and 1: the log odds at equal shares are exactly 2 x.
    generator = torch.Generator().manual_seed(0)
    for true_share in (0.1, 0.3, 0.7):
        turned = (torch.rand(20_000, generator=generator) < true_share).float()
        logits = 2 * (torch.randn(20_000, generator=generator) + 2 * turned - 1)
        assert abs(estimated_share(logits, 0.5).item() - true_share) < 0.02
        # The same people seen by a classifier whose source had a quarter of them turned.
        quarter = logits + math.log(0.25 / 0.75)
        assert abs(estimated_share(quarter, 0.25).item() - true_share) < 0.02


def test_one_round_on_the_way_to_the_share_by_hand() -> None:
    share = estimated_share(torch.tensor([0.0, math.log(3)]), 0.5, rounds=1)
    assert math.isclose(share.item(), (0.5 + 0.75) / 2, rel_tol=1e-6)
