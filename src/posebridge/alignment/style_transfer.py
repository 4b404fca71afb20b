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
    """The style network of AdaIN and the training of its decoder.

    Attributes:
        encoder: a timm model, which stays fixed; vgg19.tv_in1k is the usual one.
        encoder_weights: 'pretrained', 'none', or a local .safetensors or .pth file.
        encoder_args: further arguments of timm.create_model: numbers, switches and names among those
            that posebridge.models.encoder_args lists.
        feature_levels: feature maps whose statistics are the style; AdaIN is applied to the last one.
        steps: training steps of the decoder.
        batch: images of each domain in a step.
        lr: highest learning rate of Adam; it rises for a tenth of the steps, then falls.
        width: channels of the decoder, as a multiple of the encoder's channels.
        content_weight: loss weight of the content loss.
        style_weight: loss weight of the style loss.
        reconstruction_weight: loss weight of the error with which an image in its own style is decoded;
            a small encoder needs it to keep bodies recognizable.
    """

    encoder: str = "vgg19.tv_in1k"
    encoder_weights: str = "pretrained"
    encoder_args: dict[str, Any] = field(default_factory=dict)
    feature_levels: Annotated[tuple[FeatureLevel, ...], Len(1, 100)] = (0, 1, 2, 3)
    steps: StepCount = 10_000
    batch: BatchSize = 8
    lr: NonNegative = 1e-4
    width: Annotated[float, Interval(ge=1 / 1024, le=16)] = 1.0
    content_weight: LossWeight = 1.0
    style_weight: LossWeight = 10.0
    reconstruction_weight: LossWeight = 0.0

    def __post_init__(self) -> None:
        require_encoder_name(self.encoder, "style.network.encoder")
        require_encoder_args(self.encoder_args, "style.network.encoder_args")


@dataclass(frozen=True)
class StyleTransferConfig:
    """Image level: views in the style of the other domain.

    Attributes:
        method: adain, fourier, color (mean and deviation of the colors) or none.
        source_to_target: fraction of the source views that get the style of the target.
        target_to_source: fraction of the student's target views that get the style of the source.
        bank_size: images of each domain whose style is stored.
        decoder: a decoder trained by 'posebridge train-style'; empty: 'adapt' trains one first.
        network: the style network of adain.
    """

    method: Literal["adain", "fourier", "color", "none"] = "adain"
    source_to_target: Fraction = 0.5
    target_to_source: Fraction = 0.0
    bank_size: Annotated[int, Interval(ge=1, le=1_000_000)] = 512
    decoder: str | None = None
    network: StyleTrainingConfig = field(default_factory=StyleTrainingConfig)


@register
class StyleTransfer(Level):
    """Views of either domain in the style of the other; the level has no loss."""

    name = "style"
    config_type = StyleTransferConfig
    needs = frozenset({"source", "target", "style_bank"})

    config: StyleTransferConfig

    @classmethod
    def active_settings(cls, config: Any) -> dict[str, float]:
        if config.method == "none":
            return {}
        used = {name: getattr(config, name) for name in ("source_to_target", "target_to_source")}
        return {name: value for name, value in used.items() if value > 0}

    @classmethod
    def turned_off(cls) -> Any:
        return StyleTransferConfig(method="none", source_to_target=0.0, target_to_source=0.0)

    @classmethod
    def describe(cls, config: Any) -> list[str]:
        lines = {
            "source_to_target": "style of the target on source views",
            "target_to_source": "style of the source on target views",
        }
        return [lines[name] for name in cls.active_settings(config)]

    def on_source_views(self, step: Step) -> None:
        bank = self.setup.style_bank
        if bank is not None and step.source_images is not None:
            step.source_images = bank(
                step.source_images, "target", self.config.source_to_target, step.generator
            )

    def on_target_views(self, step: Step) -> None:
        bank = self.setup.style_bank
        if bank is not None and step.target_images is not None:
            step.target_images = bank(
                step.target_images, "source", self.config.target_to_source, step.generator
            )
