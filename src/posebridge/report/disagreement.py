"""Disagreement of two models on the same images, as tables and as images."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from posebridge.data.crops import to_crop
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.files.whole import write_text
from posebridge.inference.predictor import PosePredictions
from posebridge.report.overlays import draw_poses, read_crop, sheet, write_picture
from posebridge.skeleton import Skeleton

APART = 0.05
"""Fraction of the crop's side beyond which two keypoints count as apart; the threshold of PCK@0.05."""

_SIDE = 192
_LARGE = 384


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Two models' keypoints for the same N subjects.

    Attributes:
        names: display names of the two models.
        first, second: predictions of the two models, for the same subjects in the same order.
        skeleton: the skeleton of both models.
        distances: (N, K) between the keypoints, as fractions of the side of the first model's crop.
        order: (N,) indices of the subjects by mean distance, the largest first.
    """

    names: tuple[str, str]
    first: PosePredictions
    second: PosePredictions
    skeleton: Skeleton
    distances: np.ndarray
    order: np.ndarray


def disagreement(
    names: tuple[str, str],
    first: PosePredictions,
    second: PosePredictions,
    skeleton: Skeleton,
) -> Disagreement:
    """Measure the distance between two models on each joint of each subject.

    Raises:
        InputError: the models did not read the same images.
    """
    if not np.array_equal(first.rows, second.rows):
        raise InputError("the two models did not read the same images; compare them again.")
    apart = np.linalg.norm(
        first.points.astype(np.float64) - second.points.astype(np.float64), axis=-1
    )
    distances = apart / first.regions[:, 2, None]
    order = np.argsort(-distances.mean(axis=1), kind="stable")
    return Disagreement(names, first, second, skeleton, distances, order)


def joint_rows(found: Disagreement) -> list[tuple[str, float, float, float, float, float]]:
    """Return a row for each joint, the largest fraction apart first, and one for all joints.

    A row is (joint, percent apart, median distance, 95 % quantile of the distance, mean confidence
    of the first model, mean confidence of the second). Distances are in percent of the crop's side.
    """
    columns = [(name, [k]) for k, name in enumerate(found.skeleton.keypoints)]
    rows = [
        (
            name,
            100 * float((found.distances[:, joints] > APART).mean()),
            100 * float(np.median(found.distances[:, joints])),
            100 * float(np.quantile(found.distances[:, joints], 0.95)),
            float(found.first.confidence[:, joints].mean()),
            float(found.second.confidence[:, joints].mean()),
        )
        for name, joints in [*columns, ("all", list(range(len(columns))))]
    ]
    return [*sorted(rows[:-1], key=lambda row: (-row[1], -row[2])), rows[-1]]


def joint_table(found: Disagreement) -> Table:
    """Return :func:`joint_rows` as a table for the terminal."""
    table = Table(
        title="disagreement of the two models",
        caption=f"distance in percent of the crop's side; apart: more than {100 * APART:g} %",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("joint", no_wrap=True)
    for head in ("apart, %", "median", "95 % below", "confidence A", "confidence B"):
        table.add_column(head, justify="right")
    rows = joint_rows(found)
    for row in rows:
        table.add_row(
            Text(row[0]),
            *(f"{value:.1f}" for value in row[1:4]),
            *(f"{value:.2f}" for value in row[4:]),
            end_section=row is rows[-2],
        )
    return table


def write_tables(found: Disagreement, files: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Write ``joints.csv``, one row a joint, and ``subjects.csv``, one row a subject.

    Args:
        files: the file name of each subject's image.
    """
    by_joint, by_subject = folder / "joints.csv", folder / "subjects.csv"
    heads = ("joint", "apart_percent", "median_percent", "quantile_95_percent")
    rows = [(n, *(f"{v:.4f}" for v in values)) for n, *values in joint_rows(found)]
    _write_csv(by_joint, [(*heads, "confidence_a", "confidence_b"), *rows])
    rows = [("rank", "image", "subject", "mean_percent", *found.skeleton.keypoints)]
    names = list(files)
    for rank, row in enumerate(found.order, 1):
        percent = 100 * found.distances[row]
        values = (f"{percent.mean():.4f}", *(f"{value:.4f}" for value in percent))
        rows.append((str(rank), names[row], str(found.first.rows[row]), *values))
    _write_csv(by_subject, rows)
    return by_joint, by_subject


def _write_csv(file: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    write_text(file, text.getvalue())


def write_sheet(
    found: Disagreement, file: Path, labels: LabeledSamples | None = None, columns: int = 8
) -> None:
    """Write a sheet of the subjects with the largest distance, a row for each model.

    Args:
        labels: labels of the N subjects, which get a third row.
    """
    rows = found.order[:columns]
    spread = ", ".join(f"{100 * v:.0f}" for v in found.distances[rows].mean(axis=1))
    pictures = [
        (f"A: {found.names[0]}", [_picture(found, row, found.first, _SIDE) for row in rows]),
        (f"B: {found.names[1]}", [_picture(found, row, found.second, _SIDE) for row in rows]),
    ]
    if labels is not None:
        drawn = []
        for row in rows:
            image = _crop(found, row, _SIDE)
            points = to_crop(labels.points[row][None], found.first.regions[row][None], _SIDE)
            drawn.append(draw_poses(image, points, found.skeleton, labels.labeled[row][None]))
        pictures.append(("label", drawn))
    title, first = pictures[0]
    pictures[0] = (f"{title}    (apart by {spread} % of the crop, mean of the joints)", first)
    write_picture(str(file), sheet(pictures, _SIDE))


def write_pairs(found: Disagreement, files: Sequence[str], folder: Path, most: int) -> int:
    """Write images with A on the left and B on the right; ``0001_NAME.png`` has the largest distance.

    Returns:
        The number of images written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = found.order[:most]
    for rank, row in enumerate(rows, 1):
        percent = 100 * found.distances[row].mean()
        halves = [
            _titled(_picture(found, row, which, _LARGE), title)
            for which, title in (
                (found.first, f"A: {found.names[0]}"),
                (found.second, f"B: {found.names[1]}    apart by {percent:.1f} %"),
            )
        ]
        gap = np.full((halves[0].shape[0], 4, 3), 255, np.uint8)
        name = f"{rank:04d}_{Path(files[int(row)]).stem}.png"
        write_picture(str(folder / name), np.concatenate([halves[0], gap, halves[1]], axis=1))
    return len(rows)


def _crop(found: Disagreement, row: int, side: int) -> np.ndarray:
    assert found.first.samples is not None
    return read_crop(found.first.samples.path(int(row)), found.first.regions[row], side)


def _picture(found: Disagreement, row: int, which: PosePredictions, side: int) -> np.ndarray:
    """Draw one model's keypoints on the first model's crop, with rings where the models are apart."""
    points = to_crop(which.points[row][None], found.first.regions[row][None], side)
    picture = draw_poses(_crop(found, row, side), points, found.skeleton)
    for joint in np.flatnonzero(found.distances[row] > APART):
        x, y = (round(float(v)) for v in points[0, joint])
        radius = max(5, side // 32)
        cv2.circle(picture, (x, y), radius, (255, 210, 0), max(1, side // 192), cv2.LINE_AA)
    return picture


def _titled(picture: np.ndarray, title: str) -> np.ndarray:
    band = np.full((24, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(band, title, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA)
    return np.concatenate([band, picture])
