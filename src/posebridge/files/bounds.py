"""Bounds on the content of a text file, checked before it is used."""

from __future__ import annotations

import reprlib
from typing import Any

DEEPEST = 64
"""Levels of lists and mappings inside each other; annotation files have about five."""

_shortener = reprlib.Repr()
_shortener.maxlevel = 2
_shortener.maxdict = _shortener.maxlist = _shortener.maxtuple = _shortener.maxset = 4
_shortener.maxstring = _shortener.maxother = _shortener.maxlong = 60


def short_repr(value: Any) -> str:
    """Return ``repr(value)`` shortened for a message: nested, long and repeated content is cut.

    >>> short_repr([1, [2, [3, [4]]], "x" * 100])
    "[1, [2, [...]], 'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxx']"
    """
    try:
        return _shortener.repr(value)
    except ValueError:  # a whole number of more digits than Python prints
        return f"a {type(value).__name__}"


def too_deep(content: Any, deepest: int = DEEPEST) -> bool:
    """Return whether lists and dictionaries are nested in more than ``deepest`` levels.

    The content is walked level by level, without recursion.
    """
    level = [content] if isinstance(content, (dict, list)) else []
    for _ in range(deepest):
        inner = (v for c in level for v in (c.values() if isinstance(c, dict) else c))
        level = [v for v in inner if isinstance(v, (dict, list))]
        if not level:
            return False
    return True
