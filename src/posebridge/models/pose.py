"""The pose model: a timm encoder, a deconvolution decoder, one heatmap for each keypoint."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import torch
from annotated_types import Interval
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.errors import InputError
from posebridge.models.encoder import ImageEncoder
from posebridge.models.encoder_args import require_encoder_args, require_encoder_name
from posebridge.ranges import Channels, check_ranges

MOST_LEVELS = 100
MOST_LAYERS = 16
MOST_VALUES = 2**28
"""Limit on the weights of a decoder and on the heatmap values of one image: 1 GiB as float32."""


@dataclass(frozen=True)
class ModelConfig:
    """The parts of a pose model.

    Attributes:
        encoder: any timm model with feature maps, such as resnet101, hrnet_w32, convnext_tiny,
            mobilenetv1_100 or vit_small_patch14_dinov2.
        encoder_weights: 'pretrained' (timm downloads them), 'none' (random), or the path of a
            .safetensors or .pth file.
        encoder_args: further arguments of timm.create_model: numbers, switches and names among those
            that posebridge.models.encoder_args lists.
        feature_level: the encoder's feature map that the decoder starts from, as in timm's out_indices;
            a negative number counts from the end.
        decoder_channels: channels of the deconvolutions.
        decoder_depth: number of decoder layers; by default the number of doublings between the feature
            map and the heatmaps. A layer beyond those keeps the size.
        heatmap_size: side of the heatmaps, cells.
        sigma: standard deviation of the Gaussians that the heatmaps aim at, cells.
        left_right: how the model tells left from right: named (a heatmap for each named keypoint), or
            facing (heatmaps of left and right as if every subject faced one way, and a second output for
            the way it faces, see posebridge.ops.facing; fewer images teach it).
    """

    encoder: str = "resnet50"
    encoder_weights: str = "pretrained"
    encoder_args: dict[str, Any] = field(default_factory=dict)
    feature_level: Annotated[int, Interval(ge=-MOST_LEVELS, le=MOST_LEVELS)] = -1
    decoder_channels: Channels = 256
    decoder_depth: Annotated[int, Interval(ge=0, le=MOST_LAYERS)] | None = None
    heatmap_size: Annotated[int, Interval(ge=8, le=2048)] = 64
    sigma: Annotated[float, Interval(gt=0, le=1000)] = 2.0
    left_right: Literal["named", "facing"] = "named"

    def __post_init__(self) -> None:
        # The values may come from an untrusted file: everything is checked before any work.
        require_encoder_name(self.encoder, "model.encoder")
        require_encoder_args(self.encoder_args, "model.encoder_args")
        check_ranges(self, "model.")
        if (self.decoder_depth or 1) * 16 * self.decoder_channels**2 > MOST_VALUES:
            raise InputError(
                f"model.decoder_channels is {self.decoder_channels} with a decoder_depth of "
                f"{self.decoder_depth or 1}, which is a decoder of more than {MOST_VALUES} weights; "
                "give smaller values."
            )
        _require_maps(self.decoder_channels, "model.decoder_channels", self.heatmap_size)


def _require_maps(channels: int, name: str, size: int) -> None:
    if channels * size**2 > MOST_VALUES:
        raise InputError(
            f"{name} is {channels} with a heatmap_size of {size}, which is more than {MOST_VALUES} "
            "heatmap values for each image; give a smaller number."
        )


class PoseOutput(NamedTuple):
    """The model's output: heatmaps of any real value, and the features they are computed from.

    ``turned`` is the logit that left and right are swapped in the heatmaps; None where the heatmaps
    are by name. :func:`posebridge.ops.facing.by_name` joins both. ``encoded`` is the encoder's
    feature map, the decoder's input.
    """

    heatmaps: Float[Tensor, "B K S S"]
    features: Float[Tensor, "B F S S"]
    turned: Float[Tensor, " B"] | None = None
    encoded: Float[Tensor, "B E _H _W"] | None = None


class PoseModel(nn.Module):
    """Simple Baselines (Xiao et al., ECCV 2018) on any encoder.

    Args:
        config: encoder, decoder and heatmaps.
        keypoints: K.
        input_size: side of the square crops in pixels.

    Raises:
        InputError: ``heatmap_size`` is not a power of 2 times the size of the feature map; the
            message lists the possible sizes.
    """

    def __init__(self, config: ModelConfig, keypoints: int, input_size: int) -> None:
        super().__init__()
        self.config, self.keypoints, self.input_size = config, keypoints, input_size
        _require_maps(keypoints, "the number of keypoints", config.heatmap_size)
        self.encoder = ImageEncoder(
            config.encoder,
            [config.feature_level],
            config.encoder_weights,
            config.encoder_args,
            input_size,
        )
        size = self._feature_size()
        doublings = _doublings(size, config)
        depth = doublings if config.decoder_depth is None else config.decoder_depth
        if depth < max(doublings, 0):
            raise InputError(
                f"model.decoder_depth is {depth}, but {doublings} deconvolutions lead from the "
                f"feature map of {size} cells to heatmaps of {config.heatmap_size}; give at least "
                f"{doublings} or leave it empty."
            )
        layers: list[nn.Module] = []
        channels = self.encoder.channels[0]
        for layer in range(depth):
            layers += _decoder_layer(channels, config.decoder_channels, doubles=layer < doublings)
            channels = config.decoder_channels
        self.decoder = nn.Sequential(*layers)
        self.feature_channels = channels
        self.head = nn.Conv2d(channels, keypoints, kernel_size=1)
        nn.init.normal_(self.head.weight, std=0.001)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        self.facing = (
            FacingHead(self.encoder.channels[0]) if config.left_right == "facing" else None
        )

    @property
    def stride(self) -> float:
        """Return the number of crop pixels per heatmap cell."""
        return self.input_size / self.config.heatmap_size

    def forward(self, images: Float[Tensor, "B 3 C C"]) -> PoseOutput:
        """Return the output for RGB images in [0, 1]; the encoder's mean and std are applied inside."""
        if images.shape[-2:] != (self.input_size, self.input_size):
            raise ValueError(
                f"images are {tuple(images.shape)}, expected (B, 3, {self.input_size}, "
                f"{self.input_size}): this model takes crops of {self.input_size} px"
            )
        encoded = self.encoder(images)[0]
        features = self.decoder(encoded)
        turned = None if self.facing is None else self.facing(encoded)
        return PoseOutput(self.head(features), features, turned, encoded)

    @torch.no_grad()
    def _feature_size(self) -> int:
        side = self.input_size
        try:
            # On the meta device only shapes are computed, for crops of any size.
            encoder = copy.deepcopy(self.encoder).to("meta").eval()
            return int(encoder(torch.zeros(1, 3, side, side, device="meta"))[0].shape[-1])
        except (NotImplementedError, RuntimeError):
            training = self.encoder.training
            self.encoder.eval()
            shape = self.encoder(torch.zeros(1, 3, side, side))[0].shape
            self.encoder.train(training)
            return int(shape[-1])


class FacingHead(nn.Module):
    """The logit of a subject's facing: each cell outputs a logit and the weight of that logit.

    The signs of front and back are small (a face, the feet) and their position is not known, so they
    would vanish in a plain mean over the image.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.ReLU(inplace=True), nn.Conv2d(width, 2, 1)
        )

    def forward(self, encoded: Float[Tensor, "B E H W"]) -> Float[Tensor, " B"]:
        """Return the logit of being turned: a mean over cells, weighted by a softmax."""
        logit, weight = self.layers(encoded).flatten(2).unbind(1)
        return (logit * weight.softmax(dim=1)).sum(dim=1)

    @torch.no_grad()
    def shift_by(self, amount: float) -> None:
        """Add a constant to every logit, by the bias: the weights of the cells sum to 1."""
        bias = self.layers[-1].bias
        assert isinstance(bias, Tensor)
        bias[0] += amount


def _doublings(size: int, config: ModelConfig) -> int:
    """Return the number of deconvolutions between the feature map and the heatmaps."""
    heatmap_size = config.heatmap_size
    doublings = 0
    while size * 2**doublings < heatmap_size:
        doublings += 1
    if size * 2**doublings != heatmap_size:
        possible = ", ".join(str(size * 2**n) for n in range(5))
        raise InputError(
            f"model.heatmap_size is {heatmap_size}, but level {config.feature_level} of {config.encoder} has "
            f"{size} cells a side, which can be doubled to {possible}; choose one of these sizes or "
            "another model.feature_level."
        )
    return doublings


def _decoder_layer(inputs: int, outputs: int, doubles: bool) -> list[nn.Module]:
    layer: nn.Module = (
        nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)
        if doubles
        else nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
    )
    nn.init.normal_(layer.weight, std=0.001)  # type: ignore[arg-type]
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
