"""Names of image files as formats write them: by their own name, never by that of a link's target."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from posebridge.errors import InputError


def own_path(file: Path) -> Path:
    """Return the absolute path of a file by its own name; links in it are not followed.

    Where the path climbs (``..``), its folders are resolved, since ``link/..`` is elsewhere.
    """
    if ".." in file.parts:
        return file.parent.resolve() / file.name
    return Path(os.path.abspath(file))


def name_below(file: Path, folder: Path) -> Path:
    """Return the path of a file relative to ``folder`` where it is below it, else its whole path."""
    whole = own_path(file)
    for base in (own_path(folder), folder.resolve()):
        if whole.is_relative_to(base):
            return whole.relative_to(base)
    inside = whole.parent.resolve() / whole.name
    base = folder.resolve()
    return inside.relative_to(base) if inside.is_relative_to(base) else whole


def require_text_names(files: Iterable[Path | str], format: str) -> None:
    """Raise InputError for a name that is not UTF-8, which a format of text can't hold.

    Args:
        files: the names that are to be written. format: what can't hold them, for the message.
    """
    for file in files:
        if not is_text(os.fspath(file)):
            raise InputError(
                f"the name of {printable(file)} is not UTF-8, which {format} can't hold; rename it "
                "(such as with convmv -f latin1 -t utf8), or write COCO (.json)."
            )


def is_text(name: str) -> bool:
    """Return whether a name can be encoded as UTF-8; bytes of a disk that can't are surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def printable(name: Path | str) -> str:
    r"""Return a name with the bytes that are not UTF-8 escaped.

    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    try:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a pair of an UTF-16 text, which no disk holds
        return os.fspath(name).encode("utf-8", "backslashreplace").decode()
