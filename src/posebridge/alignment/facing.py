"""Facing: the direction a subject faces, learned on the source and kept consistent on the target."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.alignment.label_shift import LabelShift
from posebridge.alignment.level import Level, register
from posebridge.alignment.step import Step
from posebridge.models.pose import PoseModel
from posebridge.ranges import LossWeight


def facing_loss(
    logit: Float[Tensor, " B"], turned: Float[Tensor, " B"], known: Bool[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Return the cross-entropy of labeled subjects' facing; side views count 0 in the mean."""
    each = F.binary_cross_entropy_with_logits(logit.float(), turned.float(), reduction="none")
    return (each * known).mean()


def same_way(
    student: Float[Tensor, " B"], teacher: Float[Tensor, "V B"], keep: float
) -> Float[Tensor, ""]:
    """Return the cross-entropy of the student against the mean logits of the teacher's views.

    Only the fraction ``keep`` of the images counts, those with the most confident teacher. A mirrored
    or rotated view shows the same side of the body, so logits are the same in every view.
    """
    taught = teacher.float().mean(dim=0)
    confidence = taught.abs()
    count = max(1, round(keep * len(confidence)))
    kept = confidence >= confidence.topk(count).values[-1]
    each = F.binary_cross_entropy_with_logits(
        student.float(), torch.sigmoid(taught), reduction="none"
    )
    return (each * kept).mean()


@dataclass(frozen=True)
class FacingConfig:
    """The direction that a subject faces; used only where model.left_right is facing.

    Attributes:
        weight: loss weight.
        prior: the ratio of subjects that face either way in the exported model: that of the target,
            estimated from the teacher's predictions and the source's labels, or that of the source,
            which leaves the model as it was trained.
    """

    weight: LossWeight = 0.1
    prior: Literal["target", "source"] = "target"


@register
class Facing(Level):
    """The facing of subjects: learned on the source, kept consistent on the target, then corrected."""

    name = "facing"
    config_type = FacingConfig
    terms = ("facing", "target_facing")
    supervised = ("facing",)
    description = "left/right by the way a subject faces"

    config: FacingConfig
    share: LabelShift | None

    @classmethod
    def active_settings(cls, config: Any) -> dict[str, float]:
        # Without a facing head the level does nothing; with a head it may still correct the model.
        return {"weight": config.weight} if config.weight > 0 or config.prior == "target" else {}

    @classmethod
    def turned_off(cls) -> Any:
        return FacingConfig(weight=0.0, prior="source")

    def build(self, model: PoseModel, channels: int) -> None:
        corrects = model.facing is not None and self.config.prior == "target"
        self.share = LabelShift() if corrects else None

    def source_losses(self, step: Step) -> dict[str, Tensor]:
        views, output = step.source_views, step.source
        assert views is not None and output is not None
        if views.way is None or output.turned is None:
            return {}
        return {"facing": facing_loss(output.turned, views.way.turned, views.way.known)}

    def on_outputs(self, step: Step) -> None:
        if self.share is not None and step.source_views is not None and step.target is not None:
            self.share.look(step.source_views.way, step.target.turned, step.taught_facing)

    def losses(self, step: Step) -> dict[str, Tensor]:
        target, taught = step.target, step.taught_facing
        if target is None or target.turned is None or taught is None or step.labels is None:
            return {}
        return {"target_facing": same_way(target.turned, taught, step.labels.keep_ratio)}

    def deliver(self, model: PoseModel) -> PoseModel:
        shift = 0.0 if self.share is None else self.share.shift()
        if shift == 0.0:
            return model
        corrected = deepcopy(model)
        assert corrected.facing is not None
        corrected.facing.shift_by(shift)
        return corrected
