"""One process at a time in a folder or on a file: a lock of the operating system.

The lock is taken before anything is written and held to the end of the work. The operating system
releases it when a process ends, however it ends, so that a killed process blocks no other. One
thread may take the lock again inside itself: a comparison locks the folder of a run, and so does
the run.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from posebridge.errors import InputError
from posebridge.files.whole import cannot_write

LOCK = ".lock"
"""The lock file of a folder; it is there only while the folder is locked."""

_ATTEMPTS = 5
_HOLDER = re.compile(rb"posebridge (\d{1,10}) (\S{1,255})\n")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it does not exist.

    A folder that was made for the lock and is empty at the end is removed again.

    Raises:
        InputError: another process or thread holds it (the message names the process if it is
            known), or the folder can't be written to.
    """
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        with _locked(folder / LOCK, folder):
            yield
    finally:
        for made in missing:
            with suppress(OSError):
                made.rmdir()


@contextmanager
def locked_file(file: Path) -> Iterator[None]:
    """Hold the lock of a file that is to be written; its folder is made if it does not exist.

    Raises:
        InputError: as :func:`locked_folder`.
    """
    with _locked(file.with_name(f".{file.name}{LOCK}"), file):
        yield


@contextmanager
def _locked(place: Path, held: Path) -> Iterator[None]:
    lock = _taken(place, held)
    # In nested locks, only the outermost records the holder and removes the file.
    outermost = lock.lock_counter == 1
    if outermost:
        _note_holder(place)
    try:
        yield
    finally:
        if outermost:
            # A process that has opened the file meanwhile finds it removed, and makes another one.
            with suppress(OSError):
                place.unlink()
        lock.release()


def _taken(place: Path, held: Path) -> FileLock:
    for attempt in range(_ATTEMPTS):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(os.path.realpath(place), blocking=False, is_singleton=True)
            lock.acquire()
            return lock
        except Timeout:
            raise InputError(
                f"{held} is in use by {_holder(place)}; wait until it has ended, or end it."
            ) from None
        except OSError as error:
            # Another process that found nothing to do may have just removed the folder it made.
            if (
                not isinstance(error, (FileNotFoundError, FileExistsError))
                or attempt + 1 == _ATTEMPTS
            ):
                raise cannot_write(held, error) from error
    raise AssertionError("unreachable")


def _note_holder(place: Path) -> None:
    """Write which process holds a lock; a lock file with other content stays."""
    with suppress(OSError), place.open("r+b") as stream:
        before = stream.read(512)
        if not before or _HOLDER.fullmatch(before):
            stream.seek(0)
            stream.truncate()
            stream.write(f"posebridge {os.getpid()} {socket.gethostname() or '-'}\n".encode())


def _holder(place: Path) -> str:
    found = None
    with suppress(OSError):
        found = _HOLDER.fullmatch(place.read_bytes()[:512])
    if found is None:
        return "another process"
    host = found[2].decode(errors="replace")
    process = f"the process {int(found[1])}"
    return process if host == socket.gethostname() else f"{process} of {host}"
