"""Style transfer: views of either domain in the style of the other (image level)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Interval, Len

from posebridge.alignment.level import Level, register
from posebridge.alignment.step import Step
from posebridge.models.encoder_args import require_encoder_args, require_encoder_name
from posebridge.ranges import BatchSize, Fraction, LossWeight, NonNegative, StepCount

FeatureLevel = Annotated[int, Interval(ge=-100, le=100)]


@dataclass(frozen=True)
class StyleTrainingConfig:
    """The style network of AdaIN and how its decoder is trained.

    Attributes:
        encoder: a timm model that stays fixed; vgg19.tv_in1k is the usual one.
        weights: 'pretrained', 'none', or a local .safetensors or .pth file.
        encoder_args: further arguments of timm.create_model: numbers, switches and names of those
            that are listed in posebridge.models.encoder_args.
        levels: feature maps whose statistics are the style; AdaIN happens at the last one.
        steps: of training the decoder.
        batch: images of each domain in a step.
        lr: Adam's learning rate at its highest; it rises for a tenth of the steps, then falls.
        width: of the decoder, as a multiple of the encoder's channels.
        content_weight: of the content loss.
        style_weight: of the style loss.
        reconstruction_weight: of the error with which an image in its own style is decoded; a
            small encoder needs it to keep bodies recognisable.
    """

    encoder: str = "vgg19.tv_in1k"
    weights: str = "pretrained"
    encoder_args: dict[str, Any] = field(default_factory=dict)
    levels: Annotated[tuple[FeatureLevel, ...], Len(1, 100)] = (0, 1, 2, 3)
    steps: StepCount = 10_000
    batch: BatchSize = 8
    lr: NonNegative = 1e-4
    width: Annotated[float, Interval(ge=1 / 1024, le=16)] = 1.0
    content_weight: LossWeight = 1.0
    style_weight: LossWeight = 10.0
    reconstruction_weight: LossWeight = 0.0

    def __post_init__(self) -> None:
        require_encoder_name(self.encoder, "image.network.encoder")
        require_encoder_args(self.encoder_args, "image.network.encoder_args")


@dataclass(frozen=True)
class ImageConfig:
    """Image level: views in the style of the other domain.

    Attributes:
        style: how: adain, fourier, statistics (mean and deviation of the colours) or none.
        probability: share of the source views that take the style of the target; 0 turns it off.
        back: share of the student's target views that take the style of the source.
        bank: number of images of each domain whose style is stored.
        decoder: a decoder that 'posebridge train-style' trained; empty: adapt trains one first.
        network: the style network of adain.
    """

    style: Literal["adain", "fourier", "statistics", "none"] = "adain"
    probability: Fraction = 0.5
    back: Fraction = 0.0
    bank: Annotated[int, Interval(ge=1, le=1_000_000)] = 512
    decoder: str | None = None
    network: StyleTrainingConfig = field(default_factory=StyleTrainingConfig)


@register
class StyleTransfer(Level):
    """Views of either domain in the style of the other; the level has no loss."""

    name = "image"
    config_type = ImageConfig
    needs = frozenset({"source", "target", "style_bank"})

    config: ImageConfig

    @classmethod
    def active_settings(cls, config: Any) -> dict[str, float]:
        if config.style == "none":
            return {}
        used = {"probability": config.probability, "back": config.back}
        return {name: value for name, value in used.items() if value > 0}

    @classmethod
    def turned_off(cls) -> Any:
        return ImageConfig(style="none", probability=0.0, back=0.0)

    @classmethod
    def describe(cls, config: Any) -> list[str]:
        lines = {
            "probability": "style of the target on source views",
            "back": "style of the source on target views",
        }
        return [lines[name] for name in cls.active_settings(config)]

    def on_source_views(self, step: Step) -> None:
        bank = self.setup.style_bank
        if bank is not None and step.source_images is not None:
            step.source_images = bank(
                step.source_images, "target", self.config.probability, step.generator
            )

    def on_target_views(self, step: Step) -> None:
        bank = self.setup.style_bank
        if bank is not None and step.target_images is not None:
            step.target_images = bank(
                step.target_images, "source", self.config.back, step.generator
            )
