"""The part of each image in every validator, which gives the validator an interval.

A validator (:mod:`posebridge.validators.validators`) is one number about a set of images. This module
splits it into a (numerator, denominator) for each image; the ratio of their sums is the validator.
Means and fractions split exactly. ``information`` is the mean divergence of an image's heatmaps from
the mean of all heatmaps. ``confident_agreement`` is split to first order, and
``neighborhood_density`` by leaving each image out (the jackknife's pseudo-values, Tukey 1958): to
first order a resample of the parts equals the validator of the resampled images.

A validator that is added to ``VALIDATORS`` needs an entry in ``WORDS`` and in :func:`shares`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from posebridge.models.pose import PoseModel
from posebridge.ops import color_augmentation
from posebridge.validators.pose_prior import PosePrior
from posebridge.validators.validators import SURE, Answers, named_maps, neighborhood_density

_TEMPERATURE = 0.1
_NEAR = 0.05


@dataclass(frozen=True)
class Word:
    """The description of a metric for the reader of a report.

    Attributes:
        title, question: of the metric.
        unit: after the number; percent, or none.
        caveat: what a rise does not show.
    """

    title: str
    question: str
    unit: str
    caveat: str


WORDS: Mapping[str, Word] = {
    "agreement": Word(
        "Agreement of two views",
        "Do two random views of a photograph give the same points?",
        "%",
        "A model can agree with itself and be wrong.",
    ),
    "confident_agreement": Word(
        "Confident agreement",
        "Agreement of two views, reduced where peaks are lower than half of a label's. By default it "
        "selects the checkpoint of a run.",
        "%",
        "A model can be consistent, confident and wrong.",
    ),
    "pose_prior": Word(
        "Plausible poses",
        "Are the predicted poses like the poses of the labeled source (log-likelihood)?",
        "",
        "Poses that the source never shows count as implausible, right or not.",
    ),
    "source_pck@0.05": Word(
        "Source accuracy, 0.05",
        "Is the model still right on labeled source images, within 0.05 of the crop's side?",
        "%",
        "It does not measure photographs; a large fall is a warning.",
    ),
    "source_pck@0.10": Word(
        "Source accuracy, 0.10",
        "Is the model still right on labeled source images, within 0.10 of the crop's side?",
        "%",
        "It does not measure photographs; a large fall is a warning.",
    ),
    "information": Word(
        "Information",
        "Are heatmaps narrow for each photograph and different between photographs?",
        "",
        "A narrow heatmap can be wrong.",
    ),
    "neighborhood_density": Word(
        "Neighborhood density",
        "Does each photograph's prediction have close neighbors among the other photographs?",
        "",
        "It falls as heatmaps become narrow and rises as predictions become alike, right or not.",
    ),
    "confidence": Word(
        "Confidence",
        "How high are the heatmaps' peaks?",
        "%",
        "A model that is trained on its own predictions becomes more confident of them.",
    ),
    "certainty": Word(
        "Narrow heatmaps",
        "How little do the heatmaps spread (minus their entropy)?",
        "",
        "A narrow heatmap can be wrong.",
    ),
}


@torch.no_grad()
def image_information(
    model: PoseModel,
    crops: UInt8[Tensor, "N 3 C C"],
    mirror: Tensor,
    mean_probability: Float[Tensor, "K S2"],
    batch: int = 32,
) -> NDArray[np.float64]:
    """Return KL(p_i || mean p) over the log of the cells, a mean over joints, for each image: (N,).

    The mean over images is the validator ``information``: H(mean p) - mean H(p_i) = mean KL(p_i ||
    mean p).

    Args:
        mirror: index of each joint's mirror image, on the model's device.
        mean_probability: from :class:`Answers` for these crops.
    """
    device = next(model.parameters()).device
    log_mean = mean_probability.to(device).clamp_min(1e-12).log()
    parts = []
    for start in range(0, len(crops), batch):
        images = color_augmentation.pixels(crops[start : start + batch].to(device))
        maps = named_maps(model.eval(), images, mirror)
        log_p = torch.log_softmax(maps.flatten(2) / _TEMPERATURE, dim=2)
        divergence = (log_p.exp() * (log_p - log_mean)).sum(dim=2)
        parts.append(divergence.mean(dim=1) / math.log(log_p.shape[2]))
    return torch.cat(parts).double().cpu().numpy()


def shares(
    answers: Answers, information: NDArray[np.float64], prior: PosePrior | None
) -> dict[str, NDArray[np.float64]]:
    """Return every validator's (N, 2) numerators and denominators; the ratio of sums is its value.

    Args:
        information: from :func:`image_information`.
        prior: None leaves ``pose_prior`` out.
    """
    apart = (answers.first - answers.second).norm(dim=-1)
    close = (apart <= _NEAR * answers.size) & answers.seen
    agreement = torch.stack([100.0 * close.sum(dim=1), answers.seen.sum(dim=1)], dim=1)
    confidence = 100 * answers.confidence.mean(dim=1)
    parts = {
        "agreement": agreement.double().cpu().numpy(),
        "confident_agreement": _mean(_product_of_images(agreement, confidence)),
        "confidence": _mean(confidence),
        "certainty": _mean(-answers.entropy.mean(dim=1)),
        "information": _mean(torch.from_numpy(information)),
        "neighborhood_density": _mean(_density_of_images(answers)),
    }
    if prior is not None:
        parts["pose_prior"] = _mean(prior.each(answers))
    return parts


def correct_fractions(ratio: NDArray[np.float64], within: float) -> NDArray[np.float64]:
    """Return PCK's (N, 2) parts: percent times the hits, and the labeled joints, of each subject.

    Args:
        ratio: (N, K) distance from the label over the crop's side; NaN where unlabeled, infinite
            for a prediction that is not finite, which is a miss.
    """
    counted = ~np.isnan(ratio)
    hits = (ratio <= within) & counted
    return np.stack([100.0 * hits.sum(axis=1), counted.sum(axis=1)], axis=1)


def variety(answers: Answers) -> float:
    """Return how much joints move between images: their root mean variance, percent of the side.

    It is 0 for a model that predicts one pose for every image, whatever its agreement and confidence.
    """
    return float(
        100 * (answers.points / answers.size).var(dim=0, correction=0).sum(dim=-1).mean().sqrt()
    )


def merged_sides(points: NDArray[np.floating], pairs: list[tuple[int, int]], side: float) -> float:
    """Return the percentage of left/right pairs whose distance is at most 0.05 of the crop's side.

    A model that confuses left and right predicts both joints between the two; labels rarely coincide.

    Args:
        points: (N, K, 2); NaN where unlabeled. pairs: (left, right) indices.
        side: of the crop, in the pixels of the points.
    """
    if not pairs:
        return float("nan")
    left, right = (list(column) for column in zip(*pairs, strict=True))
    apart = np.linalg.norm(points[:, left] - points[:, right], axis=-1)
    known = np.isfinite(apart)
    return float(100 * (apart[known] <= _NEAR * side).mean()) if known.any() else float("nan")


def _mean(values: Tensor) -> NDArray[np.float64]:
    column = values.double().cpu().numpy()
    return np.stack([column, np.ones_like(column)], axis=1)


def _product_of_images(
    agreement: Float[Tensor, "N 2"], confidence: Float[Tensor, " N"]
) -> Float[Tensor, " N"]:
    """Return (N,) values whose mean is ``confident_agreement``, each image's part to first order."""
    agreement, confidence = agreement.double(), confidence.double()
    count = agreement[:, 1].mean().clamp_min(1e-9)
    mean_agreement, mean_confidence = agreement[:, 0].mean() / count, confidence.mean()
    residue = (agreement[:, 0] - mean_agreement * agreement[:, 1]) / count
    if mean_confidence >= SURE:
        return mean_agreement + residue
    return (mean_agreement * confidence + mean_confidence * residue) / SURE


def _density_of_images(answers: Answers, temperature: float = 0.05) -> Tensor:
    """Return (N,) pseudo-values of ``neighborhood_density``, shifted so that their mean equals it."""
    count = len(answers.descriptors)
    whole = neighborhood_density(answers, temperature)
    if count < 4:
        return torch.full((count,), whole)
    descriptors = answers.descriptors.double()
    similar = descriptors @ descriptors.T / temperature
    similar.fill_diagonal_(-torch.inf)
    highest = similar.max(dim=1, keepdim=True).values
    mass = (similar - highest).exp()
    energy = torch.where(mass > 0, mass * similar, 0.0)
    # Row j, column i: the entropy of j's neighborhood without image i.
    rest = (mass.sum(dim=1, keepdim=True) - mass).clamp_min(1e-300)
    entropy = rest.log() + highest - (energy.sum(dim=1, keepdim=True) - energy) / rest
    entropy.fill_diagonal_(0.0)
    without = entropy.sum(dim=0) / (count - 1)
    pseudo = -(count - 1) * without
    return pseudo - pseudo.mean() + whole
