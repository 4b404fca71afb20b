"""Frames of a camera, by OpenCV's VideoCapture.

A camera is named ``camera:0``, ``camera:1``, ... by OpenCV's index. The prefix is needed: a bare
``0`` may be the name of a file or folder.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from cv2.utils import logging

from posebridge.errors import InputError
from posebridge.files.whole import cannot_write

PREFIX = "camera:"
_WARM_UP = 30  # frames that some cameras fail to give at first
_QUALITY = 95


class Frame(NamedTuple):
    """One image: its number from 0, the seconds since the first one, (H, W, 3) uint8 RGB."""

    number: int
    seconds: float
    image: np.ndarray

    def write(self, folder: Path) -> None:
        """Write the frame as a JPEG file, under its :func:`frame_name`.

        Raises:
            InputError: the file can't be written, with the reason.
        """
        options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        content = cv2.imencode(".jpg", self.image[..., ::-1], options)[1]
        try:
            (folder / frame_name(self.number)).write_bytes(content.tobytes())
        except OSError as error:
            raise cannot_write(folder / frame_name(self.number), error) from error


def frame_name(number: int) -> str:
    """Return the file name of a frame."""
    return f"frame_{number:08d}.jpg"


class Capture(Protocol):
    """The methods of ``cv2.VideoCapture`` that are used."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def release(self) -> None: ...


def open_capture(index: int) -> Capture:
    """Return OpenCV's camera; tests replace this function."""
    level = logging.getLogLevel()
    # It would print what the message of camera_frames() contains.
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(index)
        # Where the driver supports it: the newest image, not one that has waited for the model.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture
    finally:
        logging.setLogLevel(level)


def camera_index(given: str) -> int | None:
    """Return the index in ``camera:0``; None for other names.

    Raises:
        InputError: ``camera:`` without an index, or a bare number that is not a path.
    """
    if given.isdecimal() and not Path(given).exists():
        raise InputError(f"{given} does not exist; a camera is given as {PREFIX}{given}.")
    if not given.startswith(PREFIX):
        return None
    if re.fullmatch(r"[0-9]{1,3}", given.removeprefix(PREFIX)) is None:
        raise InputError(
            f"{given} does not name a camera; give {PREFIX} and its number, such as camera:0."
        )
    return int(given.removeprefix(PREFIX))


def camera_frames(
    index: int,
    seconds: float | None = None,
    every: int = 1,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Frame, None, None]:
    """Yield frames until the camera or the time ends; the camera is released in any case.

    A slow consumer gets the newest frame: the frames between are lost, and the times show the gap.

    Args:
        seconds: frames that come this long after the first one, or later, are not taken; None: no end.
        every: take every n-th frame.
        stop: called before each frame; true ends the frames.

    Raises:
        InputError: the camera does not exist or gives no image. A camera that stops giving images
            (unplugged) ends the frames.
    """
    capture = open_capture(index)
    try:
        if not capture.isOpened():
            raise InputError(
                f"{PREFIX}{index} can't be opened; is it plugged in, not in use by another program, "
                "and open to this user?"
            )
        first: float | None = None
        read = failures = 0
        while not stop():
            ok, picture = capture.read()
            if not ok or picture is None:
                if first is not None:
                    return
                failures += 1
                if failures == _WARM_UP:
                    raise InputError(
                        f"{PREFIX}{index} gives no image; check the camera in another program."
                    )
                continue
            at = clock()
            first = at if first is None else first
            if seconds is not None and at - first >= seconds:
                return
            if read % every == 0:
                yield Frame(read, at - first, np.ascontiguousarray(picture[..., ::-1]))
            read += 1
    finally:
        capture.release()
