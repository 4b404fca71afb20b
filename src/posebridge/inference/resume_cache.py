"""Batches of arrays kept in a file as they come in, so that a killed run goes on where it was.

The file is a line of JSON that says whose it is, and for each batch a line of JSON and the arrays as
safetensors. A batch counts when all of it is there and its checksum is right: what a killed process
left half-written is cut off. Nothing in the file is ever executed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from posebridge.errors import InputError
from posebridge.files.json_files import parse_json
from posebridge.files.whole import cannot_write

_LONGEST_LINE = 2**24


@dataclass(frozen=True)
class Batch:
    """What was found in the items ``first`` to ``end`` of a list.

    Attributes:
        arrays: name -> array, of any shape.
        notes: lines for the user, such as the images that could not be read.
    """

    first: int
    end: int
    arrays: Mapping[str, np.ndarray]
    notes: Sequence[str] = ()


class Journal:
    """A file of batches, open for more; nothing is written before the first of them.

    Args:
        file: where. One that exists goes on if its identity is the same, and is else begun again.
        identity: JSON-able entries that the batches depend on: model, video, settings.
        fresh: whether what is there is dropped in any case.

    Attributes:
        kept: the batches that were there, in order, each beginning where the one before ends.
        other: the entries of the identity in which a file that is dropped differs.

    Raises:
        InputError: the file can't be read.
    """

    def __init__(self, file: Path, identity: Mapping[str, Any], fresh: bool = False) -> None:
        self.file = file
        self.kept: list[Batch] = []
        self.other: tuple[str, ...] = ()
        self._head = json.dumps({"identity": identity}, sort_keys=True).encode() + b"\n"
        self._good = 0  # bytes that are to stay
        self._stream: BinaryIO | None = None
        try:
            if file.is_file() and not fresh:
                self._read()
        except OSError as error:
            raise InputError(
                f"{file} can't be read ({error.strerror or error}); delete it, or give --overwrite."
            ) from error

    @property
    def done(self) -> int:
        """Items in the batches that were there."""
        return self.kept[-1].end if self.kept else 0

    def append(self, batch: Batch) -> None:
        """Add a batch; when this returns, the process may be killed without losing it."""
        from safetensors.numpy import save

        content = save({name: np.ascontiguousarray(a) for name, a in batch.arrays.items()})
        line = {
            **{"first": batch.first, "end": batch.end, "notes": list(batch.notes)},
            "bytes": len(content),
        }
        line["crc32"] = _checksum(line, content)
        try:
            stream = self._stream or self._opened()
            stream.write(json.dumps(line).encode() + b"\n" + content)
            stream.flush()
        except OSError as error:
            reason = cannot_write(self.file, error)
            raise InputError(f"{reason} After that, the same command resumes here.") from error

    def close(self) -> None:
        """Close the file; it stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def remove(self) -> None:
        """Close and delete the file: its work is done."""
        self.close()
        self.file.unlink(missing_ok=True)

    def _opened(self) -> BinaryIO:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.file.open("r+b" if self._good else "wb")
        self._stream.truncate(self._good)
        self._stream.seek(self._good)
        if self._good == 0:
            self._stream.write(self._head)
        return self._stream

    def _read(self) -> None:
        with self.file.open("rb") as stream:
            found = stream.readline(_LONGEST_LINE)
            if found != self._head:
                self.other = _differing(found, self._head)
                return
            self._good = stream.tell()
            while (batch := _next_batch(stream, self.done)) is not None:
                self.kept.append(batch)
                self._good = stream.tell()


def _checksum(line: Mapping[str, Any], content: bytes) -> int:
    """Return the checksum of a batch: of its arrays and of all else that its line holds."""
    rest = {name: value for name, value in line.items() if name != "crc32"}
    return zlib.crc32(json.dumps(rest, sort_keys=True).encode(), zlib.crc32(content))


def _next_batch(stream: BinaryIO, first: int) -> Batch | None:
    """The next batch, or None where none is whole."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        line = parse_json(stream.readline(_LONGEST_LINE), "a journal", "line")
        left = os.fstat(stream.fileno()).st_size - stream.tell()
        if type(line["bytes"]) is not int or not 0 <= line["bytes"] <= left:
            return None  # before a read takes as much memory as the line claims
        content = stream.read(line["bytes"])
        whole = len(content) == line["bytes"] and _checksum(line, content) == line["crc32"]
        if not whole or line["first"] != first or line["end"] <= first:
            return None
        return Batch(first, line["end"], load(content), tuple(line["notes"]))
    except (InputError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        return None


def _differing(found: bytes, head: bytes) -> tuple[str, ...]:
    try:
        before = dict(parse_json(found, "a journal", "head")["identity"])
    except (InputError, ValueError, KeyError, TypeError):
        return ("form",)
    after = parse_json(head, "a journal", "head")["identity"]
    return tuple(k for k in sorted({*before, *after}) if before.get(k) != after.get(k))
