"""The packets of a video: the frames of a file without decoding one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from posebridge.data.optional_dependencies import need
from posebridge.data.videos.ffmpeg_log import logged_errors
from posebridge.data.videos.transport_stream import lost_transport_packets
from posebridge.data.videos.video_file import open_video
from posebridge.errors import InputError

MOST_FRAMES = 20_000_000
"""Largest number of frames of a video; at 100 frames a second, more than two days."""


class Packet(NamedTuple):
    """One packet of images, in the order of the file."""

    pts: int | None
    dts: int | None
    key: bool


class Demuxed(NamedTuple):
    """All packets of a video's images.

    Attributes:
        packets: in the order of the file, by ordinal; None for one that the file's table has and that
            could not be read.
        base: seconds of a tick. rate: frames a second by the header. kind: FFmpeg's container name.
        damaged: whether the container is damaged.
        claimed: the number of frames in the header, 0 without one.
    """

    packets: list[Packet | None]
    base: Fraction
    rate: Fraction
    kind: str
    damaged: bool
    claimed: int


def counted_packets(container: Any, stream: Any) -> Iterator[tuple[Any, int | None]]:
    """Yield the packets of a stream and their ordinals; None for those that show nothing.

    In AVI an ordinal is the place in the file's table, so that a lost packet keeps its own. A file that
    breaks off ends there; the last packet is the empty one that flushes the decoder.
    """
    av = need("av", "video", "reading videos")
    table: dict[tuple[int, int], int] = {}
    if container.format.name == "avi":
        table = {(e.pos + 8, e.size): n for n, e in enumerate(stream.index_entries)}
        if len(table) != stream.frames:
            table = {}
    packets = container.demux(stream)
    ordinal = 0
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        if (packet.dts is None and packet.size == 0) or packet.size == 0 or packet.is_discard:
            yield packet, None
        elif table:
            yield packet, table.get((packet.pos, packet.size))
        else:
            yield packet, ordinal
            ordinal += 1


def demux(path: Path) -> Demuxed:
    """Return the packets of a video; none is decoded.

    Raises:
        InputError: not a video, or one of more frames than are read.
    """
    packets: dict[int, Packet] = {}
    container, stream = open_video(path)
    with logged_errors() as messages, container:
        damaged = False
        for packet, ordinal in counted_packets(container, stream):
            damaged |= packet.is_corrupt
            if ordinal is not None:
                packets[ordinal] = Packet(packet.pts, packet.dts, packet.is_keyframe)
            if len(packets) > MOST_FRAMES:
                raise InputError(f"{path} has more than {MOST_FRAMES:,} frames; cut it.")
        kind = container.format.name.partition(",")[0]
        count = max(packets, default=-1) + 1
        if kind == "avi" and len(packets) < stream.frames == len(stream.index_entries):
            count, damaged = stream.frames, True
        damaged |= kind == "mpegts" and lost_transport_packets(path)
        return Demuxed(
            [packets.get(ordinal) for ordinal in range(count)],
            Fraction(stream.time_base or 1),
            Fraction(stream.average_rate or 25),
            kind,
            damaged or bool(messages),
            int(stream.frames),
        )
