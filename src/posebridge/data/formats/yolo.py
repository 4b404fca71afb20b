"""Ultralytics YOLO-pose datasets: images, one text file of labels for each, and ``data.yaml``.

Read and written here rather than through sleap-io, which drops boxes, hidden keypoints and rows that
it does not understand, and writes every image anew.

A line is ``class x y w h`` and x, y (and a flag) for each keypoint, all but class and flag as
fractions of the image's width and height; the box is given by its center. A pixel coordinate is
fraction times size, as Ultralytics converts COCO. Flags that are fractions are confidences, as in
Ultralytics' predictions. ``kpt_names``, or sleap-io's ``node_names``, names the keypoints; bones are
in ``skeleton``, which Ultralytics ignores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.annotations import (
    MOST_PIXELS,
    Annotations,
    Boxes,
    checked_boxes,
    checked_points,
    flags_and_scores,
    table,
    upright_size,
)
from posebridge.data.formats.yolo_dataset import Dataset, is_dataset
from posebridge.data.formats.yolo_labels import Lines
from posebridge.data.units import require_fractions
from posebridge.errors import InputError

__all__ = ["is_dataset", "read_annotations", "read_scored_boxes"]


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """Return all splits of a dataset, or the one whose folder of images is given.

    Args:
        path: ``data.yaml``, its folder, or the folder of one split below it.
        images: unused; the dataset names its folders itself.

    Raises:
        InputError: names the file, the line and what is wrong with it.
    """
    dataset = Dataset(Path(path))
    count, numbers = dataset.shape()
    lines = dataset.lines(5 + count * numbers)
    classes = sorted({row[0] for rows in lines.rows for row in rows})
    skeleton = dataset.skeleton(count, classes)
    values, image, sizes = _in_pixels(lines)
    keypoints = values[:, 5:].reshape(-1, count, numbers)
    points = keypoints[..., :2] * sizes[image][:, None, :]
    # Without flags a keypoint at the very corner, or with a negative number, is missing.
    pairs = (keypoints != 0).any(axis=2) & (keypoints >= 0).all(axis=2)
    flags = keypoints[..., 2] if numbers == 3 else np.where(pairs, 2, 0)
    flags, scores = flags_and_scores(np.where(np.isfinite(flags), flags, 0))
    known = np.where(flags[..., None] > 0, keypoints[..., :2], 0)
    require_fractions(known, str(dataset.file), "labels")
    checked_points(points, flags > 0, str(dataset.file))
    boxes = _boxes(values, sizes[image], dataset.file, lines)
    notes = [*(f"{note}." for note in dataset.notes), *lines.notes]
    if len(classes) > 1:
        notes.append(f"{len(classes)} classes become one, '{skeleton.name}'.")
    return Annotations(
        name=str(dataset.file),
        skeleton=skeleton,
        files=lines.files,
        image_ids=np.arange(len(lines.files)),
        sizes=sizes,
        image=image,
        ids=np.arange(len(values)),
        boxes=boxes,
        points=np.where(flags[..., None] > 0, points, 0),
        visibility=flags,
        keypoint_scores=scores,
        predicted=None if scores is None else np.asarray((scores > 0).any(axis=1)),
        notes=notes,
    )


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Return images and boxes alone; the columns of keypoints are not read.

    An image without a label file, or with an empty one, has no subject and is left out, which a note
    counts; where no image has a label the whole images are the subjects.
    """
    dataset = Dataset(Path(path))
    lines = dataset.lines(None)
    bare = sum(not rows for rows in lines.rows)
    notes = [*dataset.notes]
    if 0 < bare < len(lines.files):
        notes.append(f"{bare} of {len(lines.files)} images are left out, since they have no box")
    notes += lines.notes
    if not any(lines.rows):
        order = np.arange(len(lines.files))
        whole = np.zeros((len(order), 4))
        samples = table(str(dataset.file), lines.files, order, whole, order, order)
        return Boxes(samples, notes=notes)
    values, image, sizes = _in_pixels(lines)
    boxes = _boxes(values, sizes[image], dataset.file, lines)
    ids = np.arange(len(lines.files))
    samples = table(str(dataset.file), lines.files, image, boxes, ids, np.arange(len(image)))
    categories = np.array([dataset.kind(v) for v in values[:, 0].tolist()])
    return Boxes(samples, categories=categories, notes=notes)


def _in_pixels(lines: Lines) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all lines (N, columns), the image of each (N,), and (M, 2) sizes of the images."""
    values = [row for rows in lines.rows for row in rows]
    if not values:
        raise InputError(
            f"{lines.files[0].parent}: no image has a label; each needs a text file in 'labels'."
        )
    image = np.repeat(np.arange(len(lines.files)), [len(rows) for rows in lines.rows])
    sizes = np.array([upright_size(file) for file in lines.files], dtype=np.int64)
    return np.array(values, dtype=np.float64), image, sizes


def _boxes(values: np.ndarray, sizes: np.ndarray, file: Path, lines: Lines) -> np.ndarray:
    require_fractions(values[:, 1:5], str(file), "boxes")
    center, side = values[:, 1:3] * sizes, values[:, 3:5] * sizes
    boxes = np.concatenate([center - side / 2, side], axis=1)
    good = (np.abs(boxes) <= MOST_PIXELS).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    if not good.all():
        row = int((~good).argmax())
        checked_boxes(boxes[row : row + 1], np.ones(1, dtype=bool), lines.line(row))
    return boxes
