"""The patch discriminator: receptive field, size, and that it learns."""

from __future__ import annotations

import pytest
import torch

from posebridge.alignment.domain_adversarial import domain_accuracy, domain_loss
from posebridge.models.discriminator import PatchDiscriminator


@pytest.mark.parametrize(
    ("cells", "patches"), [(8, 1), (16, 2), (24, 3), (32, 4), (48, 6), (64, 8), (96, 12)]
)
def test_a_patch_for_every_8_cells(cells, patches):
    judged = PatchDiscriminator(6, 4)(torch.rand(2, 6, cells, cells))
    assert judged.shape == (2, 1, patches, patches)


def test_receptive_field_is_32_cells():
    torch.manual_seed(0)
    features = torch.randn(1, 2, 64, 64, requires_grad=True)
    PatchDiscriminator(2, 4)(features)[0, 0, 4, 4].backward()
    assert features.grad is not None
    seen = features.grad.abs().sum(dim=(0, 1)) > 0
    for axis in (0, 1):
        first, *_, last = seen.any(dim=axis).nonzero().flatten().tolist()
        assert (first, last) == (20, 51)


def test_discriminator_is_small():
    assert sum(p.numel() for p in PatchDiscriminator(256).parameters()) < 500_000


def test_discriminator_separates_two_domains():
    torch.manual_seed(0)
    judge = PatchDiscriminator(3, 8)
    optimizer = torch.optim.Adam(judge.parameters(), lr=3e-3)
    domains = [torch.randn(8, 3, 16, 16) + shift for shift in (0.0, 0.5)]
    before = domain_loss(*map(judge, domains)).item()
    for _ in range(40):
        optimizer.zero_grad()
        domain_loss(*map(judge, domains)).backward()
        optimizer.step()
    assert domain_loss(*map(judge, domains)).item() < 0.5 * before
    fresh = [torch.randn(8, 3, 16, 16) + shift for shift in (0.0, 0.5)]
    assert domain_accuracy(*map(judge, fresh)).item() > 0.8
