"""One step of adaptation, as a LightningModule that reads top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from posebridge.alignment.bone_lengths import BoneLengths
from posebridge.alignment.heatmap_loss import aim_heatmaps, supervised_loss
from posebridge.alignment.level import Level, Setup, levels_on
from posebridge.alignment.step import Metrics, SourceViews, Step
from posebridge.alignment.style_bank import StyleBank
from posebridge.data.loaders import Batch, SourceBatch
from posebridge.models.batchnorm import kept_running_statistics
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.ops import color_augmentation, facing
from posebridge.ops.augmentation import draw_views, render_views
from posebridge.skeleton import Skeleton
from posebridge.training.config import AdaptConfig
from posebridge.training.diagnostics import FiniteLossGuard, Preview, term_metrics
from posebridge.training.optimizer import make_optimizer, set_rates
from posebridge.training.schedule import learning_rate, loss_weight, step_generator
from posebridge.training.source_views import source_views


class Adapter(pl.LightningModule):
    """Student, teacher and the active levels, with the step that trains them.

    Args:
        config: every setting.
        skeleton: the source's skeleton.
        model: the student at the start.
        style_bank: a filled bank; None where no level needs one.
        bones: bone lengths of the source, for the bone prior.
    """

    mirror: Tensor
    trunk: Tensor

    def __init__(
        self,
        config: AdaptConfig,
        skeleton: Skeleton,
        model: PoseModel,
        style_bank: StyleBank | None = None,
        bones: BoneLengths | None = None,
    ) -> None:
        super().__init__()
        self.config, self.skeleton = config, skeleton
        # A loaded model is in evaluation mode, and Lightning does not change modes.
        self.student = model.train()
        self.teacher = ModelEmaV3(model, decay=config.ema_decay)
        self.teacher.requires_grad_(False)
        self.setup_of_levels = make_setup(config, style_bank, bones)
        self.levels = nn.ModuleDict(build_levels(config, self.setup_of_levels, model))
        self.register_buffer("mirror", torch.tensor(skeleton.mirror), persistent=False)
        quads = facing.trunk(skeleton) if model.facing is not None else []
        self.register_buffer("trunk", torch.tensor(quads), persistent=False)
        self.watch = FiniteLossGuard(
            ["source", *(term for level in self._on for term in level.terms)]
        )
        self._step = 0
        self._metrics: Metrics = {}
        self.first_step = config.first_step
        self.validation: list[tuple[int, float]] = []
        self.answered: Tensor | None = None  # (N, K, 2): points of the last validation
        self.unreadable: dict[str, None] = {}
        self.preview: Preview | None = None

    @property
    def _on(self) -> Sequence[Level]:
        """The levels that are on, in the order of a step."""
        return cast("Sequence[Level]", list(self.levels.values()))

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
        """The model that a run outputs: the teacher, as the levels correct it."""
        model = self.teacher_model
        for level in self._on:
            model = level.deliver(model)
        return model

    # -- one step ------------------------------------------------------------------------------

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the weighted sum of the losses of one batch."""
        step = self._new_step(batch)
        if batch.step < self.config.steps.source or not self.config.uses_target:
            losses = self._source_only(batch, step)
        else:
            losses = self._adapt(batch, step)
        weighted = {
            name: loss_weight(self.config, self._on, name, batch.step) * loss
            for name, loss in losses.items()
        }
        self.watch.look(losses, batch.step)
        if self._logs:
            self._log_terms(losses, weighted)
        return torch.stack(list(weighted.values())).sum()

    def _new_step(self, batch: Batch) -> Step:
        self._metrics, self._features = {}, {}
        return Step(
            number=batch.step,
            progress=self.setup_of_levels.progress(batch.step),
            mirror=self.mirror,
            generator=step_generator(self.config.seed, batch.step),
            teacher=self.teacher_model,
            levels=self._on,
            metrics=self._metrics if self._logs else None,
        )

    def _source_only(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Return the losses of labeled source views, without style transfer or a target batch."""
        assert batch.source is not None
        views = step.source_views = self._source_views(batch.source, step.generator)
        step.source_images = views.images
        step.source = self.student(views.images)
        self.preview = Preview(views.images, views.images, views.points, views.visible)
        return self._source_losses(step)

    def _adapt(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Return the losses of all levels.

        Shapes: B crops of each domain, K keypoints, crops of C px, heatmaps of S cells. Without a
        source, only levels that need no source are on, see
        :func:`~posebridge.training.initialization.require_no_source_needed`.
        """
        config, stats = self.config, self.config.batchnorm_stats
        losses, self.preview = {}, Preview()
        if batch.source is not None:
            views = step.source_views = self._source_views(batch.source, step.generator)
            step.source_images = views.images
            for level in self._on:
                level.on_source_views(step)
            with kept_running_statistics(self.student, stats == "target"):
                step.source = self.student(step.source_images)  # (B,K,S,S), (B,F,S,S)
            losses = self._source_losses(step)
            self.preview = Preview(views.images, step.source_images, views.points, views.visible)
        if batch.target is None or not config.uses_target_view:
            return losses

        crops = step.target_crops = color_augmentation.pixels(batch.target)  # (B,3,C,C)
        step.target_views = draw_views(crops, config.student_view, step.generator)
        step.target_images = render_views(
            crops, step.target_views, config.student_view, step.generator
        )
        for level in self._on:
            level.on_target_views(step)
        if step.labels is not None:
            self.preview = self.preview._replace(
                target_views=step.target_images,
                pseudo_points=step.labels.points,
                kept=step.labels.kept,
            )
        with (
            torch.set_grad_enabled(config.learns_from_target),
            kept_running_statistics(self.student, stats == "source"),
        ):
            target: PoseOutput = self.student(step.target_images)  # (B,K,S,S), (B,F,S,S)
        step.target = target
        if config.learns_from_target:
            self._features["target"] = target.features
        if step.source is not None:
            step.discriminated = step.source.features, target.features

        for level in self._on:
            level.on_outputs(step)
        for level in self._on:
            losses |= level.losses(step)
        return losses

    # -- parts of a step -----------------------------------------------------------------------

    def _source_views(self, batch: SourceBatch, generator: torch.Generator) -> SourceViews:
        trunk = None if self.student.facing is None else self.trunk
        return source_views(batch, self.config.source_view, self.mirror, trunk, generator)

    def _source_losses(self, step: Step) -> dict[str, Tensor]:
        """Return L_s, and the losses that levels take on the source's labels."""
        views, output, config = step.source_views, step.source, self.config
        assert views is not None and output is not None
        self._features["source"] = output.features
        sigma = config.model.sigma
        aim = aim_heatmaps(views.points, config.crop.size, config.model.heatmap_size, sigma)
        losses = {"source": supervised_loss(output.heatmaps, aim, views.visible, sigma)}
        for level in self._on:
            losses |= level.source_losses(step)
        return losses

    # -- Lightning's hooks ---------------------------------------------------------------------

    def configure_optimizers(self) -> torch.optim.Optimizer:
        others = [group for level in reversed(self._on) for group in level.parameter_groups()]
        return make_optimizer(self.config, self.first_step, self.student, others)

    def on_train_batch_start(self, batch: Batch, _: int) -> None:
        step = self._step = batch.step
        # Random layers of a network (dropout, drop path) depend on the step as well.
        torch.manual_seed(self.config.seed * 1_000_003 + step)
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        set_rates(optimizer.param_groups, self.config, step)
        if step == self.config.steps.source:
            # The stages are two trainings: the optimizer is reset, so that a run from a stored
            # source model gets equal weights.
            optimizer.state.clear()
        for level in self._on:
            level.begin_step(step, self.student)
        for line in batch.unreadable:
            self.unreadable[line] = None

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step the optimizer and then update the teacher."""
        super().optimizer_step(*args, **kwargs)
        if self._step < self.config.steps.source:
            if self._step == self.config.steps.source - 1:
                self.teacher.set(self.student)
        else:
            optimizer = self.optimizers()
            assert isinstance(optimizer, LightningOptimizer)
            for level in self._on:
                level.after_step(self.student, optimizer.optimizer)
            self.teacher.update(self.student)

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
        checkpoint["unreadable"] = list(self.unreadable)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.validation = [(int(s), float(v)) for s, v in checkpoint["validation"]]
        self.unreadable = dict.fromkeys(checkpoint["unreadable"])
        self.answered = checkpoint.get("answered")

    # -- logging -------------------------------------------------------------------------------

    @property
    def _logs(self) -> bool:
        return self._step % self.config.steps.log_every == 0

    def _log_terms(self, losses: dict[str, Tensor], weighted: dict[str, Tensor]) -> None:
        features = list(self._features.values())
        self._metrics |= term_metrics(losses, weighted, features)
        self._metrics["lr"] = learning_rate(self.config, self._step)
        figures = {name: float(torch.as_tensor(v).detach()) for name, v in self._metrics.items()}
        for logger in self.loggers:
            logger.log_metrics(figures, self._step)


def make_setup(
    config: AdaptConfig, style_bank: StyleBank | None, bones: BoneLengths | None
) -> Setup:
    """Return the run's values that the levels need."""
    return Setup(
        crop_size=config.crop.size,
        heatmap_size=config.model.heatmap_size,
        sigma=config.model.sigma,
        teacher_view=config.teacher_view,
        ema_decay=config.ema_decay,
        batchnorm_stats=config.batchnorm_stats,
        seed=config.seed,
        source_steps=config.steps.source,
        adaptation_steps=config.steps.adaptation,
        style_bank=style_bank,
        bones=bones,
    )


def build_levels(config: AdaptConfig, setup: Setup, model: PoseModel) -> dict[str, nn.Module]:
    """Return the levels that are on by name, with their networks, in the order of a step."""
    built: dict[str, nn.Module] = {}
    channels = model.feature_channels
    for kind, own in levels_on(config.levels()):
        level = built[kind.name] = kind(own, setup)
        level.build(model, channels)
        channels = level.feature_channels or channels
    return built
