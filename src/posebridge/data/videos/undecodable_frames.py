"""Labels on frames of a video that can't be decoded: left out, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from posebridge.data.annotations import Annotations, Boxes
from posebridge.data.videos.video import undecodable
from posebridge.errors import InputError


def without_undecodable(annotations: Annotations) -> Annotations:
    """Return annotations without images that are undecodable frames; a note counts them.

    Raises:
        InputError: no image is left.
    """
    a = annotations
    keep = _decodable(a.files)
    if keep.all():
        return a
    rows = np.flatnonzero(keep[a.image])
    note = _sentence(a.name, a.files, keep, f"{len(a.image) - len(rows)} subjects on them")

    def taken(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[rows]

    return replace(
        a,
        files=[file for file, kept in zip(a.files, keep, strict=True) if kept],
        image_ids=a.image_ids[keep],
        sizes=a.sizes[keep],
        image=(np.cumsum(keep) - 1)[a.image[rows]],
        ids=a.ids[rows],
        boxes=a.boxes[rows],
        points=a.points[rows],
        visibility=a.visibility[rows],
        keypoint_scores=taken(a.keypoint_scores),
        subject_scores=taken(a.subject_scores),
        individuals=None if a.individuals is None else [a.individuals[int(row)] for row in rows],
        predicted=taken(a.predicted),
        notes=[*a.notes, note],
    )


def boxes_without_undecodable(boxes: Boxes) -> Boxes:
    """Return boxes without those on undecodable frames; a note counts them.

    Raises:
        InputError: no box is left.
    """
    samples = boxes.samples
    _, first, image = np.unique(samples.files, return_index=True, return_inverse=True)
    files = [samples.path(int(row)) for row in first]
    decodable = _decodable(files)
    if decodable.all():
        return boxes
    keep = decodable[image.reshape(-1)]
    note = _sentence(samples.name, files, decodable, f"{int((~keep).sum())} boxes on them")
    return boxes._replace(
        samples=samples.subset(np.flatnonzero(keep)),
        scores=None if boxes.scores is None else boxes.scores[keep],
        categories=None if boxes.categories is None else boxes.categories[keep],
        notes=[*boxes.notes, note],
    )


def _decodable(files: Sequence[Path]) -> np.ndarray:
    return np.array([undecodable(file) is None for file in files], dtype=bool)


def _sentence(name: str, files: Sequence[Path], keep: np.ndarray, what: str) -> str:
    lost = dict.fromkeys(undecodable(f) for f, kept in zip(files, keep, strict=True) if not kept)
    if not keep.any():
        raise InputError(
            f"{name}: none of the labeled frames can be decoded; copy the video again."
        )
    some = ", ".join(f"{number} of {video}" for video, number in list(filter(None, lost))[:5])
    more = ", ..." if len(lost) > 5 else ""
    return f"{len(lost)} frames can't be decoded ({some}{more}), so {what} are left out."
