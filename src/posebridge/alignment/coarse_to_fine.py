"""Coarse to fine: first pseudo-labels of the model, then pseudo-labels of a refinement block.

Li and Lee, *From Synthetic to Real: Unsupervised Domain Adaptation for Animal Pose Estimation*,
CVPR 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from posebridge.alignment.heatmap_loss import aim_heatmaps, joint_errors, supervised_loss
from posebridge.alignment.level import Level, Setup, register
from posebridge.alignment.pseudo_labels import PseudoLabels, make_labels
from posebridge.alignment.step import Step
from posebridge.models.batchnorm import kept_running_statistics
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.models.refinement_block import Refined, Refiner
from posebridge.ranges import Channels, Fraction, LossWeight, NonNegative


@dataclass(frozen=True)
class CoarseToFineConfig:
    """Coarse to fine labels (Li and Lee, CVPR 2021): a refinement block beside the model's head.

    Attributes:
        weight: loss weight of the updated labels, of the refinement block for the model (inner loop) and
            of the averaged block for the block (outer loop); 0 turns the level off.
        ramp: fraction of the adaptation within which the updated labels gain their full weight.
        min_initial_weight: what the weight of the initial pseudo-labels, consistency.weight, falls to
            meanwhile.
        mining_ratio: fraction of each image's keypoints, the ones with the smallest errors, that the
            student learns from in the end; it falls from 1 meanwhile.
        width: channels of each map that the block joins.
        lr: learning rate of the block, as a multiple of the student's.
    """

    weight: LossWeight = 0.0
    ramp: Fraction = 0.3
    min_initial_weight: Fraction = 0.53
    mining_ratio: Fraction = 0.5
    width: Channels = 64
    lr: NonNegative = 1.0


@register
class CoarseToFine(Level):
    """The refinement block and its losses.

    The student's heatmaps are coarse, the block's heatmaps are fine. Both learn from the first labels
    (this ``consistency`` replaces the mean teacher's own loss). The coarse heatmaps learn from the
    fine heatmaps (inner loop), and the fine heatmaps from the average of the block (outer loop).
    The weights of the two loops rise while the weight of the first labels falls. The sum of the
    squared errors is, up to a constant, the error against the weighted mean of the aims, so the
    model's aim moves from the first labels to the updated labels.
    """

    name = "coarse_to_fine"
    config_type = CoarseToFineConfig
    needs = frozenset({"source", "target", "teacher"})
    terms = ("refined_source", "inner", "outer")
    supervised = ("refined_source",)
    takes_over = frozenset({"consistency"})
    learns_from_target = True
    description = "coarse-to-fine pseudo-labels by a refinement block"

    config: CoarseToFineConfig
    refinement: Refinement
    updated: PseudoLabels | None = None

    def build(self, model: PoseModel, channels: int) -> None:
        self.seed(3)
        self.refinement = Refinement(model, self.config.width, self.setup)
        self.feature_channels = self.refinement.refiner.channels

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        return [(list(self.refinement.refiner.parameters()), self.config.lr)]

    def begin_step(self, step: int, student: PoseModel) -> None:
        if step == self.setup.source_steps:
            self.refinement.begin(student)

    def on_outputs(self, step: Step) -> None:
        """Make the updated labels, and the logits of facing to learn, with the averaged block."""
        assert step.target_crops is not None and step.target_views is not None
        updated = make_labels(
            self.refinement.teaching(step.teacher),
            step.target_crops,
            1,
            step.target_views,
            step.mirror,
            self.setup.teacher_view,
            step.generator,
            keep_ratio=1.0,
            radius=1.0,  # unused with a single view
        )
        self.updated = step.finish_labels(updated)
        step.taught_facing = updated.turned

    def losses(self, step: Step) -> dict[str, Tensor]:
        setup, labels, updated = self.setup, step.labels, self.updated
        assert step.source is not None and step.source_views is not None
        assert step.target is not None and labels is not None and updated is not None
        fine, target_fine = self.refinement(step.source, step.target)
        step.discriminated = fine.features, target_fine.features
        aim = aim_heatmaps(step.source_views.points, *self._grid)
        losses = {
            "refined_source": supervised_loss(
                fine.heatmaps, aim, step.source_views.visible, setup.sigma
            )
        }
        mined = self.mined(step.progress)
        return losses | self.refinement_losses(step.target, target_fine, labels, updated, mined)

    def mined(self, progress: float) -> float:
        """Return the fraction of an image's joints to learn from, the easiest; it falls from 1."""
        return 1.0 - _part(progress, self.config.ramp) * (1.0 - self.config.mining_ratio)

    @property
    def _grid(self) -> tuple[int, int, float]:
        return self.setup.crop_size, self.setup.heatmap_size, self.setup.sigma

    def refinement_losses(
        self,
        target: PoseOutput,
        fine: Refined,
        labels: PseudoLabels,
        updated: PseudoLabels,
        mined: float,
    ) -> dict[str, Tensor]:
        """Return the losses on the target.

        Args:
            labels: the first labels.
            updated: the averaged block's labels; a joint counts by its confidence and plausibility.
            mined: fraction of each image's joints to learn from, the easiest.
        """
        sigma, coarse = self.setup.sigma, target.heatmaps
        first = aim_heatmaps(labels.points, *self._grid)
        consistency = torch.zeros((), device=coarse.device)
        for maps in (coarse, fine.heatmaps):
            errors = joint_errors(maps, first, sigma)
            counts = labels.weight * easiest(errors, labels.kept, mined)
            consistency = consistency + (errors * counts).mean()
        errors = joint_errors(coarse, fine.heatmaps.detach(), sigma)
        inner = (errors * easiest(errors, torch.ones_like(labels.kept), mined)).mean()
        trust = updated.confidence.clamp(0, 1) * updated.inside
        if updated.plausible is not None:
            trust = trust * updated.plausible
        errors = joint_errors(fine.heatmaps, aim_heatmaps(updated.points, *self._grid), sigma)
        return {"consistency": consistency, "inner": inner, "outer": (errors * trust).mean()}

    def weight(self, term: str, progress: float) -> float:
        if term == "refined_source":
            return 1.0
        return self.config.weight * rising(progress, self.config.ramp)

    def scale(self, term: str, progress: float) -> float:
        if term != "consistency":
            return 1.0
        return falling(progress, self.config.ramp, self.config.min_initial_weight)

    def after_step(self, student: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.refinement.follow()


class Refinement(nn.Module):
    """A refinement block and its average, which teaches it in the outer loop."""

    def __init__(self, model: PoseModel, width: int, setup: Setup) -> None:
        super().__init__()
        self.refiner = Refiner(model, width)
        self.teacher = ModelEmaV3(self.refiner, decay=setup.ema_decay)
        self.teacher.requires_grad_(False)
        self.statistics = setup.batchnorm_stats

    def begin(self, model: PoseModel) -> None:
        """Start the block and its average from the model's own head."""
        self.refiner.begin(model)
        self.teacher.set(self.refiner)

    def follow(self) -> None:
        """Move the average towards the block, buffers included."""
        self.teacher.update(self.refiner)

    def forward(self, source: PoseOutput, target: PoseOutput) -> tuple[Refined, Refined]:
        """Return the block's outputs for the student's outputs of both domains."""
        with kept_running_statistics(self.refiner, self.statistics == "target"):
            on_source: Refined = self.refiner(source)
        with kept_running_statistics(self.refiner, self.statistics == "source"):
            on_target: Refined = self.refiner(target)
        return on_source, on_target

    def teaching(self, teacher: PoseModel) -> Callable[[Tensor], PoseOutput]:
        """Return the averaged model with the averaged block's heatmaps in place of its own."""
        block = self.teacher.module.eval()

        def predict(images: Tensor) -> PoseOutput:
            output: PoseOutput = teacher(images)
            return output._replace(heatmaps=block(output).heatmaps)

        return predict


@torch.no_grad()
def easiest(
    errors: Float[Tensor, "B K"], valid: Bool[Tensor, "B K"], share: float
) -> Bool[Tensor, "B K"]:
    """Mark in each image the joints with the smallest errors: a fraction ``share``, only valid joints.

    A label with a large error is more often wrong than hard (the paper's online mining of reliable
    keypoints). At least one joint of an image counts, if any of its joints is valid.
    """
    count = max(1, round(share * errors.shape[1]))
    smallest = torch.where(valid, errors, torch.inf).topk(count, dim=1, largest=False).indices
    chosen = torch.zeros_like(valid).scatter(1, smallest, True)
    return chosen & valid


def rising(done: float, within: float) -> float:
    """Return the weight of the updated labels: exp(-5 (1 - t)^2), t = done / within, at most 1.

    Args:
        done: fraction of the adaptation that is over.
        within: fraction of it within which the weight rises.
    """
    return math.exp(-5 * (1 - _part(done, within)) ** 2)


def falling(done: float, within: float, least: float) -> float:
    """Return the weight of the first labels: a half cosine from 1 towards 0, at least ``least``."""
    return max(least, 0.5 * (1 + math.cos(math.pi * _part(done, within))))


def _part(done: float, within: float) -> float:
    return min(1.0, done / within) if within > 0 else 1.0
