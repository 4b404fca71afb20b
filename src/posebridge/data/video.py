"""Frames of videos as image files.

Chosen frames are decoded once, in order, and stored as JPEG (quality 95) in a cache folder; from
then on they are images like any other. That is simple (workers cut crops from paths, as for
photographs), robust (no seeking, which is inexact between key frames and in files with variable
rate) and deterministic (every epoch, a resumed run, another run and a prediction see the same
bytes). It costs disk for the chosen frames alone, which a sample of a thousand keeps small.

The cache is ``$POSEBRIDGE_CACHE``, or ``posebridge`` in ``$XDG_CACHE_HOME`` or ``~/.cache``; a
folder in it is named by the video, its size and time and the frames, so that a changed video is
read again. It may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from posebridge.data.extras import need
from posebridge.errors import InputError

VIDEO_ENDINGS = (
    *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".mts", ".m2ts"),
    *(".3gp", ".ogv"),
)
_QUALITY = 95
Reference = Path | tuple[Path, int]
"""An image file, or a video and the number of one of its frames as they are shown, from 0."""


def is_video(path: Path) -> bool:
    """Whether the ending is that of a video."""
    return path.suffix.lower() in VIDEO_ENDINGS


def cache_folder() -> Path:
    """Where frames are kept."""
    given = os.environ.get("POSEBRIDGE_CACHE")
    if given:
        return Path(given) / "frames"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "posebridge" / "frames"


def sample_video(
    path: Path, every: int = 0, most: int = 1000, say: Callable[[str], None] | None = None
) -> list[Path]:
    """Frames of one video as image files, in order.

    Args:
        every: every n-th frame; 0: ``most`` frames spread evenly over the time of the video (all of
            them where it has fewer).
        say: told before a long reading begins.

    Raises:
        InputError: not a video, or no frame of it can be decoded.
    """
    times = frame_times(path)
    return extract_frames(path, chosen_frames(times, every, most), say, strict=False)


def chosen_frames(times: np.ndarray, every: int, most: int) -> list[int]:
    """The numbers of the frames to take, given the (F,) times at which each is shown, ascending.

    An even sample is even in time: the frame that is shown in the middle of each of ``most`` equal
    spans. At a variable rate a frame may be that for several spans; it is taken once.
    """
    count = len(times)
    if every > 0:
        return list(range(0, count, every))
    if most >= count:
        return list(range(count))
    last = float(np.median(np.diff(times)))
    span = times[-1] + last - times[0]
    middles = times[0] + (np.arange(most) + 0.5) * span / most
    return np.unique(np.searchsorted(times, middles, side="right") - 1).tolist()


def frame_times(path: Path) -> np.ndarray:
    """(F,) seconds at which the frames are shown, ascending; packets are looked at, not decoded."""
    av = _library(path)
    stamps: list[int] = []
    without = 0
    with _opened(av, path) as container:
        stream = container.streams.video[0]
        base = float(stream.time_base or 1)
        try:
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is None:
                    without += 1
                else:
                    stamps.append(stamp)
        except av.error.FFmpegError:
            pass  # a file that breaks off has the frames before that
    if without or len(set(stamps)) < len(stamps):
        return np.arange(without + len(stamps), dtype=np.float64)
    return np.sort(np.array(stamps, dtype=np.float64)) * base


def shown_at(path: Path, frames: Sequence[Path]) -> np.ndarray:
    """(N,) seconds at which a video shows the frames that :func:`sample_video` stored of it."""
    times = frame_times(path)
    numbers = np.array([int(file.stem.rpartition("_")[2]) for file in frames], dtype=np.int64)
    if len(numbers) and numbers.max() >= len(times):
        # Packets that hold several frames: the frames are taken to be evenly spread.
        return numbers * (times[-1] - times[0]) / max(1, int(numbers.max()))
    return times[numbers]


def extract_frames(
    path: Path,
    numbers: Sequence[int],
    say: Callable[[str], None] | None = None,
    *,
    strict: bool = True,
) -> list[Path]:
    """The given frames of a video as image files, turned the way that a player shows them.

    Args:
        numbers: frames counted from 0 in the order in which they are shown; may repeat.
        strict: whether a frame that is not there is an error, as for labels, or left out.

    Raises:
        InputError: no video, no frame, or with ``strict`` a frame that the video has not.
    """
    wanted = sorted(set(numbers))
    folder = cached_folder(path, json.dumps(wanted))

    def write(part: Path) -> None:
        if say is not None:
            say(f"reading {len(wanted)} frames of {path} into {folder}")
        for number, image in _decoded(path, wanted):
            ok, content = cv2.imencode(
                ".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
            )
            assert ok
            content.tofile(part / _name(number))

    files = stored(folder, write)
    if not files:
        raise InputError(f"{path} has no frame that can be decoded; is it a whole video?")
    if strict and len(files) < len(wanted):
        have = {file.name for file in files}
        missing = next(n for n in wanted if _name(n) not in have)
        raise InputError(
            f"{path} has no frame {missing}, which the labels name; give the video that was labelled."
        )
    if strict:
        return [folder / _name(n) for n in numbers]
    return files


def stored(folder: Path, write: Callable[[Path], None]) -> list[Path]:
    """The files of a cache folder, written first if it is not there; whole or not at all."""
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            write(part)
            if not any(part.iterdir()):
                return []
            os.replace(part, folder)
        except FileExistsError:
            pass
        except OSError as error:
            # Another process that wrote the same frames first leaves a folder that is not empty.
            if not folder.is_dir():
                raise InputError(
                    f"frames can't be stored in {folder.parent}: {error.strerror or error}; set "
                    "POSEBRIDGE_CACHE to a folder with room."
                ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return sorted(folder.iterdir())


def resolved(references: Sequence[Reference]) -> list[Path]:
    """References as image files: frames are extracted, each video read once."""
    wanted: dict[Path, list[int]] = {}
    for reference in references:
        if isinstance(reference, tuple):
            wanted.setdefault(reference[0], []).append(reference[1])
    found = {
        (video, number): file
        for video, numbers in wanted.items()
        for number, file in zip(numbers, extract_frames(video, numbers), strict=True)
    }
    return [found[r] if isinstance(r, tuple) else r for r in references]


def cached_folder(path: Path, what: str) -> Path:
    """Where the pictures ``what`` of a file as it is at present are kept."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"{path} does not exist or can't be read: {error.strerror}.") from error
    text = json.dumps([str(path.resolve()), state.st_size, state.st_mtime_ns, what, _QUALITY])
    return cache_folder() / f"{path.stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _name(number: int) -> str:
    return f"frame_{number:08d}.jpg"


def _library(path: Path):
    return need("av", "video", f"reading the video {path}")


def _opened(av, path: Path):
    try:
        container = av.open(str(path))
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise InputError(f"{path} is not a video that can be read ({error}).") from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path} has no pictures; give a video.")
    return container


def _decoded(path: Path, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """(number, (H, W, 3) uint8 RGB) of the wanted frames, ascending; damaged packets are skipped."""
    av = _library(path)
    left = set(wanted)
    number = 0
    with _opened(av, path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        packets = container.demux(stream)
        while left:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                if number in left:
                    left.discard(number)
                    # The display matrix turns counterclockwise, as rot90 does.
                    turns = round(frame.rotation / 90) % 4
                    yield number, np.rot90(frame.to_ndarray(format="rgb24"), turns)
                number += 1
