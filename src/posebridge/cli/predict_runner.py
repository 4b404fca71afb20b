"""The work of ``posebridge predict``, whose options are in ``predict.py``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from posebridge.data.samples import UnlabelledSamples
from posebridge.inference.calibrated import Calibration
from posebridge.inference.detection import find_subjects
from posebridge.inference.detectors import Detector, Wanted
from posebridge.inference.predictions import PosePredictions
from posebridge.inference.predictor import Predictor
from posebridge.inference.provenance import subjects_digest
from posebridge.inference.resume_cache import Journal
from posebridge.report.console import remarks
from posebridge.report.progress_bar import ProgressBar

Kept = Callable[[str, dict[str, Any]], Journal]
"""What is kept, and what it depends on beside the model, the video and the settings -> its journal."""


class Finder(NamedTuple):
    """What finds the subjects, and which of them."""

    detector: Detector
    wanted: Wanted


class Seen(NamedTuple):
    """Predictions, the names of their images, and of a video or camera when they are seen.

    ``frames`` and ``times`` are all of its pictures, with subjects or without.
    """

    found: PosePredictions
    files: list[str]
    frames: list[Path]
    times: np.ndarray | None = None
    seconds: np.ndarray | None = None


def from_files(
    given: argparse.Namespace,
    predictor: Predictor,
    finder: Finder | None,
    kept: Kept | None,
    console: Console,
) -> Seen:
    """Predict on images or the frames of videos; ``kept`` opens the journals of one video."""
    from posebridge.data.datasets import is_reference
    from posebridge.data.reading import ReadingConfig, read_unlabelled
    from posebridge.data.videos.video import is_video, shown_at
    from posebridge.inference.writers import require_names

    base = Path(given.images)
    if is_reference(given.images):
        base = Path(given.data_root or base.parent)
    samples = read_unlabelled(
        given.images,
        given.image_folder,
        given.format,
        ReadingConfig(
            every=given.every,
            frames=given.frames,
            category=given.category,
            # The boxes of a file, where no detector is to find others.
            least_score=0 if finder else given.least_score,
            least_size=0 if finder else given.least_size,
        ),
        say=remarks(console),
        root=given.data_root,
    )
    frames = list(dict.fromkeys(samples.path(row) for row in range(len(samples))))
    names = [_relative(f, base) for f in frames]
    require_names(given.out, frames, names)
    if given.overlays and not is_video(Path(given.overlays)):
        from posebridge.report.overlays import require_other_files

        require_other_files(Path(given.overlays), frames, names)
    skipped: list[str] = []
    if finder is not None:
        samples, skipped = _find(samples, finder, kept, len(frames), console)
    journal = kept and kept("keypoints", {"subjects": subjects_digest(samples)})
    done = _told(journal, len(samples), "subjects", console)
    with ProgressBar(console, "predicting", len(samples), done) as bar:
        found = predictor.predict(samples, progress=bar.update, kept=journal)
    found = replace(found, skipped=[*skipped, *found.skipped])
    assert found.samples is not None
    paths = [found.samples.path(row) for row in range(len(found))]
    files = [_relative(path, base) for path in paths]
    if journal is None:
        return Seen(found, files, frames)
    times = shown_at(base, frames)
    shown = dict(zip(frames, times, strict=True))
    seconds = np.array([shown[path] for path in paths])
    return Seen(found, files, frames, times, seconds)


def _find(
    samples: UnlabelledSamples, finder: Finder, kept: Kept | None, images: int, console: Console
) -> tuple[UnlabelledSamples, list[str]]:
    """The subjects that the detector sees, and a line for each image that can't be read."""
    journal = kept and kept("boxes", {"images": subjects_digest(samples)})
    done = _told(journal, images, "images", console)
    with ProgressBar(console, f"looking for '{finder.wanted.label}'", images, done) as bar:
        found = find_subjects(samples, *finder, kept=journal, progress=bar.update)
    console.print(f"{len(found.samples)} subjects in {images} images", highlight=False)
    if found.without:
        some = ", ".join(Path(name).name for name in found.without[:3])
        more = ", ..." if len(found.without) > 3 else ""
        console.print(f"{len(found.without)} images show none: {some}{more}", highlight=False)
    return found.samples, list(found.skipped)


def _told(journal: Journal | None, count: int, what: str, console: Console) -> int:
    """How many items are done, and a line where there are some."""
    done = 0 if journal is None else journal.done
    if done:
        console.print(f"going on after {done} of {count} {what}", highlight=False)
    return done


def from_camera(
    given: argparse.Namespace,
    predictor: Predictor,
    finder: Finder | None,
    camera: int,
    journal: Journal,
    console: Console,
) -> Seen:
    """Predict on a camera's frames until the time is over or somebody stops it."""
    from posebridge.data.camera import camera_frames
    from posebridge.errors import InputError
    from posebridge.inference.live import predict_live, until_stopped

    folder = None if given.keep_frames is None else Path(given.keep_frames)
    recovering = given.seconds == 0
    if recovering and not journal.kept:
        what = f"differs in {' and '.join(journal.other)}" if journal.other else "has no frame"
        raise InputError(f"{journal.file} {what}, so there is nothing to write out.")
    if not recovering and (journal.kept or journal.other):
        raise InputError(
            f"{journal.file} holds frames of a session that was cut off; write them out by the same "
            "command with --seconds 0, or drop them with --overwrite."
        )
    if folder is not None and not recovering:
        if folder.is_dir() and any(folder.iterdir()) and not given.overwrite:
            raise InputError(f"{folder} is not empty; give another folder, or --overwrite.")
        folder.mkdir(parents=True, exist_ok=True)

    def boxes(image: np.ndarray) -> np.ndarray:
        assert finder is not None
        return finder.wanted.boxes(finder.detector.detect([image])[0], finder.detector.classes)

    with until_stopped() as stop:
        length = "" if given.seconds is None else f" for {given.seconds:g} s"
        if not recovering:
            console.print(f"looking at {given.images}{length}; Ctrl-C ends it", highlight=False)
        frames = () if recovering else camera_frames(camera, given.seconds, given.every or 1, stop)
        live = predict_live(
            predictor, frames, given.images, journal, boxes=finder and boxes, folder=folder
        )
    console.print(f"{len(live.frames)} frames in {live.times[-1]:.1f} s", highlight=False)
    assert live.found.samples is not None
    files = [live.found.samples.path(row).name for row in range(len(live.found))]
    return Seen(live.found, files, list(live.frames), live.times, live.seconds)


def write_all(
    given: argparse.Namespace,
    predictor: Predictor,
    calibration: Calibration | None,
    seen: Seen,
    console: Console,
) -> None:
    """Smooth and calibrate where asked for, write all files, and say which."""
    from posebridge.data.videos.video import is_video
    from posebridge.inference.calibrated import with_chances
    from posebridge.inference.writers import PEAKS, write_predictions

    found = seen.found
    if given.smooth:
        from posebridge.inference.smoothing import smoothed

        assert seen.seconds is not None
        found = smoothed(found, seen.seconds)
    meaning = PEAKS
    if predictor.asked.times > 1:
        meaning = "what several views of the crop agree on"
    if calibration is not None:
        found = with_chances(found, calibration)
        meaning = (
            f"the chance to lie within {calibration.within} of the crop's side, calibrated on "
            "labelled source images"
        )
        console.print(f"confidence is {meaning}", highlight=False)
    for out in given.out:
        _, *beside = write_predictions(
            Path(out), found, predictor.skeleton, seen.files, meaning, seen.seconds
        )
        console.print(f"written: {out} ({len(found)} subjects)", highlight=False)
        for file in beside:
            console.print(f"written: {file}", highlight=False)
    if given.overlays and is_video(Path(given.overlays)):
        from posebridge.report.overlay_video import write_overlay_video

        assert seen.times is not None
        count = write_overlay_video(
            Path(given.overlays),
            *(found, predictor.skeleton, seen.frames, seen.times, given.confidence),
        )
        console.print(f"written: {count} frames in {given.overlays}", highlight=False)
    elif given.overlays:
        from posebridge.report.overlays import write_overlays

        count = write_overlays(
            Path(given.overlays), found, predictor.skeleton, seen.files, given.confidence
        )
        console.print(f"written: {count} overlays in {given.overlays}", highlight=False)
    for line in found.skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False)


def _relative(path: Path, base: Path) -> str:
    """A file's name in the results: relative to the folder that was given, where there is one."""
    folder = base if base.is_dir() else base.parent
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
