"""Label-free validators: a model and unlabeled target images in, one number out, higher is better.

A model predicts once (:func:`ask`) and every validator reads the resulting :class:`Answers`;
:func:`teacher_student` compares two models and runs both itself. A validator selects the checkpoint
of a run, so its only input from the target is crops: a keypoint that reached it would be a leak.
:func:`source_pck` and :class:`~.pose_prior.PosePrior` use labels of the source.

To add a validator, write a function of ``Answers`` here, a line in ``VALIDATORS`` and one in
``MEASURES``. Add its name to ``ValidationConfig.validator`` if it may select the checkpoint, and a value
worked out by hand to ``tests/validators/test_validators.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from posebridge.models.pose import PoseModel
from posebridge.ops import affine, color_augmentation, facing, heatmaps
from posebridge.ops.augmentation import draw_views, render_views
from posebridge.ops.augmentation_config import AugmentationConfig

# Milder than the views of training: a validator should measure the model, not the augmentation.
VALIDATION_VIEW = AugmentationConfig(rotation=30, shear=0, scale=(0.8, 1.2), color=0.25, flip=0.5)
_TEMPERATURE = 0.1
_COARSE = 16
SURE = 50.0
"""Mean height of the peaks, percent of a label's peak, from which agreement counts in full."""


@dataclass(frozen=True)
class Answers:
    """A model's predictions for N crops of ``size`` pixels; points are in pixels of the crop.

    Attributes:
        size: side of the crops.
        first, second: (N, K, 2) points predicted in two random views, mapped back to the crop.
        seen: (N, K) whether the joint is in both views.
        points: (N, K, 2) points predicted in the unchanged crop.
        confidence: (N, K) the heatmaps' peaks in the unchanged crop.
        entropy: (N, K) entropy of softmax(heatmap / 0.1), divided by the log of the number of cells.
        mean_probability: (K, cells) mean of these softmaxes over the crops.
        descriptors: (N, D) unit vectors: the softmaxes on a coarse grid.
    """

    size: int
    first: Float[Tensor, "N K 2"]
    second: Float[Tensor, "N K 2"]
    seen: Bool[Tensor, "N K"]
    points: Float[Tensor, "N K 2"]
    confidence: Float[Tensor, "N K"]
    entropy: Float[Tensor, "N K"]
    mean_probability: Float[Tensor, "K S2"]
    descriptors: Float[Tensor, "N D"]


@torch.no_grad()
def ask(
    model: PoseModel,
    crops: UInt8[Tensor, "N 3 C C"],
    mirror: Tensor,
    seed: int = 0,
    batch: int = 32,
) -> Answers:
    """Return a model's predictions for every unchanged crop and for two random views of it.

    The views depend on ``seed`` alone, so that every model gets the same views.

    Args:
        mirror: index of each joint's mirror image, on the model's device.
    """
    model.eval()
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    parts: list[tuple[Tensor, ...]] = []
    total = torch.zeros((), device=device)
    for start in range(0, len(crops), batch):
        images = color_augmentation.pixels(crops[start : start + batch].to(device))
        first, first_seen = _points_in_crop(model, images, mirror, generator)
        second, second_seen = _points_in_crop(model, images, mirror, generator)
        maps = named_maps(model, images, mirror)
        confidence = maps.flatten(2).amax(dim=2)
        log_p = torch.log_softmax(maps.flatten(2) / _TEMPERATURE, dim=2)
        p = log_p.exp()
        coarse = F.adaptive_avg_pool2d(p.view_as(maps), min(_COARSE, maps.shape[-1]))
        parts.append(
            (
                first,
                second,
                first_seen & second_seen,
                heatmaps.cells_to_pixels(_cells(model, maps), model.stride),
                confidence,
                -(p * log_p).sum(dim=2) / math.log(p.shape[2]),
                F.normalize(coarse.flatten(1), dim=1),
            )
        )
        total = total + p.sum(dim=0)
    first, second, seen, points, confidence, entropy, descriptors = (
        torch.cat(column) for column in zip(*parts, strict=True)
    )
    return Answers(
        crops.shape[-1],
        *(first, second, seen, points, confidence, entropy),
        mean_probability=total / len(crops),
        descriptors=descriptors,
    )


def agreement(answers: Answers, within: float = 0.05) -> float:
    """Return the percentage of joints whose predictions in two random views agree within a distance.

    ``within`` is a fraction of the crop's side. Joints that leave either view do not count. A model
    that predicts every joint at the center scores 100: agreement does not measure accuracy.
    """
    close = (answers.first - answers.second).norm(dim=-1) <= within * answers.size
    return float(100 * (close & answers.seen).sum() / answers.seen.sum().clamp_min(1))


def confidence(answers: Answers) -> float:
    """Return the mean height of the heatmaps' peaks, percent."""
    return float(100 * answers.confidence.mean())


def confident_agreement(answers: Answers) -> float:
    """Return agreement times confidence, percent.

    Agreement alone is misled by adversarial runs, confidence alone by models that learn from their
    own predictions. The product selects better checkpoints than either (docs/background/validators.md).
    """
    return confident_agreement_score(agreement(answers), confidence(answers))


def confident_agreement_score(agreement: float, confidence: float) -> float:
    """Return agreement times min(confidence / :data:`SURE`, 1), all in percent.

    The limit is for losses that sharpen heatmaps: information maximization raises peaks to several
    times a label's peak while the predictions become wrong.
    """
    return agreement * min(confidence / SURE, 1.0)


def certainty(answers: Answers) -> float:
    """Return minus the mean entropy of the heatmaps, in [-1, 0]."""
    return -float(answers.entropy.mean())


def information(answers: Answers) -> float:
    """Return the mutual information of image and position: entropy of the mean minus mean entropy.

    It is divided by the log of the number of cells and is in [0, 1]. It equals minus the loss of
    information maximization, computed on all images.
    """
    p = answers.mean_probability
    diversity = -torch.special.xlogy(p, p.clamp_min(1e-12)).sum(dim=1).mean() / math.log(p.shape[1])
    return float(diversity - answers.entropy.mean())


def neighborhood_density(answers: Answers, temperature: float = 0.05) -> float:
    """Return the soft neighborhood density (Saito et al., ICCV 2021) of the poses.

    The mean over images of the entropy of softmax(similarities to the other images / temperature).
    High where predictions have many close neighbors. Range: [0, log(N - 1)].
    """
    count = len(answers.descriptors)
    if count < 3:
        return 0.0
    similar = answers.descriptors @ answers.descriptors.T / temperature
    similar.fill_diagonal_(-torch.inf)
    log_p = torch.log_softmax(similar, dim=1)
    return float(-torch.where(log_p > -torch.inf, log_p.exp() * log_p, 0.0).sum(dim=1).mean())


VALIDATORS: Mapping[str, Callable[[Answers], float]] = {
    "confident_agreement": confident_agreement,
    "agreement": agreement,
    "confidence": confidence,
    "certainty": certainty,
    "information": information,
    "neighborhood_density": neighborhood_density,
}
# The name of each validator's number in tables and model cards.
MEASURES: Mapping[str, str] = {
    "confident_agreement": "agreement of two views of held-out target images within 0.05, in full "
    "where mean confidence is 50 or more and in proportion below, percent",
    "agreement": "agreement of two views of held-out target images within 0.05, percent",
    "confidence": "mean confidence on held-out target images, percent",
    "certainty": "minus the entropy of the heatmaps of held-out target images",
    "information": "information that held-out target images give about positions",
    "neighborhood_density": "soft neighborhood density of poses on held-out target images",
}


@torch.no_grad()
def points_in_crops(
    model: PoseModel, crops: UInt8[Tensor, "N 3 C C"], mirror: Tensor, batch: int = 32
) -> Float[Tensor, "N K 2"]:
    """Return a model's predicted points in unchanged crops, in pixels of the crops."""
    model.eval()
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(crops), batch):
        images = color_augmentation.pixels(crops[start : start + batch].to(device))
        cells = _cells(model, named_maps(model, images, mirror))
        parts.append(heatmaps.cells_to_pixels(cells, model.stride))
    return torch.cat(parts)


def source_pck(
    found: Float[Tensor, "N K 2"],
    points: np.ndarray,
    labeled: np.ndarray,
    size: int,
    within: float = 0.05,
) -> float:
    """Return the PCK (percent) on labeled source crops of ``size`` pixels, kept out of training.

    Args:
        found: the model's predictions, from :func:`points_in_crops`.
        points: (N, K, 2) labels, in pixels of the crops.
    """
    distance = (found.cpu() - torch.from_numpy(points).float()).norm(dim=-1)
    counted = torch.from_numpy(labeled)
    close = (distance <= within * size) & counted
    return float(100 * close.sum() / counted.sum().clamp_min(1))


def teacher_student(
    teacher: PoseModel,
    student: PoseModel,
    crops: UInt8[Tensor, "N 3 C C"],
    mirror: Tensor,
    within: float = 0.05,
) -> float:
    """Return the percentage of joints whose predictions by teacher and student agree within a distance.

    Both predict the unchanged crops in evaluation mode. The student's own mode and its running
    statistics do not change.
    """
    points = [points_in_crops(model, crops, mirror) for model in (teacher, deepcopy(student))]
    return settled(points[0], points[1], crops.shape[-1], within)


def settled(before: Tensor, points: Tensor, size: int, within: float = 0.05) -> float:
    """Return the percentage of joints whose predictions at two times agree within a distance.

    Args:
        before, points: (N, K, 2) predictions for the same crops of ``size`` pixels.
    """
    close = (before - points).norm(dim=-1) <= within * size
    return float(100 * close.float().mean())


def mean_rank(values: Mapping[str, list[float]]) -> list[float]:
    """Return the ensemble's scores: the mean of every validator's ranks of the checkpoints, worst 0.

    Args:
        values: validator -> one value for each checkpoint. Equal values share their mean rank.
    """
    ranks = []
    for column in values.values():
        each = np.asarray(column, dtype=np.float64)
        below = (each[None] < each[:, None]).sum(axis=1)
        equal = (each[None] == each[:, None]).sum(axis=1)
        ranks.append(below + (equal - 1) / 2)
    return np.mean(ranks, axis=0).tolist()


def named_maps(model: PoseModel, images: Tensor, mirror: Tensor) -> Float[Tensor, "N K S S"]:
    """Return a model's heatmaps by the names of the joints, for either factorization of left/right."""
    output = model(images)
    return facing.by_name(output.heatmaps.float(), output.turned, mirror)


def _cells(model: PoseModel, maps: Float[Tensor, "N K S S"]) -> Float[Tensor, "N K 2"]:
    """Return the positions of the joints in cells, decoded as for predictions."""
    return heatmaps.decode(heatmaps.fitted(maps, model.config.sigma))[0]


def _points_in_crop(
    model: PoseModel, images: Tensor, mirror: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    views = draw_views(images, VALIDATION_VIEW, generator)
    shown = render_views(images, views, VALIDATION_VIEW, generator)
    cells = _cells(model, named_maps(model, shown, mirror))
    last = model.config.heatmap_size - 1
    seen = ((cells > 0.5) & (cells < last - 0.5)).all(dim=-1)
    points = heatmaps.cells_to_pixels(cells, model.stride)
    return (
        affine.points_to_crop(points, views, mirror),
        affine.swap_sides(seen, views.flipped, mirror),
    )
