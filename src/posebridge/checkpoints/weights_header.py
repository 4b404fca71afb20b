"""The header of a safetensors file: names and shapes, checked before a tensor is read.

Format: https://huggingface.co/docs/safetensors (8 bytes of length, a JSON header, the tensors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from posebridge.errors import InputError
from posebridge.files.json_files import parse_json

LARGEST_HEADER = 16 * 2**20
"""Bytes; a network of ten thousand tensors has about 1 MB."""

LARGEST_WEIGHTS = 16 * 2**30
"""Bytes of a weights file; the largest encoder in timm takes less."""


_WIDTHS = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL"), 1),
}
"""Bytes of a value of each type that weights have."""


@dataclass(frozen=True)
class WeightsHeader:
    """The header of a weights file.

    Attributes:
        shapes: tensor name -> shape.
        format: the format of the folder in the metadata, None where there is none.
    """

    shapes: Mapping[str, tuple[int, ...]]
    format: str | None


def read_header(stream: BinaryIO, size: int, name: str) -> WeightsHeader:
    """Read the header at the start of a stream of ``size`` bytes; messages name the file ``name``.

    Raises:
        InputError: the file has another format, or its tensors do not fill it.
    """
    length = int.from_bytes(stream.read(8), "little")
    if not 2 <= length <= min(LARGEST_HEADER, size - 8) or size > LARGEST_WEIGHTS:
        raise _damaged(name, f"a header of {length} bytes in a file of {size}")
    raw = parse_json(stream.read(length), f"the header of {name}", "safetensors")
    if not isinstance(raw, dict):
        raise _damaged(name, "a header without names")
    metadata = raw.pop("__metadata__", None)
    shapes: dict[str, tuple[int, ...]] = {}
    total = 0
    for key, entry in raw.items():
        shapes[key], count = _tensor(entry, name, size)
        total += count
    if total != size - 8 - length:
        raise _damaged(name, f"tensors of {total} bytes in {size - 8 - length}")
    given = metadata.get("format") if isinstance(metadata, dict) else None
    return WeightsHeader(shapes, given if isinstance(given, str) else None)


def _tensor(entry: Any, name: str, size: int) -> tuple[tuple[int, ...], int]:
    """Return the shape of a tensor and its bytes, checked against its offsets in the file."""
    try:
        shape, (first, last) = tuple(entry["shape"]), entry["data_offsets"]
        width = _WIDTHS[entry["dtype"]]
    except (TypeError, KeyError, ValueError) as error:
        raise _damaged(name, "an entry without a shape, offsets or a known type") from error
    numbers = (*shape, first, last)
    if len(numbers) > 16 or not all(type(n) is int and 0 <= n <= size for n in numbers):
        raise _damaged(name, "a shape or offsets that are not whole numbers within the file")
    if last - first != math.prod(shape) * width:
        raise _damaged(name, f"a tensor of shape {shape} in {last - first} bytes")
    return shape, last - first


def _damaged(name: str, why: str) -> InputError:
    return InputError(f"{name} is damaged or not a safetensors file ({why}); copy it again.")
