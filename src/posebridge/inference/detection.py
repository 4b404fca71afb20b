"""Boxes of subjects by a detector, in images without boxes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from posebridge.data.loaders import image_loader
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.inference.batches import Batch
from posebridge.inference.detectors import Detector, Wanted

BATCH = 8


class DetectedSubjects(NamedTuple):
    """Subjects in F images.

    Attributes:
        samples: the subjects, image by image, in each the highest score first.
        without: the images that show no subject. skipped: a line for each unreadable image.
    """

    samples: UnlabeledSamples
    without: Sequence[str]
    skipped: Sequence[str]


class SubjectDetector(NamedTuple):
    """A detector, and which of its detections are subjects."""

    detector: Detector
    wanted: Wanted

    def boxes(self, image: np.ndarray) -> np.ndarray:
        """Return the (B, 4) boxes of the subjects in one (H, W, 3) uint8 RGB image."""
        return self.wanted.boxes(self.detector.detect([image])[0], self.detector.classes)

    def detect_batches(
        self,
        images: UnlabeledSamples,
        first: int = 0,
        *,
        batch_size: int = BATCH,
        workers: int | None = None,
    ) -> Generator[Batch]:
        """Yield the boxes in the images from ``first`` on, for :meth:`join_batches`."""
        left = images.subset(np.arange(first, len(images)))
        if workers is None:
            workers = min(8, (os.cpu_count() or 1) // 2) if len(left) > 64 else 0
        for pixels, errors in image_loader(left, batch_size, workers):
            readable = [row for row, error in enumerate(errors) if error is None]
            detections = (
                self.detector.detect([pixels[row].numpy() for row in readable]) if readable else []
            )
            boxes = [self.wanted.boxes(each, self.detector.classes) for each in detections]
            rows = first + np.array(readable, np.int64)
            yield Batch(
                first,
                first + len(errors),
                {
                    "boxes": np.concatenate([np.zeros((0, 4)), *boxes]),
                    "rows": np.repeat(rows, [len(b) for b in boxes]),
                    "looked": rows,
                },
                [error for error in errors if error is not None],
            )
            first += len(errors)

    def join_batches(self, batches: Iterable[Batch], images: UnlabeledSamples) -> DetectedSubjects:
        """Return the subjects in the batches of all ``images``.

        Raises:
            InputError: no image was readable, or no image shows a subject.
        """
        batches = list(batches)
        boxes, rows, searched = (
            np.concatenate([batch.arrays[name] for batch in batches])
            for name in ("boxes", "rows", "looked")
        )
        skipped = [line for batch in batches for line in batch.notes]
        if not len(searched):
            raise InputError(f"no image of {images.name} can be read; the first: {skipped[0]}.")
        if not len(rows):
            raise InputError(
                f"{self.detector.name} detects no '{self.wanted.label}' with a score of "
                f"{self.wanted.min_score:g} or more in {len(searched)} images of {images.name}; "
                "lower --min-score, or leave out the detector to take whole images."
            )
        subjects = UnlabeledSamples(
            images.name,
            images.files[rows],
            boxes.astype(np.float32),
            images.image_ids[rows],
            np.arange(len(rows)),
        )
        without = [str(images.path(int(row))) for row in np.setdiff1d(searched, rows)]
        return DetectedSubjects(subjects, without, skipped)


def each_image(samples: UnlabeledSamples) -> UnlabeledSamples:
    """Return the images of samples, each once, in their order."""
    return samples.subset(np.sort(np.unique(samples.files, return_index=True)[1]))


def find_subjects(
    samples: UnlabeledSamples,
    detector: Detector,
    wanted: Wanted,
    *,
    batch_size: int = BATCH,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> DetectedSubjects:
    """Run a detector on each image once.

    Args:
        samples: whose images count; boxes that they have are not used.
        progress: called with the number of images done.

    Raises:
        InputError: an unknown class, or no subject anywhere.
    """
    wanted.check(detector)
    images, subjects = each_image(samples), SubjectDetector(detector, wanted)
    batches = []
    for batch in subjects.detect_batches(images, batch_size=batch_size, workers=workers):
        batches.append(batch)
        if progress is not None:
            progress(batch.end)
    return subjects.join_batches(batches, images)
