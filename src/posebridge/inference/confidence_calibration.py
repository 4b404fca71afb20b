"""Calibration of both models' confidence: fitted and checked on labeled images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from posebridge.data.samples import LabeledSamples
from posebridge.evaluation.bootstrap import by_image, paired_bootstrap
from posebridge.evaluation.calibration import (
    Calibration,
    Reliability,
    fit_calibration,
    reliability,
)
from posebridge.evaluation.metrics import distances
from posebridge.evaluation.run_comparison import Trust
from posebridge.inference.predictor import Predictor
from posebridge.validators.validators import Answers

DISTANCES = (0.05, 0.1)
MODELS = ("source", "adapted")


@dataclass(frozen=True)
class Scored:
    """One model on N labeled images.

    Attributes:
        peaks: (N, K). ratio: (N, K) errors over the crop's side, NaN where unlabeled.
        labels: (N, K, 2) over the crop's side, NaN where unlabeled.
        files: (N,) of the images.
    """

    peaks: np.ndarray
    ratio: np.ndarray
    labels: np.ndarray
    files: np.ndarray


def score_joints(predictor: Predictor, labels: LabeledSamples) -> Scored:
    """Return peaks and errors on the labeled images that can be read."""
    found = predictor.predict(labels.images)
    read = labels.subset(found.rows)
    apart = distances(found.points, read.points, read.labeled)
    sides = found.regions[:, 2:3]
    places = np.where(read.labeled[..., None], read.points, np.nan) / sides[..., None]
    return Scored(found.confidence, apart / sides, places, read.images.files)


def fit_trust(
    source: Mapping[str, Scored],
    target: Mapping[str, Scored],
    answers: Mapping[str, Answers],
    files: np.ndarray,
    seed: int,
) -> tuple[tuple[Trust, ...], dict[str, list[Calibration]]]:
    """Fit on one half of the labeled source images and check on the other; nothing without labels."""
    if not source:
        return (), {model: [] for model in MODELS}
    names, group = np.unique(source["adapted"].files, return_inverse=True)
    fitted = (np.random.default_rng([seed, 6]).permutation(len(names)) < len(names) / 2)[group]
    found, maps = [], {model: [] for model in MODELS}
    for within in DISTANCES:
        fits = {
            m: fit_calibration(source[m].peaks[fitted], source[m].ratio[fitted], within)
            for m in MODELS
        }
        if any(fit is None for fit in fits.values()):
            continue
        calibrated = {}
        for model in MODELS:
            fit = fits[model]
            assert fit is not None
            maps[model].append(fit)
            peaks = answers[model].confidence.clamp(0, 1).cpu().numpy()
            calibrated[model] = np.stack(
                [100 * fit(peaks).mean(axis=1), np.ones(len(peaks))], axis=1
            )
        on_source = {m: _reliable(source[m], ~fitted, fits[m], within) for m in MODELS}
        on_target = target.get("adapted")
        every = slice(None)
        found.append(
            Trust(
                within=within,
                peaks=_reliable(source["adapted"], ~fitted, None, within),
                source=on_source["source"],
                adapted=on_source["adapted"],
                promised=paired_bootstrap(*(by_image(calibrated[m], files) for m in MODELS)),
                target=on_target and _reliable(on_target, every, fits["adapted"], within),
                target_peaks=on_target and _reliable(on_target, every, None, within),
            )
        )
    return tuple(found), maps


def _reliable(
    scored: Scored, rows: np.ndarray | slice, fit: Calibration | None, within: float
) -> Reliability | None:
    """Return the reliability of calibrated confidence, or of peaks without a calibration."""
    peaks, ratio = scored.peaks[rows], scored.ratio[rows]
    known = ~np.isnan(ratio)
    calibrated = peaks if fit is None else fit(peaks)
    return reliability(calibrated[known], ratio[known] <= within)
