"""Overlays as writers of the prediction pipeline: a folder of images, or one video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posebridge.inference.predict_config import PredictConfig
from posebridge.inference.predictions import FramePredictions
from posebridge.inference.writers import PredictionWriter
from posebridge.report.overlay_video import check_overlay_video, write_overlay_video
from posebridge.report.overlays import require_other_files, write_overlays
from posebridge.skeleton import Skeleton


def overlay_writer(config: PredictConfig) -> PredictionWriter | None:
    """Return the writer of ``config.overlays``; None where no overlays are written.

    Raises:
        InputError: the video can't be written there.
    """
    if config.overlays is None:
        return None
    place = Path(config.overlays)
    if not config.overlay_video:
        return OverlayFolder(place, config.min_confidence)
    check_overlay_video(place, Path(config.images))
    return OverlayVideo(place, config.min_confidence)


@dataclass(frozen=True)
class OverlayFolder:
    """Draws each image with its subjects into a folder."""

    place: Path
    min_confidence: float

    def require_names(self, images: Sequence[Path], names: Sequence[str]) -> None:
        """Raise InputError where an overlay would replace an image that is read."""
        require_other_files(self.place, images, names)

    def write(self, result: FramePredictions, skeleton: Skeleton) -> Sequence[str]:
        """Write the overlays and return a line with their number."""
        count = write_overlays(
            self.place, result.predictions, skeleton, result.files, self.min_confidence
        )
        return [f"written: {count} overlays in {self.place}"]


@dataclass(frozen=True)
class OverlayVideo:
    """Draws the subjects on the frames of a video and writes them as one video."""

    place: Path
    min_confidence: float

    def require_names(self, images: Sequence[Path], names: Sequence[str]) -> None:
        """Accept all names: the frames of a video carry none."""

    def write(self, result: FramePredictions, skeleton: Skeleton) -> Sequence[str]:
        """Write the video and return a line with the number of its frames."""
        assert result.times is not None
        count = write_overlay_video(
            self.place,
            *(result.predictions, skeleton, result.frames, result.times, self.min_confidence),
        )
        return [f"written: {count} frames in {self.place}"]
