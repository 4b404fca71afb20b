"""Keypoints of frames as they come, such as the frames of a camera."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from posebridge.data.camera import Frame, frame_name
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.inference.batches import Batch
from posebridge.inference.predictions import BatchPrediction, PosePredictions, joined
from posebridge.inference.predictor import Predictor

Boxes = Callable[[np.ndarray], np.ndarray]
"""An (H, W, 3) RGB image to the (B, 4) boxes of its subjects: x, y, width, height."""


class StreamResult(NamedTuple):
    """Predictions on a stream of frames.

    Attributes:
        found: N subjects, named by the files of their frames.
        seconds: (N,) the time of each subject's frame.
        frames: F files of all frames. times: (F,) their seconds.
    """

    found: PosePredictions
    seconds: np.ndarray
    frames: Sequence[Path]
    times: np.ndarray


def predict_live(
    predictor: Predictor,
    frames: Iterable[Frame],
    *,
    boxes: Boxes | None = None,
    folder: Path | None = None,
) -> Generator[Batch]:
    """Yield the keypoints in each frame, for :func:`join_frames`, before the next frame is taken.

    Args:
        frames: in the order of their numbers.
        boxes: returns the subjects of an image; None: the whole frame is one subject.
        folder: where the frames are stored as well.

    Raises:
        InputError: the disk is full.
    """
    for count, frame in enumerate(frames):
        if folder is not None:
            frame.write(folder)
        arrays = {"frame": np.array([frame.number]), "time": np.array([frame.seconds])}
        subjects = np.zeros((1, 4)) if boxes is None else boxes(frame.image)
        if len(subjects):
            keypoints, regions = predictor.ask(frame.image, subjects)
            arrays |= BatchPrediction(
                keypoints, regions, np.full(len(subjects), frame.number)
            ).arrays()
            arrays["boxes"] = np.asarray(subjects, np.float64)
        yield Batch(count, count + 1, arrays)


def join_frames(
    batches: Sequence[Batch], name: str, folder: Path | None, size: int
) -> StreamResult:
    """Return the batches of all frames as one prediction.

    Args:
        name: the camera, for messages.
        folder: where the frames are stored; None: they are not.
        size: side of the crops, pixels.

    Raises:
        InputError: the stream has no frame, or no frame shows a subject.
    """
    if not batches:
        raise InputError(f"{name} was stopped before its first frame; nothing is written.")
    with_subjects = [batch.arrays for batch in batches if "boxes" in batch.arrays]
    if not with_subjects:
        raise InputError(
            f"{name}: none of {len(batches)} frames shows a subject; nothing is written."
        )
    folder = folder or Path()
    parts = [BatchPrediction.from_arrays(arrays) for arrays in with_subjects]
    numbers = np.concatenate([part.rows for part in parts])
    samples = UnlabeledSamples.from_lists(
        name,
        [folder / frame_name(int(number)) for number in numbers],
        np.concatenate([arrays["boxes"] for arrays in with_subjects]),
        numbers,
        np.arange(len(numbers)),
    )
    order = np.concatenate([batch.arrays["frame"] for batch in batches])
    times = np.concatenate([batch.arrays["time"] for batch in batches])
    return StreamResult(
        joined(parts, samples, [], size),
        times[np.searchsorted(order, numbers)],
        [folder / frame_name(int(number)) for number in order],
        times,
    )


@contextmanager
def until_stopped() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C and SIGTERM end a loop between two frames; a second signal ends the process.

    Yields:
        a function that returns whether a signal came.
    """
    stopped = threading.Event()
    before: dict[int, Any] = {}

    def stop(number: int, _: Any) -> None:
        stopped.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop)
    try:
        yield stopped.is_set
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
