"""A second regressor beside the pose model's own head, for training alone."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class Regressor(nn.Module):
    """Logits over the cells for each keypoint, from the decoder's features.

    Batch normalisation has no running statistics: the regressor meets batches of either domain in
    training and is never used after it.

    Args:
        channels: of the features.
        keypoints: maps to give.
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
        """Logits: their softmax over the cells is where the joint may be."""
        return self.last(self.norm(self.first(features)).relu())
