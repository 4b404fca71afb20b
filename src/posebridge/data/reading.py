"""The one way in for data: labeled subjects, or images and boxes, in any format.

Everything that reads a source, a target or test images calls the functions here. A path is recognized
by its content and ending (``registry.py``); images without annotations are in ``image_folder.py``. A
reference that is not a path names a benchmark, such as ``lsp:test`` (``datasets/``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.data.annotations import Annotations, Boxes
from posebridge.data.datasets import is_reference, read_benchmark, read_benchmark_unlabeled
from posebridge.data.formats import coco
from posebridge.data.formats.registry import FORMATS, Format, format_named, recognized
from posebridge.data.image_folder import read_image_folder
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.data.units import require_pixel_boxes, require_pixels
from posebridge.data.videos.undecodable_frames import boxes_without_undecodable, without_undecodable
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.given import require_given, require_regular
from posebridge.ranges import NonNegative, StepCount, StepInterval, check_ranges

Say = Callable[[str], None]


@dataclass(frozen=True)
class DataConfig:
    """How a source and a target are read.

    Attributes:
        source_format: format of the source, such as coco, yolo or slp; empty: detected.
        target_format: format of the target; empty: detected.
        frame_step: take every n-th frame of a target video; 0: an even sample.
        max_frames: size of the even sample, the most frames taken of each video.
        category: take only boxes of this category, a name or number as in the file. Empty: all boxes.
        min_score: leave out target boxes with a lower score.
        min_box_size: leave out target boxes whose longer side is shorter, pixels.
    """

    source_format: str | None = None
    target_format: str | None = None
    frame_step: StepCount = 0
    max_frames: StepInterval = 1000
    category: str | None = None
    min_score: NonNegative = 0.0
    min_box_size: NonNegative = 0.0

    def __post_init__(self) -> None:
        check_ranges(self, "data.")


def read_labeled(
    path: Path | str,
    images: Path | str | None = None,
    format: str | None = None,
    root: Path | str | None = None,
    say: Say | None = None,
) -> LabeledSamples:
    """Return every subject with at least one labeled keypoint.

    Args:
        path: an annotation file or folder of any format that has keypoints, or a benchmark.
        images: folder of the images or videos, if not where the annotations say, or beside them.
        format: the name of the format; None: by content and ending.
        root: the folder that benchmarks lie below, where the reference does not carry it.
        say: receives a sentence on what is left out, such as predictions beside labels by hand.

    Raises:
        InputError: names the file, the entry, what is wrong with it and what to do.
    """
    _require_usable(path, images, "labels")
    if is_reference(path):
        return read_benchmark(path, root)
    found = _format(Path(path), format)
    if found.name == "coco":  # reads no more of a large file than it needs
        return coco.read_labeled(path, images, say)
    return _keypoints(found, Path(path), images).labeled(say)


def holds_labels(path: Path | str) -> bool:
    """Return whether keypoints can be read: from a benchmark, or annotations with some.

    Raises:
        InputError: an annotation file that is broken.
    """
    _require_usable(path, None, "labels or images")
    if is_reference(path):
        return True
    place = Path(path)
    found = recognized(place) if place.exists() else None
    if found is None or found.read is None:
        return False
    return coco.holds_keypoints(place) if found.name == "coco" else True


def read_annotations(
    path: Path | str, images: Path | str | None = None, format: str | None = None
) -> Annotations:
    """Return the whole content of an annotation file, for a conversion; arguments as above."""
    _require_usable(path, images, "labels")
    return _keypoints(_format(Path(path), format), Path(path), images)


def read_unlabeled(
    source: Path | str,
    images: Path | str | None = None,
    format: str | None = None,
    options: DataConfig | None = None,
    say: Say | None = None,
    root: Path | str | None = None,
) -> UnlabeledSamples:
    """Read images to adapt to or to predict on, and the boxes of subjects; never keypoints.

    Args:
        source: a folder of images or videos, a glob, one image or video; an annotation file of any
            format, of which the images and boxes are read; the boxes of a detector; or a benchmark.
        images: for an annotation file, the folder of its images; for a detector's boxes also the
            COCO file that lists them.
        format: the name of the format; None: by content and ending.
        options: frames of videos, least score and size of boxes; the formats in it are not used.
        say: receives a sentence on what takes long and what is left out.
        root: the folder that benchmarks lie below, where the reference does not carry it.

    Raises:
        InputError: nothing exists there, nothing is an image, or no box is left.
    """
    options = options or DataConfig()
    _require_usable(source, images, "images")
    if is_reference(source):
        return read_benchmark_unlabeled(source, root)
    path = Path(source)
    found = None
    if format is not None or path.exists():
        found = recognized(path) if format is None else _format(path, format)
    if found is None:
        if options.category is not None:
            raise InputError(
                f"{source} are images without boxes, so that category "
                f"{short_repr(options.category)} can't be chosen; leave it out."
            )
        return read_image_folder(source, options.frame_step, options.max_frames, say)
    boxes = boxes_without_undecodable(found.boxes(path, images))
    if say is not None:
        for note in boxes.notes:
            say(f"{boxes.samples.name}: {note.rstrip('.')}")
    require_pixel_boxes(boxes)
    return _chosen(boxes, options, say)


def _require_usable(path: Path | str, images: Path | str | None, what: str) -> None:
    """Check that the path is not empty, and not a pipe or a device."""
    require_given(path, what)
    require_given(images, "images")
    require_regular(path)


def _format(path: Path, name: str | None) -> Format:
    if name is not None:
        found = format_named(name)
        if not path.exists():
            raise InputError(f"{path} does not exist; give the path of {found.title} data.")
        return found
    if not path.exists():
        raise InputError(f"{path} does not exist; give an annotation file or a dataset's folder.")
    found = recognized(path)
    if found is not None:
        return found
    if path.is_dir():
        # The message of the COCO reader names the file that is missing.
        return format_named("coco")
    raise InputError(
        f"{path} is of no known format; name its format, one of "
        f"{', '.join(f.name for f in FORMATS)}."
    )


def _keypoints(found: Format, path: Path, images: Path | str | None) -> Annotations:
    if found.read is None:
        raise InputError(
            f"{path} holds {found.title} and no keypoints; labeled data needs a file with keypoints."
        )
    annotations = without_undecodable(found.read(path, images))
    require_pixels(annotations)
    return annotations


def _of_category(boxes: Boxes, wanted: str | None, say: Say | None) -> np.ndarray:
    """Return the (N,) mask of the boxes of the chosen category."""
    samples, categories = boxes.samples, boxes.categories
    if categories is None and wanted is not None:
        raise InputError(
            f"{samples.name} has no categories of boxes, so that category "
            f"{short_repr(wanted)} can't be chosen; leave it out."
        )
    if categories is None or (wanted is None and say is None):
        return np.ones(len(samples), dtype=bool)
    names, counts = np.unique(categories[categories != ""], return_counts=True)
    most = [f"'{names[i]}' ({counts[i]:,})" for i in np.argsort(-counts, kind="stable")[:5]]
    listed = ", ".join(most) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    if wanted is None:
        if len(names) > 1 and say is not None:
            say(
                f"boxes of {len(names)} categories are taken as subjects: {listed}; to take one "
                "category "
                "alone, name it as category"
            )
        return np.ones(len(samples), dtype=bool)
    if wanted not in names:
        raise InputError(
            f"{samples.name} has no box of category {short_repr(wanted)}; it has {listed}."
        )
    return categories == wanted


def _chosen(boxes: Boxes, options: DataConfig, say: Say | None) -> UnlabeledSamples:
    """Return the boxes by category, score and size; whole images have any size."""
    in_category = _of_category(boxes, options.category, say)
    samples = boxes.samples.subset(np.flatnonzero(in_category))
    scores = None if boxes.scores is None else boxes.scores[in_category]
    longer = samples.boxes[:, 2:].max(axis=1)
    keep = (longer >= options.min_box_size) | (samples.boxes[:, 2] == 0)
    if options.min_score > 0:
        if scores is None:
            raise InputError(
                f"{samples.name} has no scores, so data.min_score has no effect; leave it at 0."
            )
        keep &= scores >= options.min_score
    if not keep.any():
        best = "" if scores is None else f"; the highest score is {np.nanmax(scores):g}"
        raise InputError(
            f"{samples.name} has no box of score {options.min_score:g} and side "
            f"{options.min_box_size:g} px or more{best}, the longest side {longer.max():g} px."
        )
    if keep.all():
        return samples
    if say is not None:
        say(f"{(~keep).sum()} of {len(keep)} boxes are left out for their score or size")
    return samples.subset(np.flatnonzero(keep))
