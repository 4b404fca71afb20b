"""A small set of labels with everything in it that a format may lose, and its damage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from posebridge.data.annotations import Annotations
from posebridge.skeleton import Skeleton

NAMES = ("spine", "left_ear", "right_ear")


def annotated(folder: Path) -> Annotations:
    """Return three images of two sizes, one without a subject; two subjects in the first."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "a.png", folder / "deep" / "b.png", folder / "c.png"]
    sizes = [(20, 10), (40, 30), (20, 10)]
    for number, (file, size) in enumerate(zip(files, sizes, strict=True)):
        file.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (number * 60, 90, 200)).save(file)
    skeleton = Skeleton.from_names("mouse", NAMES, [(0, 1), (0, 2)])
    return Annotations(
        name="by hand",
        skeleton=skeleton,
        files=files,
        image_ids=np.array([7, 3, 9]),
        sizes=np.array(sizes),
        image=np.array([0, 0, 1]),
        ids=np.array([11, 12, 20]),
        boxes=np.array([[1, 2, 8, 4.5], [10, 1, 6, 7], [5, 6, 30, 20.25]]),
        points=np.array(
            [
                [[2, 3], [5.5, 4], [0, 0]],
                [[11, 2], [12.25, 7], [15, 5]],
                [[6, 7.125], [0, 0], [33, 20]],
            ]
        ),
        visibility=np.array([[2, 1, 0], [2, 2, 2], [1, 0, 2]], dtype=np.uint8),
        individuals=["m1", "m2", "m1"],
    )


def predicted(folder: Path) -> Annotations:
    """Return the labels as predictions."""
    labels = annotated(folder)
    scores = np.where(labels.visibility > 0, [[0.5, 0.25, 0.75]], 0.0)
    visibility = np.where(labels.visibility > 0, 2, 0).astype(np.uint8)
    totals = np.array([0.5, 0.75, 0.25])
    return replace(labels, visibility=visibility, keypoint_scores=scores, subject_scores=totals)
