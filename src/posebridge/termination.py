"""SIGTERM as an exception, so that what was begun is left in order and nobody takes it for done."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN = 5.0


class Terminated(SystemExit):
    """The process was asked to end by SIGTERM; uncaught, it ends with exit code 143."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


@contextmanager
def terminated_by_sigterm() -> Iterator[None]:
    """Raise :class:`Terminated` in here on SIGTERM, and on another one not before five seconds later.

    A process may get the signal twice, for itself and with its group, and ends in order all the same.
    Python drops an exception that falls into a finalizer; then a later signal has to do.

    Left alone, SIGTERM ends a process at once, and the processes that it started go on without it.
    Outside of the main thread nothing is changed: signals are the main thread's.
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
