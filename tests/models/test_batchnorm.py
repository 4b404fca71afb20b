"""Running statistics that a batch does not change."""

from __future__ import annotations

import torch
from torch import nn

from posebridge.models.batchnorm import kept_running_statistics


def test_batch_is_normalized_by_itself_without_changing_statistics():
    layer = nn.BatchNorm2d(2, momentum=0.3)
    images = torch.randn(4, 2, 8, 8) * 5 + 7
    with kept_running_statistics(layer):
        seen = layer(images)
    torch.testing.assert_close(seen.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.running_var.tolist() == [1, 1]
    layer(images)
    torch.testing.assert_close(layer.running_mean, 0.3 * images.mean(dim=(0, 2, 3)))


def test_momenta_are_restored_after_an_error():
    model = nn.Sequential(nn.BatchNorm2d(2, momentum=0.3), nn.BatchNorm2d(2, momentum=None))
    try:
        with kept_running_statistics(model):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [layer.momentum for layer in model] == [0.3, None]
    with kept_running_statistics(model, keep=False):
        model(torch.randn(4, 2, 8, 8) + 5)
    assert model[0].running_mean.min() > 0.5
