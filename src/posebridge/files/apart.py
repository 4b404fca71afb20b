"""Work in a process of its own, for libraries that crash where a disk is full."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_LONGEST = 2000


class WorkFailed(Exception):
    """An error or crash in the other process; the message is the error's own."""


def done_apart(work: Callable[[], object]) -> None:
    """Call ``work`` in a copy of this process, so that its crash is an exception here.

    HDF5 may end a process with a segmentation fault when it closes a file on a full disk. Where
    processes can't be copied (Windows), ``work`` is called here.

    Raises:
        OSError: as ``work`` raised it, with its number.
        WorkFailed: it raised another error, or its process crashed.
    """
    if not hasattr(os, "fork"):
        work()
        return
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about threads, which the copy does not have
        process = os.fork()
    if process == 0:
        _work_and_end(work, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as stream:
            told = stream.read()
        _, state = os.waitpid(process, 0)
    except BaseException:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        raise
    if state == 0:
        return
    if told:
        number, text = json.loads(told)
        raise OSError(number, text) if number else WorkFailed(text)
    raise WorkFailed("the library crashed")


def _work_and_end(work: Callable[[], object], writing: int) -> NoReturn:
    code = 1
    try:
        faulthandler.disable()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        work()
        code = 0
    except OSError as error:
        os.write(writing, json.dumps([error.errno, str(error)[:_LONGEST]]).encode())
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"[:_LONGEST]
        os.write(writing, json.dumps([None, text]).encode())
    finally:
        os._exit(code)
