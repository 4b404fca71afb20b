"""The one table of data: where subjects are seen, and separately where their joints are.

Two types keep target labels out of training. :class:`UnlabeledSamples` has images and boxes and
*no field for keypoints*; it is the only type of an adaptation's target. :class:`LabeledSamples`
holds an :class:`UnlabeledSamples` and adds keypoints; it is the source, or the input of an
evaluation. Neither is a subclass of the other, so a type checker refuses a labeled target and there
is nothing to read at run time.

Both are tables of plain arrays rather than lists of objects: 200,000 rows cost a few MB, and
worker processes that are forked share them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class UnlabeledSamples:
    """N subjects in images, without any pose.

    Attributes:
        name: the origin of the samples, for messages.
        files: (N,) bytes, the encoded path of each subject's image.
        boxes: (N, 4) float32, x, y, width, height in pixels of the image, COCO's convention: the
            box covers [x, x + width), so that (0, 0, W, H) is the whole image. A width of 0
            stands for "the whole image, whatever its size".
        image_ids, annotation_ids: (N,) int64, as in the annotation file.
    """

    name: str
    files: np.ndarray
    boxes: np.ndarray
    image_ids: np.ndarray
    annotation_ids: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.files)
        if self.boxes.shape != (count, 4):
            raise ValueError(f"boxes are {self.boxes.shape}, expected ({count}, 4)")
        if len(self.image_ids) != count or len(self.annotation_ids) != count:
            raise ValueError("ids and files differ in length")

    def __len__(self) -> int:
        return len(self.files)

    def path(self, index: int) -> Path:
        """Return the image of one subject."""
        return Path(os.fsdecode(bytes(self.files[index])))

    def subset(self, indices: np.ndarray | Sequence[int]) -> UnlabeledSamples:
        """Return the given rows, in the given order."""
        rows = np.asarray(indices, dtype=np.int64)
        return UnlabeledSamples(
            self.name,
            self.files[rows],
            self.boxes[rows],
            self.image_ids[rows],
            self.annotation_ids[rows],
        )

    @classmethod
    def from_lists(
        cls,
        name: str,
        paths: Sequence[Path | str],
        boxes: Sequence[Sequence[float]] | np.ndarray,
        image_ids: Sequence[int] | np.ndarray,
        annotation_ids: Sequence[int] | np.ndarray,
    ) -> UnlabeledSamples:
        """Build the table from rows of ordinary Python values."""
        return cls(
            name=name,
            files=np.array([os.fsencode(p) for p in paths], dtype=np.bytes_),
            boxes=np.asarray(boxes, dtype=np.float32).reshape(len(paths), 4),
            image_ids=np.asarray(image_ids, dtype=np.int64),
            annotation_ids=np.asarray(annotation_ids, dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class LabeledSamples:
    """N subjects with their keypoints.

    Attributes:
        images: the images and boxes alone.
        skeleton: names the K keypoints.
        points: (N, K, 2) float32, x, y in pixels of the original image; an integer is the center
            of a pixel. Rows that are not labeled hold 0.
        labeled: (N, K) bool, the keypoint has a position (COCO's flag 1 or 2).
    """

    images: UnlabeledSamples
    skeleton: Skeleton
    points: np.ndarray
    labeled: np.ndarray

    def __post_init__(self) -> None:
        expected = (len(self.images), len(self.skeleton))
        if self.points.shape != (*expected, 2) or self.labeled.shape != expected:
            raise ValueError(
                f"points {self.points.shape} and labeled {self.labeled.shape} do not fit "
                f"{expected[0]} subjects with {expected[1]} keypoints"
            )

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices: np.ndarray | Sequence[int]) -> LabeledSamples:
        """Return the given rows, in the given order."""
        rows = np.asarray(indices, dtype=np.int64)
        return LabeledSamples(
            self.images.subset(rows), self.skeleton, self.points[rows], self.labeled[rows]
        )
