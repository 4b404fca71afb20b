"""Uploaded files: identified by their content and copied into a folder of the app.

The ending of a file name may be wrong, so it is ignored. Images are files that Pillow recognizes among
a few formats; videos are recognized by their first bytes *before* FFmpeg opens them, because FFmpeg
also opens play lists, and those name other files and hosts.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.data.crops import UnreadableImage, decode_image
from posebridge.data.samples import UnlabeledSamples
from posebridge.data.videos.video import frame_times, sample_video, shown_at
from posebridge.data.videos.video_file import open_video
from posebridge.errors import InputError
from posebridge.files.places import is_disk_error
from posebridge.files.whole import cannot_write, copy_file

MEGABYTE = 1 << 20
IMAGES = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
_KNOWN = (
    "an image (JPEG, PNG, WebP, BMP, TIFF) nor a video (MP4, MOV, MKV, WebM, AVI, MPEG, WMV, Ogg)"
)
# (offset, bytes): ISO media, Matroska and WebM, AVI, MPEG program streams and their elementary
# videos, ASF, Ogg. https://en.wikipedia.org/wiki/List_of_file_signatures
_VIDEOS = (
    *((4, kind) for kind in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    (0, b"\x1a\x45\xdf\xa3"),
    (8, b"AVI LIST"),
    *((0, b"\x00\x00\x01" + kind) for kind in (b"\xba", b"\xb3")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    (0, b"OggS"),
)
_TRANSPORT_PACKET = 188


@dataclass(frozen=True)
class Limits:
    """The limits of an upload.

    Attributes:
        megabytes: of a file. megapixels: of an image, or of a frame.
        minutes: of a video. frames: used of a video, spread evenly over it.
    """

    megabytes: int = 100
    megapixels: int = 50
    minutes: int = 5
    frames: int = 60


@dataclass(frozen=True, eq=False)
class Upload:
    """One image, or the frames of one video, in a folder that :meth:`close` removes.

    Attributes:
        name: the name of the dropped file.
        samples: the images, each one subject.
        files: the name of each image in results.
        seconds: (N,) the time of each frame; None for an image.
        note: a sentence for the viewer, or nothing.
    """

    name: str
    folder: Path
    samples: UnlabeledSamples
    files: list[str]
    seconds: np.ndarray | None = None
    note: str = ""

    def close(self) -> None:
        """Remove its files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def take_upload(path: Path, place: Path, limits: Limits) -> Upload:
    """Identify a file and copy the needed images of it.

    Args:
        path: the stored upload; its name is that of the dropped file.
        place: an existing folder for temporary files.

    Raises:
        InputError: neither an image nor a video, damaged, or beyond a limit; no file is left then.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty; drop another file.")
    if size > limits.megabytes * MEGABYTE:
        raise InputError(
            f"{path.name} has {size / MEGABYTE:.0f} MB, and this page takes {limits.megabytes}; "
            "'posebridge predict' has no such limit."
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix="upload-", dir=place))
    except OSError as error:
        raise cannot_write(place, error) from error
    try:
        if _is_image(path, limits):
            return _image(path, folder)
        if _looks_like_video(path):
            return _video(path, folder, limits)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and is_disk_error(error):
            raise cannot_write(place, error) from error
        raise
    shutil.rmtree(folder, ignore_errors=True)
    raise InputError(f"{path.name} is neither {_KNOWN}; drop one of these.")


def _is_image(path: Path, limits: Limits) -> bool:
    """Return whether Pillow recognizes an image; too many pixels are an InputError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=IMAGES) as image:
            width, height = image.size
    except UnidentifiedImageError:
        return False
    except Image.DecompressionBombError:
        width = height = 1 << 15
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path.name} is a damaged image; drop another one.") from error
    _check_pixels(path, width, height, limits)
    return True


def _image(path: Path, folder: Path) -> Upload:
    copy = folder / f"image{path.suffix.lower()[:8]}"
    copy_file(path, copy)
    try:
        decode_image(copy)
    except UnreadableImage as error:
        raise InputError(
            f"{path.name} is a damaged image: its header is fine, its pixels cannot be read; drop "
            "another one."
        ) from error
    return Upload(path.name, folder, _samples(path.name, [copy]), [path.name])


def _looks_like_video(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(2 * _TRANSPORT_PACKET + 1)
    if any(head[offset : offset + len(sign)] == sign for offset, sign in _VIDEOS):
        return True
    return len(head) > 2 * _TRANSPORT_PACKET and set(head[::_TRANSPORT_PACKET]) == {0x47}


def _video(path: Path, folder: Path, limits: Limits) -> Upload:
    try:
        _check_video(path, limits)
        times = frame_times(path)
        length = float(times[-1] - times[0]) if len(times) else 0.0
        if length > 60 * limits.minutes:
            raise InputError(
                f"{path.name} is {length / 60:.0f} minutes long, and this page takes "
                f"{limits.minutes}; 'posebridge predict' takes any length."
            )
        frames = sample_video(path, most=limits.frames)
        seconds = shown_at(path, frames)
    except InputError as error:
        # Readers name the stored file in their messages; the page shows the dropped name instead.
        raise InputError(str(error).replace(str(path), path.name)) from error
    shutil.move(frames[0].parent, folder / "frames")  # the cache may be on another disk
    moved = [folder / "frames" / frame.name for frame in frames]
    note = ""
    if len(moved) < len(times):
        note = (
            f"{len(moved)} of the video's {len(times):,} frames, spread evenly over its "
            f"{length:.1f} seconds. 'posebridge predict' takes all of them, and writes a video."
        )
    files = [f"{path.stem}/{frame.name}" for frame in moved]
    return Upload(path.name, folder, _samples(path.name, moved), files, seconds, note)


def _check_video(path: Path, limits: Limits) -> None:
    try:
        container, stream = open_video(path)
    except InputError as error:
        raise InputError(f"{path.name} is a damaged video; drop another one.") from error
    with container:
        _check_pixels(path, stream.width or 0, stream.height or 0, limits)


def _check_pixels(path: Path, width: int, height: int, limits: Limits) -> None:
    if width * height > limits.megapixels * 1_000_000:
        raise InputError(
            f"{path.name} has {width} x {height} pixels, and this page takes "
            f"{limits.megapixels} million; make it smaller."
        )


def _samples(name: str, files: list[Path]) -> UnlabeledSamples:
    order = np.arange(len(files))
    return UnlabeledSamples.from_lists(name, files, np.zeros((len(files), 4)), order, order)
