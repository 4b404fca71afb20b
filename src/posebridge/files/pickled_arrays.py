"""Pickles of numpy arrays and plain containers, read without numpy's own unpickling.

A pickle is a program. The unpickler here looks up only stand-ins for the few names that pickled
arrays use, and the stand-ins build an array from its bytes by ``numpy.frombuffer``: a damaged or
hostile state of a dtype, which numpy would trust, has no effect.
"""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

_NUMBER = re.compile(r"([<>|=]?)([biuf])([1248])")


class _Dtype:
    """Replacement of ``numpy.dtype``; only booleans, integers and floats."""

    def __init__(self, code: str, *_: object) -> None:
        found = _NUMBER.fullmatch(code) if isinstance(code, str) else None
        if found is None:
            raise pickle.UnpicklingError("it has an array of something else than numbers")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">", "|", "="):
            self.dtype = self.dtype.newbyteorder(state[1])


def _build(raw: bytes | str, dtype: Any, shape: tuple[int, ...], order: str) -> np.ndarray:
    if not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError("it has an array without a type")
    # Python 2 wrote bytes, which are read as Latin-1 text.
    content = raw.encode("latin1") if isinstance(raw, str) else bytes(raw)
    if not all(isinstance(n, int) and n >= 0 for n in shape):
        raise pickle.UnpicklingError("it has an array of no possible shape")
    if math.prod(shape) * dtype.dtype.itemsize != len(content):
        raise pickle.UnpicklingError("it has an array with too few or too many bytes")
    array = np.frombuffer(content, dtype.dtype)
    return array.reshape(shape, order="F" if order == "F" else "C")


class _Array:
    """Replacement of ``numpy.ndarray``; ``numpy.asarray`` converts it to an array."""

    def __init__(self, *_: object) -> None:
        self.array = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, raw = state
        self.array = _build(raw, dtype, shape, "F" if fortran else "C")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype=dtype)


def _scalar(dtype: Any, raw: bytes | str) -> Any:
    return _build(raw, dtype, (), "C")[()]


def _from_buffer(raw: bytes, dtype: Any, shape: tuple[int, ...], order: str) -> np.ndarray:
    return _build(raw, dtype, shape, order)


def _encode(text: str, codec: str) -> bytes:
    """Replace ``_codecs.encode``, by which Python 3 writes bytes in old protocols."""
    if codec != "latin1":
        raise pickle.UnpicklingError("it has bytes in an unusual form")
    return text.encode("latin1")


STANDINS = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _encode,
    **{
        (f"numpy.{core}.{module}", name): standin
        for core in ("core", "_core")  # numpy 1 and 2
        for module, name, standin in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}
"""The replacements of the few names that pickled arrays and numbers of numpy use."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STANDINS:
            raise pickle.UnpicklingError(f"it uses {module}.{name}, which is not an array")
        return STANDINS[module, name]


def read_arrays(path: Path) -> Any:
    """Return the content of a pickle; arrays are objects that ``numpy.asarray`` takes.

    Raises:
        Exception: of many kinds, for a damaged file or one that uses anything else.
    """
    with path.open("rb") as stream:
        return _ArrayUnpickler(stream, encoding="latin1").load()
