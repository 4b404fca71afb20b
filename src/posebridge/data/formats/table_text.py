"""Text of tables: encoding, lines of comments before the header, spellings of a missing value."""

from __future__ import annotations

import codecs
from pathlib import Path

from posebridge.errors import InputError

MISSING = frozenset(
    {"", "na", "n/a", "nan", "-nan", "none", "null", "<na>", "#n/a", "#n/a n/a", "#na"}
    | {"-1.#ind", "-1.#qnan", "1.#ind", "1.#qnan"}
)
"""Spellings of a missing value, in lower case, as pandas reads them."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def start_of_text(path: Path) -> str:
    """Return the first characters of a file in any encoding; "" for an unreadable file."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except (OSError, ValueError):
        return ""
    wide = start.startswith(_UTF16)
    return start.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def first_line(text: str) -> str:
    """Return the first line that is neither blank nor a comment, which names the columns."""
    return next((n for n in text.splitlines() if n.strip() and not is_comment(n)), "")


def is_comment(line: str) -> bool:
    """Return whether a line before the header is a comment."""
    return line.lstrip(" \t\"'").startswith("#")


def table_text(file: Path) -> str:
    """Return the text of a table.

    Raises:
        InputError: the file can't be read, or is not UTF-8.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror or error}.") from error
    if content.startswith(_UTF16) or b"\0" in content[:64]:
        raise InputError(f"{file} is UTF-16 text or not text at all; save it as a CSV in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file} is not UTF-8 text: line {line} has the byte 0x{content[error.start]:02x}, as "
            "Latin-1 and other encodings write letters with accents; save it as a CSV in UTF-8."
        ) from error
