"""Pictures without annotations: a folder, a glob, one image, one or several videos."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

import numpy as np

from posebridge.data.samples import UnlabelledSamples
from posebridge.data.video import is_video, sample_video
from posebridge.errors import InputError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def read_pictures(
    source: Path | str,
    every: int = 0,
    frames: int = 1000,
    say: Callable[[str], None] | None = None,
) -> UnlabelledSamples:
    """Images and frames of videos, each one subject with the whole image as its box.

    Args:
        source: a folder (searched with its subfolders for images and videos), a glob pattern, one
            image or one video.
        every: take every n-th frame of a video; 0: at most ``frames`` of each video, spread evenly.
        say: told what takes long, and which video of several cannot be read and is left out.

    Raises:
        InputError: nothing there, or nothing that is an image or a video.
    """
    path = Path(source)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if _is_picture(p))
    elif path.is_file():
        if not _is_picture(path):
            raise InputError(
                f"{path} is neither an image ({', '.join(IMAGE_ENDINGS)}), a video, nor an "
                "annotation file that is known; --help says which are, and how to name a format."
            )
        found = [path]
    elif glob.has_magic(str(source)):
        matches = map(Path, glob.glob(str(source), recursive=True))
        found = sorted(p for p in matches if _is_picture(p))
    else:
        raise InputError(
            f"{source} does not exist; give a folder of images, a glob or a COCO file."
        )
    if not found:
        raise InputError(f"{source} holds no image ({', '.join(IMAGE_ENDINGS)}) and no video.")
    files = _with_frames(found, every, frames, say)
    order = np.arange(len(files))
    return UnlabelledSamples.from_lists(
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


def _is_picture(path: Path) -> bool:
    return (path.suffix.lower() in IMAGE_ENDINGS or is_video(path)) and path.is_file()
