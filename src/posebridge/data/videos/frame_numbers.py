"""The frames of a video, by number and by time, whether or not they can be decoded.

Frame n is the n-th that a player shows of the intact file, from 0. That is what DeepLabCut, SLEAP and
OpenCV count. Counting what comes out of a decoder gives the same until the first damaged packet, after
which every frame has a number that is too small. So frames are known by their presentation time:
packets carry it, and demuxing finds them even where their content is damaged. The n-th time is frame n.

Three kinds of file need more than that, and are decoded once:

- packets without a time, or with times that are not those of display (raw streams, H.264 in AVI):
  frames are known by their packet instead;
- a stream that was cut before its first key frame: frames that no decoder can show have no number;
- a container that lost packets and has no table of them (MPEG, Ogg): at a constant rate, the gap in
  the times has the numbers of the lost frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from posebridge.data.optional_dependencies import need
from posebridge.data.videos.ffmpeg_log import logged_errors
from posebridge.data.videos.frame_order import (
    filled_times,
    is_rising,
    leading_times,
    numbers_in_groups,
)
from posebridge.data.videos.video_file import open_video, require_video_file
from posebridge.data.videos.video_packets import Demuxed, Packet, counted_packets, demux

_UNTABLED = ("mpegts", "mpeg", "ogg", "asf", "flv")
"""Containers in which a lost packet leaves no trace but a gap in the times."""

_RAW = ("h264", "hevc", "m4v", "mpegvideo")
"""Streams without a container, and so without times."""


@dataclass(frozen=True, eq=False)
class FrameNumbers:
    """The F frames of a video.

    Attributes:
        times: (F,) seconds at which they are shown, ascending.
        by_packet: frames are known by the ordinal of their packet, else by presentation time.
        number: that ordinal or time -> the frame's number.
        packets: in the order of the file, by ordinal. A lost one is None.
        seen: whether this was found by decoding, not from the packets alone.
        claimed: the number of frames in the file's header, 0 without one.
        step: ticks between two frames where gaps in the times are lost frames, else 0.
        guessed_times: whether not every packet of the container carries its time, so that those before
            a gap may have the times of lost ones.
    """

    times: np.ndarray
    by_packet: bool
    number: dict[int, int]
    packets: list[Packet | None]
    seen: bool
    claimed: int
    step: float = 0
    guessed_times: bool = False

    def last_number(self, number: int) -> int:
        """Return the last frame that a decoder must give to have shown ``number`` and all before it.

        Frames that are shown later may be decoded earlier, and be what the frame was predicted from.
        """
        until = number
        for ordinal, packet in enumerate(self.packets):
            known = self.get_number(ordinal, packet)
            if known == number:
                return until
            until = max(until, -1 if known is None else known)
        return number

    def get_number(self, ordinal: int, packet: Packet | None) -> int | None:
        """Return the number of the frame in a packet; None for a packet without a frame."""
        if self.by_packet:
            return self.number.get(ordinal)
        return None if packet is None or packet.pts is None else self.number.get(packet.pts)

    def damaged(self, missing: set[int]) -> set[int]:
        """Return the numbers of frames that were predicted from missing ones, up to the next key frame.

        A decoder gives them nevertheless: an image of another moment, or a smeared one.
        """
        found: set[int] = set()
        broken = before = False
        key: int | None = None
        last: int | None = None
        group: list[int] = []
        for ordinal, packet in enumerate(self.packets):
            number = self.get_number(ordinal, packet)
            if self.step and packet is not None and packet.dts is not None:
                if last is not None and packet.dts - last > 1.5 * self.step:
                    # The lost part may have been torn out of the packet before.
                    found.update(group if self.guessed_times else group[-1:])
                    broken = True
                last = packet.dts
            if packet is not None and packet.key:
                before, broken, key = broken, False, number
                group.clear()
            if number is None:
                broken |= packet is None
                continue
            group.append(number)
            # A frame shown before its key frame may be predicted from the group before, too.
            if broken or (before and key is not None and number < key):
                found.add(number)
            broken |= number in missing
        return found


def frame_numbers(path: Path, look: bool = False) -> FrameNumbers:
    """Return the frames of a video; packets are read, and frames decoded only if needed.

    Args:
        look: decode in any case, such as when frames come that the packets did not announce.

    Raises:
        InputError: not a video.
    """
    state = require_video_file(path)
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    if look and key not in _seen and not _known(path, *key).seen:
        _seen[key] = _by_decoding(path, demux(path))
    return _seen.get(key) or _known(path, *key)


_seen: dict[tuple[str, int, int], FrameNumbers] = {}
"""Files that this process had to decode a second time."""


@lru_cache(maxsize=64)
def _known(path: Path, *_: object) -> FrameNumbers:
    demuxed = demux(path)
    stamps = [p.pts for p in demuxed.packets if p is not None and p.pts is not None]
    timed = len(stamps) == len(demuxed.packets) and len(set(stamps)) == len(stamps)
    gaps = demuxed.kind in _UNTABLED and filled_times(sorted(stamps)) is not None
    if not timed or gaps or leading_times(demuxed.packets, tabled=False):
        return _by_decoding(path, demuxed)
    stamps.sort()
    return _timed(stamps, demuxed, seen=False, lost=demuxed.damaged)


def _timed(stamps: list[int], demuxed: Demuxed, seen: bool, lost: bool) -> FrameNumbers:
    """Return frames by their times, ascending; ``lost``: gaps at a constant rate are lost frames."""
    filled = filled_times(stamps) if lost else None
    step = 0.0
    if filled is not None:
        stamps, step = filled, (filled[-1] - filled[0]) / (len(filled) - 1)
    return FrameNumbers(
        np.array(stamps, dtype=np.float64) * float(demuxed.base),
        False,
        {stamp: number for number, stamp in enumerate(stamps)},
        demuxed.packets,
        seen,
        demuxed.claimed,
        step,
        demuxed.kind in ("mpeg", "ogg"),
    )


def _by_decoding(path: Path, demuxed: Demuxed) -> FrameNumbers:
    """Return the frames of a file whose packets alone do not determine them."""
    packets = demuxed.packets
    shown, sure = _shown(path)
    times = [pts for pts, _ in shown if pts is not None]
    damaged = demuxed.damaged or sure < len(shown) or _begins_broken(demuxed, times)
    stamps = [p.pts for p in packets if p is not None and p.pts is not None]
    if damaged:
        # Damage also removes the times of some packets; AVI and raw streams have no reliable times.
        if demuxed.kind not in ("avi", *_RAW) and 2 * len(stamps) > len(packets):
            unseen = leading_times(packets, _tabled(demuxed)) - set(times)
            return _timed(sorted(set(stamps) - unseen), demuxed, seen=True, lost=True)
        if demuxed.kind in _RAW:
            number, count = {o: n for n, (_, o) in enumerate(shown[:sure])}, len(packets)
        else:
            number, count = numbers_in_groups(packets, [ordinal for _, ordinal in shown])
    else:
        timed = len(stamps) == len(packets) == len(set(stamps)) and len(times) == len(shown)
        if timed and is_rising(times) and set(times) <= set(stamps):
            return _timed(times, demuxed, seen=True, lost=False)
        number, count = {o: n for n, (_, o) in enumerate(shown)}, len(shown)
    given = {p.dts if p.pts is None else p.pts for p in packets if p is not None}
    known = sorted(stamp for stamp in given if stamp is not None)
    if len(known) == count:
        at = np.array(known, dtype=np.float64) * float(demuxed.base)
    else:
        start = float(known[0] * demuxed.base) if known else 0.0
        at = start + np.arange(count) / float(demuxed.rate)
    return FrameNumbers(at, True, number, packets, True, demuxed.claimed)


def _tabled(demuxed: Demuxed) -> bool:
    return demuxed.kind not in (*_UNTABLED, *_RAW)


def _begins_broken(demuxed: Demuxed, times: list[int]) -> bool:
    """Return whether a file with a table does not show its first frame; a recording may just be cut."""
    first = next((p.pts for p in demuxed.packets if p is not None), None)
    return _tabled(demuxed) and first is not None and first not in times


def _shown(path: Path) -> tuple[list[tuple[int | None, int]], int]:
    """Return the time and packet ordinal of one decoder's frames, and the number before damage.

    Errors before the first frame concern packets whose key frame was cut off, and are not damage.
    """
    av = need("av", "video", "reading videos")
    shown: list[tuple[int | None, int]] = []
    sure: int | None = None
    container, stream = open_video(path)
    with logged_errors() as messages, container:
        stream.thread_type = "NONE"
        stream.codec_context.copy_opaque = True
        for packet, ordinal in counted_packets(container, stream):
            packet.opaque = ordinal
            frames, failed = [], False
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                failed = True
            if not shown:
                messages.clear()
            elif sure is None and (failed or messages or any(f.is_corrupt for f in frames)):
                sure = len(shown)
            shown += [(f.pts, f.opaque) for f in frames if f.opaque is not None]
    return shown, len(shown) if sure is None else sure
