"""HDF5 files opened with care: h5py crashes on some names, and a damaged file may promise terabytes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from posebridge.data.extras import need
from posebridge.errors import InputError

_LARGEST_RATIO = 2000
"""Bytes that a compressed file may unpack to, for each of its own; gzip reaches about a thousand."""

_ALWAYS = 64 * 2**20


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
    with h5py.File(path, "r") as file:
        _require_bounded(file, path, h5py)
        yield file


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
