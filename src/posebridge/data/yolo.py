"""Ultralytics YOLO-pose data sets: images, one text file of labels for each, and ``data.yaml``.

Read and written here rather than through sleap-io, whose version of it drops boxes, hidden
keypoints and rows that it does not understand, and writes every image anew.

A line is ``class x y w h`` and x, y (and a flag) for each keypoint, all but class and flag as
shares of the image's width and height; the box is given by its centre. A pixel coordinate is share
times size, as Ultralytics converts COCO. Flags that are shares are confidences, as its predictions
have them. Names are those of ``kpt_names``, or of ``node_names`` as
sleap-io writes them; bones are in ``skeleton``, which Ultralytics ignores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.annotations import (
    Annotations,
    Boxes,
    checked_boxes,
    checked_points,
    flags_and_scores,
    table,
    upright_size,
)
from posebridge.data.yolo_dataset import Dataset, Lines, is_dataset
from posebridge.errors import InputError

__all__ = ["is_dataset", "read_annotations", "read_scored_boxes"]


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """All splits of a data set, or the one whose folder of images is given.

    Args:
        path: ``data.yaml``, its folder, or the folder of one split below it.
        images: unused; the data set names its folders itself.

    Raises:
        InputError: naming the file, the line and what is wrong with it.
    """
    dataset = Dataset(Path(path))
    count, numbers = dataset.shape()
    skeleton = dataset.skeleton(count)
    lines = dataset.lines(5 + count * numbers)
    values, image, sizes = _in_pixels(lines)
    keypoints = values[:, 5:].reshape(-1, count, numbers)
    points = keypoints[..., :2] * sizes[image][:, None, :]
    # Without flags a keypoint at the very corner is one that is not there.
    flags = keypoints[..., 2] if numbers == 3 else np.where((keypoints != 0).any(axis=2), 2, 0)
    flags, scores = flags_and_scores(np.where(np.isfinite(flags), flags, 0))
    checked_points(points, flags > 0, str(dataset.file))
    boxes = _boxes(values, sizes[image], dataset.file)
    notes = [f"{note}." for note in dataset.notes]
    if (classes := len(np.unique(values[:, 0]))) > 1:
        notes.append(f"{classes} classes become one, '{skeleton.name}'.")
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
        notes=notes,
    )


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Images and boxes alone; no column of a keypoint is looked at.

    An image without a label file, or with an empty one, shows nobody and is left out; where no image
    has a label the whole images are the subjects.
    """
    dataset = Dataset(Path(path))
    lines = dataset.lines(None)
    if not any(lines.rows):
        order = np.arange(len(lines.files))
        whole = np.zeros((len(order), 4))
        return Boxes(table(str(dataset.file), lines.files, order, whole, order, order))
    values, image, sizes = _in_pixels(lines)
    boxes = _boxes(values, sizes[image], dataset.file)
    ids = np.arange(len(lines.files))
    samples = table(str(dataset.file), lines.files, image, boxes, ids, np.arange(len(image)))
    return Boxes(samples, categories=np.array([dataset.kind(v) for v in values[:, 0].tolist()]))


def _in_pixels(lines: Lines) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All lines (N, columns), the image of each (N,), and (M, 2) sizes of the images."""
    values = [row for rows in lines.rows for row in rows]
    if not values:
        raise InputError(
            f"{lines.files[0].parent}: no image has a label; each needs a text file in 'labels'."
        )
    image = np.repeat(np.arange(len(lines.files)), [len(rows) for rows in lines.rows])
    sizes = np.array([upright_size(file) for file in lines.files], dtype=np.int64)
    return np.array(values, dtype=np.float64), image, sizes


def _boxes(values: np.ndarray, sizes: np.ndarray, file: Path) -> np.ndarray:
    centre, side = values[:, 1:3] * sizes, values[:, 3:5] * sizes
    boxes = np.concatenate([centre - side / 2, side], axis=1)
    checked_boxes(boxes, np.ones(len(boxes), dtype=bool), str(file))
    return boxes
