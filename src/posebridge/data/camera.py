"""Frames of a camera, by OpenCV's VideoCapture.

A camera is named ``camera:0``, ``camera:1``, ... by OpenCV's index. The prefix is needed: a bare
``0`` may be the name of a file or folder.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
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
    """One picture: its number from 0, the seconds since the first one, (H, W, 3) uint8 RGB."""

    number: int
    seconds: float
    image: np.ndarray

    def write(self, folder: Path) -> None:
        """Store it as a JPEG file, under its :func:`frame_name`.

        Raises:
            InputError: it can't be written, with the reason.
        """
        options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        content = cv2.imencode(".jpg", self.image[..., ::-1], options)[1]
        try:
            (folder / frame_name(self.number)).write_bytes(content.tobytes())
        except OSError as error:
            raise cannot_write(folder / frame_name(self.number), error) from error


def frame_name(number: int) -> str:
    """What the file of a frame is called."""
    return f"frame_{number:08d}.jpg"


class Capture(Protocol):
    """What is used of ``cv2.VideoCapture``."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def release(self) -> None: ...


def open_capture(index: int) -> Capture:
    """OpenCV's camera; a test puts another one here."""
    level = logging.getLogLevel()
    # It would print what the message of camera_frames() says.
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(index)
        # Where the driver can: the newest picture, not one that has waited for the model.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture
    finally:
        logging.setLogLevel(level)


def camera_index(given: str) -> int | None:
    """The index in ``camera:0``; None for what names no camera.

    Raises:
        InputError: ``camera:`` with something that is no index, or a bare number that is no path.
    """
    if given.isdecimal() and not Path(given).exists():
        raise InputError(f"{given} does not exist; a camera is given as {PREFIX}{given}.")
    if not given.startswith(PREFIX):
        return None
    if re.fullmatch(r"[0-9]{1,3}", given.removeprefix(PREFIX)) is None:
        raise InputError(
            f"{given} names no camera; give {PREFIX} and its number, such as camera:0."
        )
    return int(given.removeprefix(PREFIX))


def camera_frames(
    index: int,
    seconds: float | None = None,
    every: int = 1,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Frame]:
    """Frames as the camera gives them, until it is over; the camera is released in any case.

    Whoever takes long over a frame gets the one that the camera shows by then: the pictures between
    are lost, and the times tell.

    Args:
        seconds: no frame that comes so long after the first one or later; None: without end.
        every: take every n-th frame.
        stop: asked before each frame whether to end.

    Raises:
        InputError: no such camera, or one that gives no picture. A camera that stops giving some
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
                        f"{PREFIX}{index} gives no picture; does another program see one?"
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
