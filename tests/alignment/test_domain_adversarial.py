"""Domain-adversarial training: the gradient reversal, and the domain loss by hand."""

from __future__ import annotations

import math

import pytest
import torch

from posebridge.alignment.domain_adversarial import domain_accuracy, domain_loss, reverse_gradient
from posebridge.models.discriminator import PatchDiscriminator


def logits(value: float) -> torch.Tensor:
    return torch.full((2, 1, 2, 2), value)


@pytest.mark.parametrize(
    ("source", "target", "loss", "accuracy"),
    [
        (0.0, 0.0, 2 * math.log(2), 0.0),  # a logit of exactly 0 counts as wrong
        (-1.0, 1.0, 2 * math.log(1 + math.exp(-1)), 1.0),
        (1.0, -1.0, 2 * math.log(1 + math.exp(1)), 0.0),
        (-1.0, -1.0, math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1)), 0.5),
        (-500.0, 500.0, 0.0, 1.0),
        (500.0, -500.0, 1000.0, 0.0),
    ],
)
def test_domain_loss_and_accuracy_by_hand(source, target, loss, accuracy):
    assert domain_loss(logits(source), logits(target)).item() == pytest.approx(loss, abs=1e-6)
    assert domain_accuracy(logits(source), logits(target)).item() == accuracy


def test_domain_loss_is_cross_entropy_with_target_as_one():
    torch.manual_seed(0)
    source, target = torch.randn(3, 1, 2, 2), torch.randn(3, 1, 2, 2)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    expected = entropy(source, torch.zeros_like(source)) + entropy(target, torch.ones_like(target))
    torch.testing.assert_close(domain_loss(source, target), expected)


def test_gradient_by_hand():
    """d/dz of softplus(z) is sigmoid(z), of softplus(-z) it is sigmoid(z) - 1; means over all."""
    torch.manual_seed(0)
    source, target = (torch.randn(3, 1, 2, 2, requires_grad=True) for _ in range(2))
    domain_loss(source, target).backward()
    assert source.grad is not None and target.grad is not None
    torch.testing.assert_close(source.grad, torch.sigmoid(source) / 12)
    torch.testing.assert_close(target.grad, (torch.sigmoid(target) - 1) / 12)


def test_domains_of_different_size_have_equal_weight():
    few, many = torch.zeros(1, 1, 2, 2), torch.zeros(9, 1, 2, 2)
    assert domain_loss(few, many).item() == pytest.approx(2 * math.log(2))


def test_double_reversal_is_the_identity():
    x = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: reverse_gradient(reverse_gradient(v)).sin(), (x,))


def test_reversal_negates_only_the_gradient_of_the_features():
    """With the reversal the discriminator's gradient is unchanged and the features' is negated."""
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(4, 8)
    source, target = torch.randn(2, 4, 16, 16), torch.randn(2, 4, 16, 16)

    def gradients(reverse: bool) -> tuple[torch.Tensor, list[torch.Tensor]]:
        features = source.clone().requires_grad_()
        inputs = reverse_gradient(features) if reverse else features
        loss = domain_loss(discriminator(inputs), discriminator(target))
        own, *weights = torch.autograd.grad(loss, [features, *discriminator.parameters()])
        return own, weights

    plain, weights = gradients(reverse=False)
    reversed_, same = gradients(reverse=True)
    assert plain.abs().max() > 0
    torch.testing.assert_close(reversed_, -plain)
    torch.testing.assert_close(same, weights)
