"""Predictions: subjects with keypoints in the pixels of their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from posebridge.data.crops import to_image
from posebridge.data.samples import UnlabeledSamples
from posebridge.inference.network import Keypoints

PEAKS = "the height of the heatmap's peak"


@dataclass(frozen=True, eq=False)
class PosePredictions:
    """N subjects, K keypoints.

    Attributes:
        points: (N, K, 2) float32, x, y in pixels of the original image.
        confidence: (N, K) float32 in [0, 1]: the height of the heatmap's peak; with several views
            see :class:`~posebridge.inference.tta.ManyViews`; or calibrated confidence.
        regions: (N, 3) x, y, side of the crop, pixels of the image.
        sizes: (N, 2) width and height of each image.
        cells: (N, K, 2) the highest cell of each heatmap, for the published protocol.
        rows: (N,) the row of each subject among the given ones; unreadable images are left out.
        samples: these N subjects, or None where arrays were given.
        skipped: one line for each image that could not be read.
    """

    points: np.ndarray
    confidence: np.ndarray
    regions: np.ndarray
    sizes: np.ndarray
    cells: np.ndarray
    rows: np.ndarray
    samples: UnlabeledSamples | None
    skipped: Sequence[str]

    def __len__(self) -> int:
        return len(self.points)


class FramePredictions(NamedTuple):
    """Predictions on the frames of one source, as writers take them.

    Attributes:
        predictions: N subjects.
        files: (N,) the name of each subject's image in the outputs.
        frames: F files of all frames, with subjects or without.
        times: (F,) their seconds, of a video or a camera.
        seconds: (N,) the time of each subject's frame, of a video or a camera.
        meaning: what a confidence is.
    """

    predictions: PosePredictions
    files: Sequence[str]
    frames: Sequence[Path]
    times: np.ndarray | None = None
    seconds: np.ndarray | None = None
    meaning: str = PEAKS


class BatchPrediction(NamedTuple):
    """Keypoints of one batch of subjects.

    Attributes:
        keypoints: of B crops, in their pixels.
        places: (B, 5) x, y, side of each subject's region, width, height of its image.
        rows: (B,) the row of each subject among the given ones.
    """

    keypoints: Keypoints
    places: np.ndarray
    rows: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name, for a :class:`~posebridge.inference.batches.Batch`."""
        return {**self.keypoints._asdict(), "places": self.places, "rows": self.rows}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> BatchPrediction:
        """Return the part whose :meth:`arrays` these are."""
        found = Keypoints(*(arrays[name] for name in Keypoints._fields))
        return cls(found, arrays["places"], arrays["rows"])


def joined(
    parts: Sequence[BatchPrediction],
    samples: UnlabeledSamples | None,
    skipped: Sequence[str],
    size: int,
) -> PosePredictions:
    """Return parts as one prediction, in pixels of the images.

    Args:
        parts: one or more, in order.
        samples: the subjects of the parts' rows, in their order.
        size: side of the crops, pixels.
    """
    found, places, rows = zip(*parts, strict=True)
    keypoints = Keypoints(*(np.concatenate(field) for field in zip(*found, strict=True)))
    place = np.concatenate(places)
    regions = place[:, :3]
    return PosePredictions(
        points=to_image(keypoints.points, regions, size).astype(np.float32),
        confidence=keypoints.confidence.astype(np.float32),
        regions=regions,
        sizes=place[:, 3:],
        cells=keypoints.cells,
        rows=np.concatenate(rows),
        samples=samples,
        skipped=skipped,
    )
