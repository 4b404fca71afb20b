"""The order and the gaps of packets: which of them lead, which are lost, what number each has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from posebridge.data.videos.video_packets import MOST_FRAMES, Packet


def is_rising(values: Sequence[int]) -> bool:
    """Return whether each value is above the one before."""
    return all(a < b for a, b in pairwise(values))


def leading_times(packets: list[Packet | None], tabled: bool) -> set[int]:
    """Return the times of packets that a decoder which begins here may be unable to show.

    Args:
        tabled: the container lists its packets and so begins with a key frame. If none is the first,
            that one is damaged.
    """
    key = next((n for n, p in enumerate(packets) if p is not None and p.key), None)
    if key is None:
        return set()
    first = packets[key]
    before: set[int] = set()
    if not tabled:
        before = {p.pts for p in packets[:key] if p is not None and p.pts is not None}
    if first is not None and first.pts is not None:
        before |= {p.pts for p in packets[key:] if p and p.pts is not None and p.pts < first.pts}
    return before


def filled_times(stamps: list[int]) -> list[int] | None:
    """Return ascending times at a constant rate, their gaps filled; None without gaps or at another."""
    if len(stamps) < 3:
        return None
    at = np.array(stamps, dtype=np.int64)
    between = np.diff(at)
    middle = float(np.median(between))
    near = between[np.abs(between - middle) < 0.3 * middle]
    if middle <= 0 or len(near) < 0.9 * len(between):
        return None
    step = float(near.mean())
    counts = np.rint(between / step).astype(np.int64)
    # The times are rounded, such as to milliseconds, and the step is known no more exactly.
    off = np.abs(between - counts * step) > 0.3 * step + 0.01 * counts * step
    if off.any() or counts.min() < 1 or counts.max() == 1 or counts.sum() > MOST_FRAMES:
        return None
    filled: list[int] = []
    for stamp, span, count in zip(at[:-1], between, counts, strict=True):
        filled += [int(stamp + round(int(span) * k / int(count))) for k in range(int(count))]
    return [*filled, int(at[-1])]


def numbers_in_groups(packets: list[Packet | None], shown: list[int]) -> tuple[dict[int, int], int]:
    """Return numbers by packet of a damaged file without times, and how many frames it has.

    Without reordering the ordinal is the number. With it, the frames of a group of images have the
    numbers of the group, in the order in which they are shown, if all of them are shown.
    """
    if is_rising(shown):
        return {ordinal: ordinal for ordinal in shown}, len(packets)
    keys = [n for n, p in enumerate(packets) if p is not None and p.key]
    ends = [*keys[1:], len(packets)]
    order = {ordinal: n for n, ordinal in enumerate(shown)}
    number: dict[int, int] = {}
    for begin, end in zip(keys, ends, strict=True):
        group = range(begin, end)
        if all(ordinal in order for ordinal in group):
            ranked = sorted(group, key=order.__getitem__)
            number |= {ordinal: begin + n for n, ordinal in enumerate(ranked)}
    return number, len(packets)
