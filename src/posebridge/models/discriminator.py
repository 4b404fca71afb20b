"""The patch-wise domain discriminator of domain-adversarial training."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """A classifier of source against target for each patch of a feature map.

    Its convolutions are strided: at full resolution (as released) it costs more than a small encoder
    and its decoder together. Strides of 4 and 2 leave one patch for every 8 x 8 cells, with a
    receptive field of 32 cells.

    Args:
        channels: of the features.
        width: channels of the hidden layers.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, kernel_size=4, stride=4)
        self.second = nn.Conv2d(width, width, kernel_size=4, stride=2, padding=1)
        self.third = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.judge = nn.Conv2d(width, 1, kernel_size=1)

    def forward(self, features: Float[Tensor, "B F H W"]) -> Float[Tensor, "B 1 _H _W"]:
        """Return logits; above 0 means target."""
        hidden = features
        for layer in (self.first, self.second, self.third):
            hidden = F.leaky_relu(layer(hidden), 0.2)
        return self.judge(hidden)
