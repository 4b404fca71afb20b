"""Where a command writes, tried before anything is read."""

from __future__ import annotations

from pathlib import Path

from posebridge.errors import InputError
from posebridge.files.whole import require_writable


def require_folder(out: Path | str, option: str = "--out") -> Path:
    """Return the folder that a command is to write, which may not be there yet.

    Raises:
        InputError: it, or what it would be in, is a file, or it can't be written; ``option`` is
            what named it.
    """
    _require_named(out, option)
    there = next(p for p in (Path(out).absolute(), *Path(out).absolute().parents) if p.exists())
    if not there.is_dir():
        raise InputError(f"{option} {out}: {there} is a file; give a folder.")
    require_writable(Path(out), folder=True)
    return Path(out)


def require_file(out: Path | str, option: str = "--out") -> Path:
    """Return the file that a command is to write, which may not be there yet.

    Raises:
        InputError: the place can't be written, or no name is given.
    """
    _require_named(out, option)
    require_writable(Path(out))
    return Path(out)


def _require_named(out: Path | str, option: str) -> None:
    if not str(out):
        raise InputError(f"{option} is empty; give a name.")
