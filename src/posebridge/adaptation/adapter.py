"""One step of adaptation, as a LightningModule that reads top to bottom."""

from __future__ import annotations

from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from jaxtyping import Bool, Float
from lightning.pytorch.core.optimizer import LightningOptimizer
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.schedule import learning_rate, ramp, step_generator
from posebridge.adaptation.views import draw_views, render_views
from posebridge.alignment.consistency import most_confident, pseudo_labels, relative_error
from posebridge.alignment.facing import facing_loss, same_way
from posebridge.alignment.feature import domain_accuracy, domain_loss, reverse_gradient
from posebridge.alignment.image import ImageLevel
from posebridge.alignment.pose import information_maximization
from posebridge.data.loaders import Batch
from posebridge.errors import InputError
from posebridge.models.discriminator import PatchDiscriminator
from posebridge.models.normalisation import kept_running_statistics
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.ops import facing, geometry, heatmaps, photometry
from posebridge.skeleton import Skeleton

TERMS = ("source", "consistency", "feature", "pose", "facing", "target_facing")
_OF_THE_SOURCE = ("source", "facing")


class Preview(NamedTuple):
    """What the last step looked at, for pictures; references, nothing is computed for it."""

    source_views: Float[Tensor, "B 3 C C"]
    styled_views: Float[Tensor, "B 3 C C"]
    source_points: Float[Tensor, "B K 2"]
    source_visible: Bool[Tensor, "B K"]
    target_views: Float[Tensor, "B 3 C C"] | None = None
    pseudo_points: Float[Tensor, "B K 2"] | None = None
    kept: Bool[Tensor, "B K"] | None = None


class NonFiniteLoss(RuntimeError):
    """A loss became infinite or not a number; the message names step and term."""


class Adapter(pl.LightningModule):
    """Student, teacher and discriminator, and how one batch changes them.

    Args:
        config: every setting.
        skeleton: of the source.
        model: the student at the start.
        image_level: its bank filled, or of style ``none``.
    """

    mirror: Tensor
    trunk: Tensor
    _first_bad: Tensor

    def __init__(
        self, config: AdaptConfig, skeleton: Skeleton, model: PoseModel, image_level: ImageLevel
    ) -> None:
        super().__init__()
        self.config, self.skeleton = config, skeleton
        # A loaded model is in evaluation mode, and Lightning leaves modes as they are.
        self.student = model.train()
        self.teacher = ModelEmaV3(model, decay=config.teacher_decay)
        self.teacher.requires_grad_(False)
        # Its own seed, so that it does not depend on whether the student was drawn or loaded.
        torch.manual_seed(config.seed + 1)
        self.discriminator = PatchDiscriminator(model.feature_channels, config.feature.width)
        # Outside the module tree: a fixed network and a bank are no state of the run.
        self._image_level = [image_level]
        self.register_buffer("mirror", torch.tensor(skeleton.mirror), persistent=False)
        quads = facing.trunk(skeleton) if model.facing is not None else []
        self.register_buffer("trunk", torch.tensor(quads), persistent=False)
        self.register_buffer("_first_bad", torch.full((len(TERMS),), -1), persistent=False)
        self._step = 0
        self._figures: dict[str, Tensor | float] = {}
        self.first_step = config.steps.source if config.start_from else 0
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
        """The averaged model, in evaluation mode: what a run delivers."""
        model: PoseModel = self.teacher.module
        return model.eval()

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
        weighted = {name: self._weight(name, batch.step) * loss for name, loss in losses.items()}
        self._watch(losses, batch.step)
        if self._logs(batch.step):
            self._log_terms(losses, weighted)
        return torch.stack(list(weighted.values())).sum()

    def _source_only(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Labelled source views in their own style: the first stage, and the baseline's second."""
        views, points, visible, way = self._source_views(batch, generator)
        output: PoseOutput = self.student(views)
        self._features = {"source": output.features}
        self.preview = Preview(views, views, points, visible)
        return self._source_losses(output, points, visible, way)

    def _adapt(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """All levels. B crops of each domain, K keypoints, crops of C px, heatmaps of S cells."""
        config = self.config
        # (B,3,C,C) (B,K,2) (B,K), and which way the subjects face
        plain, points, visible, way = self._source_views(batch, generator)
        styled = self.image_level(plain, "target", config.image.probability, generator)
        with kept_running_statistics(self.student, config.statistics == "target"):
            source: PoseOutput = self.student(styled)  # (B,K,S,S), (B,F,S,S)
        losses = self._source_losses(source, points, visible, way)
        self._features = {"source": source.features}
        self.preview = Preview(plain, styled, points, visible)
        if batch.target is None or not config.uses_target_view:
            return losses

        crops = photometry.pixels(batch.target)
        student_views = draw_views(crops, config.student_view, generator)
        seen = render_views(crops, student_views, config.student_view, generator)
        seen = self.image_level(seen, "source", config.image.back, generator)

        if config.consistency.weight > 0:
            looks = crops.repeat(config.consistency.views, 1, 1, 1)  # (V*B,3,C,C)
            teacher_views = draw_views(looks, config.teacher_view, generator)
            with torch.no_grad():
                clean = render_views(looks, teacher_views, config.teacher_view, generator)
                taught: PoseOutput = self.teacher_model(clean)  # (V*B,K,S,S)
                pseudo = pseudo_labels(
                    taught.heatmaps,
                    teacher_views,
                    student_views,
                    self.mirror,
                    self.student.stride,
                    config.consistency.spread * config.crop.size,
                )
                confident, threshold = most_confident(
                    pseudo.confidence, config.consistency.keep, config.consistency.each_joint
                )
                kept = confident & pseudo.inside
                seen = photometry.occlude(
                    seen,
                    pseudo.points,
                    kept & (pseudo.confidence >= config.consistency.occlusion_confidence),
                    config.consistency.occlusion,
                    round(config.consistency.patch * config.crop.size),
                    generator,
                )
                aim = self._gaussians(pseudo.points)  # (B,K,S,S)
            self.preview = self.preview._replace(
                target_views=seen, pseudo_points=pseudo.points, kept=kept
            )
        with (
            torch.set_grad_enabled(config.learns_from_target),
            kept_running_statistics(self.student, config.statistics == "source"),
        ):
            target: PoseOutput = self.student(seen)
        if config.learns_from_target:
            self._features["target"] = target.features

        if config.consistency.weight > 0:
            losses["consistency"] = relative_error(target.heatmaps, aim, kept, config.model.sigma)
            if target.turned is not None and taught.turned is not None:
                losses["target_facing"] = same_way(
                    target.turned,
                    taught.turned.unflatten(0, (-1, len(crops))),
                    config.consistency.keep,
                )
            if self._logs(batch.step):
                self._log("teacher/kept", kept.float().mean())
                self._log("teacher/inside", pseudo.inside.float().mean())
                self._log("teacher/confidence", pseudo.confidence.mean())
                self._log("teacher/threshold", threshold.mean())
        if config.feature.weight > 0:
            judged = self.discriminator(
                torch.cat([reverse_gradient(source.features), reverse_gradient(target.features)])
            )
            on_source, on_target = judged.chunk(2)
            losses["feature"] = domain_loss(on_source, on_target)
            if self._logs(batch.step):
                self._log("discriminator/accuracy", domain_accuracy(on_source, on_target))
        if config.pose.weight > 0:
            information = information_maximization(target.heatmaps, config.pose.temperature)
            losses["pose"] = information.loss
            if self._logs(batch.step):
                self._log("pose/certainty", information.certainty)
                self._log("pose/diversity", information.diversity)
        return losses

    # -- parts of a step -----------------------------------------------------------------------

    def _source_views(
        self, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, facing.Sides | None]:
        crops, size = photometry.pixels(batch.source.images), self.config.crop.size
        points, visible, way = batch.source.points, batch.source.visible, None
        if self.student.facing is not None:
            way = facing.take_apart(points, visible, self.trunk, self.mirror, size)
            points, visible = way.points, way.visible
        views = draw_views(crops, self.config.source_view, generator)
        images = render_views(crops, views, self.config.source_view, generator)
        points = geometry.points_to_view(points, views, self.mirror)
        visible = geometry.swap_sides(visible, views.flipped, self.mirror)
        return images, points, visible & geometry.inside(points, size), way

    def _gaussians(self, points: Tensor) -> Float[Tensor, "B K S S"]:
        cells = heatmaps.pixels_to_cells(points, self.student.stride)
        return heatmaps.render(cells, self.config.model.heatmap_size, self.config.model.sigma)

    def _source_losses(
        self, output: PoseOutput, points: Tensor, visible: Tensor, way: facing.Sides | None
    ) -> dict[str, Tensor]:
        """L_s in units of a Gaussian's energy, as a mean over visible joints; and the way they face."""
        error = relative_error(
            output.heatmaps, self._gaussians(points), visible, self.config.model.sigma
        )
        losses = {"source": 0.5 * error / visible.float().mean().clamp_min(1e-6)}
        if way is not None and output.turned is not None:
            losses["facing"] = facing_loss(output.turned, way.turned, way.known)
        return losses

    def _weight(self, term: str, step: int) -> float:
        weights = {
            "source": 1.0,
            "consistency": self.config.consistency.weight,
            "feature": self.config.feature.weight,
            "pose": self.config.pose.weight,
            "facing": self.config.facing,
            "target_facing": self.config.facing * self.config.consistency.weight,
        }
        return weights[term] * (1.0 if term in _OF_THE_SOURCE else ramp(self.config, step))

    # -- Lightning's hooks ---------------------------------------------------------------------

    def configure_optimizers(self) -> torch.optim.Optimizer:
        rate = learning_rate(self.config, self.first_step)
        encoder = list(self.student.encoder.parameters())
        theirs = {id(p) for p in encoder}
        others = [p for p in self.student.parameters() if id(p) not in theirs]
        groups = [
            {"params": parameters, "lr": rate * factor, "factor": factor}
            for parameters, factor in (
                (others, 1.0),
                (encoder, self.config.optimizer.encoder),
                (list(self.discriminator.parameters()), self.config.feature.lr),
            )
        ]
        return torch.optim.AdamW(groups, weight_decay=self.config.optimizer.weight_decay)

    def on_train_batch_start(self, batch: Batch, _: int) -> None:
        step = self._step = batch.step
        # Whatever a network draws by itself (dropout, drop path) depends on the step as well.
        torch.manual_seed(self.config.seed * 1_000_003 + step)
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(self.config, step) * group["factor"]
        if step == self.config.steps.source:
            # The stages are two trainings: the optimizer starts anew, so that starting from a
            # stored source model gives the same weights.
            optimizer.state.clear()
        for line in batch.unreadable:
            self.unreadable[line] = None

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """The optimizer's step and, right after it, the teacher's."""
        super().optimizer_step(*args, **kwargs)
        if self._step < self.config.steps.source:
            if self._step == self.config.steps.source - 1:
                self.teacher.set(self.student)
        else:
            self.teacher.update(self.student)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _: int) -> Batch:
        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        return batch._replace(
            source=type(batch.source)(*(move(t) for t in batch.source)),
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

    # -- what is watched and logged ------------------------------------------------------------

    def _watch(self, losses: dict[str, Tensor], step: int) -> None:
        """Remember on the device, without a sync, the first step at which a term is not finite."""
        for place, name in enumerate(TERMS):
            if name in losses:
                bad = ~torch.isfinite(losses[name].detach()) & (self._first_bad[place] < 0)
                self._first_bad[place] = torch.where(bad, step, self._first_bad[place])

    def require_finite(self) -> None:
        """Raise :class:`NonFiniteLoss` if a term was not finite since the run began."""
        first_bad = self._first_bad.tolist()
        for name, step in zip(TERMS, first_bad, strict=True):
            if step >= 0:
                raise NonFiniteLoss(
                    f"the {name} loss was not finite at step {step}; the checkpoints from before "
                    "are kept. Try a lower optimizer.lr, or a smaller weight of that term."
                )

    def _logs(self, step: int) -> bool:
        return step % self.config.steps.log_every == 0

    def _log(self, name: str, value: Tensor | float) -> None:
        self._figures[name] = value

    def _log_terms(self, losses: dict[str, Tensor], weighted: dict[str, Tensor]) -> None:
        """Every loss raw and weighted, and the gradient it brings to the shared features."""
        for name, loss in losses.items():
            self._log(f"loss/{name}", loss.detach())
            self._log(f"weighted/{name}", weighted[name].detach())
            self._log(f"gradient/{name}", self._gradient_norm(weighted[name]))
        self._log("loss/total", torch.stack([w.detach() for w in weighted.values()]).sum())
        self._log("lr", learning_rate(self.config, self._step))
        figures = {name: _number(value) for name, value in self._figures.items()}
        for logger in self.loggers:
            logger.log_metrics(figures, self._step)

    def _gradient_norm(self, weighted: Tensor) -> Tensor:
        """Norm of d(weighted loss) / d(decoder features): passes the head only, so it is cheap."""
        features = list(self._features.values())
        gradients = torch.autograd.grad(weighted, features, retain_graph=True, allow_unused=True)
        squares = [g.float().square().sum() for g in gradients if g is not None]
        return torch.stack(squares).sum().sqrt() if squares else torch.zeros(())


def _number(value: Tensor | float) -> float:
    return float(value.detach()) if isinstance(value, Tensor) else value


def build_model(config: AdaptConfig, skeleton: Skeleton) -> PoseModel:
    """A new student, its random parts drawn from the seed.

    Raises:
        InputError: encoder, weights and sizes do not go together.
    """
    if config.steps.source + config.steps.adaptation == 0:
        raise InputError("steps.source and steps.adaptation are both 0; there is nothing to train.")
    torch.manual_seed(config.seed)
    return PoseModel(config.model, len(skeleton), config.crop.size)
