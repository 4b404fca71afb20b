"""A refinement block over a pose model's maps, for training alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.models.pose import PoseModel, PoseOutput


class Refined(NamedTuple):
    """Heatmaps of the refinement block, and the joined maps that they are read from."""

    heatmaps: Float[Tensor, "B K S S"]
    features: Float[Tensor, "B G S S"]


class Refiner(nn.Module):
    """Second heatmaps from the encoder's map and the decoder's, the coarsest and the finest.

    They are the model's own heatmaps at first (:meth:`begin`): a copy of its head, and beside it two
    convolutions over the joined maps whose last one starts at zero.

    Args:
        model: whose maps are refined.
        width: channels of each map when joined.
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
        """Take over the model's head, so that the refined heatmaps start as the model's own."""
        self.head.load_state_dict(model.head.state_dict())

    def forward(self, output: PoseOutput) -> Refined:
        """Heatmaps and joined features of what the model returned."""
        assert output.encoded is not None
        size = output.features.shape[-2:]
        maps = [
            F.interpolate(lateral(each), size=size, mode="bilinear", align_corners=False)
            for lateral, each in zip(self.lateral, (output.encoded, output.features), strict=True)
        ]
        joined = torch.cat(maps, dim=1)
        return Refined(self.head(output.features) + self.predict(joined), joined)
