"""One step of adaptation, as a LightningModule that reads top to bottom."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from posebridge.alignment.bone_prior import BoneLengths
from posebridge.alignment.l2sp import Anchor
from posebridge.alignment.style_transfer import ImageLevel
from posebridge.data.loaders import Batch, SourceBatch
from posebridge.models.batchnorm import kept_running_statistics
from posebridge.models.discriminator import PatchDiscriminator
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.ops import color_augmentation, facing
from posebridge.ops.augmentation import draw_views, render_views
from posebridge.skeleton import Skeleton
from posebridge.training.auxiliary_networks import Auxiliaries
from posebridge.training.config import AdaptConfig
from posebridge.training.diagnostics import Preview, Watch, term_figures
from posebridge.training.label_shift import FacingShare
from posebridge.training.loss_terms import (
    Figures,
    coarse_to_fine,
    consistency_level,
    disparity_level,
    feature_level,
    pose_level,
    source_level,
)
from posebridge.training.optimizer import optimizer_of, set_rates
from posebridge.training.pseudo_labels import label, occlude
from posebridge.training.schedule import (
    TERMS,
    kept_share,
    learning_rate,
    mined_share,
    step_generator,
    weight,
)
from posebridge.training.source_views import SourceViews, source_views


class Adapter(pl.LightningModule):
    """Student, teacher and discriminator, and how one batch changes them.

    Args:
        config: every setting.
        skeleton: of the source.
        model: the student at the start.
        image_level: its bank filled, or of style ``none``.
        bones: of the source; pseudo-labels are measured against them where ``prior.weight`` is set.
    """

    mirror: Tensor
    trunk: Tensor

    def __init__(
        self,
        config: AdaptConfig,
        skeleton: Skeleton,
        model: PoseModel,
        image_level: ImageLevel,
        bones: BoneLengths | None = None,
    ) -> None:
        super().__init__()
        self.config, self.skeleton = config, skeleton
        # A loaded model is in evaluation mode, and Lightning leaves modes as they are.
        self.student = model.train()
        self.teacher = ModelEmaV3(model, decay=config.teacher_decay)
        self.teacher.requires_grad_(False)
        self.auxiliary = Auxiliaries(config, model)
        # Its own seed, so that it does not depend on whether the student was drawn or loaded.
        torch.manual_seed(config.seed + 1)
        judged = self.auxiliary.judged_channels or model.feature_channels
        self.discriminator = PatchDiscriminator(judged, config.feature.width)
        # Outside the module tree: a fixed network and a bank are no state of the run.
        self._image_level = [image_level]
        self.register_buffer("mirror", torch.tensor(skeleton.mirror), persistent=False)
        quads = facing.trunk(skeleton) if model.facing is not None else []
        self.register_buffer("trunk", torch.tensor(quads), persistent=False)
        self.bones = bones if config.prior.weight > 0 else None
        self.anchor = Anchor(config.anchor)
        corrects = model.facing is not None and config.facing_share == "target"
        self.facing_share = FacingShare() if corrects else None
        self.watch = Watch(TERMS)
        self._step = 0
        self._figures: Figures = {}
        self.first_step = config.first_step
        self.validation: list[tuple[int, float]] = []
        self.answered: Tensor | None = None  # (N, K, 2): the validator's last look
        self.unreadable: dict[str, None] = {}
        self.preview: Preview | None = None

    @property
    def step(self) -> int:
        """Steps done, over both stages."""
        return self.first_step + self.global_step

    @property
    def teacher_model(self) -> PoseModel:
        """The averaged model, in evaluation mode."""
        model: PoseModel = self.teacher.module
        return model.eval()

    @property
    def delivered(self) -> PoseModel:
        """What a run delivers: the teacher, corrected by the share of subjects that face either way."""
        shift = 0.0 if self.facing_share is None else self.facing_share.shift()
        if shift == 0.0:
            return self.teacher_model
        model = deepcopy(self.teacher_model)
        assert model.facing is not None
        model.facing.shift_by(shift)
        return model

    @property
    def image_level(self) -> ImageLevel:
        return self._image_level[0]

    # -- one step ------------------------------------------------------------------------------

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """The weighted sum of the losses of one batch."""
        generator = step_generator(self.config.seed, batch.step)
        self._figures = {}
        if batch.step < self.config.steps.source or not self.config.uses_target:
            losses = self._source_only(batch, generator)
        else:
            losses = self._adapt(batch, generator)
        weighted = {
            name: weight(self.config, name, batch.step) * loss for name, loss in losses.items()
        }
        self.watch.look(losses, batch.step)
        if self._logs:
            self._log_terms(losses, weighted)
        return torch.stack(list(weighted.values())).sum()

    def _source_only(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Labelled source views in their own style: the first stage, and the baseline's second."""
        assert batch.source is not None
        seen = self._source_views(batch.source, generator)
        output: PoseOutput = self.student(seen.images)
        self._features = {"source": output.features}
        self.preview = Preview(seen.images, seen.images, seen.points, seen.visible)
        return source_level(output, seen, self.config)

    def _adapt(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """All levels. B crops of each domain, K keypoints, crops of C px, heatmaps of S cells.

        Without a source, those that need none; the settings of the others are off then, see
        :func:`~posebridge.training.initialization.require_no_source_needed`.
        """
        config = self.config
        losses, self._features, self.preview, learned = {}, {}, Preview(), None
        if batch.source is not None:
            shown = self._source_views(batch.source, generator)
            styled = self.image_level(shown.images, "target", config.image.probability, generator)
            with kept_running_statistics(self.student, config.statistics == "target"):
                source: PoseOutput = self.student(styled)  # (B,K,S,S), (B,F,S,S)
            losses = source_level(source, shown, config)
            self._features = {"source": source.features}
            self.preview = Preview(shown.images, styled, shown.points, shown.visible)
            learned = source, shown
        if batch.target is None or not config.uses_target_view:
            return losses

        crops = color_augmentation.pixels(batch.target)
        student_views = draw_views(crops, config.student_view, generator)
        seen = render_views(crops, student_views, config.student_view, generator)
        seen = self.image_level(seen, "source", config.image.back, generator)

        labels = None
        if config.consistency.weight > 0:
            looks, keep = config.consistency.views, kept_share(config, batch.step)
            labeller = self.auxiliary.labelling(self.teacher_model)
            labels = label(
                labeller,
                *(crops, looks, student_views, self.mirror, config, keep, generator, self.bones),
            )
            seen = occlude(seen, labels, config, generator)
            self.preview = self.preview._replace(
                target_views=seen, pseudo_points=labels.points, kept=labels.kept
            )
        with (
            torch.set_grad_enabled(config.learns_from_target),
            kept_running_statistics(self.student, config.statistics == "source"),
        ):
            target: PoseOutput = self.student(seen)
        if config.learns_from_target:
            self._features["target"] = target.features

        if self.facing_share is not None and learned is not None:
            taught = None if labels is None else labels.turned
            self.facing_share.look(learned[1].way, target.turned, taught)

        figures = self._figures if self._logs else None
        judged = None if learned is None else (learned[0].features, target.features)
        refinement, mined = self.auxiliary.refinement, mined_share(config, batch.step)
        if labels is not None and refinement is None:
            losses |= consistency_level(target, labels, config, figures)
        elif labels is not None and refinement is not None and learned is not None:
            updated = label(
                refinement.teaching(self.teacher_model),
                *(crops, 1, student_views, self.mirror, config, 1.0, generator, self.bones),
            )
            found, judged = coarse_to_fine(
                refinement, *learned, target, labels, updated, mined, config, figures
            )
            losses |= found
        if config.feature.weight > 0 and judged is not None:
            losses |= feature_level(self.discriminator, *judged, figures)
        if config.pose.weight > 0:
            losses |= pose_level(target, config, figures)
        if self.auxiliary.regressor is not None and learned is not None:
            source, shown = learned
            losses |= disparity_level(
                self.auxiliary.regressor, source, shown.visible, target, config
            )
        return losses

    # -- parts of a step -----------------------------------------------------------------------

    def _source_views(self, batch: SourceBatch, generator: torch.Generator) -> SourceViews:
        trunk = None if self.student.facing is None else self.trunk
        return source_views(batch, self.config.source_view, self.mirror, trunk, generator)

    # -- Lightning's hooks ---------------------------------------------------------------------

    def configure_optimizers(self) -> torch.optim.Optimizer:
        others = [
            (list(self.discriminator.parameters()), self.config.feature.lr),
            *self.auxiliary.trained(),
        ]
        return optimizer_of(self.config, self.first_step, self.student, others)

    def on_train_batch_start(self, batch: Batch, _: int) -> None:
        step = self._step = batch.step
        # Whatever a network draws by itself (dropout, drop path) depends on the step as well.
        torch.manual_seed(self.config.seed * 1_000_003 + step)
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        set_rates(optimizer.param_groups, self.config, step)
        if step == self.config.steps.source:
            # The stages are two trainings: the optimizer starts anew, so that starting from a
            # stored source model gives the same weights.
            optimizer.state.clear()
            self.anchor.hold(self.student)
        self.auxiliary.begin(step, self.student)
        for line in batch.unreadable:
            self.unreadable[line] = None

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """The optimizer's step and, right after it, the teacher's."""
        super().optimizer_step(*args, **kwargs)
        if self._step < self.config.steps.source:
            if self._step == self.config.steps.source - 1:
                self.teacher.set(self.student)
        else:
            optimizer = self.optimizers()
            assert isinstance(optimizer, LightningOptimizer)
            self.anchor.pull(self.student, optimizer.optimizer)
            self.teacher.update(self.student)
            self.auxiliary.follow()

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _: int) -> Batch:
        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        return batch._replace(
            source=None if batch.source is None else SourceBatch(*(move(t) for t in batch.source)),
            target=None if batch.target is None else move(batch.target),
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["validation"] = [list(v) for v in self.validation]
        checkpoint["answered"] = self.answered
        checkpoint["anchor"] = self.anchor.start
        checkpoint["unreadable"] = list(self.unreadable)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.validation = [(int(s), float(v)) for s, v in checkpoint["validation"]]
        self.unreadable = dict.fromkeys(checkpoint["unreadable"])
        self.answered = checkpoint.get("answered")
        self.anchor.load(checkpoint.get("anchor", {}))

    # -- what is logged ------------------------------------------------------------------------

    @property
    def _logs(self) -> bool:
        return self._step % self.config.steps.log_every == 0

    def _log_terms(self, losses: dict[str, Tensor], weighted: dict[str, Tensor]) -> None:
        features = list(self._features.values())
        self._figures |= term_figures(losses, weighted, features)
        self._figures["lr"] = learning_rate(self.config, self._step)
        figures = {name: float(torch.as_tensor(v).detach()) for name, v in self._figures.items()}
        for logger in self.loggers:
            logger.log_metrics(figures, self._step)
