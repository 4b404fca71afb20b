"""Keypoints of frames as they come, such as those of a camera."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from posebridge.data.camera import Frame, frame_name
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.inference.predictions import Part, PosePredictions, joined
from posebridge.inference.predictor import Predictor
from posebridge.inference.resume_cache import Batch, Journal

Boxes = Callable[[np.ndarray], np.ndarray]
"""An (H, W, 3) RGB image to the (B, 4) boxes of its subjects: x, y, width, height."""


class Live(NamedTuple):
    """What was seen.

    Attributes:
        found: N subjects, named by the files of their frames.
        seconds: (N,) when each was seen.
        frames: F files of all frames. times: (F,) their seconds.
    """

    found: PosePredictions
    seconds: np.ndarray
    frames: Sequence[Path]
    times: np.ndarray


def predict_live(
    predictor: Predictor,
    frames: Iterable[Frame],
    name: str,
    kept: Journal,
    *,
    boxes: Boxes | None = None,
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Live:
    """Find the keypoints in each frame before the next one is taken.

    Args:
        frames: in the order of their numbers.
        name: where they come from, for messages.
        kept: where each frame's answer is kept at once. Frames that are there come first.
        boxes: finds the subjects; None: the whole frame is one.
        folder: where the frames are stored as well.
        progress: called with the number of frames taken.

    Raises:
        InputError: no frame shows a subject, or the disk takes no more.
    """
    taken = [batch.arrays for batch in kept.kept]
    for frame in frames:
        if folder is not None:
            frame.write(folder)
        arrays = {"frame": np.array([frame.number]), "time": np.array([frame.seconds])}
        places = np.zeros((1, 4)) if boxes is None else boxes(frame.image)
        if len(places):
            answer, regions = predictor.ask(frame.image, places)
            arrays |= Part(answer, regions, np.full(len(places), frame.number)).arrays()
            arrays["boxes"] = np.asarray(places, np.float64)
        kept.append(Batch(len(taken), len(taken) + 1, arrays))
        taken.append(arrays)
        if progress is not None:
            progress(len(taken))
    return _gathered(taken, name, folder or Path(), predictor.crop.size)


def _gathered(
    taken: Sequence[Mapping[str, np.ndarray]], name: str, folder: Path, size: int
) -> Live:
    if not taken:
        raise InputError(f"{name} was stopped before its first frame; nothing is written.")
    with_subjects = [arrays for arrays in taken if "boxes" in arrays]
    if not with_subjects:
        raise InputError(
            f"{name}: none of {len(taken)} frames shows a subject; nothing is written."
        )
    parts = [Part.from_arrays(arrays) for arrays in with_subjects]
    numbers = np.concatenate([part.rows for part in parts])
    samples = UnlabelledSamples.from_lists(
        name,
        [folder / frame_name(int(number)) for number in numbers],
        np.concatenate([arrays["boxes"] for arrays in with_subjects]),
        numbers,
        np.arange(len(numbers)),
    )
    order = np.concatenate([arrays["frame"] for arrays in taken])
    times = np.concatenate([arrays["time"] for arrays in taken])
    return Live(
        joined(parts, samples, [], size),
        times[np.searchsorted(order, numbers)],
        [folder / frame_name(int(number)) for number in order],
        times,
    )


@contextmanager
def until_stopped() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask for an end between two frames; a second one ends at once.

    Gives a function that says whether an end was asked for.
    """
    asked = threading.Event()
    before: dict[int, Any] = {}

    def ask(number: int, _: Any) -> None:
        asked.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
