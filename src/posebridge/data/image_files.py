"""Image files: their endings, decoding upright to 8 bits, and their size from the header.

:func:`decode_image` and :func:`upright_size` agree for every format: both turn the image by the
EXIF tag of the file, and by nothing else.
"""

from __future__ import annotations

import importlib.util
import io
import os
import stat
import threading
import warnings
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from posebridge.data.optional_dependencies import need
from posebridge.data.pixel_range import PixelRange, RangeError, as_8_bits, own_range, shared_range
from posebridge.errors import InputError

HEIC_ENDINGS = (".heic", ".heif", ".hif")
IMAGE_ENDINGS = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".jpe", ".jfif"),
    *HEIC_ENDINGS,
)
"""Endings of images; HEIC needs the extra ``heic``."""

CACHED_BYTES = 64 * 2**20
"""Decoded images that :func:`decode_shared` keeps; the last one is kept whatever its size."""

_ORIENTATION, _SIDEWAYS = 274, (5, 6, 7, 8)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, OverflowError, Image.DecompressionBombError)


class UnreadableImage(Exception):
    """One image cannot be decoded; the caller skips the image and reports it."""


def heic_is_read() -> bool:
    """Return whether the library that reads HEIC is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def decode_image(path: Path) -> np.ndarray:
    """Return an image file as (H, W, 3) uint8 RGB, turned upright by its EXIF tag.

    Values of more than 8 bits are scaled by the range that the images of the folder use
    (``pixel_range.py``). For an animation the first frame is returned.

    Raises:
        UnreadableImage: missing, truncated, or not an image.
    """
    return decode_with_range(path)[0]


def decode_with_range(path: Path) -> tuple[np.ndarray, PixelRange | None]:
    """Return the image of :func:`decode_image`, and the range by which it was scaled.

    The range is None for an image of 8 bits.

    Raises:
        UnreadableImage: as :func:`decode_image`.
    """
    pixels = _stored_pixels(path)
    if pixels.dtype == np.uint8:
        return pixels, None
    try:
        own = own_range(pixels)
        wanted = shared_range(path, own, _stored_pixels, UnreadableImage)
    except RangeError as error:
        raise UnreadableImage(f"{path}: {error}") from error
    return as_8_bits(pixels, wanted), wanted


def upright_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of an image file as it is shown, turned by its EXIF tag.

    Only the header is read, except for files that Pillow cannot identify.

    Raises:
        InputError: not an image.
    """
    try:
        return _size(path)
    except UnreadableImage as error:
        raise InputError(f"{error}; replace or remove this image.") from error


def check_header(path: Path) -> None:
    """Check that an image's header can be read, else raise UnreadableImage; takes microseconds."""
    _size(path)


def decode_shared(path: Path) -> np.ndarray:
    """Return :func:`decode_image`, cached for the next subjects of the image; do not change it.

    Raises:
        UnreadableImage: as :func:`decode_image`.
    """
    try:
        state = os.stat(path)
    except OSError as error:
        raise UnreadableImage(f"{path}: {error.strerror or error}") from error
    key = (os.fspath(path), state.st_mtime_ns, state.st_size, state.st_ino)
    image = _decoded.get(key)
    if image is None:
        image = decode_image(path)
        image.flags.writeable = False
        _decoded.put(key, image)
    return image


class _Decoded:
    """The images that were used last, of :data:`CACHED_BYTES` at most."""

    def __init__(self) -> None:
        self._images: OrderedDict[tuple[str, int, int, int], np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[str, int, int, int]) -> np.ndarray | None:
        with self._lock:
            image = self._images.get(key)
            if image is not None:
                self._images.move_to_end(key)
            return image

    def put(self, key: tuple[str, int, int, int], image: np.ndarray) -> None:
        with self._lock:
            before = self._images.pop(key, None)  # two threads may have decoded it
            self._images[key] = image
            self._bytes += image.nbytes - (0 if before is None else before.nbytes)
            while len(self._images) > 1 and self._bytes > CACHED_BYTES:
                self._bytes -= self._images.popitem(last=False)[1].nbytes


_decoded = _Decoded()
# A process that is forked while a thread decodes must not wait for that thread.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: globals().update(_decoded=_Decoded()))


def _stored_pixels(path: Path) -> np.ndarray:
    """Return (H, W, 3) RGB, upright, with the values that the file holds, of any type."""
    content = _content(path)
    if _pillow_reads(content[:32]):
        return _by_pillow(path, content)
    try:
        pixels = _by_opencv(content)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise UnreadableImage(f"{path}: more pixels than an ordinary image") from error
        raise UnreadableImage(f"{path}: {error.err or 'cannot be decoded'}") from error
    if pixels is None or pixels.size == 0:
        raise UnreadableImage(f"{path}: truncated or not an image")
    return pixels


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is never opened."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadableImage(f"{path}: not a file")
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise UnreadableImage(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # a name with a null byte
        raise UnreadableImage(f"{path}: not a file name") from error
    if not content:
        raise UnreadableImage(f"{path}: empty file")
    return content


def _by_opencv(file: bytes) -> np.ndarray | None:
    start, content = file[:32], np.frombuffer(file, np.uint8)
    tiff = start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    deep_png = start.startswith(b"\x89PNG") and start[24:25] == b"\x10"
    if not (tiff or deep_png):
        return cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    pixels = None
    if not (tiff and _is_wide(file)):
        # OpenCV 5.0 mixes up the channels where RGB is requested for a TIFF with 16 bits.
        pixels = cv2.imdecode(content, cv2.IMREAD_COLOR_BGR | cv2.IMREAD_ANYDEPTH)
    elif tiff:
        pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    if pixels.ndim == 2 or pixels.shape[2] < 3:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], -1)[..., :1], 3, axis=2)
    return np.ascontiguousarray(pixels[..., 2::-1])


def _is_wide(content: bytes) -> bool:
    """Return whether a TIFF holds floats or numbers of 32 bits, which OpenCV reads only unchanged."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.mode in ("F", "I")
    except _BROKEN:
        return True


def _pillow_reads(start: bytes) -> str | None:
    """Return the kind of an image that Pillow or its plug-in decodes rather than OpenCV."""
    if start[4:8] != b"ftyp":
        return None
    brands = start[8:32]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    known = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
    return "HEIC" if any(brand in brands for brand in known) else None


def _opened(path: Path, content: bytes | None) -> Image.Image:
    """Return an open Pillow image whose frames are not decoded yet."""
    if content is None:
        with open(path, "rb") as file:
            start = file.read(32)
    else:
        start = content[:32]
    if _pillow_reads(start) == "HEIC":
        try:
            need("pillow_heif", "heic", f"reading the image {path}").register_heif_opener()
        except InputError as error:
            raise UnreadableImage(str(error).rstrip(".")) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path if content is None else io.BytesIO(content))


def _by_pillow(path: Path, content: bytes) -> np.ndarray:
    try:
        with _opened(path, content) as image:
            turn = _TURNS.get(_orientation(image))
            plain = image.convert("RGB")
    except _BROKEN as error:
        raise UnreadableImage(f"{path}: {_reason(error)}") from error
    return np.array(plain if turn is None else plain.transpose(turn))


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation that is still to be applied; not the XMP one, as in OpenCV."""
    if image.format == "TIFF":  # Pillow has turned its size already
        return 1
    block = image.info.get("exif")
    if not block:
        return 1
    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(_ORIENTATION, 1)
    except (ValueError, SyntaxError, OSError, KeyError, TypeError, EOFError):
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _size(path: Path) -> tuple[int, int]:
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):
            raise UnreadableImage(f"{path}: not a file")
        if state.st_size == 0:
            raise UnreadableImage(f"{path}: empty file")
        with _opened(path, None) as image:
            width, height = image.size
            turned = _orientation(image) in _SIDEWAYS
    except UnidentifiedImageError as error:
        try:  # such as a TIFF of three floats, which Pillow cannot identify
            height, width = _stored_pixels(path).shape[:2]
        except UnreadableImage:
            raise UnreadableImage(f"{path}: not an image") from error
        return width, height
    except _BROKEN as error:
        raise UnreadableImage(f"{path}: {_reason(error)}") from error
    return (height, width) if turned else (width, height)


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return "more pixels than an ordinary image"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return str(getattr(error, "strerror", None) or error)
