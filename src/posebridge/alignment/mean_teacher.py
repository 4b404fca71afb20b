"""Mean teacher: the student learns pseudo-labels by an averaged copy of itself on the target.

Tarvainen and Valpola, *Mean teachers are better role models* (NeurIPS 2017), on heatmaps as in Kim et
al., *A unified framework for domain adaptive pose estimation* (ECCV 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from posebridge.alignment.heatmap_loss import aim_heatmaps, relative_error
from posebridge.alignment.level import Level, register
from posebridge.alignment.pseudo_labels import PseudoLabels, make_labels
from posebridge.alignment.step import Step
from posebridge.models.pose import PoseModel
from posebridge.ops import color_augmentation
from posebridge.ranges import Fraction, LossWeight, NonNegative, Positive


@dataclass(frozen=True)
class ConsistencyConfig:
    """The mean teacher's pseudo-labels.

    Attributes:
        weight: loss weight, in units of a Gaussian's energy; 0 turns the level off.
        teacher_views: augmented views of each target image that the teacher predicts; their consensus
            is the pseudo-label of each keypoint.
        consensus_radius: distance within which two teacher views agree on a keypoint, a fraction of the
            crop's side.
        keep_ratio: fraction of the keypoints, the most confident ones, that the student learns from.
        per_keypoint: apply keep_ratio to each keypoint separately rather than to all keypoints together.
        occlusion: fraction of the student's views in which a patch covers a confident keypoint, among
            the views that have one; see occlusion_confidence.
        occlusion_confidence: lowest confidence of a keypoint that a patch may cover. With one teacher
            view the confidence is the height of the teacher's heatmap. With several it is the mean vote
            of the views, which rarely reaches 0.9, so fewer views are covered than occlusion states.
        occlusion_patch: side of the patch, a fraction of the crop's side.
        keep_ratio_start: keep_ratio at the start of the adaptation. It changes linearly to keep_ratio,
            or in as many steps as there are self-training rounds. Empty: keep_ratio from the start.
        keep_ratio_ramp: fraction of the adaptation after which keep_ratio is reached.
        self_training_rounds: equal parts of the adaptation. At the start of each, a copy of the student
            is made, which gives the pseudo-labels of that part. 1: the model from before the adaptation
            gives all pseudo-labels. 0: the EMA teacher gives them.
        confidence_weighted: weight each keypoint by its confidence, clamped to [0, 1].
    """

    weight: LossWeight = 1.0
    teacher_views: Annotated[int, Interval(ge=1, le=64)] = 1
    consensus_radius: Positive = 0.06
    keep_ratio: Fraction = 0.5
    per_keypoint: bool = False
    occlusion: Fraction = 0.5
    occlusion_confidence: NonNegative = 0.9
    occlusion_patch: Fraction = 0.15
    keep_ratio_start: Fraction | None = None
    keep_ratio_ramp: Fraction = 0.5
    self_training_rounds: Annotated[int, Interval(ge=0, le=10_000)] = 0
    confidence_weighted: bool = False


@register
class MeanTeacher(Level):
    """Pseudo-labels before the student's forward pass, and the error against them after it."""

    name = "consistency"
    config_type = ConsistencyConfig
    needs = frozenset({"target", "teacher"})
    terms = ("consistency",)
    learns_from_target = True
    pushes = frozenset(
        {"agreement", "confident_agreement", "information", "confidence", "certainty"}
    )
    description = "mean teacher with consistency"

    config: ConsistencyConfig
    labeler: ModelEmaV3 | None

    def build(self, model: PoseModel, channels: int) -> None:
        self.labeler = None
        if self.config.self_training_rounds > 0:
            # A copy of the student from the start of a round makes the labels until the next.
            self.labeler = ModelEmaV3(model)
            self.labeler.requires_grad_(False)

    def begin_step(self, step: int, student: PoseModel) -> None:
        if self.labeler is not None and self.round_begins(step):
            self.labeler.set(student)

    def on_target_views(self, step: Step) -> None:
        assert step.target_crops is not None and step.target_views is not None
        config = self.config
        labels = make_labels(
            step.teacher if self.labeler is None else self.labeler.module.eval(),
            step.target_crops,
            config.teacher_views,
            step.target_views,
            step.mirror,
            self.setup.teacher_view,
            step.generator,
            keep_ratio=self.keep_ratio(step.number),
            radius=config.consensus_radius,
            per_keypoint=config.per_keypoint,
            confidence_weighted=config.confidence_weighted,
        )
        step.labels = step.finish_labels(labels)
        step.taught_facing = labels.turned
        step.target_images = self._occlude(step)

    def losses(self, step: Step) -> dict[str, Tensor]:
        labels, setup = step.labels, self.setup
        assert labels is not None and step.target is not None
        step.log("teacher/kept", labels.kept.float().mean())
        step.log("teacher/inside", labels.inside.float().mean())
        step.log("teacher/confidence", labels.confidence.mean())
        step.log("teacher/threshold", labels.threshold.mean())
        if labels.plausible is not None:
            step.log("teacher/plausible", labels.plausible.mean())
        if "consistency" in step.taken_over:
            return {}
        aim = aim_heatmaps(labels.points, setup.crop_size, setup.heatmap_size, setup.sigma)
        error = relative_error(step.target.heatmaps, aim, labels.weight, setup.sigma)
        return {"consistency": error}

    def scale(self, term: str, progress: float) -> float:
        return self.config.weight if term == "target_facing" else 1.0

    def round_begins(self, step: int) -> bool:
        """Return whether the student is copied before a step, to make the labels of a new round."""
        first = self.setup.source_steps
        if self.config.self_training_rounds == 0 or step < first:
            return False
        return step == first or self._round(step) != self._round(step - 1)

    def keep_ratio(self, step: int) -> float:
        """Return the fraction of joints to learn from at a step: constant, or a curriculum."""
        config = self.config
        if config.keep_ratio_start is None:
            return config.keep_ratio
        over = self.setup.progress(step)
        if config.self_training_rounds > 1:
            over = self._round(step) / config.self_training_rounds
        part = min(1.0, over / config.keep_ratio_ramp) if config.keep_ratio_ramp > 0 else 1.0
        return config.keep_ratio_start + part * (config.keep_ratio - config.keep_ratio_start)

    def _round(self, step: int) -> int:
        adapted = step - self.setup.source_steps
        return adapted * self.config.self_training_rounds // max(1, self.setup.adaptation_steps)

    def _occlude(self, step: Step) -> Tensor:
        """Return the student's views; in some of them a patch covers a joint with a confident label."""
        labels: PseudoLabels | None = step.labels
        assert labels is not None and step.target_images is not None
        return color_augmentation.occlude(
            step.target_images,
            labels.points,
            labels.kept & (labels.confidence >= self.config.occlusion_confidence),
            self.config.occlusion,
            round(self.config.occlusion_patch * self.setup.crop_size),
            step.generator,
        )
