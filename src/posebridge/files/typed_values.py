"""Values of a text file checked against the annotations of the dataclass that they fill.

Only plain data passes: numbers, text, booleans, null, lists and mappings of them. Nothing that a file
holds names a class, and nothing is imported or called by a name from a file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.yaml_files import parse_yaml

_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
"""A number that YAML 1.1 takes for text, as it has no point: 1e-4."""
_LONGEST = 2**53


class _Mismatch(Exception):
    """A value is not of its annotation."""


def field_types(kind: type) -> dict[str, Any]:
    """Return the annotation of each field of a dataclass, dataclasses inside it by dotted names.

    A dataclass inside is an entry of its own too, before its fields.
    """
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for field in fields(kind):
        hint = hints[field.name]
        found[field.name] = hint
        if is_dataclass(hint):
            assert isinstance(hint, type)
            found |= {f"{field.name}.{name}": part for name, part in field_types(hint).items()}
    return found


def checked_value(
    value: Any, hint: Any, name: str, *, text: bool = False, exact: bool = False
) -> Any:
    """Return a value as its annotation has it: tuples for lists, floats for whole numbers.

    Args:
        value: a value from YAML or JSON. hint: the annotation. name: of the field, for the message.
        text: the value is the text of an option, of which what is not text is read as YAML.
        exact: a text is never a number, such as where the value itself is used, not the result.

    Raises:
        InputError: the value is of another type, or a number is not finite.
    """
    given = value
    if text and isinstance(value, str):
        value = _from_text(value, hint, name)
    try:
        checked = _as(value, hint)
        if exact and isinstance(value, str) and not isinstance(checked, str):
            raise _Mismatch
        return checked
    except _Mismatch:
        raise InputError(f"{name} is {short_repr(given)}; give {expected(hint)}.") from None


def expected(hint: Any) -> str:
    """Return the words for what an annotation takes.

    >>> expected(int | None)
    'a whole number or null'
    """
    if _is_union(hint):
        parts = [expected(part) for part in get_args(hint) if part is not type(None)]
        return " or ".join([*parts, "null"] if type(None) in get_args(hint) else parts)
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        number = "whole numbers" if parts[0] is int else "numbers"
        return f"a list of {number}" if parts[-1] is ... else f"a list of {len(parts)} {number}"
    if is_dataclass(hint) or (get_origin(hint) or hint) is dict:
        return "a mapping of names to values"
    return {
        int: "a whole number",
        float: "a finite number",
        bool: "true or false",
        str: "a text that is not empty (in quotes where it looks like a number)",
    }.get(hint, "another value")


def _from_text(text: str, hint: Any, name: str) -> Any:
    parts = get_args(hint) if _is_union(hint) else (hint,)
    if type(None) in parts and text.strip() in ("null", "~", "None"):
        return None
    if all(part in (str, type(None)) or get_origin(part) is Literal for part in parts):
        return text
    return parse_yaml(text, name, "value")


def _as(value: Any, hint: Any) -> Any:
    if _is_union(hint):
        for part in get_args(hint):
            try:
                return _as(value, part)
            except _Mismatch:
                continue
        raise _Mismatch
    if hint is type(None):
        return _require(value is None, value)
    if get_origin(hint) is Literal:
        return _choice(value, get_args(hint))
    if hint is bool:
        return _require(isinstance(value, bool), value)
    if hint is int:
        return _whole(value)
    if hint is float:
        return _number(value)
    if hint is str:
        # No name and no path holds a zero byte, and the calls of the operating system refuse it.
        return _require(isinstance(value, str) and value.strip() != "" and "\0" not in value, value)
    if get_origin(hint) is tuple:
        return _tuple(value, get_args(hint))
    if (get_origin(hint) or hint) is dict:
        _require(isinstance(value, Mapping), value)
        return {str(key): part for key, part in value.items()}
    raise _Mismatch


def _is_union(hint: Any) -> bool:
    return isinstance(hint, UnionType) or get_origin(hint) is Union


def _require(fits: bool, value: Any) -> Any:
    if not fits:
        raise _Mismatch
    return value


def _choice(value: Any, choices: tuple[Any, ...]) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and str(value) in choices:
        return str(value)  # precision: 32
    return _require(isinstance(value, str) and value in choices, value)


def _whole(value: Any) -> int:
    return _require(type(value) is int and abs(value) <= _LONGEST, value)


def _number(value: Any) -> float:
    if isinstance(value, str) and _EXPONENT.fullmatch(value.strip()):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _Mismatch
    if not (abs(value) < 1e300 and math.isfinite(value)):
        raise _Mismatch
    return float(value)


def _tuple(value: Any, parts: tuple[Any, ...]) -> tuple[Any, ...]:
    _require(isinstance(value, list | tuple), value)
    if parts[-1] is ...:
        _require(len(value) <= 1000, value)
        return tuple(_as(entry, parts[0]) for entry in value)
    _require(len(value) == len(parts), value)
    return tuple(_as(entry, part) for entry, part in zip(value, parts, strict=True))
