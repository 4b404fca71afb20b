"""JSON files read and written so that damage is a sentence and a half-written file never exists."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from posebridge.errors import InputError


def read_json(file: Path, kind: str) -> Any:
    """The content of a JSON file.

    Args:
        file: an existing file. kind: what it should be, for the messages, such as ``"COCO"``.

    Raises:
        InputError: unreadable, no text, or no valid JSON, with the place of the damage.
    """
    try:
        return json.loads(file.read_bytes())
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not a text file ({error.reason}); give a {kind} JSON."
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file} is not valid JSON: {error.msg} in line {error.lineno}, column "
            f"{error.colno}; write the file again from the tool that made it."
        ) from error
    except RecursionError as error:
        raise InputError(f"{file} is nested too deeply to be a {kind} file.") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise InputError(f"{file} holds a number that is too long to be one: {error}.") from error
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}.") from error


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, allow_nan=False))


def write_json_lists(path: Path, members: Mapping[str, Any]) -> None:
    """Write a JSON object whole or not at all; a member that is an iterator becomes a list.

    Its entries are encoded one after the other, so that a list as long as a video never lies in
    memory, neither as objects nor as text. The bytes are those of :func:`write_json`.
    """
    with _whole(path) as stream:
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


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with _whole(path) as stream:
        stream.write(text)


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """A file beside ``path`` that takes its place when all is written, and not if something raises.

    Raises:
        InputError: the place can't be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as stream:
            yield stream
        os.replace(partial, path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(
                f"{path} can't be written: {error.strerror or error}; give another place."
            ) from error
        raise
