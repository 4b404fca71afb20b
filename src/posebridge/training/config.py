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
from posebridge.alignment.bone_prior import BonePriorConfig
from posebridge.alignment.coarse_to_fine import CoarseToFineConfig
from posebridge.alignment.domain_adversarial import DomainAdversarialConfig
from posebridge.alignment.facing import FacingConfig
from posebridge.alignment.information_maximization import InformationMaximizationConfig
from posebridge.alignment.l2sp import L2SPConfig
from posebridge.alignment.level import levels_on
from posebridge.alignment.mean_teacher import ConsistencyConfig
from posebridge.alignment.regda import RegDAConfig
from posebridge.alignment.style_transfer import StyleTrainingConfig, StyleTransferConfig
from posebridge.data.crops import CropConfig
from posebridge.data.reading import DataConfig
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig
from posebridge.models.tta import TTAConfig
from posebridge.ops.augmentation_config import AugmentationConfig
from posebridge.ranges import Fraction, check_ranges
from posebridge.training.training_config import (
    OptimizerConfig,
    StepsConfig,
    ValidationConfig,
)

__all__ = [
    "AdaptConfig",
    "BonePriorConfig",
    "CoarseToFineConfig",
    "ConsistencyConfig",
    "DomainAdversarialConfig",
    "InformationMaximizationConfig",
    "OptimizerConfig",
    "RegDAConfig",
    "StepsConfig",
    "StyleTrainingConfig",
    "StyleTransferConfig",
    "ValidationConfig",
]


@dataclass(frozen=True)
class AdaptConfig:
    """A whole adaptation.

    Attributes:
        source: labeled images: a COCO keypoint file, a file or folder of any other known format, or a
            benchmark such as surreal:train. Empty (null) where only a trained model is available, which
            init_from names then; see the preset source_free.
        target: unlabeled images: a folder, a glob, a video, or a file of any known format (only its
            boxes are read), of a detector's boxes, or a benchmark such as lsp:train.
        source_image_root: folder of the source file's images, if they are not beside the file.
        target_image_root: folder of the target file's images, if they are not beside the file.
        skeleton: keypoints of the model: a built-in skeleton ('posebridge skeleton list') or a file
            (YAML, an annotation file, a model folder). The source's keypoints are matched to it by name.
            Empty: the source's own skeleton.
        keypoint_mapping: a YAML file that maps skeleton keypoints to source keypoints, one line
            'target: source' each; keypoints without a line are matched by name.
        data: formats, frames of videos, lowest score and size of boxes.
        data_root: folder that the paths above are relative to, and that holds the benchmarks.
        init_from: a model folder to start from instead of training on the source; the steps of the
            source stage count as done. For a run folder, its source checkpoint is used;
            RUN/checkpoints/last is the adapted one.
        seed: seed of all randomness.
        precision: 32, bf16, fp16, or auto (bf16 on a GPU, else 32).
        device: auto, cpu or gpu.
        workers: processes that decode images; empty: by the number of cores.
        crop: the square crops that the model gets.
        model: the pose model.
        source_view: augmentation of the source.
        student_view: augmentation of the target for the student.
        teacher_view: augmentation of the target for the teacher.
        style: image level: style transfer.
        consistency: mean teacher.
        feature: feature level: domain discriminator.
        pose: pose level: information maximization.
        bone_prior: pseudo-labels with plausible bone lengths.
        l2sp: decay of the student's weights toward their values from before the adaptation.
        regda: an adversarial regressor; off by default.
        coarse_to_fine: a refinement block; off by default.
        facing: the direction that subjects face; used where model.left_right is facing.
        ema_decay: decay of the EMA teacher at each step.
        batchnorm_stats: domain whose images update the running statistics of batch normalization in the
            adaptation: target (where the model will work), source, or both.
        optimizer: learning rates.
        steps: numbers of steps.
        validation: images that training leaves out, and the validator.
        tta: test-time augmentation of the finished model in prediction and scoring; 'predict' and
            'evaluate' have options for it too.
        further_levels: configs of registered levels that have no field above, by name.
    """

    source: str | None = None
    target: str | None = None
    source_image_root: str | None = None
    target_image_root: str | None = None
    skeleton: str | None = None
    keypoint_mapping: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    data_root: str | None = None
    init_from: str | None = None
    seed: Annotated[int, Interval(ge=0, le=2**31)] = 0
    precision: Literal["auto", "32", "bf16", "fp16"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    workers: Annotated[int, Interval(ge=0, le=1024)] | None = None
    crop: CropConfig = field(default_factory=CropConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    source_view: AugmentationConfig = field(default_factory=AugmentationConfig)
    student_view: AugmentationConfig = field(default_factory=AugmentationConfig)
    teacher_view: AugmentationConfig = field(default_factory=AugmentationConfig)
    style: StyleTransferConfig = field(default_factory=StyleTransferConfig)
    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)
    feature: DomainAdversarialConfig = field(default_factory=DomainAdversarialConfig)
    pose: InformationMaximizationConfig = field(default_factory=InformationMaximizationConfig)
    bone_prior: BonePriorConfig = field(default_factory=BonePriorConfig)
    l2sp: L2SPConfig = field(default_factory=L2SPConfig)
    regda: RegDAConfig = field(default_factory=RegDAConfig)
    coarse_to_fine: CoarseToFineConfig = field(default_factory=CoarseToFineConfig)
    facing: FacingConfig = field(default_factory=FacingConfig)
    ema_decay: Fraction = 0.999
    batchnorm_stats: Literal["target", "source", "both"] = "target"
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    steps: StepsConfig = field(default_factory=StepsConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    tta: TTAConfig = field(default_factory=TTAConfig)
    further_levels: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_ranges(self)
        for name, further in self.further_levels.items():
            check_ranges(further, f"{name}.")
        _check_combinations(self)

    @property
    def first_step(self) -> int:
        """Steps that count as done when a run begins: a stored model has the source stage behind it."""
        return self.steps.source if self.init_from else 0

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
        return self.learns_from_target or self.batchnorm_stats != "source"

    @property
    def uses_style_bank(self) -> bool:
        """Whether any level draws styles."""
        return any("style_bank" in level.needs for level, _ in levels_on(self.levels()))

    def levels(self) -> dict[str, Any]:
        """Return the config of every registered level by its name."""
        given = dict(self.further_levels)
        if self.model.left_right != "facing":
            given["facing"] = FacingConfig(weight=0.0, prior="source")
        return {
            name: given.get(name) or getattr(self, name, None) or level.config_type()
            for name, level in LEVELS.items()
        }

    def levels_turned_off(self) -> dict[str, Any]:
        """Return the fields of this configuration that turn every level off but facing."""
        off = {name: level.turned_off() for name, level in LEVELS.items()}
        own = {name: config for name, config in off.items() if name != "facing"}
        further = {name: own.pop(name) for name in self.further_levels}
        return {**own, "further_levels": further}

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
    if config.coarse_to_fine.weight > 0 and config.consistency.weight == 0:
        raise InputError(
            "coarse_to_fine.weight is above 0 and consistency.weight is 0, but the refinement block refines "
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
