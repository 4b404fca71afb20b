"""Where the frames of a prediction come from: images, one video, or a camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from posebridge.data import camera
from posebridge.data.datasets import is_reference
from posebridge.data.reading import read_unlabeled
from posebridge.data.samples import UnlabeledSamples
from posebridge.data.videos.video import is_video, shown_at
from posebridge.data.videos.video_file import require_video_file
from posebridge.errors import InputError
from posebridge.inference.batches import Batch
from posebridge.inference.detection import SubjectDetector, each_image
from posebridge.inference.live import join_frames, predict_live, until_stopped
from posebridge.inference.loops import Listener, Loop, RunLoop
from posebridge.inference.predict_config import PredictConfig
from posebridge.inference.predictions import FramePredictions
from posebridge.inference.predictor import Predictor
from posebridge.inference.provenance import file_state
from posebridge.inference.writers import PredictionWriter

__all__ = ["CameraFrames", "FrameSource", "ImageFiles", "VideoFile", "open_source"]


class Models(NamedTuple):
    """What turns frames into keypoints: a predictor, and a detector where there is one."""

    predictor: Predictor
    detector: SubjectDetector | None


class FrameSource(Protocol):
    """A source of frames.

    Attributes:
        timed: whether each frame has a time.
        repeatable: whether the frames can be read again.
    """

    timed: bool
    repeatable: bool

    def state(self) -> Mapping[str, Any] | None:
        """Return the entries that identify the frames; None where a prediction is not resumed."""
        ...

    def predict(
        self,
        models: Models,
        run: RunLoop,
        writers: Sequence[PredictionWriter],
        listener: Listener,
    ) -> FramePredictions:
        """Return the keypoints in all frames.

        Args:
            run: runs the loops over the frames.
            writers: they check the names of the frames before the loops start.

        Raises:
            InputError: the frames can't be read, or no frame shows a subject.
        """
        ...


def open_source(config: PredictConfig) -> FrameSource:
    """Return the source that ``config.images`` names.

    Raises:
        InputError: no such camera or video.
    """
    index = camera.camera_index(config.images)
    if index is not None:
        return CameraFrames(config, index)
    path = Path(config.images)
    if is_video(path) and not path.is_dir() and (path.is_file() or not has_magic(config.images)):
        require_video_file(path)
        return VideoFile(config)
    return ImageFiles(config)


class ImageFiles:
    """Images, videos of a folder, or the boxes of a file."""

    timed = False
    repeatable = True

    def __init__(self, config: PredictConfig) -> None:
        self.config = config
        base = Path(config.images)
        if is_reference(config.images):
            base = Path(config.data_root or base.parent)
        self.base = base

    def state(self) -> Mapping[str, Any] | None:
        """Return None: images are quick to predict again."""
        return None

    def predict(
        self,
        models: Models,
        run: RunLoop,
        writers: Sequence[PredictionWriter],
        listener: Listener,
    ) -> FramePredictions:
        """Return the keypoints in all images; see :class:`FrameSource`."""
        config = self.config
        samples = read_unlabeled(
            *(config.images, config.image_root, config.format, config.data),
            say=listener.line,
            root=config.data_root,
        )
        frames = list(dict.fromkeys(samples.path(row) for row in range(len(samples))))
        names = [_name(frame, self.base) for frame in frames]
        for writer in writers:
            writer.require_names(frames, names)
        unreadable: Sequence[str] = ()
        if models.detector is not None:
            samples, unreadable = _detect(samples, models.detector, run, listener)
        predictor = models.predictor
        compute = partial(predictor.predict_batches, samples)
        loop = Loop("keypoints", compute, "predicting", "subjects", len(samples), samples)
        predictions = predictor.join_batches(run(loop), samples)
        skipped = [*unreadable, *predictions.skipped]
        predictions = replace(predictions, skipped=skipped)
        assert predictions.samples is not None
        files = [predictions.samples.path(row) for row in range(len(predictions))]
        return self._timed(
            FramePredictions(predictions, [_name(f, self.base) for f in files], frames), files
        )

    def _timed(self, result: FramePredictions, files: Sequence[Path]) -> FramePredictions:
        return result


class VideoFile(ImageFiles):
    """The frames of one video, each with its time."""

    timed = True

    def state(self) -> Mapping[str, Any] | None:
        """Return the name, size and time of the video file."""
        return file_state(self.base)

    def _timed(self, result: FramePredictions, files: Sequence[Path]) -> FramePredictions:
        times = shown_at(self.base, result.frames)
        time_of = dict(zip(result.frames, times, strict=True))
        seconds = np.array([time_of[file] for file in files])
        return result._replace(times=times, seconds=seconds)


class CameraFrames:
    """The frames of a camera, until its time is over or a signal comes."""

    timed = True
    repeatable = False

    def __init__(self, config: PredictConfig, index: int) -> None:
        self.config, self.index = config, index
        self.folder = None if config.save_frames is None else Path(config.save_frames)

    def state(self) -> Mapping[str, Any] | None:
        """Return the number of the camera."""
        return {"camera": self.index}

    def predict(
        self,
        models: Models,
        run: RunLoop,
        writers: Sequence[PredictionWriter],
        listener: Listener,
    ) -> FramePredictions:
        """Return the keypoints in the frames as they came; see :class:`FrameSource`."""

        def compute(_: int):
            if not recover:
                yield from self._record(models, listener)

        recover = self.config.seconds == 0
        batches: Sequence[Batch] = run(Loop("keypoints", compute, recover=recover))
        crop = models.predictor.crop.size
        live = join_frames(batches, self.config.images, self.folder, crop)
        listener.line(f"{len(live.frames)} frames in {live.times[-1]:.1f} s")
        assert live.found.samples is not None
        files = [live.found.samples.path(row).name for row in range(len(live.found))]
        return FramePredictions(live.found, files, list(live.frames), live.times, live.seconds)

    def _record(self, models: Models, listener: Listener):
        config, folder = self.config, self.folder
        if folder is not None:
            if folder.is_dir() and any(folder.iterdir()) and not config.overwrite:
                raise InputError(f"{folder} is not empty; give another folder, or --overwrite.")
            folder.mkdir(parents=True, exist_ok=True)
        boxes = models.detector and models.detector.boxes
        length = "" if config.seconds is None else f" for {config.seconds:g} s"
        with until_stopped() as stop:
            listener.line(f"predicting on {config.images}{length}; Ctrl-C ends it")
            frames = camera.camera_frames(self.index, config.seconds, config.frame_step or 1, stop)
            yield from predict_live(models.predictor, frames, boxes=boxes, folder=folder)


def _detect(
    samples: UnlabeledSamples, detector: SubjectDetector, run: RunLoop, listener: Listener
) -> tuple[UnlabeledSamples, Sequence[str]]:
    """Return the subjects that the detector finds, and a line for each unreadable image."""
    images = each_image(samples)
    title = f"detecting '{detector.wanted.label}'"
    compute = partial(detector.detect_batches, images)
    batches = run(Loop("boxes", compute, title, "images", len(images), samples))
    result = detector.join_batches(batches, images)
    listener.line(f"{len(result.samples)} subjects in {len(images)} images")
    if result.without:
        some = ", ".join(Path(name).name for name in result.without[:3])
        more = ", ..." if len(result.without) > 3 else ""
        listener.line(f"no subject in {len(result.without)} images: {some}{more}")
    return result.samples, result.skipped


def _name(path: Path, base: Path) -> str:
    """Return a file's name in the outputs: relative to the folder that was given, where it can be."""
    folder = base if base.is_dir() else base.parent
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
