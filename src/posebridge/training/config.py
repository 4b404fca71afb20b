"""Every setting of an adaptation, typed, with its default and what it means.

The command line, YAML files, presets and Python all fill these same dataclasses; the texts below
are what ``posebridge adapt --help`` prints. Those of the levels are in the files of
:mod:`posebridge.alignment`, those of
views, optimizer and lengths in ``training_config.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Interval

from posebridge.alignment import LEVELS
from posebridge.alignment.bone_prior import PriorConfig
from posebridge.alignment.coarse_to_fine import RefineConfig
from posebridge.alignment.domain_adversarial import FeatureConfig
from posebridge.alignment.facing import FacingConfig
from posebridge.alignment.information_maximization import PoseConfig
from posebridge.alignment.l2sp import L2SPConfig
from posebridge.alignment.level import levels_on
from posebridge.alignment.mean_teacher import ConsistencyConfig
from posebridge.alignment.regda import DisparityConfig
from posebridge.alignment.style_transfer import ImageConfig, StyleTrainingConfig
from posebridge.data.crops import CropRange
from posebridge.data.reading import ReadingConfig
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig
from posebridge.models.tta import Asked
from posebridge.ops.augmentation_config import AugmentationConfig
from posebridge.ranges import Fraction, LossWeight, check_ranges
from posebridge.training.training_config import (
    OptimizerConfig,
    StepsConfig,
    TargetConfig,
)

__all__ = [
    "AdaptConfig",
    "ConsistencyConfig",
    "DisparityConfig",
    "FeatureConfig",
    "ImageConfig",
    "OptimizerConfig",
    "PoseConfig",
    "PriorConfig",
    "RefineConfig",
    "StepsConfig",
    "StyleTrainingConfig",
    "TargetConfig",
]


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
        asked: how the finished model is asked about a crop when it predicts and is scored; 'predict'
            and 'evaluate' have options for it too.
        source_held_out: share of the source images that training leaves out; the report calibrates
            confidence on them. Empty: none.
        further_levels: configs of registered levels that have no field above, by name.
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
    seed: Annotated[int, Interval(ge=0, le=2**31)] = 0
    precision: Literal["auto", "32", "bf16", "fp16"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    workers: Annotated[int, Interval(ge=0, le=1024)] | None = None
    crop: CropRange = field(default_factory=CropRange)
    model: ModelConfig = field(default_factory=ModelConfig)
    source_view: AugmentationConfig = field(default_factory=AugmentationConfig)
    student_view: AugmentationConfig = field(default_factory=AugmentationConfig)
    teacher_view: AugmentationConfig = field(default_factory=AugmentationConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)
    feature: FeatureConfig = field(default_factory=FeatureConfig)
    pose: PoseConfig = field(default_factory=PoseConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    anchor: LossWeight = 0.0
    disparity: DisparityConfig = field(default_factory=DisparityConfig)
    refine: RefineConfig = field(default_factory=RefineConfig)
    facing: LossWeight = 0.1
    facing_share: Literal["target", "source"] = "target"
    teacher_decay: Fraction = 0.999
    statistics: Literal["target", "source", "both"] = "target"
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    steps: StepsConfig = field(default_factory=StepsConfig)
    held_out: TargetConfig = field(default_factory=TargetConfig)
    asked: Asked = field(default_factory=Asked)
    source_held_out: Fraction | None = None
    further_levels: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_ranges(self)
        for name, further in self.further_levels.items():
            check_ranges(further, f"{name}.")
        _check_combinations(self)

    @property
    def first_step(self) -> int:
        """Steps that count as done when a run begins: a stored model has the source stage behind it."""
        return self.steps.source if self.start_from else 0

    @property
    def uses_target(self) -> bool:
        """Whether any level looks at target images in training."""
        return self.uses_target_view or self.uses_style_bank

    @property
    def learns_from_target(self) -> bool:
        """Whether any loss is taken on target images."""
        return any(level.learns_from_target for level, _ in levels_on(self.levels()))

    @property
    def uses_target_view(self) -> bool:
        """Whether the student sees target images, be it for their statistics alone."""
        return self.learns_from_target or self.statistics != "source"

    @property
    def uses_style_bank(self) -> bool:
        """Whether any level draws styles."""
        return any("style_bank" in level.needs for level, _ in levels_on(self.levels()))

    def levels(self) -> dict[str, Any]:
        """Return the config of every registered level by its name."""
        facing = FacingConfig(self.facing, self.facing_share)
        if self.model.sides != "facing":
            facing = FacingConfig(weight=0.0, prior="source")
        given = {"facing": facing, "anchor": L2SPConfig(self.anchor), **self.further_levels}
        return {
            name: given.get(name) or getattr(self, name, None) or level.config_type()
            for name, level in LEVELS.items()
        }

    def levels_turned_off(self) -> dict[str, Any]:
        """Return the fields of this configuration that turn every level off but facing."""
        off = {name: level.turned_off() for name, level in LEVELS.items()}
        fields = {name: own for name, own in off.items() if name not in ("facing", "anchor")}
        further = {name: fields.pop(name) for name in self.further_levels}
        return {**fields, "anchor": 0.0, "further_levels": further}

    def level_lines(self) -> list[str]:
        """Return a line for each level that is on, for the model card."""
        return [line for level, own in levels_on(self.levels()) for line in level.describe(own)]

    def pushed_validators(self) -> frozenset[str]:
        """Return the label-free validators that the losses of this run raise by themselves."""
        return frozenset().union(*(level.pushes for level, _ in levels_on(self.levels())))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings: what ``config.yaml`` holds."""
        content = asdict(self)
        return _plain(content | content.pop("further_levels"))


def _check_combinations(config: AdaptConfig) -> None:
    """Refuse values that do not go together."""
    if config.refine.weight > 0 and config.consistency.weight == 0:
        raise InputError(
            "refine.weight is above 0 and consistency.weight is 0, but the refinement block refines "
            "the labels of consistency; give consistency.weight a value above 0 too."
        )
    for view in ("source_view", "student_view", "teacher_view"):
        low, high = getattr(config, view).scale
        if low > high:
            raise InputError(f"{view}.scale is {low:g} to {high:g}; give the smaller one first.")


def further_levels() -> dict[str, type]:
    """Return the config types of registered levels that :class:`AdaptConfig` has no field for."""
    known = AdaptConfig.__dataclass_fields__
    return {name: level.config_type for name, level in LEVELS.items() if name not in known}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
