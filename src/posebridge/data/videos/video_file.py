"""A video file opened by FFmpeg as what it is: one regular file in a container of videos.

FFmpeg opens much else under the name of a video: play lists and scripts that name other files or hosts
(``ffconcat``, HLS, DASH), patterns of image names, pipes, addresses. A stranger's file must not choose,
so the container's kind and the protocol are fixed here, and no other module calls ``av.open`` to read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError

_CONTAINERS = (
    *("mov", "mp4", "matroska", "webm", "avi", "mpeg", "mpegts", "mpegvideo", "asf", "ogg", "flv"),
    *("h264", "hevc", "m4v"),
)
"""FFmpeg's names of the containers that are read; no such container names another file."""

_MOST_PIXELS = 2**27
"""Largest frame; 16,384 x 8,192 is the largest that H.264 and HEVC have."""


def require_video_file(path: Path) -> os.stat_result:
    """Return the state of a regular file.

    Raises:
        InputError: missing, unreadable, empty, or a pipe, a folder, a device.
    """
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} does not exist or can't be read: {reason}.") from error
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"{path} is not a regular file; give a video file.")
    if state.st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy the video again.")
    return state


def open_video(path: Path) -> tuple[Any, Any]:
    """Return PyAV's container and the stream of images; close the container after use.

    Raises:
        InputError: not a video in a container that is read, without images, or with absurd sizes.
    """
    av = need("av", "video", f"reading the video {path}")
    state = require_video_file(path)
    limits = {"format_whitelist": ",".join(_CONTAINERS), "protocol_whitelist": "file"}
    try:
        with path.open("rb"):
            pass  # the system's own reason, such as a missing permission
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}.") from error
    try:
        # A name such as concat:a|b.mp4 or one with a percent sign is a name and nothing else.
        container = av.open(f"file:{os.path.abspath(path)}", container_options=limits)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} is not a video that can be read ({reason}); give a whole video file, of a kind "
            "such as MP4, MOV, MKV, WebM or AVI."
        ) from error
    try:
        stream = _pictures(av, container)
        if stream is None:
            raise InputError(f"{path} has no images; give a video.")
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > _MOST_PIXELS:
            raise InputError(
                f"{path} has frames of {width} x {height} pixels; at most {_MOST_PIXELS:,} are read."
            )
        if stream.frames > state.st_size:
            raise InputError(
                f"{path} claims {stream.frames:,} frames in {state.st_size:,} bytes; it is damaged."
            )
        stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    except BaseException:
        container.close()
        raise
    return container, stream


def _pictures(av: Any, container: Any) -> Any:
    """Return the first stream of images that is not a cover; one that FFmpeg can decode."""
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover and stream.codec_context is not None:
            return stream
    return None
