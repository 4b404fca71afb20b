"""Frames of videos as image files.

Chosen frames are decoded once, in order, and stored as JPEG (quality 95) in the cache
(``frame_cache.py``); from then on they are images like any other. That is simple (workers cut crops
from paths, as for photographs), robust (no seeking, which is inexact between key frames and in files
with variable rate) and deterministic (every epoch, a resumed run, another run and a prediction see the
same bytes). It costs disk for the chosen frames alone, which a sample of a thousand keeps small.

Frames are identified by presentation time, see ``frame_numbers.py``. A frame that can't be
decoded, or that was predicted from such a frame, is missing, and no other takes its number.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from posebridge.data.videos.frame_cache import cache_folder, cached_folder, store_image, stored
from posebridge.data.videos.frame_decoder import save_frames
from posebridge.data.videos.frame_numbers import FrameNumbers, frame_numbers
from posebridge.errors import InputError

VIDEO_ENDINGS = (
    *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".mts", ".m2ts"),
    *(".3gp", ".ogv"),
)
Reference = Path | tuple[Path, int]
"""An image file, or a video and the number of one of its frames as they are shown, from 0."""

_UNDECODABLE = "undecodable"


def is_video(path: Path) -> bool:
    """Return whether the ending is a video's."""
    return path.suffix.lower() in VIDEO_ENDINGS


def sample_video(
    path: Path, every: int = 0, most: int = 1000, say: Callable[[str], None] | None = None
) -> list[Path]:
    """Return frames of one video as image files, in order.

    Args:
        every: every n-th frame; 0: ``most`` frames spread evenly over the time of the video (all of
            them where it has fewer).
        say: receives sentences before a long reading begins, and on frames that can't be decoded.

    Raises:
        InputError: not a video, or no frame of it can be decoded.
    """
    known = frame_numbers(path)
    files = _stored_frames(path, chosen_frames(known.times, every, most), say)
    if frame_numbers(path) is not known:  # decoding showed other frames
        chosen = chosen_frames(frame_numbers(path).times, every, most)
        files = _stored_frames(path, chosen, say)
    if not files:
        raise InputError(f"{path} has no frame that can be decoded; is it a whole video?")
    return list(files.values())


def chosen_frames(times: np.ndarray, every: int, most: int) -> list[int]:
    """Return the numbers of the frames to take, given the (F,) times at which each is shown, ascending.

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
    """Return the (F,) seconds at which the frames are shown, ascending, undecodable ones included."""
    return frame_numbers(path).times


def shown_at(path: Path, frames: Sequence[Path]) -> np.ndarray:
    """Return the (N,) seconds at which a video shows the frames that :func:`sample_video` stored."""
    numbers = np.array([_number(file) for file in frames], dtype=np.int64)
    return frame_numbers(path).times[numbers]


def extract_frames(
    path: Path, numbers: Sequence[int], say: Callable[[str], None] | None = None
) -> list[Path]:
    """Return the given frames of a video as image files, turned the way that a player shows them.

    Args:
        numbers: frames counted from 0 in the order in which they are shown; may repeat.

    Returns:
        a file for each number. The file of a frame that can't be decoded does not exist, see
            :func:`undecodable`.

    Raises:
        InputError: not a video, no frames, or a number beyond the video's frames.
    """
    known = frame_numbers(path)
    most = max(len(known.times), known.claimed)
    beyond = next((n for n in numbers if not 0 <= n < most), None)
    if beyond is not None:
        raise InputError(
            f"{path} has no frame {beyond}, which the labels name; give the video that was labeled."
        )
    files = _stored_frames(path, sorted(set(numbers)), say)
    if frame_numbers(path) is not known:
        return extract_frames(path, numbers, say)
    nowhere = cache_folder() / _UNDECODABLE / path.name
    return [files.get(n) or nowhere / _name(n) for n in numbers]


def undecodable(file: Path) -> tuple[str, int] | None:
    """Return the video's name and the number of a frame that can't be decoded; None for other files."""
    if file.parent.parent.name != _UNDECODABLE or file.parents[2] != cache_folder():
        return None
    return file.parent.name, _number(file)


def resolved(references: Sequence[Reference]) -> list[Path]:
    """Return references as image files: frames are extracted, each video read once."""
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


def _stored_frames(
    path: Path, wanted: Sequence[int], say: Callable[[str], None] | None
) -> dict[int, Path]:
    """Return number -> file of the wanted frames that can be decoded, ascending."""
    known = frame_numbers(path)
    numbering = [known.by_packet, zlib.crc32(known.times.tobytes())]
    folder = cached_folder(path, json.dumps([list(wanted), numbering]))

    def write(part: Path) -> None:
        if say is not None:
            say(f"reading {len(wanted)} frames of {path} into {folder}")
        save_frames(
            path,
            wanted,
            save=lambda number, image: store_image(part / _name(number), image),
            drop=lambda number: (part / _name(number)).unlink(),
        )

    files = {_number(file): file for file in stored(folder, write)}
    _tell(path, [n for n in wanted if n not in files], len(wanted), known, say)
    return files


def _tell(
    path: Path,
    missing: Sequence[int],
    of: int,
    known: FrameNumbers,
    say: Callable[[str], None] | None,
) -> None:
    if missing and say is not None:
        first = missing[0]
        at = f" at {known.times[first]:.2f} s" if first < len(known.times) else ""
        say(
            f"{len(missing)} of {of} frames of {path} can't be decoded and are left out, the first is "
            f"frame {first}{at}"
        )


def _name(number: int) -> str:
    return f"frame_{number:08d}.jpg"


def _number(file: Path) -> int:
    return int(file.stem.rpartition("_")[2])
