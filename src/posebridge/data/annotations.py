"""Everything that an annotation file says about keypoints, whatever its format.

:class:`LabeledSamples` is what training needs; :class:`Annotations` is what a conversion must not
lose. Every format's reader gives one and every writer takes one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from posebridge.data.image_files import upright_size
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

__all__ = [
    "MOST_PIXELS",
    "Annotations",
    "Boxes",
    "checked_boxes",
    "checked_points",
    "common_names",
    "extent",
    "flags_and_scores",
    "found_image",
    "is_side",
    "make_boxes",
    "table",
    "upright_size",
]

MOST_PIXELS = 1e6
"""A coordinate beyond this is damage, not a place in an image."""


@dataclass(frozen=True, eq=False)
class Annotations:
    """M images and N subjects in them, with K keypoints each.

    Attributes:
        name: the origin of the annotations, for messages.
        skeleton: names the K keypoints.
        files: (M,) the images.
        image_ids: (M,) int64.
        sizes: (M, 2) int64, width and height; 0 where the file has none.
        image: (N,) int64, the row of each subject's image.
        ids: (N,) int64, the subjects' own numbers.
        boxes: (N, 4) float64, x, y, width, height; a width of 0 stands for "no box".
        points: (N, K, 2) float64, x, y in pixels of the image; 0 where not labeled.
        visibility: (N, K) uint8, COCO's flags: 0 not labeled, 1 labeled and hidden, 2 visible.
        keypoint_scores: (N, K) float64 in [0, 1], of predictions; None for labels by hand.
        subject_scores: (N,) float64, NaN for a subject without a score; None without any score.
        individuals: (N,) the name of each subject over images, such as a track's; None: no names.
        predicted: (N,) bool, a model predicted the subject; None: unknown.
        hidden_are_labels: whether the position of a hidden keypoint was chosen. SLEAP puts nodes
            that are switched off anywhere.
        notes: what the file holds besides, one sentence each.
    """

    name: str
    skeleton: Skeleton
    files: Sequence[Path]
    image_ids: np.ndarray
    sizes: np.ndarray
    image: np.ndarray
    ids: np.ndarray
    boxes: np.ndarray
    points: np.ndarray
    visibility: np.ndarray
    keypoint_scores: np.ndarray | None = None
    subject_scores: np.ndarray | None = None
    individuals: Sequence[str] | None = None
    predicted: np.ndarray | None = None
    hidden_are_labels: bool = True
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        subjects, images = len(self.image), len(self.files)
        expected = (subjects, len(self.skeleton))
        if self.points.shape != (*expected, 2) or self.visibility.shape != expected:
            raise ValueError(f"points {self.points.shape}, expected {expected} and x, y")
        if self.boxes.shape != (subjects, 4) or len(self.ids) != subjects:
            raise ValueError(f"boxes {self.boxes.shape} do not fit {subjects} subjects")
        if self.sizes.shape != (images, 2) or len(self.image_ids) != images:
            raise ValueError(f"sizes {self.sizes.shape} do not fit {images} images")

    def __len__(self) -> int:
        return len(self.image)

    def subjects_by_image(self) -> list[np.ndarray]:
        """Return the rows of each image's subjects, in their order."""
        order = np.argsort(self.image, kind="stable")
        counts = np.bincount(self.image, minlength=len(self.files))
        return np.split(order, np.cumsum(counts)[:-1])

    def labeled(self, say: Callable[[str], None] | None = None) -> LabeledSamples:
        """Return the subjects with at least one labeled keypoint.

        Where a person labeled some subjects, the predicted ones are left out: most of a project that
        is half corrected is guesses. A subject without a box gets the extent of its points, one pixel
        more on each side, and is left out if it has only one point.

        Args:
            say: receives a sentence for each reason that subjects are left out.

        Raises:
            InputError: no subject is left.
        """
        known = self.visibility > (0 if self.hidden_are_labels else 1)
        notes = [note.rstrip(".") for note in self.notes]
        if not self.hidden_are_labels and (self.visibility == 1).any():
            notes.append(
                f"{(self.visibility == 1).sum()} keypoints that are switched off are left out"
            )
        posed = known.any(axis=1)
        if not posed.any():
            raise InputError(
                f"{self.name}: no keypoint of any annotation is labeled; a labeled set needs some."
            )
        guessed = posed & (False if self.predicted is None else self.predicted)
        if (guessed == posed).all():
            notes.append(f"all {guessed.sum()} subjects are a model's predictions, no hand labels")
        elif guessed.any():
            notes.append(
                f"{guessed.sum()} subjects that a model predicted are left out, hand labels "
                f"({(posed & ~guessed).sum()}) count"
            )
            posed &= ~guessed
        lost = posed & (self.boxes[:, 2] <= 0) & (known.sum(axis=1) < 2)
        if lost.any():
            first = f"the first in {self.files[int(self.image[lost.argmax()])]}"
            if (lost == posed).all():
                raise InputError(
                    f"{self.name}: no subject has a box or two labeled keypoints ({first}), so that "
                    "no crop can be cut out; label more keypoints, or give boxes."
                )
            notes.append(
                f"{lost.sum()} subjects with one keypoint and no box are left out, {first}"
            )
        if say is not None:
            for note in notes:
                say(f"{self.name}: {note}")
        rows = np.flatnonzero(posed & ~lost)
        known = known[rows]
        points = np.where(known[..., None], self.points[rows], 0)
        boxes = self.boxes[rows].copy()
        without = np.flatnonzero(boxes[:, 2] <= 0)
        if len(without):
            boxes[without] = extent(points[without], known[without])
        images = self._table(rows, boxes)
        return LabeledSamples(images, self.skeleton, points.astype(np.float32), known)

    def _table(self, rows: np.ndarray, boxes: np.ndarray) -> UnlabeledSamples:
        return table(self.name, self.files, self.image[rows], boxes, self.image_ids, self.ids[rows])


class Boxes(NamedTuple):
    """The boxes of N subjects, with their scores and categories.

    Attributes:
        samples: the images and boxes.
        scores: (N,) float64, NaN for a box without a score; None without any score.
        categories: (N,) str, the category of each box by name or number, "" where it has none;
            None without any category.
        notes: what was left out or changed, one sentence each.
    """

    samples: UnlabeledSamples
    scores: np.ndarray | None = None
    categories: np.ndarray | None = None
    notes: Sequence[str] = ()


def table(
    name: str,
    files: Sequence[Path | str],
    image: np.ndarray,
    boxes: np.ndarray,
    image_ids: np.ndarray,
    ids: np.ndarray,
) -> UnlabeledSamples:
    """Return subjects as a table of their own; ``image`` (N,) is the row of each subject's file."""
    whole = UnlabeledSamples.from_lists(
        name, files, np.zeros((len(files), 4)), image_ids, np.arange(len(files))
    )
    return UnlabeledSamples(
        name,
        whole.files[image],
        np.asarray(boxes, dtype=np.float32).reshape(len(image), 4),
        whole.image_ids[image],
        np.asarray(ids, dtype=np.int64),
    )


def make_boxes(
    name: str,
    files: Sequence[Path],
    image: np.ndarray,
    boxes: np.ndarray,
    image_ids: np.ndarray,
    *,
    scores: np.ndarray | None = None,
    categories: np.ndarray | None = None,
    notes: Sequence[str] = (),
) -> Boxes:
    """Return the boxes (N, 4) that have an area, with notes on the boxes and images left out.

    Args:
        image: (N,) which of the files each box is in. image_ids: (M,) the ids of the files.

    Without any box, the images are the subjects, each taken whole.

    Raises:
        InputError: no box has an area, or a box is far outside any image.
    """
    order = np.arange(len(files))
    said = list(notes)
    if len(boxes) == 0:
        samples = table(name, files, order, np.zeros((len(files), 4)), image_ids, order)
        return Boxes(samples, notes=said)
    checked_points(boxes.reshape(-1, 2, 2), np.ones((len(boxes), 2), dtype=bool), name, "box")
    good = np.asarray((boxes[:, 2:] > 0).all(axis=1))
    if not good.any():
        raise InputError(
            f"{name}: no box has an area, the first in {files[int(image[0])]}; give boxes of some "
            "width and height."
        )
    if not good.all():
        said.append(f"{(~good).sum()} of {len(good)} boxes are left out, since they are empty.")
    rows = np.flatnonzero(good)
    bare = len(files) - len(np.unique(image[rows]))
    if bare:
        said.append(f"{bare} of {len(files)} images are left out, since they have no box.")
    samples = table(name, files, image[rows], boxes[rows], image_ids, rows)
    return Boxes(
        samples,
        None if scores is None else scores[rows],
        None if categories is None else categories[rows],
        said,
    )


def extent(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the (N, 4) boxes around the known points of (N, K, 2); each point covers its pixel."""
    low = np.where(known[..., None], points, np.inf).min(axis=1)
    high = np.where(known[..., None], points, -np.inf).max(axis=1)
    return np.concatenate([low, high - low + 1], axis=1)


def is_side(value: object) -> bool:
    """Return whether a value can be the width or height of an image in pixels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def flags_and_scores(third: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return COCO's flags (N, K), and the scores where the keypoints' third values are fractions."""
    share = ((third >= 0) & (third <= 1)).all() and (third % 1 != 0).any()
    flags = np.where(third > 0, np.where((third == 1) & ~share, 1, 2), 0).astype(np.uint8)
    return flags, third if share else None


def checked_points(
    points: np.ndarray, known: np.ndarray, where: str, what: str = "keypoint"
) -> None:
    """Check that all known points are finite and within a million pixels."""
    some = points[known]
    if not np.isfinite(some).all() or np.abs(some).max(initial=0) > MOST_PIXELS:
        raise InputError(
            f"{where} has a {what} that is not finite or beyond a million pixels; correct it."
        )


def checked_boxes(boxes: np.ndarray, known: np.ndarray, where: str) -> None:
    """Check that all known boxes are finite, within a million pixels, and have an area."""
    some = boxes[known]
    if not np.isfinite(some).all() or np.abs(some).max(initial=0) > MOST_PIXELS:
        raise InputError(
            f"{where} has a box that is not finite or beyond a million pixels; correct it."
        )
    if (some[:, 2:] <= 0).any():
        raise InputError(f"{where} has a box without width or height; correct it or leave it out.")


def found_image(name: str, folders: Sequence[Path], where: str) -> Path:
    """Return the first path ``folder / name`` that exists.

    Raises:
        InputError: the image is in none of the folders; the message names the first.
    """
    if not name or "\0" in name:
        raise InputError(f"{where} has no file name of an image.")
    for folder in folders:
        try:
            if (folder / name).is_file():
                return folder / name
        except OSError:  # a name that is too long for the disk
            continue
    raise InputError(
        f"{where} names the image {folders[0] / name}, which does not exist; put it there or give "
        "the folder of the images."
    )


def common_names(files: Sequence[Path]) -> list[Path]:
    """Return names that keep files of different folders apart: paths below the common folder.

    A link counts by its own name: its target may be anywhere, under a meaningless name.
    """
    whole = [Path(os.path.abspath(file)) for file in files]
    base = Path(os.path.commonpath([file.parent for file in whole]))
    return [file.relative_to(base) for file in whole]
