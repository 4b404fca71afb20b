"""JSON files: damage is reported in a sentence, and a half-written file never exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from posebridge.errors import InputError
from posebridge.files.bounds import too_deep
from posebridge.files.given import require_regular
from posebridge.files.whole import write_text, written_whole

_WALKED = 16 * 2**20
_LONG = re.compile(r"\d{301}")
"""Digits of a whole number that no decimal number reaches; the largest has 309."""


def read_json(file: Path, kind: str) -> Any:
    """Return the content of a JSON file.

    Args:
        file: an existing file. kind: the expected kind, for the messages, such as ``"COCO"``.

    Raises:
        InputError: as :func:`parse_json`, or unreadable.
    """
    require_regular(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror or error}.") from error
    return parse_json(content, str(file), kind)


def parse_json(text: str | bytes, name: str, kind: str) -> Any:
    """Return the content of JSON text; ``name`` is the file in a message.

    Args:
        text: UTF-8, with or without a byte order mark. kind: the expected kind, such as ``"COCO"``.

    Raises:
        InputError: not text, not valid JSON (with the place of the damage), or nested too deeply.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        # A hook for each whole number is slow: only a text that has that many digits gets it.
        content = json.loads(decoded, parse_int=_whole if _LONG.search(decoded) else None)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not a text file ({error.reason}); give a {kind} JSON."
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is not valid JSON: {error.msg} in line {error.lineno}, column "
            f"{error.colno}; write the file again from the tool that made it."
        ) from error
    except RecursionError as error:
        raise InputError(
            f"{name} is nested too deeply to be a {kind} file; give the right file."
        ) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise InputError(
            f"{name} holds a number of too many digits ({error}); correct it."
        ) from error
    # For a larger file, which is one of annotations, the parser's own bound is enough.
    if len(decoded) <= _WALKED and too_deep(content):
        raise InputError(f"{name} is nested too deeply to be a {kind} file; give the right file.")
    return content


def _whole(digits: str) -> int:
    if len(digits) > 300:
        raise ValueError(f"it has {len(digits)} digits")
    return int(digits)


def read_json_mapping(file: Path, kind: str) -> dict[str, Any]:
    """Return a JSON file whose top level is an object.

    Raises:
        InputError: as :func:`read_json`, or the top level is something else.
    """
    content = read_json(file, kind)
    if not isinstance(content, dict):
        raise InputError(
            f"{file} is not a {kind} file: it holds a {type(content).__name__}; give the right file."
        )
    return content


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, allow_nan=False))


def write_json_lists(path: Path, members: Mapping[str, Any]) -> None:
    """Write a JSON object whole or not at all; a member that is an iterator becomes a list.

    Its entries are encoded one after the other, so that a list as long as a video is never in
    memory, neither as objects nor as text. The bytes equal those of :func:`write_json`.
    """
    with written_whole(path) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.write("{")
        for number, (name, value) in enumerate(members.items()):
            stream.write(f"{', ' if number else ''}{json.dumps(name)}: ")
            _write_member(stream, value)
        stream.write("}")


def _write_member(stream: TextIO, value: Any) -> None:
    if not isinstance(value, Iterator):
        stream.write(json.dumps(value, allow_nan=False))
        return
    stream.write("[")
    for number, entry in enumerate(value):
        stream.write((", " if number else "") + json.dumps(entry, allow_nan=False))
    stream.write("]")
