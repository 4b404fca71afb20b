"""Paths that a user gives: not empty, and a file where a file is read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from posebridge.errors import InputError


def require_given(path: Path | str | None, what: str) -> None:
    """Check that a path is not empty, which would be the current folder.

    Args:
        path: None counts as given. what: the kind of path, such as ``"images"``.
    """
    if isinstance(path, str) and not path.strip():
        raise InputError(
            f"no {what} are given: the path is empty (a variable that is not set?); "
            "for the current folder give '.'."
        )


def require_regular(path: Path | str) -> None:
    """Check that a path is not a pipe, a device or a socket, which may never end.

    A missing path passes; its reader reports it.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    raise InputError(f"{path} is {kind}, not a file; store its content in a file and give that.")
