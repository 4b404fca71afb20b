"""The adversarial head: a second regressor in addition to the pose model's head, only for training."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class Regressor(nn.Module):
    """Logits over the cells for each keypoint, from the decoder's features.

    Batch normalization has no running statistics: the regressor gets batches of either domain in
    training and is not used afterwards.

    Args:
        channels: of the features.
        keypoints: number of heatmaps.
    """

    def __init__(self, channels: int, keypoints: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels, track_running_stats=False)
        self.last = nn.Conv2d(channels, keypoints, kernel_size=1)
        nn.init.normal_(self.last.weight, std=0.001)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, features: Float[Tensor, "B F S S"]) -> Float[Tensor, "B K S S"]:
        """Return logits; their softmax over the cells is the distribution of a joint's position."""
        return self.last(self.norm(self.first(features)).relu())
