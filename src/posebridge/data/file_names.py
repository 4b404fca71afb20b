"""Names of image files as formats write them: their own names, never a link's target."""

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
    """Return the path of a file relative to ``folder`` if the file is below it, else its whole path."""
    whole = own_path(file)
    for base in (own_path(folder), folder.resolve()):
        if whole.is_relative_to(base):
            return whole.relative_to(base)
    inside = whole.parent.resolve() / whole.name
    base = folder.resolve()
    return inside.relative_to(base) if inside.is_relative_to(base) else whole


def require_text_names(files: Iterable[Path | str], format: str) -> None:
    """Check that all names are UTF-8, which a text format needs.

    Args:
        files: the names to write. format: the format that can't hold other names, for the message.
    """
    for file in files:
        if not is_text(os.fspath(file)):
            raise InputError(
                f"the name of {printable(file)} is not UTF-8, which {format} can't hold; rename "
                "the file "
                "(such as with convmv -f latin1 -t utf8), or write COCO (.json)."
            )


def is_text(name: str) -> bool:
    """Return whether a name can be encoded as UTF-8; undecodable bytes of a disk are surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def printable(name: Path | str) -> str:
    r"""Return a name whose bytes that are not UTF-8 are escaped.

    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    try:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a UTF-16 pair, which no disk holds
        return os.fspath(name).encode("utf-8", "backslashreplace").decode()
