"""Images without annotations: a folder, a glob, one image, one or several videos."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

import numpy as np

from posebridge.data.folder_scan import Scanned, endings_in_words, scan_folder, scan_glob
from posebridge.data.image_files import IMAGE_ENDINGS
from posebridge.data.samples import UnlabeledSamples
from posebridge.data.videos.video import is_video, sample_video
from posebridge.errors import InputError
from posebridge.files.given import require_given, require_regular

__all__ = ["IMAGE_ENDINGS", "read_image_folder"]


def read_image_folder(
    source: Path | str,
    every: int = 0,
    frames: int = 1000,
    say: Callable[[str], None] | None = None,
) -> UnlabeledSamples:
    """Read images and frames of videos, each one subject with the whole image as its box.

    Args:
        source: a folder (searched with its subfolders for images and videos), a glob pattern, one
            image or one video.
        every: take every n-th frame of a video; 0: at most ``frames`` of each video, spread evenly.
        say: receives sentences on what is left out and why, what takes long, and which video of
            several cannot be read.

    Raises:
        InputError: nothing exists there, or nothing is an image or a video.
    """
    require_given(source, "images")
    path = Path(source)
    if path.is_dir():
        found = scan_folder(path)
    elif path.exists():
        require_regular(path)
        if path.suffix.lower() not in IMAGE_ENDINGS and not is_video(path):
            raise InputError(
                f"{path} is neither an image ({', '.join(IMAGE_ENDINGS)}), a video, nor an "
                "annotation file of a known format; --help lists the formats and how to name one."
            )
        found = Scanned([path])
    elif glob.has_magic(str(source)):
        found = scan_glob(str(source))
    else:
        raise InputError(
            f"{source} does not exist; give a folder of images, a glob or a COCO file."
        )
    left_out = found.counts()
    if not found.files:
        raise InputError(
            f"{source} holds no image ({', '.join(endings_in_words())}) and no video"
            + (f"; left out: {left_out}." if left_out else ".")
        )
    if left_out and say is not None:
        say(f"{source}: left out: {left_out}")
    files = _with_frames(found.files, every, frames, say)
    order = np.arange(len(files))
    return UnlabeledSamples.from_lists(
        str(source), files, np.zeros((len(files), 4), dtype=np.float32), order, order
    )


def _with_frames(
    found: list[Path], every: int, frames: int, say: Callable[[str], None] | None
) -> list[Path]:
    files: list[Path] = []
    broken: list[InputError] = []
    for path in found:
        if not is_video(path):
            files.append(path)
            continue
        try:
            files += sample_video(path, every, frames, say)
        except InputError as error:
            broken.append(error)
            if len(found) > 1 and say is not None:
                say(f"left out: {error}")
    if not files:
        raise broken[0]
    return files
