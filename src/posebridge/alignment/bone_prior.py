"""Bone prior: a lower weight for pseudo-labels with longer bones than the source ever shows."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from posebridge.alignment.bone_lengths import BoneLengths
from posebridge.alignment.level import Level, register
from posebridge.alignment.pseudo_labels import PseudoLabels
from posebridge.alignment.step import Step
from posebridge.models.pose import PoseModel
from posebridge.ops import affine
from posebridge.ranges import Fraction


@dataclass(frozen=True)
class BonePriorConfig:
    """Bone lengths of the source as a prior for pseudo-labels.

    Attributes:
        weight: how much less the student learns from a keypoint whose bones, relative to the subject's
            other bones, are longer than any in the source. 0 ignores bones; 1 learns nothing from a
            keypoint without a plausible bone.
    """

    weight: Fraction = 0.0


@register
class BonePrior(Level):
    """A lower weight for pseudo-labels with longer bones than the source ever shows."""

    name = "bone_prior"
    config_type = BonePriorConfig
    needs = frozenset({"target", "bones"})
    pushes = frozenset({"pose_prior"})
    description = "bones of plausible lengths"

    config: BonePriorConfig
    bones: BoneLengths

    def build(self, model: PoseModel, channels: int) -> None:
        assert self.setup.bones is not None
        self.bones = self.setup.bones  # moves with the level to its device

    def on_pseudo_labels(self, labels: PseudoLabels, step: Step) -> PseudoLabels:
        assert step.target_views is not None
        plausible = self.plausible(labels, step.target_views, step.mirror)
        return labels._replace(weight=labels.weight * plausible, plausible=plausible)

    def plausible(
        self, labels: PseudoLabels, student_views: affine.Views, mirror: Tensor
    ) -> Float[Tensor, "B K"]:
        """Return 1 - weight (1 - plausible), computed in the crop, where no shear stretches a bone."""
        in_crop = affine.points_to_crop(labels.points, student_views, mirror)
        known = affine.swap_sides(labels.confidence > 0, student_views.flipped, mirror)
        plausible = affine.swap_sides(
            self.bones.plausible(in_crop, known), student_views.flipped, mirror
        )
        return 1 - self.config.weight * (1 - plausible)
