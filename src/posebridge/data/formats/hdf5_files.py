"""HDF5 files opened with care: the library crashes on some names, and on some damaged files it never
returns. A file is read once by a process of its own before it is read here.
"""

from __future__ import annotations

import contextlib
import functools
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError

_LARGEST_RATIO = 2000
"""Bytes that a compressed file may unpack to, for each of its own; gzip reaches about a thousand."""

_ALWAYS = 64 * 2**20

_SECONDS = 10
"""That a file may take to be read, once the library is there; one more for each 20 MB."""

_PROBE = """
import os, sys, h5py
os.close(1)
def read(entry):
    try:
        for key in entry.attrs:
            entry.attrs[key]
        if isinstance(entry, h5py.Dataset) and entry.nbytes <= 2**26:
            entry[()]
    except Exception:
        pass
try:
    with h5py.File(sys.argv[1], 'r') as file:
        read(file)
        file.visititems(lambda _, entry: read(entry))
except Exception:
    pass
"""
"""Errors are told by whoever reads the file afterwards; what counts here is whether it ends."""


def require_hdf5_name(path: Path) -> None:
    """Raise InputError where the HDF5 library would crash on a file's name."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{str(path)!r} has a name that is not UTF-8, which the HDF5 library can't open; rename "
            "the file or its folder."
        ) from error


@contextlib.contextmanager
def opened_hdf5(path: Path) -> Iterator[Any]:
    """Yield an open ``h5py.File`` whose contents are as large as the file can hold.

    Raises:
        InputError: the name can't be opened, or the file promises more than it can hold.
        Exception: of many kinds, where the file is damaged.
    """
    h5py = need("h5py", "formats", f"reading {path}")
    require_hdf5_name(path)
    state = path.stat()
    if not _ends(path, state.st_size, state.st_mtime_ns):
        raise InputError(
            f"{path} makes the HDF5 library hang or crash: it is damaged; take it from a backup or "
            "write it again from the tool that made it."
        )
    with h5py.File(path, "r") as file:
        _require_bounded(file, path, h5py)
        yield file


@functools.lru_cache(maxsize=256)
def _ends(path: Path, size: int, _changed: int) -> bool:
    """Return whether a process that reads a file ends, and not by a crash."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROBE, str(path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # no process can be started; the file is read without one
        return True
    with process:
        try:
            assert process.stdout is not None
            process.stdout.read()  # ends when the library is loaded, minutes on a slow disk
            return process.wait(timeout=_SECONDS + size / 20e6) >= 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            process.kill()


def _require_bounded(file: Any, path: Path, h5py: Any) -> None:
    most = max(_ALWAYS, _LARGEST_RATIO * path.stat().st_size)

    def check(name: str, entry: Any) -> None:
        if not isinstance(entry, h5py.Dataset) or entry.shape is None:
            return
        if math.prod(entry.shape) * max(1, entry.dtype.itemsize) > most:
            raise InputError(
                f"{path}: '{name}' claims {entry.shape} values, more than the file can hold; it is "
                "damaged, take it from a backup or write it again."
            )

    file.visititems(check)
