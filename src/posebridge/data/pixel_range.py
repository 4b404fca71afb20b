"""Images of more than 8 bits: the range by which their values are scaled.

Cameras store 10, 12 or 14 bits in 16, renderers floats up to 1 or up to 255. No such file names its
range, so the range is inferred from the largest value: the smallest of a few usual ranges that
holds it. Several images of the folder are read, so that a dark frame is scaled by no smaller range
than its neighbors.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

LOOKED_AT = 16
"""Number of images of a folder that its range is inferred from, evenly spread over the names."""

_INTEGERS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
_OVEREXPOSED = 8.0
"""Largest value of a renderer's floats that still count as fractions of 1, such as lights."""


class RangeError(Exception):
    """Pixel values that are in no range of an image."""


class PixelRange(NamedTuple):
    """The range of values of an image: 0 to ``top``.

    Attributes:
        top: the value that is shown as white.
        floats: whether the values are floats.
    """

    top: float
    floats: bool

    def __str__(self) -> str:
        if self.floats:
            return f"floats from 0 to {self.top:g}"
        bits = int(self.top + 1).bit_length() - 1
        return f"{bits} bits" if bits == 16 else f"{bits} bits stored in 16"


def own_range(pixels: np.ndarray) -> PixelRange:
    """Return the range of one image.

    >>> str(own_range(np.array([[3900]], np.uint16)))
    '12 bits stored in 16'

    Raises:
        RangeError: values beyond 16 bits, or not finite.
    """
    floats = pixels.dtype.kind == "f"
    largest = float(np.fmax.reduce(pixels, axis=None))
    if not np.isfinite(largest) or largest > _INTEGERS[-1]:
        raise RangeError(
            f"pixel values up to {largest:g}, beyond 16 bits; store the image with 8 or 16 bits"
        )
    if floats and largest <= _OVEREXPOSED:
        return PixelRange(1.0, True)
    return PixelRange(float(next(top for top in _INTEGERS if largest <= top)), floats)


def shared_range(
    path: Path, own: PixelRange, read: Callable[[Path], np.ndarray], unreadable: type[Exception]
) -> PixelRange:
    """Return the range for an image, given the ranges of other images in its folder.

    A dark frame gets the range that nearly all images of the folder have, or in a folder of few
    images one that is two bits larger. In a folder of mixed kinds, an image keeps its own range.

    Args:
        path: an image. own: its own range. read: returns an image's stored values, and raises
            ``unreadable``.
    """
    beside = [
        other
        for other in _folder_ranges(path.parent, path.suffix.lower(), read, unreadable)
        if other.floats == own.floats
    ]
    if len(beside) >= LOOKED_AT // 2:
        usual = max(beside, key=beside.count)
        if beside.count(usual) >= 0.75 * len(beside):
            return max(own, usual)
    near = [other for other in beside if other.top <= 4 * own.top + 3]
    return max([own, *near])


@lru_cache(maxsize=1024)
def _folder_ranges(
    folder: Path, ending: str, read: Callable[[Path], np.ndarray], unreadable: type[Exception]
) -> tuple[PixelRange, ...]:
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.name.lower().endswith(ending))
    chosen = np.unique(np.linspace(0, len(names) - 1, min(LOOKED_AT, len(names))).astype(int))
    found = []
    for number in chosen:
        if names[number].startswith("."):
            continue
        try:
            pixels = read(folder / names[number])
            if pixels.dtype != np.uint8:
                found.append(own_range(pixels))
        except (unreadable, RangeError):
            continue
    return tuple(found)


def as_8_bits(pixels: np.ndarray, wanted: PixelRange) -> np.ndarray:
    """Return (H, W, 3) uint8: the values from 0 to ``wanted.top`` as 0 to 255."""
    if pixels.dtype == np.uint16 and not wanted.floats:
        bits = int(wanted.top + 1).bit_length() - 1
        return (pixels >> (bits - 8)).astype(np.uint8)
    shares = np.nan_to_num(pixels.astype(np.float64)).clip(0, wanted.top) / wanted.top
    return np.rint(shares * 255).astype(np.uint8)
