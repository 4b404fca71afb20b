"""Boxes of subjects in images that have none, by a detector."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from posebridge.data.loaders import image_loader
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.inference.detectors import Detector, Wanted
from posebridge.inference.resume_cache import Batch, Journal

BATCH = 8


class Found(NamedTuple):
    """Subjects in F images.

    Attributes:
        samples: the subjects, image by image, in each the highest score first.
        without: the images that show none. skipped: a line for each that can't be read.
    """

    samples: UnlabelledSamples
    without: Sequence[str]
    skipped: Sequence[str]


def find_subjects(
    samples: UnlabelledSamples,
    detector: Detector,
    wanted: Wanted,
    *,
    batch_size: int = BATCH,
    workers: int | None = None,
    kept: Journal | None = None,
    progress: Callable[[int], None] | None = None,
) -> Found:
    """Run a detector on each image once.

    Args:
        samples: of which the images count; boxes that they have are not looked at.
        kept: where each batch is kept as it comes; images that are there are not looked at again.
        progress: called with the number of images done.

    Raises:
        InputError: an unknown class, or no subject anywhere.
    """
    wanted.check(detector)
    images = samples.subset(np.sort(np.unique(samples.files, return_index=True)[1]))
    taken = [] if kept is None else list(kept.kept)
    done = taken[-1].end if taken else 0
    left = images.subset(np.arange(done, len(images)))
    if workers is None:
        workers = min(8, (os.cpu_count() or 1) // 2) if len(left) > 64 else 0
    for pictures, errors in image_loader(left, batch_size, workers):
        fine = [row for row, error in enumerate(errors) if error is None]
        answers = detector.detect([pictures[row].numpy() for row in fine]) if fine else []
        boxes = [wanted.boxes(answer, detector.classes) for answer in answers]
        batch = Batch(
            done,
            done + len(errors),
            {
                "boxes": np.concatenate([np.zeros((0, 4)), *boxes]),
                "rows": np.repeat(done + np.array(fine, np.int64), [len(b) for b in boxes]),
                "looked": done + np.array(fine, np.int64),
            },
            [error for error in errors if error is not None],
        )
        taken.append(batch)
        if kept is not None:
            kept.append(batch)
        done = batch.end
        if progress is not None:
            progress(done)
    boxes = np.concatenate([batch.arrays["boxes"] for batch in taken])
    rows = np.concatenate([batch.arrays["rows"] for batch in taken])
    looked = np.concatenate([batch.arrays["looked"] for batch in taken])
    skipped = [line for batch in taken for line in batch.notes]
    if not len(looked):
        raise InputError(f"no image of {samples.name} can be read; the first: {skipped[0]}.")
    if not len(rows):
        raise InputError(
            f"{detector.name} sees no '{wanted.label}' with a score of {wanted.least_score:g} or more "
            f"in {len(looked)} images of {samples.name}; lower --least-score, or leave the detector "
            "out to take whole images."
        )
    subjects = UnlabelledSamples(
        samples.name,
        images.files[rows],
        boxes.astype(np.float32),
        images.image_ids[rows],
        np.arange(len(rows)),
    )
    without = [str(images.path(int(row))) for row in np.setdiff1d(looked, rows)]
    return Found(subjects, without, skipped)
