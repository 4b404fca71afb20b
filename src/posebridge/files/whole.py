"""Files and folders that appear when they are complete, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from posebridge.errors import InputError

Verify = Callable[[Path], None]

_REASONS = {
    errno.ENOSPC: "there is no space left on the disk; free some or give another place",
    errno.EDQUOT: "the disk quota is used up; free some space or give another place",
    errno.EROFS: "the disk is read-only; give another place",
    errno.EACCES: "you may not write there; give another place",
    errno.EPERM: "you may not write there; give another place",
}


def cannot_write(path: Path | str, error: OSError) -> InputError:
    """Return the sentence for a place that can't be written, with the reason the system gives."""
    reason = _REASONS.get(error.errno or 0)
    if reason is None:
        reason = f"{error.strerror or error}; give another place"
    return InputError(f"{path} can't be written: {reason}.")


@contextmanager
def written_whole(path: Path, verify: Verify | None = None) -> Iterator[Path]:
    """Yield a path beside ``path`` to write a file to; it takes the place of ``path`` at the end.

    The partial file has the ending of ``path``, since many libraries choose a format by it. Its content
    is on the disk before it takes the place. If anything raises, it is removed and ``path`` stays as
    it was.

    Args:
        path: the file to write; its folder is made where it does not exist.
        verify: called with the partial file before it takes the place; raises where the file
            is not what was written, for libraries that do not report a full disk.

    Raises:
        InputError: the place can't be written, with the reason.
    """
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _sync(partial)
        if verify is not None:
            verify(partial)
        os.replace(partial, path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


@contextmanager
def folder_written_whole(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a folder beside ``folder`` to write into; it takes the place of ``folder`` at the end.

    If anything raises, what was written is removed and ``folder`` stays as it was.

    Args:
        folder: must not exist or be empty, unless ``replace`` is given; its parent is made.

    Raises:
        InputError: the place can't be written, with the reason.
    """
    partial = _beside(folder)
    try:
        partial.mkdir(parents=True)
        yield partial
        if replace and folder.exists():
            old = _beside(folder)
            os.replace(folder, old)
            os.replace(partial, folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(partial, folder)  # onto an empty folder or none
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise cannot_write(folder, error) from error
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with written_whole(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def require_writable(path: Path, *, folder: bool = False) -> None:
    """Raise InputError unless a file (or a folder) can be written at ``path``; nothing is left behind.

    Called before long work, so that a read-only place is found before the work and not after it.
    """
    place = path if folder else path.parent
    existing = next(p for p in (place, *place.absolute().parents) if p.exists())
    try:
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{existing} is not a folder")
        if not folder and path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        probe = existing / f".{secrets.token_hex(6)}.probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def _beside(path: Path) -> Path:
    """Return an unused name in the same folder; two processes never share a partial file."""
    own = f"{os.getpid()}-{secrets.token_hex(3)}"
    return path.with_name(f".{path.stem[:80]}.{own}.partial{path.suffix}")


def _sync(file: Path) -> None:
    """Wait until a file's content is on the disk, where an error of a full one shows at last."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
