"""Files that end with a checksum of their content, for everything a process resumes from.

The checksum is the last bytes of the file itself: file and checksum appear together or not at all.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from posebridge.errors import InputError

_MARK = b"\nposebridge sha256 "
_TAIL = len(_MARK) + 64


def append_digest(file: Path) -> None:
    """Append the checksum of a file's content to the file."""
    digest = _digest(file, file.stat().st_size)
    with file.open("ab") as stream:
        stream.write(_MARK + digest)


def require_digest(file: Path, remedy: str) -> None:
    """Check that a file ends with the checksum of its content.

    Args:
        file: a file completed by :func:`append_digest`. remedy: what to do about a damaged file,
            without the full stop.
    """
    try:
        size = file.stat().st_size - _TAIL
        with file.open("rb") as stream:
            stream.seek(max(size, 0))
            tail = stream.read()
        whole = size >= 0 and tail == _MARK + _digest(file, size)
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror or error}.") from error
    if not whole:
        raise InputError(f"{file} is damaged (its checksum does not fit); {remedy}.")


def _digest(file: Path, size: int) -> bytes:
    """Return the checksum of the first ``size`` bytes of a file, in hexadecimal digits."""
    content = hashlib.sha256()
    with file.open("rb") as stream:
        while size > 0 and (part := stream.read(min(size, 2**20))):
            content.update(part)
            size -= len(part)
    return content.hexdigest().encode()
