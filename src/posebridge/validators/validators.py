"""Label-free validators: a model and unlabelled target images in, one number out, higher is better.

A model is asked once (:func:`ask`) and every validator reads the same :class:`Answers`;
:func:`teacher_student` compares two models and asks them itself. No validator takes anything that
belongs to the target but crops: it is what chooses the weights of a run, so a keypoint that reached it
would be a leak. What some know beside the answers comes from the labelled source
(:class:`~posebridge.validators.pose_prior.PosePrior`, :func:`source_pck`).

To add one: a function of ``Answers`` here, a line in ``VALIDATORS`` and in ``MEASURES``, its name in
``TargetConfig.validator`` if it may choose the weights, a value worked out by hand in
``tests/adaptation/test_selection.py``.
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
VALIDATION_VIEW = AugmentationConfig(rotation=30, shear=0, scale=(0.8, 1.2), colour=0.25, flip=0.5)
_TEMPERATURE = 0.1
_COARSE = 16
SURE = 50.0
"""Mean height of the peaks, percent of a label's, above which a model is sure enough."""


@dataclass(frozen=True)
class Answers:
    """What a model says of N crops of ``size`` pixels; points are in pixels of the crop.

    Attributes:
        size: side of the crops.
        first, second: (N, K, 2) points found in two random views, carried back to the crop.
        seen: (N, K) the joint lies in both views.
        points: (N, K, 2) points found in the crop as it is.
        confidence: (N, K) the heatmaps' peaks there.
        entropy: (N, K) of the softmax of each heatmap over 0.1, divided by the log of the cells.
        mean_probability: (K, cells) mean over the crops of those softmaxes.
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
    """Show a model every crop as it is and in two random views.

    The views depend on ``seed`` alone, so that two models are asked the same question.

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
    """Share (percent) of joints that two random views of an image place within a distance.

    ``within`` is a share of the crop's side. Joints that leave either view do not count. A model
    that puts every joint at the centre would score 100: the number compares stages of one run and
    is no measure of truth.
    """
    close = (answers.first - answers.second).norm(dim=-1) <= within * answers.size
    return float(100 * (close & answers.seen).sum() / answers.seen.sum().clamp_min(1))


def confidence(answers: Answers) -> float:
    """Mean height of the heatmaps' peaks, percent."""
    return float(100 * answers.confidence.mean())


def confident_agreement(answers: Answers) -> float:
    """Agreement times confidence, percent: how steady answers are, and how sure.

    Agreement alone is misled by adversarial runs, confidence alone by what learns from its own
    guesses; the product chooses better than either (docs/background/validators.md).
    """
    return steady_and_sure(agreement(answers), confidence(answers))


def steady_and_sure(agreement: float, confidence: float) -> float:
    """Agreement, in full once the mean peak is half of a label's (:data:`SURE`), all in percent.

    Without the bound a loss that sharpens heatmaps could outweigh any fall of agreement: information
    maximization drives peaks to several times a label's while the answers go wrong.
    """
    return agreement * min(confidence / SURE, 1.0)


def certainty(answers: Answers) -> float:
    """Minus the mean entropy of the heatmaps, in [-1, 0]."""
    return -float(answers.entropy.mean())


def information(answers: Answers) -> float:
    """Mutual information of image and position: the entropy of the mean less the mean entropy.

    In [0, 1], over the log of the number of cells; minus the pose level's loss, on all images.
    """
    p = answers.mean_probability
    diversity = -torch.special.xlogy(p, p.clamp_min(1e-12)).sum(dim=1).mean() / math.log(p.shape[1])
    return float(diversity - answers.entropy.mean())


def neighbourhood_density(answers: Answers, temperature: float = 0.05) -> float:
    """Soft neighbourhood density (Saito et al., ICCV 2021) of the poses.

    Mean over images of the entropy of softmax(similarities to the others / temperature): high where
    an image's answer has many close neighbours. In [0, log(N - 1)].
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
    "neighbourhood_density": neighbourhood_density,
}
# The number that each gives, as tables and model cards name it.
MEASURES: Mapping[str, str] = {
    "confident_agreement": "agreement of two views of held-out target images within 0.05, in full "
    "where mean confidence is 50 or more and in proportion below, percent",
    "agreement": "agreement of two views of held-out target images within 0.05, percent",
    "confidence": "mean confidence on held-out target images, percent",
    "certainty": "minus the entropy of the heatmaps of held-out target images",
    "information": "information that held-out target images give about positions",
    "neighbourhood_density": "soft neighbourhood density of poses on held-out target images",
}


@torch.no_grad()
def points_in_crops(
    model: PoseModel, crops: UInt8[Tensor, "N 3 C C"], mirror: Tensor, batch: int = 32
) -> Float[Tensor, "N K 2"]:
    """Where a model puts every joint of the crops as they are, in pixels of the crops."""
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
    labelled: np.ndarray,
    size: int,
    within: float = 0.05,
) -> float:
    """PCK (percent) on labelled source crops of ``size`` pixels that no training saw.

    Args:
        found: what :func:`points_in_crops` says of them.
        points: (N, K, 2) in pixels of the crops.
    """
    distance = (found.cpu() - torch.from_numpy(points).float()).norm(dim=-1)
    counted = torch.from_numpy(labelled)
    close = (distance <= within * size) & counted
    return float(100 * close.sum() / counted.sum().clamp_min(1))


def teacher_student(
    teacher: PoseModel,
    student: PoseModel,
    crops: UInt8[Tensor, "N 3 C C"],
    mirror: Tensor,
    within: float = 0.05,
) -> float:
    """Share (percent) of joints that teacher and student place within a distance of each other.

    Both are asked in evaluation mode about the crops as they are; the student's own mode, and the
    running statistics that it learns, stay as they were.
    """
    found = [points_in_crops(model, crops, mirror) for model in (teacher, deepcopy(student))]
    return settled(found[0], found[1], crops.shape[-1], within)


def settled(before: Tensor, points: Tensor, size: int, within: float = 0.05) -> float:
    """Share (percent) of joints that a model places within a distance of where it did before.

    Args:
        before, points: (N, K, 2) of two looks at the same crops of ``size`` pixels.
    """
    close = (before - points).norm(dim=-1) <= within * size
    return float(100 * close.float().mean())


def mean_rank(values: Mapping[str, list[float]]) -> list[float]:
    """The ensemble: each validator ranks the checkpoints, the ranks (0 is worst) are averaged.

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
    """A model's heatmaps under the names of the joints, whichever way it tells sides apart."""
    output = model(images)
    return facing.by_name(output.heatmaps.float(), output.turned, mirror)


def _cells(model: PoseModel, maps: Float[Tensor, "N K S S"]) -> Float[Tensor, "N K 2"]:
    """Where the joints are, read as whoever uses the model reads them."""
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
