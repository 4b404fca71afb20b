"""What can be a target of adaptation or the input of a prediction: images, perhaps boxes."""

from __future__ import annotations

import glob
from pathlib import Path

import numpy as np

from posebridge.data.coco import read_boxes
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def read_unlabelled(source: Path | str, images: Path | str | None = None) -> UnlabelledSamples:
    """Images to adapt to or to predict on.

    Args:
        source: a folder (searched with its subfolders; each image one subject, the whole image as
            its box), a glob pattern, one image, or a COCO file, of which the boxes are read and
            keypoints are not.
        images: for a COCO file, the folder its file names are relative to.

    Raises:
        InputError: nothing there, or nothing that is an image.
    """
    path = Path(source)
    if path.is_file() and path.suffix.lower() == ".json":
        return read_boxes(path, images)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if _is_image(p))
    elif path.is_file():
        if not _is_image(path):
            raise InputError(
                f"{path} is neither an image ({', '.join(IMAGE_ENDINGS)}) nor a COCO file."
            )
        found = [path]
    elif glob.has_magic(str(source)):
        found = sorted(p for p in map(Path, glob.glob(str(source), recursive=True)) if _is_image(p))
    else:
        raise InputError(
            f"{source} does not exist; give a folder of images, a glob or a COCO file."
        )
    if not found:
        raise InputError(f"{source} holds no image ({', '.join(IMAGE_ENDINGS)}).")
    order = np.arange(len(found))
    return UnlabelledSamples.from_lists(
        str(source), found, np.zeros((len(found), 4), dtype=np.float32), order, order
    )


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_ENDINGS and path.is_file()
