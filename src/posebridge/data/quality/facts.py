"""Facts about image files without their labels: sizes, colors, a fingerprint, damage."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from posebridge.data.image_files import UnreadableImage, decode_with_range

THUMB = 32
HASH_SIDE = 8
CHUNK = 64


@dataclass(frozen=True, eq=False)
class ImageFacts:
    """M image files, each once.

    Attributes:
        files: (M,) bytes, encoded paths, as in ``UnlabeledSamples.files``.
        problems: the problem of each file, empty for a good one.
        readable: (M,) bool; the rows below hold 0 for an unreadable image.
        sizes: (M, 2) int64, width and height in pixels.
        thumbs: (M, 32, 32, 3) uint8 RGB, the whole image squeezed into a square.
        digests: (M,) bytes, of the file's content: equal for equal files.
        hashes: (M, 64) float32 of +-1, from :func:`perceptual_hash`.
        ranges: the range of values by which each file was scaled to 8 bits; empty for a file of 8 bits.
    """

    files: np.ndarray
    problems: list[str]
    readable: np.ndarray
    sizes: np.ndarray
    thumbs: np.ndarray
    digests: np.ndarray
    hashes: np.ndarray
    ranges: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.files)

    def path(self, index: int) -> Path:
        """Return the path of one file."""
        return Path(os.fsdecode(bytes(self.files[index])))

    @property
    def colors(self) -> dict[str, np.ndarray]:
        """Return (M,) brightness, contrast and saturation of each image in percent, from its thumbnail.

        Brightness is the mean of the luma, contrast its standard deviation, saturation the mean of
        HSV's saturation.
        """
        luma = _luma(self.thumbs).reshape(len(self), THUMB * THUMB)
        high = self.thumbs.max(axis=3).astype(np.float32)
        low = self.thumbs.min(axis=3).astype(np.float32)
        saturation = ((high - low) / np.maximum(high, 1)).reshape(len(self), THUMB * THUMB)
        return {
            "brightness": luma.mean(axis=1) / 2.55,
            "contrast": luma.std(axis=1) / 2.55,
            "saturation": saturation.mean(axis=1) * 100,
        }


def read_image_facts(
    files: np.ndarray,
    progress: Callable[[int], None] | None = None,
    workers: int | None = None,
) -> ImageFacts:
    """Decode every file once, on threads (OpenCV decodes outside of Python's lock).

    Args:
        files: (M,) encoded paths, all different.
        progress: called with the number of files done.
        workers: threads; by default one for each core, at most 16.
    """
    count = len(files)
    readable = np.zeros(count, bool)
    sizes = np.zeros((count, 2), np.int64)
    thumbs = np.zeros((count, THUMB, THUMB, 3), np.uint8)
    digests = np.zeros(count, "S16")
    problems = [""] * count
    ranges = [""] * count

    def look(index: int) -> None:
        path = Path(os.fsdecode(bytes(files[index])))
        try:
            image, stored = decode_with_range(path)
            content = path.read_bytes()
        except (OSError, UnreadableImage) as error:
            problems[index] = str(error)
            return
        readable[index] = True
        ranges[index] = "" if stored is None else str(stored)
        sizes[index] = image.shape[1], image.shape[0]
        thumbs[index] = cv2.resize(image, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
        # Digests of numpy's fixed width lose trailing zero bytes; hex digests have none.
        digests[index] = hashlib.blake2b(content, digest_size=8).hexdigest().encode()
        if is_cut_off(content):
            problems[index] = f"{path}: the file ends in the middle of the image"

    workers = workers or min(16, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, count, CHUNK):
            list(pool.map(look, range(start, min(start + CHUNK, count))))
            if progress is not None:
                progress(min(start + CHUNK, count))
    return ImageFacts(
        files, problems, readable, sizes, thumbs, digests, perceptual_hash(_luma(thumbs)), ranges
    )


def perceptual_hash(luma: np.ndarray) -> np.ndarray:
    """Return 64 signs that stay when an image is scaled, compressed again or slightly recolored.

    The usual DCT hash (Zauner, *Implementation and benchmarking of perceptual image hash functions*,
    2010): the 8 x 8 lowest frequencies of the 32 x 32 image but for the row and the column of its
    means, each against their median.

    Args:
        luma: (M, 32, 32).

    Returns:
        (M, 64) float32 of +-1; two images differ in (64 - a @ b) / 2 signs.
    """
    cells = np.arange(THUMB)
    frequencies = np.arange(1, HASH_SIDE + 1)[:, None]
    basis = np.cos(np.pi / THUMB * (cells + 0.5) * frequencies).astype(np.float32)
    low = basis @ luma.astype(np.float32) @ basis.T
    flat = low.reshape(len(luma), HASH_SIDE * HASH_SIDE)
    return np.where(flat > np.median(flat, axis=1, keepdims=True), 1, -1).astype(np.float32)


def _luma(thumbs: np.ndarray) -> np.ndarray:
    return thumbs.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def is_cut_off(content: bytes) -> bool:
    """Return whether a JPEG or PNG lacks its end mark; decoders then fill with gray."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") < len(content) // 2
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content[-4096:]
    return False
