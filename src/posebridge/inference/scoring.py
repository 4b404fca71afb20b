"""Scores of a model on labeled images. Training never calls this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.crops import to_crop
from posebridge.data.keypoint_mapping import remapped
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.evaluation import Predictions, Results, evaluate_predictions
from posebridge.evaluation.metrics import published_pck_of_cells
from posebridge.inference.predictor import PosePredictions, Predictor
from posebridge.skeleton import SkeletonMatch, match_skeletons, read_mapping


def score(
    predictor: Predictor,
    labels: LabeledSamples,
    *,
    thresholds: Sequence[float] = (0.05, 0.1),
    normalizer: str = "crop",
    mapping: Path | str | None = None,
    protocol: Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Results, PosePredictions]:
    """Return the scores of a model on labeled images, and its predictions.

    Images that cannot be read are left out and counted in the protocol. Labels of another skeleton
    are matched by name and ``mapping`` (:func:`labels_for`); joints without partner are not scored.

    Raises:
        InputError: no keypoint is one of the model's, nothing readable, or nothing labeled.
    """
    labels, match = labels_for(predictor, labels, mapping)
    if not match.is_identity:
        protocol = {
            "labels_skeleton": list(match.source.keypoints),
            "matched_keypoints": {target: source for target, source, _ in match.rows()},
            **(protocol or {}),
        }
    if predictor.tta.times > 1:
        protocol = {**asdict(predictor.tta), **(protocol or {})}
    found = predictor.predict(labels.images, workers=workers, progress=progress)
    read = labels.subset(found.rows)
    size = predictor.network.heatmap_size
    published = published_pck_of_cells(
        found.cells, _published_cells(read, found, predictor), (size, size)
    )
    results = evaluate_predictions(
        Predictions(found.points, found.confidence, found.regions[:, 2].astype(np.float32)),
        read,
        thresholds=thresholds,
        normalizer=normalizer,
        published=published.percentages(read.skeleton),
        protocol={
            "model": predictor.network.name,
            "step": predictor.network.notes.get("step"),
            "weights": predictor.network.notes.get("weights"),
            "unreadable_images": len(found.skipped),
            **(protocol or {}),
        },
    )
    return results, found


def labels_for(
    predictor: Predictor, labels: LabeledSamples, mapping: Path | str | None = None
) -> tuple[LabeledSamples, SkeletonMatch]:
    """Return labels with the keypoints of a model, and how the skeletons matched.

    A keypoint without partner is unlabeled.

    Args:
        mapping: a file of :func:`~posebridge.skeleton.read_mapping`, the model's keypoint: the label's.

    Raises:
        InputError: nothing matches, or the mapping names an unknown keypoint.
    """
    try:
        match = match_skeletons(
            labels.skeleton,
            predictor.skeleton,
            None if mapping is None else read_mapping(mapping),
            mapping_name=str(mapping),
        )
    except InputError as error:
        raise InputError(
            f"the labels {labels.images.name} do not fit the model {predictor.network.name}: "
            f"{error}"
        ) from error
    return remapped(labels, match), match


def _published_cells(
    labels: LabeledSamples, found: PosePredictions, predictor: Predictor
) -> np.ndarray:
    """Return the labels' cells by the released rule.

    A cell is crop / stride + 0.5, truncated; (0, 0) outside of the crop.
    """
    size = predictor.network.heatmap_size
    in_crop = to_crop(labels.points.astype(np.float64), found.regions, predictor.crop.size)
    cells = np.trunc(in_crop / (predictor.crop.size / size) + 0.5)
    inside = ((cells >= 0) & (cells < size)).all(axis=-1) & labels.labeled
    return np.where(inside[..., None], cells, 0.0)
