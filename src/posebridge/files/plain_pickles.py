"""Pickles of plain values, read without looking up a single name.

A pickle is a program. The unpickler here builds lists, dictionaries, text and numbers; a class or a
function is refused, or becomes an object that does nothing. It is Python's own unpickler in Python,
whose memory follows the size of the pickle: the one in C makes room for any index that a pickle
names.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from posebridge.files.pickled_arrays import STANDINS

LARGEST = 8 * 2**20
"""Largest size of a pickle in bytes; DeepLabCut's pickle of an analysis has ten thousand."""

_Unpickler: Any = pickle._Unpickler  # pyright: ignore[reportAttributeAccessIssue]


class _Inert:
    """Replacement for an object of any class: accepts every operation of a pickle and does nothing."""

    def __new__(cls, *_: object, **__: object) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, *_: object, **__: object) -> _Inert:
        return self

    def __setstate__(self, _: object) -> None: ...

    def __setitem__(self, _: object, __: object) -> None: ...

    def append(self, _: object) -> None: ...

    def extend(self, _: object) -> None: ...

    def add(self, _: object) -> None: ...


class _Strict(_Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed here")


class _Lenient(_Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return STANDINS.get((module, name), _Inert)


def read_plain(content: bytes, *, others_inert: bool = False) -> Any:
    """Return what a pickle holds.

    Args:
        content: the pickle. others_inert: whether objects that are not plain become ones that do
            nothing, rather than an error; numbers and arrays of numpy are read.

    Raises:
        Exception: of many kinds, for a pickle that is damaged, too large or uses anything else.
    """
    if len(content) > LARGEST:
        raise pickle.UnpicklingError(f"it is larger than {LARGEST // 2**20} MB")
    return (_Lenient if others_inert else _Strict)(io.BytesIO(content), encoding="latin1").load()
