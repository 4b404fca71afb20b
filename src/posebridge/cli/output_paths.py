"""The places that a command writes to, checked before anything is read."""

from __future__ import annotations

from pathlib import Path

from posebridge.errors import InputError
from posebridge.files.whole import require_writable


def require_folder(out: Path | str, option: str = "--out") -> Path:
    """Return the folder that a command writes; it may not exist yet.

    Raises:
        InputError: the path or one of its parents is a file, or the folder can't be written; the
            sentence names ``option``.
    """
    _require_named(out, option)
    there = next(p for p in (Path(out).absolute(), *Path(out).absolute().parents) if p.exists())
    if not there.is_dir():
        raise InputError(f"{option} {out}: {there} is a file; give a folder.")
    require_writable(Path(out), folder=True)
    return Path(out)


def require_file(out: Path | str, option: str = "--out") -> Path:
    """Return the file that a command writes; it may not exist yet.

    Raises:
        InputError: the file can't be written, or the name is empty.
    """
    _require_named(out, option)
    require_writable(Path(out))
    return Path(out)


def _require_named(out: Path | str, option: str) -> None:
    if not str(out):
        raise InputError(f"{option} is empty; give a name.")
