"""Variables of MATLAB files of version 5 to 7, whose structure is checked before scipy reads them.

scipy's reader trusts the tags in a file, and a damaged one can end the process. Here every tag of
the wanted variable is walked first: types, sizes and numbers of elements must fit each other. The
format is MathWorks' "MAT-File Format" (Level 5).
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_ITEM = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""Bytes of one element of each numeric data type."""
_TEXT = {1, 2, 3, 4, 16, 17, 18}
_INT32, _UINT32, _MATRIX, _COMPRESSED = 5, 6, 14, 15
_CELL, _STRUCT, _CHAR, _NUMERIC = 1, 2, 4, range(6, 16)
_COMPLEX = 0x0800
_HEADER = 128
_LARGEST = 2**31
_DEEPEST = 16


class _Element(NamedTuple):
    kind: int
    start: int
    size: int
    after: int


class _Walk:
    """Reads tags of a buffer in one byte order; whatever does not fit raises ``ValueError``."""

    def __init__(self, buffer: bytes, order: str) -> None:
        self.buffer, self.order = buffer, order

    def element(self, at: int, end: int) -> _Element:
        if at + 8 > end:
            raise ValueError("it ends within an element")
        first, size = struct.unpack_from(self.order + "II", self.buffer, at)
        if first >> 16:
            kind, size = first & 0xFFFF, first >> 16
            if size > 4:
                raise ValueError("a small element is too long")
            return _Element(kind, at + 4, size, at + 8)
        after = at + 8 + (size if first == _COMPRESSED else -(-size // 8) * 8)
        if at + 8 + size > end:
            raise ValueError("an element is longer than the file")
        return _Element(first, at + 8, size, min(after, end))

    def head(self, matrix: _Element) -> tuple[int, int, tuple[int, ...], str, int]:
        """Return class, flags, dimensions and name of a matrix, and where its content begins."""
        end = matrix.start + matrix.size
        flags = self.element(matrix.start, end)
        if flags.kind != _UINT32 or flags.size != 8:
            raise ValueError("a variable has no flags")
        (word,) = struct.unpack_from(self.order + "I", self.buffer, flags.start)
        shape = self.element(flags.after, end)
        if shape.kind != _INT32 or shape.size % 4 or not 8 <= shape.size <= 128:
            raise ValueError("a variable has no dimensions")
        dims = struct.unpack_from(f"{self.order}{shape.size // 4}i", self.buffer, shape.start)
        if min(dims) < 0 or math.prod(dims) > _LARGEST:
            raise ValueError("a variable has impossible dimensions")
        name = self.element(shape.after, end)
        if name.kind not in (1, 2, 16):
            raise ValueError("a variable has no name")
        text = self.buffer[name.start : name.start + name.size].decode("latin1")
        return word & 0xFF, word & 0xFF00, dims, text, name.after

    def check(self, matrix: _Element, depth: int = 0) -> None:
        """Walk everything in a matrix."""
        if matrix.kind != _MATRIX:
            raise ValueError("a cell holds no array")
        if matrix.size == 0:
            return
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        kind, flags, dims, _, at = self.head(matrix)
        end = matrix.start + matrix.size
        count = math.prod(dims)
        if kind in (_CELL, _STRUCT):
            if kind == _STRUCT:
                fields, at = self._fields(at, end)
                count *= fields
            for _ in range(count):
                inner = self.element(at, end)
                self.check(inner, depth + 1)
                at = inner.after
        elif kind == _CHAR:
            text = self.element(at, end)
            if text.kind not in _TEXT:
                raise ValueError("a text has no characters")
            at = text.after
        elif kind in _NUMERIC:
            for _ in range(2 if flags & _COMPLEX else 1):
                part = self.element(at, end)
                item = _ITEM.get(part.kind)
                if item is None or part.size != item * count:
                    raise ValueError("an array has too few or too many numbers")
                at = part.after
        else:
            raise ValueError(
                f"it has an array of class {kind}, which is not a number, text or cell"
            )
        # scipy goes by the contents and not by the size; the two must agree.
        if at != end:
            raise ValueError("a variable is longer or shorter than it says")

    def _fields(self, at: int, end: int) -> tuple[int, int]:
        length = self.element(at, end)
        if length.kind != _INT32 or length.size != 4:
            raise ValueError("a structure has no field names")
        (each,) = struct.unpack_from(self.order + "i", self.buffer, length.start)
        names = self.element(length.after, end)
        if names.kind not in (1, 2, 16) or each < 1 or names.size % each:
            raise ValueError("a structure has no field names")
        listed = [
            self.buffer[i : i + each] for i in range(names.start, names.start + names.size, each)
        ]
        if len(set(listed)) != len(listed) or not all(name.strip(b"\0") for name in listed):
            raise ValueError("a structure has a field without a name of its own")
        return len(listed), names.after


def read_variable(path: Path, name: str) -> np.ndarray | None:
    """Return one variable as scipy gives it, or None where the file has no such variable.

    Raises:
        ImportError: scipy is not installed.
        Exception: of many kinds, where the file is damaged or of another version.
    """
    from scipy.io import loadmat

    content = path.read_bytes()
    if content[:10] == b"MATLAB 7.3":
        raise ValueError("it is of version 7.3; save it again with -v7")
    if len(content) < _HEADER or content[126:128] not in (b"IM", b"MI"):
        raise ValueError("it has no header of version 5 to 7")
    order = "<" if content[126:128] == b"IM" else ">"
    if struct.unpack_from(order + "H", content, 124)[0] != 0x0100:
        raise ValueError("it has no header of version 5 to 7")
    walk, at = _Walk(content, order), _HEADER
    while at < len(content):
        element = walk.element(at, len(content))
        at = element.after
        found, inner = walk, element
        if element.kind == _COMPRESSED:
            raw = content[element.start : element.start + element.size]
            found = _Walk(_inflated(raw), order)
            inner = found.element(0, len(found.buffer))
        if inner.kind != _MATRIX or inner.size == 0 or found.head(inner)[3] != name:
            continue
        found.check(inner)
        # The checked bytes alone, uncompressed.
        end = inner.start + inner.size
        alone = content[:_HEADER] + found.buffer[inner.start - 8 : end]
        read: dict[str, Any] = loadmat(io.BytesIO(alone), variable_names=[name])
        return read.get(name)
    return None


def _inflated(raw: bytes) -> bytes:
    stream = zlib.decompressobj()
    content = stream.decompress(raw, _LARGEST)
    if not stream.eof:
        raise ValueError("a compressed variable is cut off")
    return content
