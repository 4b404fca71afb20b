"""The contract of a level: one object in one file, which everything finds in the registry.

A level of the method is a subclass of :class:`Level` with the decorator :func:`register`. The trainer
calls the hooks of every level that is on, in the order of registration, and sums the returned losses.
The log, the model card, the report and the comparison of methods read its class attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor, nn

from posebridge.alignment.bone_lengths import BoneLengths
from posebridge.alignment.pseudo_labels import PseudoLabels
from posebridge.alignment.step import Step
from posebridge.alignment.style_bank import StyleBank
from posebridge.models.pose import PoseModel
from posebridge.ops.augmentation_config import AugmentationConfig

Need = Literal["source", "target", "teacher", "style_bank", "bones"]


@dataclass(frozen=True)
class Setup:
    """The properties of a run that levels use in addition to their own config.

    Attributes:
        crop_size: C, side of the crops, pixels. heatmap_size: S, cells on a side.
        sigma: of the Gaussians that heatmaps aim at, cells.
        teacher_view: ranges of the teacher's views.
        ema_decay: of the teacher, and of a level's own averages.
        batchnorm_stats: the images that update running statistics: source, target or both.
        seed: of the run. source_steps, adaptation_steps: lengths of its two stages.
        style_bank: filled, where a level needs it. bones: of the source, where they are known.
    """

    crop_size: int
    heatmap_size: int
    sigma: float
    teacher_view: AugmentationConfig
    ema_decay: float
    batchnorm_stats: str
    seed: int
    source_steps: int
    adaptation_steps: int
    style_bank: StyleBank | None = None
    bones: BoneLengths | None = None

    def progress(self, step: int) -> float:
        """Return the fraction of the adaptation that is over before a step; 0 in the source stage."""
        return max(0, step - self.source_steps) / max(1, self.adaptation_steps)


class Level(nn.Module):
    """One level of alignment: its needs, losses, networks, log, and the validators that it pushes.

    A subclass sets the class attributes and overrides the hooks that it uses; a hook does nothing by
    default. Only levels whose config turns them on are built, so a weight of 0 costs nothing.

    Class attributes:
        name: of its section in the configuration.
        config_type: a frozen dataclass; by default its field ``weight`` turns the level on.
        needs: its requirements, of :data:`Need`.
        terms: names of the losses that it may return.
        supervised: terms that are computed on source labels; ``steps.loss_ramp`` does not apply to them.
        takes_over: terms of other levels that it computes in place of these levels.
        learns_from_target: whether a loss of the level is computed on target images.
        pushes: label-free validators that its loss raises by itself, whether or not the model improves;
            the report does not count them as evidence.
        description: a line for the model card.
    """

    name: ClassVar[str]
    config_type: ClassVar[type]
    needs: ClassVar[frozenset[Need]] = frozenset()
    terms: ClassVar[tuple[str, ...]] = ()
    supervised: ClassVar[tuple[str, ...]] = ()
    takes_over: ClassVar[frozenset[str]] = frozenset()
    learns_from_target: ClassVar[bool] = False
    pushes: ClassVar[frozenset[str]] = frozenset()
    description: ClassVar[str] = ""

    feature_channels: int | None = None
    """Channels of its own features, if it passes them to later levels in place of the model's."""

    def __init__(self, config: Any, setup: Setup) -> None:
        super().__init__()
        self.config, self.setup = config, setup

    # -- the configuration ---------------------------------------------------------------------

    @classmethod
    def active_settings(cls, config: Any) -> dict[str, float]:
        """Return the config fields that turn the level on, with their values; empty where it is off."""
        return {"weight": config.weight} if config.weight > 0 else {}

    @classmethod
    def is_on(cls, config: Any) -> bool:
        """Return whether a config turns the level on."""
        return bool(cls.active_settings(config))

    @classmethod
    def turned_off(cls) -> Any:
        """Return the level's default config, with the level off."""
        return replace(cls.config_type(), weight=0.0)

    @classmethod
    def describe(cls, config: Any) -> list[str]:
        """Return the lines for the model card of a level that is on."""
        return [cls.description]

    # -- before a run --------------------------------------------------------------------------

    def build(self, model: PoseModel, channels: int) -> None:
        """Create the networks, from a seed of their own (:meth:`seed`).

        Args:
            model: the student at the start. channels: of the features that discriminators take.
        """

    def seed(self, number: int) -> None:
        """Seed PyTorch apart from other levels, so that no draw depends on which levels are on."""
        torch.manual_seed(self.setup.seed + number)

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return the parameters to train, with learning rates as multiples of the student's."""
        return []

    # -- one step, in this order ---------------------------------------------------------------

    def begin_step(self, step: int, student: PoseModel) -> None:
        """Prepare before a step, such as at the start of the adaptation."""

    def on_source_views(self, step: Step) -> None:
        """Change ``step.source_images`` before the student's forward pass."""

    def on_target_views(self, step: Step) -> None:
        """Change ``step.target_images``, or make pseudo-labels, before the student's forward pass."""

    def on_pseudo_labels(self, labels: PseudoLabels, step: Step) -> PseudoLabels:
        """Return the pseudo-labels, unchanged or with other weights."""
        return labels

    def on_outputs(self, step: Step) -> None:
        """Read the student's outputs before any loss is computed."""

    def source_losses(self, step: Step) -> dict[str, Tensor]:
        """Return losses on the labeled source views; called in both stages."""
        return {}

    def losses(self, step: Step) -> dict[str, Tensor]:
        """Return the losses of the adaptation by name, each a scalar."""
        return {}

    def after_step(self, student: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Update the level's own state after a step of the optimizer in the adaptation."""

    # -- loss weights --------------------------------------------------------------------------

    def weight(self, term: str, progress: float) -> float:
        """Return the loss weight of one of its terms at a fraction of the adaptation."""
        return float(self.config.weight)

    def scale(self, term: str, progress: float) -> float:
        """Return the factor by which the level multiplies the loss weight of another level's term."""
        return 1.0

    # -- at the end ----------------------------------------------------------------------------

    def deliver(self, model: PoseModel) -> PoseModel:
        """Return the model that a run delivers: the averaged teacher, perhaps corrected."""
        return model


LEVELS: dict[str, type[Level]] = {}
"""Every level by its name, in the order in which a step calls them."""

_Registered = TypeVar("_Registered", bound=type[Level])


def register(level: _Registered) -> _Registered:
    """Add a level to :data:`LEVELS`; raise ValueError where its name is taken."""
    if level.name in LEVELS:
        raise ValueError(f"a level '{level.name}' is registered already")
    LEVELS[level.name] = level
    return level


def levels_on(configs: Mapping[str, Any]) -> Iterator[tuple[type[Level], Any]]:
    """Yield the levels that are on, each with its config; ``configs`` holds a config for each name."""
    for name, level in LEVELS.items():
        if level.is_on(configs[name]):
            yield level, configs[name]
