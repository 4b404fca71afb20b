"""A refinement block over a pose model's feature maps, only for training."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.models.pose import PoseModel, PoseOutput


class Refined(NamedTuple):
    """Heatmaps of the refinement block, and the joined feature maps that they come from."""

    heatmaps: Float[Tensor, "B K S S"]
    features: Float[Tensor, "B G S S"]


class Refiner(nn.Module):
    """Second heatmaps from the coarsest and the finest feature maps: the encoder's and the decoder's.

    At first the heatmaps equal the model's (:meth:`begin`): the block is a copy of the model's head
    plus two convolutions over the joined feature maps, the last of which starts at zero.

    Args:
        model: the pose model whose feature maps the block reads.
        width: channels of each feature map when joined.
    """

    def __init__(self, model: PoseModel, width: int) -> None:
        super().__init__()
        inputs = (model.encoder.channels[0], model.feature_channels)
        self.lateral = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, width, kernel_size=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for channels in inputs
        )
        self.channels = width * len(inputs)
        self.predict = nn.Sequential(
            nn.Conv2d(self.channels, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, model.keypoints, kernel_size=3, padding=1),
        )
        nn.init.zeros_(self.predict[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.predict[-1].bias)  # type: ignore[arg-type]
        self.head = nn.Conv2d(model.feature_channels, model.keypoints, kernel_size=1)

    def begin(self, model: PoseModel) -> None:
        """Copy the model's head, so that the refined heatmaps start equal to the model's."""
        self.head.load_state_dict(model.head.state_dict())

    def forward(self, output: PoseOutput) -> Refined:
        """Return heatmaps and joined features from the model's output."""
        assert output.encoded is not None
        size = output.features.shape[-2:]
        maps = [
            F.interpolate(lateral(each), size=size, mode="bilinear", align_corners=False)
            for lateral, each in zip(self.lateral, (output.encoded, output.features), strict=True)
        ]
        joined = torch.cat(maps, dim=1)
        return Refined(self.head(output.features) + self.predict(joined), joined)
