"""Batch normalization in a run that alternates between two domains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def kept_running_statistics(model: nn.Module, keep: bool = True) -> Iterator[None]:
    """Keep the running statistics of a model unchanged inside the context.

    In training each batch is normalized by its own statistics, so source and target never mix. Only
    the running statistics, which the delivered model uses, would become an average of both domains.

    Args:
        keep: False does nothing.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)] if keep else []
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
