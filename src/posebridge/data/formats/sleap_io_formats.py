"""The formats that sleap-io reads and writes: SLEAP ``.slp``, NWB, and files of other trackers.

An image is a file, a frame of a video, or an image inside the file; the latter two are first stored
as images, see ``video.py``. A point that SLEAP has switched off but that has a place is kept as
COCO's hidden keypoint for conversions, and is not a label: SLEAP puts such points anywhere. A bounding
box belongs to the instance that it is linked to.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import (
    Annotations,
    Boxes,
    checked_boxes,
    checked_points,
    make_boxes,
)
from posebridge.data.formats.sleap_files import require_sound
from posebridge.data.formats.sleap_frames import frame_places
from posebridge.data.optional_dependencies import need
from posebridge.data.videos.video import resolved
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

_FLAGGED = ("slp", "nwb")
"""Formats that have a flag for visibility; in the others a negative place means no place."""


def reader(
    format: str,
) -> Callable[[Path, Path | str | None], Annotations]:
    """Return a function that reads the given one of sleap-io's formats.

    The function takes the file and the folder of its images or videos, by default the paths in the
    file, then the file's folder; it raises InputError for a file that cannot be used.
    """

    def read(path: Path, images: Path | str | None = None) -> Annotations:
        with sentences(path):
            return _annotations(_load(path, format), path, images, format)

    return read


def box_reader(
    format: str,
) -> Callable[[Path, Path | str | None], Boxes]:
    """Return a reader of images and boxes alone; whole images where the file has no boxes."""

    def read(path: Path, images: Path | str | None = None) -> Boxes:
        with sentences(path):
            frames = _load(path, format).labeled_frames
            if not frames:
                raise InputError(f"{path} has no labeled frame.")
            places = frame_places(frames, path, images)
            files = resolved(places.references)
            image, boxes, scores = [], [], []
            for row, frame in enumerate(frames):
                for box in frame.bboxes:
                    x, y, width, height = box.xywh
                    image.append(row)
                    boxes.append(
                        (x + places.origins[row, 0], y + places.origins[row, 1], width, height)
                    )
                    scores.append(getattr(box, "score", np.nan))
        known = np.array(scores, dtype=np.float64)
        return make_boxes(
            str(path),
            files,
            np.array(image, dtype=np.int64),
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.arange(len(files)),
            scores=known if np.isfinite(known).any() else None,
            notes=places.notes,
        )

    return read


def library() -> Any:
    """Return sleap-io, or raise a sentence on how to install it."""
    return need("sleap_io", "formats", "this format")


@contextlib.contextmanager
def sentences(path: Path, done: str = "read") -> Iterator[None]:
    """Turn any error of sleap-io into one sentence; its prints and warnings are not shown."""
    library()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    # Readers of a dozen formats on a damaged file raise nearly anything.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} can't be {done} by sleap-io ({type(error).__name__}: {reason}); write it again "
            "from the tool that made it, or name another format."
        ) from error


def _load(path: Path, format: str) -> Any:
    sleap_io = library()
    require_sound(path, format)
    if format == "slp":
        return sleap_io.load_slp(str(path), open_videos=False)
    return sleap_io.load_file(str(path), format=format)


def _annotations(labels: Any, path: Path, images: Path | str | None, format: str) -> Annotations:
    frames = labels.labeled_frames
    instances: list[Any] = []
    image: list[int] = []
    by_model: list[bool] = []
    left = 0
    for row, frame in enumerate(frames):
        # Where a person corrected a frame, the model's predictions in it do not count.
        chosen = frame.user_instances or list(frame.instances)
        left += len(frame.instances) - len(chosen)
        instances += chosen
        by_model += [not frame.user_instances] * len(chosen)
        image += [row] * len(chosen)
    if not instances:
        raise InputError(f"{path} has no labeled subject.")
    skeleton = _skeleton([i.skeleton for i in instances], path)
    count = len(skeleton)
    points = np.array([i.points["xy"] for i in instances], dtype=np.float64).reshape(-1, count, 2)
    shown = np.array([i.points["visible"] for i in instances], dtype=bool)
    places = frame_places(frames, path, images)
    points += places.origins[image][:, None]
    known = np.asarray(np.isfinite(points).all(axis=2))
    notes = [*places.notes]
    if format not in _FLAGGED:
        away = known & (points < 0).any(axis=2)
        known &= ~away
        if away.any():
            notes.append(
                f"{away.sum()} keypoints at negative places, such as -1, count as not labeled."
            )
    checked_points(points, known, str(path))
    scores = np.full((len(instances), count), np.nan)
    totals = np.full(len(instances), np.nan)
    for row, instance in enumerate(instances):
        if "score" in (instance.points.dtype.names or ()):
            scores[row] = instance.points["score"]
            totals[row] = instance.score
    boxes = np.zeros((len(instances), 4))
    of = {id(instance): row for row, instance in enumerate(instances)}
    loose = 0
    for frame in frames:
        for box in frame.bboxes:
            row = of.get(id(box.instance))
            if row is None:
                loose += 1
            else:
                boxes[row] = box.xywh
                boxes[row, :2] += places.origins[image[row]]
    boxes[(boxes[:, 2:] == 0).any(axis=1)] = 0
    checked_boxes(boxes, boxes[:, 2] != 0, str(path))
    names = ["" if i.track is None else str(i.track.name) for i in instances]
    if left:
        notes.append(f"{left} predictions in frames with labels by hand are left out.")
    if loose:
        notes.append(f"{loose} boxes that belong to no instance are left out.")
    files = resolved(places.references)
    return Annotations(
        name=str(path),
        skeleton=skeleton,
        files=files,
        image_ids=np.arange(len(files)),
        sizes=np.zeros((len(files), 2), dtype=np.int64),
        image=np.array(image, dtype=np.int64),
        ids=np.arange(len(instances)),
        boxes=boxes,
        points=np.where(known[..., None], points, 0),
        visibility=np.where(known, np.where(shown, 2, 1), 0).astype(np.uint8),
        keypoint_scores=scores if np.isfinite(scores).any() else None,
        subject_scores=totals if np.isfinite(totals).any() else None,
        individuals=names if any(names) else None,
        predicted=np.array(by_model),
        hidden_are_labels=format != "slp",
        notes=notes,
    )


def _skeleton(found: Sequence[Any], path: Path) -> Skeleton:
    first = found[0]
    if any(list(s.node_names) != list(first.node_names) for s in found if s is not first):
        raise InputError(f"{path} has subjects with different skeletons; keep one of them.")
    names = [str(name) for name in first.node_names]
    edges = [(int(a), int(b)) for a, b in first.edge_inds]
    try:
        skeleton = Skeleton.from_names(str(first.name or "subject"), names, edges)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    stated = [sorted(int(i) for i in pair) for pair in first.symmetry_inds]
    settled = {i for pair in stated for i in pair}
    named = [pair for pair in skeleton.pairs if settled.isdisjoint(pair)]
    return replace(skeleton, pairs=tuple((a, b) for a, b in [*stated, *named]))
