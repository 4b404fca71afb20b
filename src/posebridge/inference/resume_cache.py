"""Batches of arrays stored in a file as they come in, so that a killed command resumes.

The file is a line of JSON with the identity of the results, and for each batch a line of JSON and the
arrays as safetensors. A batch counts when it is complete and its checksum is right: a batch that a
killed process left half-written is cut off. Nothing in the file is ever executed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from posebridge.errors import InputError
from posebridge.files.json_files import parse_json
from posebridge.files.whole import cannot_write
from posebridge.inference.batches import Batch

__all__ = ["Batch", "Journal"]

_LONGEST_LINE = 2**24


class Journal:
    """A file of batches, open for more; nothing is written before the first batch.

    Args:
        file: an existing file is continued if its identity is equal, and replaced otherwise.
        identity: JSON-able entries that the batches depend on: model, video, config.
        fresh: whether the batches of an existing file are dropped in any case.

    Attributes:
        kept: the batches of the existing file, in order; each starts where the previous one ends.
        other: the entries of the identity in which a file that is dropped differs.

    Raises:
        InputError: the file can't be read.
    """

    def __init__(self, file: Path, identity: Mapping[str, Any], fresh: bool = False) -> None:
        self.file = file
        self.kept: list[Batch] = []
        self.other: tuple[str, ...] = ()
        self._head = json.dumps({"identity": identity}, sort_keys=True).encode() + b"\n"
        self._good = 0  # bytes of the head and of the complete batches
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
        """The number of items in the batches of the existing file."""
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
        """Close the file without deleting it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def remove(self) -> None:
        """Close and delete the file."""
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
            head = stream.readline(_LONGEST_LINE)
            if head != self._head:
                self.other = _differing(head, self._head)
                return
            self._good = stream.tell()
            while (batch := _next_batch(stream, self.done)) is not None:
                self.kept.append(batch)
                self._good = stream.tell()


def _checksum(line: Mapping[str, Any], content: bytes) -> int:
    """Return the checksum of a batch: of its arrays and of the other entries of its line."""
    rest = {name: value for name, value in line.items() if name != "crc32"}
    return zlib.crc32(json.dumps(rest, sort_keys=True).encode(), zlib.crc32(content))


def _next_batch(stream: BinaryIO, first: int) -> Batch | None:
    """Return the next batch, or None where no complete one follows."""
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
