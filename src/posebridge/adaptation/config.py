"""Every setting of an adaptation, typed, with its default and what it means.

The command line, YAML files, presets and Python all fill these same dataclasses; the texts below
are what ``posebridge adapt --help`` prints.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from posebridge.data.crops import CropRange
from posebridge.data.reading import ReadingConfig
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig


@dataclass(frozen=True)
class ViewConfig:
    """How far the random views of a crop go.

    Attributes:
        rotation: largest rotation to either side, degrees.
        shear: largest shear to either side, degrees.
        translation: largest shift to either side, share of the crop's side.
        scale: smallest and largest magnification.
        flip: share of mirrored views.
        colour: brightness, contrast and saturation are multiplied by 1 +- this.
        hue: largest turn of the hue, degrees.
        blur: largest sigma of a Gaussian blur, pixels.
        noise: largest standard deviation of pixel noise, in [0, 1].
    """

    rotation: float = 60.0
    shear: float = 30.0
    translation: float = 0.05
    scale: tuple[float, float] = (0.6, 1.3)
    flip: float = 0.5
    colour: float = 0.25
    hue: float = 10.0
    blur: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class StyleTrainingConfig:
    """The style network of AdaIN and how its decoder is trained.

    Attributes:
        encoder: a timm model that stays fixed; vgg19.tv_in1k is the usual one.
        weights: 'pretrained', 'none', or a local .safetensors or .pth file.
        encoder_args: further arguments of timm.create_model.
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
        occlusion: share of the student's views in which a confident joint is covered by a patch.
        occlusion_confidence: least confidence of a joint that may be covered.
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


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam and its schedule.

    Attributes:
        lr: learning rate of the source stage.
        encoder: learning rate of the encoder, as a multiple of that; below 1 keeps more of what
            its pretraining knew about photographs.
        adaptation_lr: learning rate of the adaptation stage; empty: the same.
        warmup: steps over which the rate rises from 0 at the start of either stage.
        decay: constant; step (times 0.1 at 45/70 and 60/70 of the adaptation, as released); or
            cosine (to 0 within each stage).
        weight_decay: of AdamW; 0 makes it Adam.
        clip: largest norm of the gradient; 0 does not clip.
    """

    lr: float = 1e-4
    encoder: float = 1.0
    adaptation_lr: float | None = None
    warmup: int = 0
    decay: Literal["constant", "step", "cosine"] = "step"
    weight_decay: float = 0.0
    clip: float = 10.0


@dataclass(frozen=True)
class StepsConfig:
    """How long.

    Attributes:
        source: steps on the labelled source alone, before the adaptation.
        adaptation: steps of adaptation.
        batch: crops of each domain in a step.
        ramp: steps over which the adaptation's weights rise from 0.
        checkpoint_every: steps between two checkpoints to resume from.
        validate_every: steps between two looks of the label-free validator.
        keep_every: steps of adaptation between two checkpoints that are kept for good, for
            comparisons of checkpoints; 0 keeps the newest and the selected one only.
        log_every: steps between two rows of the logs.
        picture_every: steps between two sets of pictures.
    """

    source: int = 20_000
    adaptation: int = 35_000
    batch: int = 32
    ramp: int = 0
    checkpoint_every: int = 500
    validate_every: int = 500
    keep_every: int = 0
    log_every: int = 20
    picture_every: int = 2_000


@dataclass(frozen=True)
class TargetConfig:
    """What is done with the unlabelled target images beside training on them.

    Attributes:
        held_out: share of the target images that only the validator sees.
        held_out_most: at most this many images are held out.
    """

    held_out: float = 0.1
    held_out_most: int = 500


@dataclass(frozen=True)
class AdaptConfig:
    """A whole adaptation.

    Attributes:
        source: the labelled images: a COCO keypoint file, any other format that is known, or a
            benchmark such as surreal:train. Empty (null) where only a trained model is at hand, which
            start_from names then; see the preset source_free.
        target: the unlabelled images: a folder, a glob, a video, or a file of any format that is
            known (only its boxes are read), of a detector's boxes, or a benchmark such as lsp:train.
        source_images: folder of the source file's images, if not beside it.
        target_images: the same for the target.
        skeleton: keypoints that the model shall have: a built-in skeleton ('posebridge skeleton list')
            or a file (YAML, an annotation file, a model folder); the source's are matched to them by
            name. Empty: the source's own.
        mapping: a YAML file that says which source keypoints these are, 'target: source' each; what
            it does not name is matched by name.
        reading: formats, frames of videos, least score and size of boxes.
        data_root: folder that the paths above are relative to and that benchmarks lie below.
        start_from: a model folder to start from instead of training on the source; the steps
            of the source stage count as done. Of a run folder, its weights from before the
            adaptation; RUN/checkpoints/last are those from after it.
        seed: of everything random.
        precision: 32, bf16, fp16, or auto (bf16 on a GPU, else 32).
        device: auto, cpu or gpu.
        workers: processes that decode images; empty: chosen by the number of cores.
        crop: the square crops that the model sees.
        model: the pose model.
        source_view: views of the source.
        student_view: views of the target for the student.
        teacher_view: views of the target for the teacher.
        image: image level.
        consistency: mean teacher.
        feature: feature level.
        pose: pose level.
        prior: bones of plausible lengths.
        anchor: decay of the student's weights towards those from before the adaptation, as
            optimizer.weight_decay is towards 0; 0 turns it off.
        disparity: an adversarial regressor; off by default.
        refine: a refinement block; off by default.
        facing: weight of learning which way a subject faces; only where model.sides is facing.
        facing_share: how many subjects the delivered model expects to face either way: as many as on
            the target, estimated from what the teacher says of its images, which takes the source's
            labels to compare with, or as many as on the source: what it learned is left alone.
        teacher_decay: how much of the teacher stays at each step.
        statistics: whose images the running statistics of batch normalisation follow while adapting:
            target, because that is where the model will work, source, or both.
        optimizer: learning rates.
        steps: how long.
        held_out: what the validator sees.
        source_held_out: share of the source images that training leaves out; the report calibrates
            confidence on them. Empty: none.
    """

    source: str | None = None
    target: str | None = None
    source_images: str | None = None
    target_images: str | None = None
    skeleton: str | None = None
    mapping: str | None = None
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    data_root: str | None = None
    start_from: str | None = None
    seed: int = 0
    precision: Literal["auto", "32", "bf16", "fp16"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    workers: int | None = None
    crop: CropRange = field(default_factory=CropRange)
    model: ModelConfig = field(default_factory=ModelConfig)
    source_view: ViewConfig = field(default_factory=ViewConfig)
    student_view: ViewConfig = field(default_factory=ViewConfig)
    teacher_view: ViewConfig = field(default_factory=ViewConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)
    feature: FeatureConfig = field(default_factory=FeatureConfig)
    pose: PoseConfig = field(default_factory=PoseConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    anchor: float = 0.0
    disparity: DisparityConfig = field(default_factory=DisparityConfig)
    refine: RefineConfig = field(default_factory=RefineConfig)
    facing: float = 0.1
    facing_share: Literal["target", "source"] = "target"
    teacher_decay: float = 0.999
    statistics: Literal["target", "source", "both"] = "target"
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    steps: StepsConfig = field(default_factory=StepsConfig)
    held_out: TargetConfig = field(default_factory=TargetConfig)
    source_held_out: float | None = None

    def __post_init__(self) -> None:
        shares = {
            "image.probability": self.image.probability,
            "image.back": self.image.back,
            "consistency.keep": self.consistency.keep,
            "consistency.occlusion": self.consistency.occlusion,
            "consistency.keep_first": self.consistency.keep_first or 0.0,
            "consistency.keep_within": self.consistency.keep_within,
            "disparity.features": self.disparity.features,
            "refine.rise": self.refine.rise,
            "refine.first": self.refine.first,
            "refine.mine": self.refine.mine,
            "teacher_decay": self.teacher_decay,
            "held_out.held_out": self.held_out.held_out,
            "source_held_out": self.source_held_out or 0.0,
            "prior.weight": self.prior.weight,
        }
        for view in ("source_view", "student_view", "teacher_view"):
            shares[f"{view}.flip"] = getattr(self, view).flip
        for name, value in shares.items():
            if not 0 <= value <= 1:
                raise InputError(f"{name} is {value:g}; give a share between 0 and 1.")
        least = {
            "steps.batch": (self.steps.batch, 1),
            "steps.source": (self.steps.source, 0),
            "steps.adaptation": (self.steps.adaptation, 0),
            "steps.checkpoint_every": (self.steps.checkpoint_every, 1),
            "steps.validate_every": (self.steps.validate_every, 1),
            "steps.keep_every": (self.steps.keep_every, 0),
            "steps.log_every": (self.steps.log_every, 1),
            "steps.picture_every": (self.steps.picture_every, 1),
            "crop.size": (self.crop.size, 16),
            "model.heatmap_size": (self.model.heatmap_size, 8),
            "image.bank": (self.image.bank, 1),
            "consistency.views": (self.consistency.views, 1),
            "consistency.rounds": (self.consistency.rounds, 0),
            "refine.width": (self.refine.width, 1),
            "seed": (self.seed, 0),
        }
        for name, (value, limit) in least.items():
            if value < limit:
                raise InputError(f"{name} is {value}; give {limit} or more.")
        weights = {
            "consistency.weight": self.consistency.weight,
            "feature.weight": self.feature.weight,
            "pose.weight": self.pose.weight,
            "disparity.weight": self.disparity.weight,
            "disparity.margin": self.disparity.margin,
            "refine.weight": self.refine.weight,
            "facing": self.facing,
            "anchor": self.anchor,
        }
        for name, weight in weights.items():
            if not weight >= 0:
                raise InputError(f"{name} is {weight:g}; a weight is 0 (off) or more.")
        above_zero = {
            "optimizer.lr": self.optimizer.lr,
            "optimizer.encoder": self.optimizer.encoder,
            "pose.temperature": self.pose.temperature,
            "consistency.spread": self.consistency.spread,
            "disparity.rise": self.disparity.rise,
            "crop.padding": self.crop.padding,
            "model.sigma": self.model.sigma,
        }
        for name, value in above_zero.items():
            if not value > 0:
                raise InputError(f"{name} is {value:g}; give a number above 0.")
        if self.refine.weight > 0 and self.consistency.weight == 0:
            raise InputError(
                "refine.weight is above 0 and consistency.weight is 0, but the first labels that are "
                "refined are those of consistency; give it a weight too."
            )
        for view in ("source_view", "student_view", "teacher_view"):
            low, high = getattr(self, view).scale
            if not 0 < low <= high:
                raise InputError(f"{view}.scale is {low:g} to {high:g}; give low, high above 0.")

    @property
    def uses_target(self) -> bool:
        """Whether any level looks at target images in training."""
        return self.uses_target_view or self.uses_style_bank

    @property
    def learns_from_target(self) -> bool:
        """Whether any loss is taken on target images."""
        levels = (self.consistency, self.feature, self.pose, self.disparity, self.refine)
        return any(level.weight > 0 for level in levels)

    @property
    def uses_target_view(self) -> bool:
        """Whether the student sees target images, be it for their statistics alone."""
        return self.learns_from_target or self.statistics != "source"

    @property
    def uses_style_bank(self) -> bool:
        """Whether the image level does anything."""
        return self.image.style != "none" and max(self.image.probability, self.image.back) > 0

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings: what ``config.yaml`` holds."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
