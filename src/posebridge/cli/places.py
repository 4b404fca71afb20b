"""Where a command writes, looked at before anything is read."""

from __future__ import annotations

from pathlib import Path

from posebridge.errors import InputError


def require_folder(out: Path | str, option: str = "--out") -> Path:
    """The folder that a command is to write, which may not be there yet.

    Raises:
        InputError: it, or what it would lie in, is a file; ``option`` is what named it.
    """
    there = next(p for p in (Path(out).absolute(), *Path(out).absolute().parents) if p.exists())
    if not there.is_dir():
        raise InputError(f"{option} {out}: {there} is a file; give a folder.")
    return Path(out)
