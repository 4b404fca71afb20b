"""Square crops around a padded box, and the way back to the image's pixels.

The crop is cut on whole pixels of the image and then resized, so that the matrix from crop to image
is exact. ``cv2.resize`` maps x to (x + 0.5) s - 0.5, the convention of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import cv2
import numpy as np
from annotated_types import Interval

from posebridge.data.image_files import (
    UnreadableImage,
    check_header,
    decode_image,
    decode_shared,
)
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.ranges import check_ranges

__all__ = [
    "CropConfig",
    "Region",
    "UnreadableImage",
    "cut",
    "decode_image",
    "drop_unreadable",
    "get_region",
    "read_crop",
    "to_crop",
    "to_image",
]

LARGEST_CROP = 4096
"""Largest side of a crop in pixels; beyond that a training step fits on no device."""


@dataclass(frozen=True)
class CropConfig:
    """How subjects are cropped from images.

    Attributes:
        size: side of the crop that the model gets, pixels.
        padding: side of the crop over the longer side of the box; a whole image is not padded.
    """

    size: Annotated[int, Interval(ge=4, le=LARGEST_CROP)] = 256
    padding: Annotated[float, Interval(gt=0, le=100)] = 1.25

    def __post_init__(self) -> None:
        check_ranges(self, "crop.")


class Region(NamedTuple):
    """A square of whole pixels of the image: columns x to x + side, rows y to y + side."""

    x: int
    y: int
    side: int


def get_region(box: np.ndarray, width: int, height: int, padding: float) -> Region:
    """Return the square around a box (x, y, width, height), or the whole image for a width of 0."""
    x, y, w, h = (float(v) for v in box)
    if w <= 0:
        x, y, w, h, padding = 0.0, 0.0, float(width), float(height), 1.0
    side = max(2, round(max(w, h) * padding))
    return Region(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), side)


def cut(image: np.ndarray, region: Region, size: int) -> np.ndarray:
    """Cut the region out of an (H, W, 3) image, black outside it, and resize to ``size``."""
    x, y, side = region
    if side > 2 * max(*image.shape[:2], size):
        return _shrunk(image, region, size)
    left, top = max(0, -x), max(0, -y)
    part = image[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)]
    if part.shape[:2] != (side, side):
        bottom, right = max(0, side - top - part.shape[0]), max(0, side - left - part.shape[1])
        part = (
            np.zeros((side, side, 3), np.uint8)
            if part.size == 0
            else cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_CONSTANT)
        )
    if side == size:
        return part.copy()  # the image may be shared with other subjects
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(part, (size, size), interpolation=method)


def _shrunk(image: np.ndarray, region: Region, size: int) -> np.ndarray:
    """Return a crop like ``INTER_AREA`` of a region far larger than the image, in little memory.

    A pixel of the crop is the mean of the square it covers, black outside of the image: a matrix of
    weights from the left (size, H) and one from the right (W, size).
    """
    scale = region.side / size
    edges = np.arange(size + 1) * scale

    def shares(start: int, length: int) -> np.ndarray:
        pixels = np.arange(length) - start
        low = np.maximum(edges[:-1, None], pixels)
        return np.clip(np.minimum(edges[1:, None], pixels + 1) - low, 0, None) / scale

    height, width = image.shape[:2]
    down, across = shares(region.y, height), shares(region.x, width)
    return np.rint(np.einsum("ih,hwc,jw->ijc", down, image, across, optimize=True)).astype(np.uint8)


def to_image(points: np.ndarray, regions: np.ndarray, size: int) -> np.ndarray:
    """Return crop pixels (N, K, 2) as image pixels; ``regions`` is (N, 3) x, y, side."""
    scale = regions[:, 2, None, None] / size
    return (points + 0.5) * scale - 0.5 + regions[:, None, :2]


def to_crop(points: np.ndarray, regions: np.ndarray, size: int) -> np.ndarray:
    """Return the inverse of :func:`to_image`."""
    scale = size / regions[:, 2, None, None]
    return (points - regions[:, None, :2] + 0.5) * scale - 0.5


def read_crop(
    samples: UnlabeledSamples, index: int, crops: CropConfig
) -> tuple[np.ndarray, Region, tuple[int, int]]:
    """Decode and cut one subject; an image is decoded once for all its subjects in a row.

    Returns:
        the crop (C, C, 3) uint8 RGB, the region it shows, and the image's (width, height).
    """
    image = decode_shared(samples.path(index))
    height, width = image.shape[:2]
    region = get_region(samples.boxes[index], width, height, crops.padding)
    return cut(image, region, crops.size), region, (width, height)


def drop_unreadable(samples: UnlabeledSamples) -> tuple[np.ndarray, list[str]]:
    """Return which rows have an image whose header can be read, and an error for each other file.

    Only headers are read: a few microseconds an image. Damage further inside shows when the image is
    decoded; the loader skips the image then.

    Returns:
        row indices to keep, and one line for each file that is left out.

    Raises:
        InputError: none of the images can be read.
    """
    broken: dict[bytes, str] = {}
    fine: set[bytes] = set()
    for row, name in enumerate(samples.files):
        if name in fine or name in broken:
            continue
        try:
            check_header(samples.path(row))
            fine.add(name)
        except UnreadableImage as error:
            broken[name] = str(error)
    if not fine:
        first = next(iter(broken.values()), "there are none")
        raise InputError(f"no image of {samples.name} can be read; the first: {first}.")
    keep = np.array([name not in broken for name in samples.files])
    return np.flatnonzero(keep), list(broken.values())
