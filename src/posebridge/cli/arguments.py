"""The arguments of every command, checked in one place before a command sees them."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence

from posebridge.errors import InputError
from posebridge.files.given import require_regular

_EMPTY_VALUE = re.compile(r"(--?[\w.-]+)=\s*")


def require_usable(arguments: Sequence[str]) -> None:
    """Raise InputError for an empty argument, and for a pipe, a device or a socket.

    A shell gives an empty argument for ``"$NAME"`` where NAME is not set, and an empty path is the
    current folder.

    >>> require_usable(["runs/people", "photographs/", "--out", "predictions.json"])
    """
    for number, argument in enumerate(arguments, 1):
        before = arguments[number - 2] if number > 1 else ""
        option = _EMPTY_VALUE.fullmatch(argument)
        if option or (not argument.strip() and re.fullmatch(r"--[\w.-]+", before)):
            name = option[1] if option else before
            raise InputError(
                f"{name} is empty (a variable that is not set?); give a value, or remove the option."
            )
        if not argument.strip():
            raise InputError(
                f"argument {number} is empty (a variable that is not set?): no images, file or name "
                "are given there; for the current folder give '.'."
            )
        require_regular(argument.partition("=")[2] if argument.startswith("--") else argument)


def print_any_name() -> None:
    """Let the streams print names that are not UTF-8, or not in their encoding, escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
