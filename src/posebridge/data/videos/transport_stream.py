"""Losses that an MPEG transport stream reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_LENGTHS = ((188, 0), (192, 4), (204, 0))
"""(bytes of a packet, bytes before its sync byte): broadcast, Blu-ray and AVCHD, with parity."""
_SYNC = 0x47
_AT_ONCE = 1 << 15


def lost_transport_packets(path: Path) -> bool:
    """Return whether packets of a transport stream are damaged or missing.

    Each packet begins with a sync byte, and counts up to 16 for its stream. A file that does not begin
    with packets, one after the other, shows nothing.
    """
    with path.open("rb") as file:
        head = file.read(5 * 204)
        for length, before in _LENGTHS:
            if len(head) >= 3 * length and {head[before + k * length] for k in range(3)} == {_SYNC}:
                break
        else:
            return False
        file.seek(0)
        last: dict[int, int] = {}
        while content := file.read(length * _AT_ONCE):
            packets = np.frombuffer(content[: len(content) // length * length], np.uint8)
            packets = packets.reshape(-1, length)[:, before : before + 4]
            if (packets[:, 0] != _SYNC).any() or (packets[:, 1] & 0x80).any():
                return True
            streams = (packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]
            filled = (packets[:, 3] & 0x10) != 0
            for stream in np.unique(streams[filled]).tolist():
                if stream == 0x1FFF:  # padding counts nothing
                    continue
                counts = packets[filled & (streams == stream), 3].astype(int) & 0x0F
                steps = np.diff(np.array([last.get(stream, counts[0]), *counts])) % 16
                if (steps > 1).any():
                    return True
                last[stream] = int(counts[-1])
    return False
