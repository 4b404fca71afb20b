"""Frames of videos and images inside other files, stored as image files in a cache folder.

The cache is ``$POSEBRIDGE_CACHE``, or ``posebridge`` in ``$XDG_CACHE_HOME`` or ``~/.cache``; a
folder in it is named by the file, its size and time and the frames, so that a changed file is read
again. It may be deleted at any time.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from posebridge.errors import InputError

_QUALITY = 95
_VERSION = 2
"""Increased when the same frames of one file are stored in another form."""

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space, or set POSEBRIDGE_CACHE to a folder with room",
    errno.EDQUOT: "the disk quota is used up; free some space, or set POSEBRIDGE_CACHE to a folder "
    "with room",
    errno.EROFS: "the disk is read-only; set POSEBRIDGE_CACHE to a folder that can be written",
    errno.EACCES: "you may not write there; set POSEBRIDGE_CACHE to a folder that you may write",
    errno.EPERM: "you may not write there; set POSEBRIDGE_CACHE to a folder that you may write",
    errno.ENOTDIR: "it is not in a folder; set POSEBRIDGE_CACHE to a folder",
    errno.EEXIST: "something that is not a folder has that name; set POSEBRIDGE_CACHE to a folder",
}


def cache_folder() -> Path:
    """Return the cache folder of frames."""
    given = os.environ.get("POSEBRIDGE_CACHE")
    if given:
        return Path(given) / "frames"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "posebridge" / "frames"


def cached_folder(path: Path, what: str) -> Path:
    """Return the folder for the images ``what`` of a file in its present state."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"{path} does not exist or can't be read: {error.strerror}.") from error
    file = os.fsencode(path.resolve()).decode("utf-8", "backslashreplace")
    text = json.dumps([file, state.st_size, state.st_mtime_ns, what, _QUALITY, _VERSION])
    name = os.fsencode(path.stem).decode("utf-8", "replace")[:40]
    return cache_folder() / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def stored(folder: Path, write: Callable[[Path], None]) -> list[Path]:
    """Return the files of a cache folder, written first if it is missing; whole or not at all.

    Args:
        write: puts files into the given folder, by :func:`store_image`. Its other errors pass: they are
            about the source, not about the cache.

    Raises:
        InputError: the cache can't be written, with the reason.
    """
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        shutil.rmtree(part, ignore_errors=True)
        try:
            try:
                part.mkdir(parents=True)
            except OSError as error:
                raise cannot_store(part, error) from error
            write(part)
            if not any(part.iterdir()):
                return []
            try:
                os.replace(part, folder)
            except OSError as error:
                # Another process that wrote the same frames first leaves a folder that is not empty.
                if not folder.is_dir():
                    raise cannot_store(folder, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"the frames stored in {folder} can't be read: {error.strerror or error}; delete that "
            "folder."
        ) from error


def store_image(file: Path, image: np.ndarray) -> None:
    """Write an (H, W, 3) RGB or (H, W, 1) uint8 image by the ending, JPEG or PNG.

    Raises:
        InputError: the cache can't be written, with the reason.
    """
    # OpenCV writes blue first.
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if file.suffix == ".jpg" else []
    ok, content = cv2.imencode(file.suffix, np.ascontiguousarray(image[..., ::-1]), options)
    assert ok
    try:
        file.write_bytes(content.tobytes())
    except OSError as error:
        raise cannot_store(file, error) from error


def cannot_store(place: Path, error: OSError) -> InputError:
    """Return the sentence for a place in the cache that can't be written, with the system's reason."""
    reason = _REMEDIES.get(error.errno or 0, str(error.strerror or error))
    return InputError(f"frames can't be stored in {place.parent}: {reason}.")
