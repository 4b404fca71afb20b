"""The settings of each level of alignment; :mod:`~posebridge.training.config` joins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from posebridge.models.encoder_args import require_encoder_args, require_encoder_name


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
    levels: tuple[int, ...] = (0, 1, 2, 3)
    steps: int = 10_000
    batch: int = 8
    lr: float = 1e-4
    width: float = 1.0
    content_weight: float = 1.0
    style_weight: float = 10.0
    reconstruction_weight: float = 0.0

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
        decoder: a decoder that 'posebridge style' trained; empty: adapt trains one first.
        network: the style network of adain.
    """

    style: Literal["adain", "fourier", "statistics", "none"] = "adain"
    probability: float = 0.5
    back: float = 0.0
    bank: int = 512
    decoder: str | None = None
    network: StyleTrainingConfig = field(default_factory=StyleTrainingConfig)


@dataclass(frozen=True)
class ConsistencyConfig:
    """The mean teacher's pseudo-labels.

    Attributes:
        weight: of the consistency loss, in units of a Gaussian's energy; 0 turns it off.
        views: of each target image that the teacher looks at; they vote on every joint.
        spread: distance at which two views still agree on a joint, share of the crop's side.
        keep: share of the joints, the most confident ones, that are learned from.
        each_joint: whether the share holds for each joint by itself rather than for all together.
        occlusion: share of the student's views in which a confident joint is covered by a patch, of
            those that have one, see occlusion_confidence.
        occlusion_confidence: least confidence of a joint that may be covered. With one view that is
            the height of the teacher's heatmap; with several it is the mean vote of the views for a
            place, which seldom reaches 0.9: far fewer views are covered then than occlusion says.
        patch: side of the patch, share of the crop's side.
        keep_first: share of the joints at the start, which goes to 'keep' in a straight line, or in
            as many steps as there are rounds; empty: 'keep' from the start.
        keep_within: share of the adaptation within which it gets there.
        rounds: equal parts of the adaptation, at the start of each of which a copy of the student is
            made that gives the pseudo-labels until the next; 1: the model that the adaptation starts
            with gives all of them; 0: the averaged teacher gives them.
        weighted: whether a joint counts by its confidence (clamped to [0, 1]) rather than fully.
    """

    weight: float = 1.0
    views: int = 1
    spread: float = 0.06
    keep: float = 0.5
    each_joint: bool = False
    occlusion: float = 0.5
    occlusion_confidence: float = 0.9
    patch: float = 0.15
    keep_first: float | None = None
    keep_within: float = 0.5
    rounds: int = 0
    weighted: bool = False


@dataclass(frozen=True)
class FeatureConfig:
    """Feature level: the domain discriminator.

    Attributes:
        weight: of the adversarial loss; 0 turns it off.
        width: channels of the discriminator's hidden layers.
        lr: its learning rate, as a multiple of the student's.
    """

    weight: float = 0.1
    width: int = 64
    lr: float = 1.0


@dataclass(frozen=True)
class PoseConfig:
    """Pose level: information maximization on the student's target heatmaps.

    Attributes:
        weight: of the loss; 0 turns it off.
        temperature: of the softmax over heatmap cells.
    """

    weight: float = 0.1
    temperature: float = 0.1


@dataclass(frozen=True)
class PriorConfig:
    """What is known of the source's poses, when pseudo-labels are learned from.

    Attributes:
        weight: how much less is learned from a joint whose bones are longer, beside the subject's
            others, than the source's ever are: 0 ignores bones, 1 learns nothing from a joint
            without a plausible one.
    """

    weight: float = 0.0


@dataclass(frozen=True)
class DisparityConfig:
    """The adversarial regressor of RegDA (Jiang et al., CVPR 2021).

    Attributes:
        weight: of its losses; 0 turns it off.
        margin: weight of the source beside the target in them.
        features: share of that weight with which the features answer the regressor, at its highest.
        rise: share of the adaptation after which 0.46 of that is in force; it goes on as
            2 / (1 + exp(-t / rise)) - 1.
        lr: the regressor's learning rate, as a multiple of the student's.
    """

    weight: float = 0.0
    margin: float = 4.0
    features: float = 0.1
    rise: float = 0.1
    lr: float = 1.0


@dataclass(frozen=True)
class RefineConfig:
    """Coarse to fine labels (Li and Lee, CVPR 2021): a refinement block beside the model's head.

    Attributes:
        weight: of the updated labels, of the block for the model (inner loop) and of the averaged
            block for the block (outer loop); 0 turns the block off.
        rise: share of the adaptation within which the updated labels come into force.
        first: what the weight of the first pseudo-labels, consistency.weight, falls to meanwhile.
        mine: share of each image's joints, those with the smallest errors, that is learned from in
            the end; it falls from all of them meanwhile.
        width: channels of each map that the block joins.
        lr: the block's learning rate, as a multiple of the student's.
    """

    weight: float = 0.0
    rise: float = 0.3
    first: float = 0.53
    mine: float = 0.5
    width: int = 64
    lr: float = 1.0
