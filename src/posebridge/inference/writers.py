"""Predictions as files: which ending is which format."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from posebridge.data.annotations import Annotations
from posebridge.data.file_names import name_below, own_path, require_text_names
from posebridge.data.formats import label_studio_writer
from posebridge.data.formats.coco_writer import write_results
from posebridge.data.formats.registry import format_named
from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError
from posebridge.files.whole import require_writable, write_text
from posebridge.inference.predictions import PEAKS, FramePredictions, PosePredictions
from posebridge.skeleton import Skeleton

_ROWS = 1000
NAMES_FILES = (".label-studio.json", ".dlc.csv", ".h5", ".slp")
"""Endings of formats that store the paths of image files, which have to exist."""
_NAMED = {
    ".label-studio.json": "label-studio",
    ".dlc.csv": "deeplabcut",
    ".h5": "deeplabcut",
    ".slp": "slp",
}
OUTPUTS = {
    ".json": "COCO",
    ".csv": "a table, one row for each subject",
    ".dlc.csv": "a DeepLabCut table",
    ".h5": "DeepLabCut's H5",
    ".slp": "SLEAP",
    ".label-studio.json": "Label Studio tasks",
}
"""Ending -> what is written: the formats of :mod:`posebridge.data.formats.registry` that can be one
file and hold scores of keypoints, and a plain table; NWB and YOLO hold no such scores."""


class PredictionWriter(Protocol):
    """Writes predictions to one place."""

    @property
    def place(self) -> Path:
        """The file or folder that is written."""
        ...

    def require_names(self, images: Sequence[Path], names: Sequence[str]) -> None:
        """Raise InputError for images, or their names in the outputs, that can't be written."""
        ...

    def write(self, result: FramePredictions, skeleton: Skeleton) -> Sequence[str]:
        """Write the predictions and return a line for each file."""
        ...


class FileWriter:
    """Writes predictions in the format of a file's ending."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def require_names(self, images: Sequence[Path], names: Sequence[str]) -> None:
        """Raise InputError for an image name that the format can't hold."""
        require_names([self.place], images, names)

    def write(self, result: FramePredictions, skeleton: Skeleton) -> Sequence[str]:
        """Write the file and return a line for it and for each accompanying file."""
        _, *beside = write_predictions(
            *(self.place, result.predictions, skeleton, result.files),
            meaning=result.meaning,
            seconds=result.seconds,
        )
        count = len(result.predictions)
        return [f"written: {self.place} ({count} subjects)", *(f"written: {f}" for f in beside)]


def output_ending(path: Path | str) -> str:
    """Return the ending of ``OUTPUTS`` that a path has, the longest match.

    Raises:
        InputError: no such ending, a folder, or a library is missing; before any work is done.
    """
    name = Path(path).name.lower()
    found = max((e for e in OUTPUTS if name.endswith(e)), key=len, default=None)
    if found is None:
        known = ", ".join(f"{ending} ({what})" for ending, what in OUTPUTS.items())
        raise InputError(f"{path} has no ending that predict writes; known are {known}.")
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder; give the name of a file.")
    library = {".slp": "sleap_io", ".h5": "tables"}.get(found)
    if library is not None:
        need(library, "formats", f"writing {path}")
    return found


def require_places(paths: Sequence[Path | str], skeleton: Skeleton) -> None:
    """Raise InputError for a path that can't be written, or that holds another file."""
    for path in paths:
        require_writable(Path(path))
        if output_ending(path) == ".label-studio.json":
            text = label_studio_writer.labeling_configuration(skeleton, [skeleton.name])
            label_studio_writer.require_place(Path(path), text)


def require_names(
    paths: Sequence[Path | str], images: Sequence[Path], files: Sequence[str]
) -> None:
    """Raise InputError for an image name that a format to be written can't hold; before any work.

    Args:
        paths: the files to write. images: the images. files: their names in the plain table.
    """
    for path in paths:
        ending = output_ending(path)
        if ending == ".csv":
            require_text_names(files, f"{path}")
        elif ending in (".dlc.csv", ".h5"):
            require_text_names([name_below(i, Path(path).parent) for i in images], f"{path}")
        elif ending == ".slp":
            require_text_names(map(own_path, images), f"{path}")


def write_predictions(
    path: Path,
    found: PosePredictions,
    skeleton: Skeleton,
    files: Sequence[str],
    meaning: str = PEAKS,
    seconds: np.ndarray | None = None,
) -> list[Path]:
    """Write N predicted subjects in the format of the path's ending.

    Args:
        files: (N,) the name of each subject's image in COCO and in the plain table. The other
            formats name the image file itself, so that their programs can open it.
        meaning: what a confidence is; COCO has it in its description.
        seconds: (N,) when each subject is seen, of a video or a camera; the plain table has it.

    Returns:
        the files that were written.

    Raises:
        InputError: the files can't be written.
    """
    assert found.samples is not None
    ending = output_ending(path)
    if ending == ".json":
        sizes = [(int(w), int(h)) for w, h in found.sizes]
        write_results(
            path,
            *(found.samples, found.points, found.confidence, skeleton, files, sizes),
            meaning=meaning,
        )
        return [path]
    if ending == ".csv":
        require_text_names(dict.fromkeys(files), "a table (.csv)")
        write_text(path, table(found, skeleton, files, seconds))
        return [path]
    write = format_named(_NAMED[ending]).write
    assert write is not None
    return write(as_annotations(found, skeleton), path)


def table(
    found: PosePredictions,
    skeleton: Skeleton,
    files: Sequence[str],
    seconds: np.ndarray | None = None,
) -> str:
    """Return a CSV table with a header: file, the box, and x, y, confidence of each keypoint.

    The box is x, y, width, height; a subject without a box gets the box of the whole image. Values are
    pixels of the image, to a thousandth. Where (N,) ``seconds`` are given, they come after the file, to
    a ten-thousandth.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name}_{part}" for name in skeleton.keypoints for part in ("x", "y", "confidence")]
    time = [] if seconds is None else ["seconds"]
    writer.writerow(["file", *time, "box_x", "box_y", "box_width", "box_height", *columns])
    triples = np.concatenate([found.points, found.confidence[..., None]], axis=2)
    numbers = np.concatenate([_whole(found), triples.reshape(len(found), -1)], axis=1).round(3)
    # In parts: as an array of strings, a cell takes 128 bytes.
    for start in range(0, len(found), _ROWS):
        rows = slice(start, start + _ROWS)
        cells = numbers[rows].astype(str)
        if seconds is not None:
            cells = np.concatenate([seconds[rows].round(4).astype(str)[:, None], cells], axis=1)
        for name, row in zip(files[rows], cells, strict=True):
            writer.writerow([name, *row])
    return text.getvalue()


def as_annotations(found: PosePredictions, skeleton: Skeleton) -> Annotations:
    """Return predictions as annotations with scores, for the writers of annotation formats.

    Every keypoint counts as visible, because heatmaps do not predict visibility. The score
    of a subject is the mean of its keypoints' scores, as in the COCO file.
    """
    samples = found.samples
    assert samples is not None
    _, first, image = np.unique(samples.files, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    first, image = first[order], np.argsort(order, kind="stable")[image]
    return Annotations(
        name=samples.name,
        skeleton=skeleton,
        files=[samples.path(int(row)) for row in first],
        image_ids=samples.image_ids[first],
        sizes=found.sizes[first].astype(np.int64),
        image=image.astype(np.int64),
        ids=samples.annotation_ids,
        boxes=_whole(found),
        points=found.points.astype(np.float64),
        visibility=np.full(found.confidence.shape, 2, np.uint8),
        keypoint_scores=found.confidence.astype(np.float64),
        subject_scores=found.confidence.mean(axis=1).astype(np.float64),
    )


def _whole(found: PosePredictions) -> np.ndarray:
    """Return (N, 4) boxes; a subject without a box gets the whole image."""
    assert found.samples is not None
    whole = np.concatenate([np.zeros_like(found.sizes), found.sizes], axis=1)
    boxes = found.samples.boxes
    return np.where(boxes[:, 2:3] > 0, boxes, whole).astype(np.float64)
