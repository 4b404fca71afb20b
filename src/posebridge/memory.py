"""Memory of this process on the CPU."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_TOP_PAD = 256 * 2**20


def keep_freed_memory() -> bool:
    """Let glibc keep the memory of freed tensors instead of giving it back to the kernel.

    Every feature map of a batch is larger than glibc's threshold, so each is mapped, zeroed page by
    page and unmapped again. Kept memory is used again as it is (figures: docs/background/speed.md).
    The process holds the peak of its memory until it ends: for a process that is ours, a training
    or a command, not for one that only loads a model.

    Returns:
        whether the C library is glibc and took the settings; elsewhere nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, _TOP_PAD))
    return all(bool(mallopt(parameter, value)) for parameter, value in settings)
