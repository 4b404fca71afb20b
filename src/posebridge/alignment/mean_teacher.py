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

    weight: LossWeight = 1.0
    views: Annotated[int, Interval(ge=1, le=64)] = 1
    spread: Positive = 0.06
    keep: Fraction = 0.5
    each_joint: bool = False
    occlusion: Fraction = 0.5
    occlusion_confidence: NonNegative = 0.9
    patch: Fraction = 0.15
    keep_first: Fraction | None = None
    keep_within: Fraction = 0.5
    rounds: Annotated[int, Interval(ge=0, le=10_000)] = 0
    weighted: bool = False


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
        if self.config.rounds > 0:
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
            config.views,
            step.target_views,
            step.mirror,
            self.setup.teacher_view,
            step.generator,
            keep_ratio=self.keep_ratio(step.number),
            radius=config.spread,
            per_keypoint=config.each_joint,
            confidence_weighted=config.weighted,
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
        if self.config.rounds == 0 or step < first:
            return False
        return step == first or self._round(step) != self._round(step - 1)

    def keep_ratio(self, step: int) -> float:
        """Return the fraction of joints to learn from at a step: constant, or a curriculum."""
        config = self.config
        if config.keep_first is None:
            return config.keep
        over = self.setup.progress(step)
        if config.rounds > 1:
            over = self._round(step) / config.rounds
        part = min(1.0, over / config.keep_within) if config.keep_within > 0 else 1.0
        return config.keep_first + part * (config.keep - config.keep_first)

    def _round(self, step: int) -> int:
        adapted = step - self.setup.source_steps
        return adapted * self.config.rounds // max(1, self.setup.adaptation_steps)

    def _occlude(self, step: Step) -> Tensor:
        """Return the student's views; in some of them a patch covers a joint with a confident label."""
        labels: PseudoLabels | None = step.labels
        assert labels is not None and step.target_images is not None
        return color_augmentation.occlude(
            step.target_images,
            labels.points,
            labels.kept & (labels.confidence >= self.config.occlusion_confidence),
            self.config.occlusion,
            round(self.config.patch * self.setup.crop_size),
            step.generator,
        )
