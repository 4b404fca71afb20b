"""The results of one step of adaptation so far; levels read them and add to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.alignment.pseudo_labels import PseudoLabels
from posebridge.models.pose import PoseModel, PoseOutput
from posebridge.ops import affine, facing

Metrics = dict[str, Tensor | float]


class SourceViews(NamedTuple):
    """Labeled views of source crops.

    Attributes:
        images: in [0, 1].
        points: in pixels of the views.
        visible: labeled, and in the view.
        way: the facing of the subjects, with points in pixels of the crops; None where left and right
            are by name.
    """

    images: Float[Tensor, "B 3 C C"]
    points: Float[Tensor, "B K 2"]
    visible: Bool[Tensor, "B K"]
    way: facing.Sides | None


class LabelHook(Protocol):
    """The part of a :class:`~posebridge.alignment.level.Level` that a step calls."""

    takes_over: ClassVar[frozenset[str]]

    def on_pseudo_labels(self, labels: PseudoLabels, step: Step) -> PseudoLabels: ...


@dataclass
class Step:
    """One step: its draws, its views, the student's outputs, the teacher's labels.

    Attributes:
        number: counted over both stages. progress: fraction of the adaptation that is over.
        mirror: (K,) the partner of each keypoint.
        generator: on the CPU; every draw of the step comes from it.
        teacher: the averaged model, in evaluation mode.
        levels: the levels that are on, in the order of the step.
        source_views: None without a source. source_images: the student's input.
        source, target: the student's outputs.
        target_crops: in [0, 1]. target_views: matrices of the student's views of the crops.
        target_images: the student's input, these views.
        labels: the teacher's pseudo-labels.
        taught_facing: (V, B) the teacher's logits that a subject is turned.
        discriminated: features of both domains, the input of discriminators.
        metrics: metrics to log in addition to the losses; None where the step is not logged.
    """

    number: int
    progress: float
    mirror: Tensor
    generator: torch.Generator
    teacher: PoseModel
    levels: Sequence[LabelHook]
    metrics: Metrics | None = None
    source_views: SourceViews | None = None
    source_images: Float[Tensor, "B 3 C C"] | None = None
    source: PoseOutput | None = None
    target_crops: Float[Tensor, "B 3 C C"] | None = None
    target_views: affine.Views | None = None
    target_images: Float[Tensor, "B 3 C C"] | None = None
    target: PoseOutput | None = None
    labels: PseudoLabels | None = None
    taught_facing: Float[Tensor, "V B"] | None = None
    discriminated: tuple[Tensor, Tensor] | None = None

    def log(self, name: str, value: Tensor | float) -> None:
        """Log a metric if the step is logged."""
        if self.metrics is not None:
            self.metrics[name] = value

    def finish_labels(self, labels: PseudoLabels) -> PseudoLabels:
        """Return pseudo-labels after the hook of every level."""
        for level in self.levels:
            labels = level.on_pseudo_labels(labels, self)
        return labels

    @property
    def taken_over(self) -> frozenset[str]:
        """Return the terms that are computed by another level than their own."""
        return frozenset().union(*(level.takes_over for level in self.levels))
