"""Models side by side on the same labeled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from posebridge.data.crops import to_crop
from posebridge.data.samples import LabeledSamples
from posebridge.inference.predictor import PosePredictions
from posebridge.report.overlays import draw_poses, read_crop, sheet, write_picture

_SIDE = 192


def write_comparison(
    path: Path,
    labels: LabeledSamples,
    models: Sequence[tuple[str, PosePredictions]],
    columns: int = 8,
) -> None:
    """Write a sheet with a row for each model and one for the labels.

    Args:
        labels: the labeled subjects; the columns are spread evenly over them.
        models: title and predictions of each model, on the subjects of ``labels``.
    """
    common = set.intersection(*(set(found.rows.tolist()) for _, found in models))
    rows = np.array(sorted(common))
    rows = rows[np.linspace(0, len(rows) - 1, min(columns, len(rows))).astype(int)]
    pictures = []
    for title, found in models:
        places = np.searchsorted(found.rows, rows)
        pictures.append(
            (title, _row(labels, rows, found.points[places], found.regions[places], None))
        )
    regions = models[0][1].regions[np.searchsorted(models[0][1].rows, rows)]
    pictures.append(
        ("label", _row(labels, rows, labels.points[rows], regions, labels.labeled[rows]))
    )
    write_picture(str(path), sheet(pictures, _SIDE))


def _row(
    labels: LabeledSamples,
    rows: np.ndarray,
    points: np.ndarray,
    regions: np.ndarray,
    shown: np.ndarray | None,
) -> list[np.ndarray]:
    here = to_crop(points, regions, _SIDE)
    drawn = []
    for place, row in enumerate(rows):
        crop = read_crop(labels.images.path(int(row)), regions[place], _SIDE)
        visible = None if shown is None else shown[place][None]
        drawn.append(draw_poses(crop, here[place][None], labels.skeleton, visible))
    return drawn
