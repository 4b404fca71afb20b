"""What each image says in every validator's word, so that the word gets an interval.

A validator (:mod:`posebridge.validators.validators`) is one number about a set of images. Here it is
taken apart into a (numerator, denominator) for each image whose ratio of sums is that number. Means
and shares fall apart exactly. ``information`` is the mean divergence of an image's heatmaps from the
mean of all, ``confident_agreement`` is taken apart to first order, and ``neighbourhood_density`` by
leaving each image out (the jackknife's pseudo-values, Tukey 1958): to first order their resamples are
those of the validator itself.

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
from posebridge.validators.validators import SURE, Answers, named_maps, neighbourhood_density

_TEMPERATURE = 0.1
_NEAR = 0.05


@dataclass(frozen=True)
class Word:
    """What a figure asks, for a reader.

    Attributes:
        title, question: of the figure.
        unit: after the number; percent, or none.
        caveat: what a rise does not say.
    """

    title: str
    question: str
    unit: str
    caveat: str


WORDS: Mapping[str, Word] = {
    "agreement": Word(
        "Steadiness",
        "Do two random views of a photograph give the same points?",
        "%",
        "A steady model can be steadily wrong.",
    ),
    "confident_agreement": Word(
        "Steady and sure",
        "Steadiness times the height of the peaks, up to half of a label's: what chooses the weights "
        "of a run by default.",
        "%",
        "A model can be steadily and surely wrong.",
    ),
    "pose_prior": Word(
        "Plausible poses",
        "Are the predicted poses shaped like those of the labelled source (log-likelihood)?",
        "",
        "Poses that the source never shows count as odd, right or not.",
    ),
    "source_pck@0.05": Word(
        "Still right on the source, 0.05",
        "Is the model still right on labelled source images, within 0.05 of the crop's side?",
        "%",
        "It says nothing about photographs; a large fall is a warning.",
    ),
    "source_pck@0.10": Word(
        "Still right on the source, 0.10",
        "The same within 0.10 of the crop's side.",
        "%",
        "It says nothing about photographs; a large fall is a warning.",
    ),
    "information": Word(
        "Sure, and of different things",
        "Are heatmaps narrow for each photograph and different between photographs?",
        "",
        "Sure is not right.",
    ),
    "neighbourhood_density": Word(
        "Neighbours",
        "Does each photograph's answer have close neighbours among the others?",
        "",
        "It falls as heatmaps become narrow and rises as answers become alike, right or not.",
    ),
    "confidence": Word(
        "Height of the peaks",
        "How high are the heatmaps' peaks?",
        "%",
        "A model trained on its own guesses becomes surer of them.",
    ),
    "certainty": Word(
        "Narrow heatmaps",
        "How little do the heatmaps spread (minus their entropy)?",
        "",
        "Sure is not right.",
    ),
}


@torch.no_grad()
def information_of_images(
    model: PoseModel,
    crops: UInt8[Tensor, "N 3 C C"],
    mirror: Tensor,
    mean_probability: Float[Tensor, "K S2"],
    batch: int = 32,
) -> NDArray[np.float64]:
    """KL(p_i || mean p) over the log of the cells, a mean over joints, for each image: (N,).

    Their mean is the validator ``information``: H(mean p) - mean H(p_i) = mean KL(p_i || mean p).

    Args:
        mirror: index of each joint's mirror image, on the model's device.
        mean_probability: of :class:`Answers` about the same crops.
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
    """Every validator's (N, 2) numerators and denominators; their ratio of sums is its value.

    Args:
        information: of :func:`information_of_images`.
        prior: None leaves ``pose_prior`` out.
    """
    apart = (answers.first - answers.second).norm(dim=-1)
    close = (apart <= _NEAR * answers.size) & answers.seen
    steady = torch.stack([100.0 * close.sum(dim=1), answers.seen.sum(dim=1)], dim=1)
    sure = 100 * answers.confidence.mean(dim=1)
    found = {
        "agreement": steady.double().cpu().numpy(),
        "confident_agreement": _mean(_product_of_images(steady, sure)),
        "confidence": _mean(sure),
        "certainty": _mean(-answers.entropy.mean(dim=1)),
        "information": _mean(torch.from_numpy(information)),
        "neighbourhood_density": _mean(_density_of_images(answers)),
    }
    if prior is not None:
        found["pose_prior"] = _mean(prior.each(answers))
    return found


def correct_shares(ratio: NDArray[np.float64], within: float) -> NDArray[np.float64]:
    """PCK's (N, 2): percent times the hits, and the labelled joints, of each subject.

    Args:
        ratio: (N, K) distance from the label over the crop's side; NaN where unlabelled, infinite
            for a broken prediction, which is a miss.
    """
    counted = ~np.isnan(ratio)
    hits = (ratio <= within) & counted
    return np.stack([100.0 * hits.sum(axis=1), counted.sum(axis=1)], axis=1)


def variety(answers: Answers) -> float:
    """How much joints move between images: root mean variance of their place, percent of the side.

    0 for a model that gives every image the same pose, however steady and sure it is of it.
    """
    return float(
        100 * (answers.points / answers.size).var(dim=0, correction=0).sum(dim=-1).mean().sqrt()
    )


def merged_sides(points: NDArray[np.floating], pairs: list[tuple[int, int]], side: float) -> float:
    """Share (percent) of left/right pairs that lie within 0.05 of the crop's side of each other.

    A model that cannot tell left from right puts both between the two; labels rarely do.

    Args:
        points: (N, K, 2); NaN where unlabelled. pairs: (left, right) indices.
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
    steady: Float[Tensor, "N 2"], sure: Float[Tensor, " N"]
) -> Float[Tensor, " N"]:
    """(N,) whose mean is ``confident_agreement``: to first order its change with each image."""
    steady, sure = steady.double(), sure.double()
    count = steady[:, 1].mean().clamp_min(1e-9)
    agreement, confidence = steady[:, 0].mean() / count, sure.mean()
    residue = (steady[:, 0] - agreement * steady[:, 1]) / count
    if confidence >= SURE:
        return agreement + residue
    return (agreement * sure + confidence * residue) / SURE


def _density_of_images(answers: Answers, temperature: float = 0.05) -> Tensor:
    """(N,) whose mean is ``neighbourhood_density``: pseudo-values, moved to that mean."""
    count = len(answers.descriptors)
    whole = neighbourhood_density(answers, temperature)
    if count < 4:
        return torch.full((count,), whole)
    descriptors = answers.descriptors.double()
    similar = descriptors @ descriptors.T / temperature
    similar.fill_diagonal_(-torch.inf)
    highest = similar.max(dim=1, keepdim=True).values
    mass = (similar - highest).exp()
    energy = torch.where(mass > 0, mass * similar, 0.0)
    # Row j, column i: the entropy of j's neighbourhood once image i is gone.
    rest = (mass.sum(dim=1, keepdim=True) - mass).clamp_min(1e-300)
    entropy = rest.log() + highest - (energy.sum(dim=1, keepdim=True) - energy) / rest
    entropy.fill_diagonal_(0.0)
    without = entropy.sum(dim=0) / (count - 1)
    pseudo = -(count - 1) * without
    return pseudo - pseudo.mean() + whole
