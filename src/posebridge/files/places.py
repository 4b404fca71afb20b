"""Places that are written to: tried before the work, and made where they are missing."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from posebridge.errors import InputError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or give another place",
    errno.EDQUOT: "the disk quota is used up; free some space or give another place",
    errno.EROFS: "the disk is read-only; give another place",
    errno.EACCES: "you may not write there; give another place",
    errno.EPERM: "you may not write there; give another place",
    errno.EFBIG: "the file is larger than is allowed there; give another place",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
}
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Errors that only writing meets, whatever file the system names in them."""
_PROBE = b"\0" * 4096


def cannot_write(path: Path | str, error: OSError) -> InputError:
    """Return the sentence for a place that can't be written, with the reason the system gives."""
    reason = _REASONS.get(error.errno or 0)
    if reason is None:
        reason = f"{error.strerror or error}; give another place"
    return InputError(f"{path} can't be written: {reason}.")


def is_disk_error(error: BaseException) -> bool:
    """Return whether an error says that a disk takes no more: full, read-only, or a limit."""
    return isinstance(error, OSError) and error.errno in _DISK


def require_writable(path: Path, *, folder: bool = False) -> None:
    """Check that a file (or a folder) can be written at ``path``; nothing is left behind.

    Called before long work, so that a read-only place is found before the work and not after it.
    """
    try:
        if not folder:
            require_file_place(path)
        place = path if folder else path.parent
        existing = next(p for p in (place, *place.absolute().parents) if _is_there(p))
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{existing} is not a folder")
        probe = existing / f".{own_mark()}.probe"
        try:
            probe.write_bytes(_PROBE)
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def own_mark() -> str:
    """Return a unique suffix of partial files; two processes never share one."""
    return f"{os.getpid()}-{secrets.token_hex(3)}"


def _is_there(path: Path) -> bool:
    """Return whether a path exists; a dead link and a name that is too long raise OSError."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(mode) and not path.exists():
        raise OSError(errno.ENOENT, f"{path} is a link that leads nowhere")
    return True


def require_file_place(path: Path) -> None:
    """Check that nothing but a file is there, which must not be replaced, else raise OSError."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = os.lstat(path).st_mode
        if not stat.S_ISLNK(mode) and not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if stat.S_ISLNK(mode) and path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is not a regular file")


def make_folder(folder: Path) -> list[Path]:
    """Make a folder with its parents; return the folders that were made, the innermost first."""
    missing = []
    for place in (folder, *folder.parents):
        if _is_there(place):
            break
        missing.append(place)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is not a folder") from error
    except BaseException:
        remove_empty(missing)
        raise
    return missing


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove the empty ones of the folders."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
