"""The losses of the way a subject faces, by hand."""

from __future__ import annotations

import math

import torch

from posebridge.alignment.facing import facing_loss, same_way


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
