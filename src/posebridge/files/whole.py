"""Files and folders that appear when they are complete, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from posebridge.errors import InputError
from posebridge.files.places import (
    cannot_write,
    is_disk_error,
    make_folder,
    own_mark,
    remove_empty,
    require_file_place,
    require_writable,
)

__all__ = [
    "cannot_write",
    "copy_file",
    "copy_into",
    "files_written_whole",
    "folder_written_whole",
    "require_writable",
    "write_bytes",
    "write_text",
    "written_whole",
]

Verify = Callable[[Path], None]

_FEW = 64
_CHUNK = 1 << 20


@contextmanager
def written_whole(path: Path, verify: Verify | None = None) -> Iterator[Path]:
    """Yield a path beside ``path`` to write a file to; the file replaces ``path`` at the end.

    The partial file has the ending of ``path``, since many libraries choose a format by it. Its content
    is on the disk before it replaces ``path``. If anything raises, the partial file is removed and
    ``path`` stays as it was.

    Args:
        path: the file to write; its folder is made where it does not exist.
        verify: called with the partial file before the replacement; raises if the file is not
            what was written, for libraries that do not report a full disk.

    Raises:
        InputError: the place can't be written, with the reason.
    """
    with files_written_whole([path], verify) as (partial,):
        yield partial


@contextmanager
def files_written_whole(
    paths: Sequence[Path], verify: Verify | None = None
) -> Iterator[tuple[Path, ...]]:
    """Yield a path beside each of ``paths`` to write to; all are replaced at the end, or none.

    Paths that differ by their endings alone have partial files that differ by their endings alone.

    Args:
        paths: the files to write, the one that names the others last.
        verify: as in :func:`written_whole`, called with the first of the partial files.

    Raises:
        InputError: a place can't be written, with the reason.
    """
    own = own_mark()
    partials = tuple(_beside(path, own) for path in paths)
    made: list[Path] = []
    try:
        for path in paths:
            require_file_place(path)
            made += make_folder(path.parent)
        yield partials
        for partial in partials:
            _sync(partial)
        if verify is not None:
            _verified(paths[0], partials[0], verify)
        for partial, path in zip(partials, paths, strict=True):
            os.replace(partial, path)
    except BaseException as error:
        for partial in partials:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        remove_empty(made)
        if isinstance(error, OSError) and _is_about(error, [*paths, *partials]):
            raise cannot_write(_named(error, paths, partials), error) from error
        raise


@contextmanager
def folder_written_whole(
    folder: Path, *, replace: bool = False, merge: bool = False, alone: bool = False
) -> Iterator[Path]:
    """Yield a folder to write into; it replaces ``folder`` at the end.

    If anything raises, the written files are removed and ``folder`` stays as it was. Messages of
    errors inside name ``folder``.

    Args:
        folder: must not exist or be empty, unless ``replace`` or ``merge`` is given; its parent is
            made.
        replace: an existing folder is replaced with all its content.
        merge: into an existing folder, the files are moved when all are complete, those in its
            folders first; its other files stay.
        alone: no other process writes this folder; remains of a killed process are removed.

    Raises:
        InputError: the place can't be written, with the reason.
    """
    inside = folder.is_dir() and not replace and (_any(folder) or _apart(folder))
    partial = _beside(folder / "set" if inside else folder, own_mark())
    old = _beside(folder, own_mark())
    if alone:
        partial, old = (folder.with_name(folder.name + end) for end in (".partial", ".old"))
    made: list[Path] = []
    try:
        if inside and not merge and _any(folder):
            raise OSError(errno.ENOTEMPTY, "the folder is not empty")
        if alone:
            shutil.rmtree(partial, ignore_errors=True)
        made = make_folder(partial.parent)
        partial.mkdir()
        yield partial
        files = [file for file in partial.rglob("*") if file.is_file()]
        for file in files if len(files) <= _FEW else ():
            _sync(file)
        if inside:
            _move_into(folder, partial, files)
        elif replace and folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.replace(folder, old)
            os.replace(partial, folder)
        else:
            os.replace(partial, folder)  # onto an empty folder or none
        shutil.rmtree(old, ignore_errors=True)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if not folder.exists() and old.exists():  # between the two moves
            os.replace(old, folder)
        shutil.rmtree(old, ignore_errors=True)
        remove_empty(made)
        if isinstance(error, OSError) and _is_about(error, [folder, partial]):
            raise cannot_write(folder, error) from error
        if isinstance(error, InputError) and str(partial) in str(error):
            raise InputError(str(error).replace(str(partial), str(folder))) from error
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with written_whole(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    # Names of files that are not UTF-8 appear escaped; a format that has to name them refuses before.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def copy_file(source: Path, path: Path) -> None:
    """Copy a file whole or not at all; an error names the file that it is about."""
    with written_whole(path) as partial:
        _copy(source, partial)


def copy_into(source: Path, path: Path) -> None:
    """Copy a file into a folder that is itself written whole, without a wait for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _copy(source, path)


def _copy(source: Path, path: Path) -> None:
    with path.open("wb") as target:
        try:
            stream = source.open("rb")
        except OSError as error:
            raise InputError(f"{source} can't be read: {error.strerror or error}.") from error
        with stream:
            while content := _read(stream, source):
                target.write(content)


def _beside(path: Path, own: str) -> Path:
    """Return an unused name in the same folder, short enough for every disk."""
    return path.with_name(f".{path.stem[:20]}.{own}.partial{path.suffix[-16:]}")


def _any(folder: Path) -> bool:
    return any(folder.iterdir())


def _apart(folder: Path) -> bool:
    """Return whether a folder can't be replaced by renaming: another disk, a read-only parent."""
    parent = folder.absolute().parent
    return folder.stat().st_dev != parent.stat().st_dev or not os.access(parent, os.W_OK)


def _move_into(folder: Path, partial: Path, files: Sequence[Path]) -> None:
    """Move files into a folder, the deepest first: files at the top name the files below."""
    names = [file.relative_to(partial) for file in files]
    for name in names:
        require_file_place(folder / name)
    for name in sorted(names, key=lambda name: (-len(name.parts), name)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial / name, folder / name)
    for place in partial.rglob("*"):
        if place.is_dir():
            (folder / place.relative_to(partial)).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(partial, ignore_errors=True)


def _verified(path: Path, partial: Path, verify: Verify) -> None:
    """Call ``verify``; its error becomes the message of an incomplete file."""
    try:
        verify(partial)
    except OSError:
        raise
    except Exception as error:
        require_writable(path)
        raise InputError(
            f"{path} can't be written: the file is not whole when it is read back "
            f"({type(error).__name__}); free some space or give another place."
        ) from error


def _is_about(error: OSError, places: Sequence[Path]) -> bool:
    """Return whether an error is about what is written, and not about a file that is read."""
    if error.filename is None or is_disk_error(error):
        return True
    named = os.path.abspath(os.fsdecode(error.filename))
    return any(
        Path(named).is_relative_to(place.absolute()) or place.absolute().is_relative_to(named)
        for place in places
    )


def _named(error: OSError, paths: Sequence[Path], partials: Sequence[Path]) -> Path:
    """Return which of several paths an error is about."""
    name = None if error.filename is None else os.fsdecode(error.filename)
    pairs = zip(paths, partials, strict=True)
    return next((p for p, partial in pairs if name in (str(p), str(partial))), paths[0])


def _read(stream: object, source: Path) -> bytes:
    try:
        return stream.read(_CHUNK)  # type: ignore[attr-defined]
    except OSError as error:
        raise InputError(f"{source} can't be read: {error.strerror or error}.") from error


def _sync(file: Path) -> None:
    """Wait until a file's content is on the disk, where an error of a full disk finally shows."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some disks can't
            raise
    finally:
        os.close(handle)
