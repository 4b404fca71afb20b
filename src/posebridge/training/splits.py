"""Training images and held-out images of the two domains, drawn by the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.training.config import AdaptConfig


@dataclass(frozen=True)
class TargetSplit:
    """The target images in two parts that share no image."""

    training: UnlabeledSamples
    held_out: UnlabeledSamples


def split_target(target: UnlabeledSamples, config: AdaptConfig) -> TargetSplit:
    """Hold out whole images for the validator, drawn by the seed.

    A single image cannot be split, and is in both parts.
    """
    images = np.unique(target.files)
    count = min(round(config.validation.fraction * len(images)), config.validation.max_images)
    # At least one for the validator, and at least one to train on.
    count = max(min(count, len(images) - 1), 1)
    if len(images) == 1:
        return TargetSplit(target, target)
    apart, rest = _whole_images(target.files, images, count, [config.seed, 2])
    return TargetSplit(target.subset(rest), target.subset(apart))


@dataclass(frozen=True)
class SourceSplit:
    """The source images in two parts that share no image."""

    training: LabeledSamples
    held_out: LabeledSamples


def split_source(source: LabeledSamples, config: AdaptConfig) -> SourceSplit:
    """Keep the fraction ``validation.source_fraction`` of whole images out of training, drawn by the seed.

    A run that starts from a stored model holds out equal images only if that model's run had an equal
    seed and fraction.
    """
    images = np.unique(source.images.files)
    count = min(round((config.validation.source_fraction or 0.0) * len(images)), len(images) - 1)
    apart, rest = _whole_images(source.images.files, images, count, [config.seed, 4])
    return SourceSplit(source.subset(rest), source.subset(apart))


def _whole_images(
    files: np.ndarray, images: np.ndarray, count: int, seed: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of ``count`` images, drawn by the seed, and all other rows."""
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    apart = np.isin(files, images[chosen])
    return np.flatnonzero(apart), np.flatnonzero(~apart)
