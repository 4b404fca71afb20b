"""Networks that a method needs while it trains, beside student and teacher; none is delivered."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from posebridge.models.adversarial_head import Regressor
from posebridge.models.batchnorm import kept_running_statistics
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.models.refinement_block import Refined, Refiner
from posebridge.training.config import AdaptConfig
from posebridge.training.schedule import round_begins


class Refinement(nn.Module):
    """A refinement block and its average, which teaches it in the outer loop."""

    def __init__(self, model: PoseModel, config: AdaptConfig) -> None:
        super().__init__()
        self.refiner = Refiner(model, config.refine.width)
        self.teacher = ModelEmaV3(self.refiner, decay=config.teacher_decay)
        self.teacher.requires_grad_(False)
        self.statistics = config.statistics

    def begin(self, model: PoseModel) -> None:
        """Start both from the model's own head."""
        self.refiner.begin(model)
        self.teacher.set(self.refiner)

    def follow(self) -> None:
        """Move the average towards the block, buffers included."""
        self.teacher.update(self.refiner)

    def forward(self, source: PoseOutput, target: PoseOutput) -> tuple[Refined, Refined]:
        """What the block makes of the student's outputs of either domain."""
        with kept_running_statistics(self.refiner, self.statistics == "target"):
            on_source: Refined = self.refiner(source)
        with kept_running_statistics(self.refiner, self.statistics == "source"):
            on_target: Refined = self.refiner(target)
        return on_source, on_target

    def teaching(self, teacher: PoseModel) -> Callable[[Tensor], PoseOutput]:
        """The averaged model with the averaged block's heatmaps in place of its own."""
        block = self.teacher.module.eval()

        def look(images: Tensor) -> PoseOutput:
            output: PoseOutput = teacher(images)
            return output._replace(heatmaps=block(output).heatmaps)

        return look


class Auxiliaries(nn.Module):
    """The networks that a configuration asks for; None where it does not.

    Attributes:
        labeller: a copy of the student from the start of a round, which gives the pseudo-labels.
        regressor: the adversary of the disparity level.
        refinement: the refinement block.
    """

    def __init__(self, config: AdaptConfig, model: PoseModel) -> None:
        super().__init__()
        self.config = config
        self.labeller: ModelEmaV3 | None = None
        self.regressor: Regressor | None = None
        self.refinement: Refinement | None = None
        if config.consistency.weight > 0 and config.consistency.rounds > 0:
            self.labeller = ModelEmaV3(model)
            self.labeller.requires_grad_(False)
        # Seeds of their own, so that what one draws does not depend on whether another is there.
        if config.disparity.weight > 0:
            torch.manual_seed(config.seed + 2)
            self.regressor = Regressor(model.feature_channels, model.keypoints)
        if config.refine.weight > 0:
            torch.manual_seed(config.seed + 3)
            self.refinement = Refinement(model, config)

    @property
    def judged_channels(self) -> int | None:
        """Channels of the block's joined maps, where the discriminator judges these."""
        return None if self.refinement is None else self.refinement.refiner.channels

    def labelling(self, teacher: PoseModel) -> PoseModel:
        """Who gives the pseudo-labels: the averaged teacher, or the copy of this round."""
        return teacher if self.labeller is None else self.labeller.module.eval()

    def trained(self) -> list[tuple[list[nn.Parameter], float]]:
        """What the optimizer trains, and its learning rate as a multiple of the student's."""
        groups: list[tuple[list[nn.Parameter], float]] = []
        if self.regressor is not None:
            groups.append((list(self.regressor.parameters()), self.config.disparity.lr))
        if self.refinement is not None:
            groups.append((list(self.refinement.refiner.parameters()), self.config.refine.lr))
        return groups

    def begin(self, step: int, student: PoseModel) -> None:
        """Before a step: what starts from the student at the start of the adaptation, or a round."""
        if self.refinement is not None and step == self.config.steps.source:
            self.refinement.begin(student)
        if self.labeller is not None and round_begins(self.config, step):
            self.labeller.set(student)

    def follow(self) -> None:
        """After a step of the adaptation: averages move on."""
        if self.refinement is not None:
            self.refinement.follow()
