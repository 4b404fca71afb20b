"""The chosen frames of a video, decoded from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from posebridge.data.optional_dependencies import need
from posebridge.data.videos.ffmpeg_log import logged_errors
from posebridge.data.videos.frame_numbers import FrameNumbers, frame_numbers
from posebridge.data.videos.video_file import open_video
from posebridge.data.videos.video_packets import counted_packets

Save = Callable[[int, np.ndarray], None]


class _OtherFrames(Exception):
    """The decoder gives frames that the packets did not announce."""


def save_frames(path: Path, wanted: Sequence[int], save: Save, drop: Callable[[int], None]) -> None:
    """Decode the wanted frames of a video, each turned the way that a player shows it.

    Several threads decode. On damage, one thread starts again, so that the frames that are saved of a
    damaged video are the same each time.

    Args:
        wanted: numbers of frames, ascending.
        save: called with a number and an (H, W, 3) uint8 RGB image; a second time for the same number
            where decoding starts again.
        drop: called with the number of a saved frame that is found damaged later.

    Raises:
        InputError: not a video.
    """
    known = frame_numbers(path)
    try:
        attempt = _Attempt(path, known, wanted, save, threads="AUTO")
    except _OtherFrames:
        known = frame_numbers(path, look=True)
        attempt = _Attempt(path, known, wanted, save, threads="AUTO")
    saved = set(attempt.saved)
    if attempt.failed:
        attempt = _Attempt(path, known, wanted, save, threads="NONE")
        saved |= attempt.saved
    whole = attempt.saved - known.damaged(attempt.missing) - attempt.corrupt
    for number in saved - whole:
        drop(number)


class _Attempt:
    """One pass over a video.

    Attributes:
        saved: numbers of the wanted frames that were decoded.
        corrupt: numbers of frames that the decoder itself marks as damaged.
        missing: numbers of frames, wanted or not, that were not decoded whole.
        failed: whether the decoder met damage.
    """

    def __init__(
        self, path: Path, known: FrameNumbers, wanted: Sequence[int], save: Save, threads: str
    ) -> None:
        self.saved: set[int] = set()
        self.corrupt: set[int] = set()
        self.failed = False
        self._known, self._wanted, self._save = known, set(wanted), save
        self._last = known.last_number(max(wanted, default=-1))
        self._reached = -1
        self._shown: set[int] = set()
        self._decode(path, threads)
        skipped = {n for n in range(self._reached + 1) if n not in self._shown}
        self.missing = skipped | self.corrupt

    def _decode(self, path: Path, threads: str) -> None:
        av = need("av", "video", f"reading the video {path}")
        alone = threads == "NONE"
        container, stream = open_video(path)
        with logged_errors() if alone else nullcontext([]) as messages, container:
            stream.thread_type = threads
            stream.codec_context.copy_opaque = self._known.by_packet
            for packet, ordinal in counted_packets(container, stream):
                if self._known.by_packet:
                    packet.opaque = ordinal
                messages.clear()
                frames = []
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self.failed = True
                if messages and self._reached >= 0:
                    self._mark(ordinal if self._known.by_packet else packet.pts)
                for frame in frames:
                    self._take(frame)
                if self._reached >= self._last:
                    return
            # The file ends or breaks off: frames that are missing until here stay missing.
            self._reached = max(self._reached, len(self._known.times) - 1)

    def _mark(self, stamp: int | None) -> None:
        """Count as damaged the frame of a packet about which the decoder has logged an error."""
        number = None if stamp is None else self._known.number.get(stamp)
        if number is not None:
            self.corrupt.add(number)

    def _take(self, frame) -> None:
        stamp = frame.opaque if self._known.by_packet else frame.pts
        number = None if stamp is None else self._known.number.get(stamp)
        self.failed |= frame.is_corrupt
        if not (self._known.seen or self.failed) and number != self._reached + 1:
            raise _OtherFrames
        if number is None:
            return
        self._reached = max(self._reached, number)
        self._shown.add(number)
        if frame.is_corrupt:
            self.corrupt.add(number)
        elif number in self._wanted:
            self.saved.add(number)
            # The display matrix turns counterclockwise, as rot90 does.
            turns = round(frame.rotation / 90) % 4
            self._save(number, np.rot90(frame.to_ndarray(format="rgb24"), turns))
