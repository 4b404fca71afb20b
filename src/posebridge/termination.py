"""SIGTERM as an exception, so that files are left in order and the end is not taken for success."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN = 5.0


class Terminated(SystemExit):
    """The process received SIGTERM; uncaught, it ends with exit code 143."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


@contextmanager
def terminated_by_sigterm() -> Iterator[None]:
    """Raise :class:`Terminated` in the block on SIGTERM, and again at the earliest five seconds later.

    A process may get the signal twice, for itself and with its group, and still ends in order. Python
    drops an exception that is raised in a finalizer; then a later signal has to end the process.

    By default SIGTERM ends a process at once, and the processes that it started continue without it.
    Outside of the main thread nothing is changed: only the main thread handles signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raised = -_AGAIN

    def end(_: int, __: FrameType | None) -> None:
        nonlocal raised
        if time.monotonic() - raised >= _AGAIN:
            raised = time.monotonic()
            raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
