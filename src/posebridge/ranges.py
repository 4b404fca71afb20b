"""The ranges of configuration fields, as types.

A field names its range by its type, such as ``keep: Fraction = 0.5``. :func:`check_ranges` reads the
types of a dataclass and refuses a number outside of its range; ``--help-all`` prints the ranges with
:func:`range_text`. The types carry the metadata of ``annotated_types``, as pydantic's do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from annotated_types import Interval, Len

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

Fraction = Annotated[float, Interval(ge=0, le=1)]
"""A part of a whole."""
LossWeight = Annotated[float, Interval(ge=0)]
"""The factor of a loss, or of a term of one; 0 turns it off."""
Positive = Annotated[float, Interval(gt=0)]
NonNegative = Annotated[float, Interval(ge=0)]
StepCount = Annotated[int, Interval(ge=0, le=10**9)]
"""A number of training steps or frames, where 0 has a meaning."""
StepInterval = Annotated[int, Interval(ge=1, le=10**9)]
"""Steps, or frames, between two events."""
BatchSize = Annotated[int, Interval(ge=1, le=65_536)]
Channels = Annotated[int, Interval(ge=1, le=4096)]

_Config = TypeVar("_Config")


def check_ranges(config: _Config, section: str = "") -> _Config:
    """Return a config dataclass after checking every number in it against its type.

    Dataclasses inside are checked too, with their field's name in front.

    Args:
        config: an instance of a dataclass. section: put in front of field names, such as ``model.``.

    Raises:
        InputError: a number is not finite or out of its range; the sentence has the field, the value
            and the range.
    """
    for field in fields(config):  # pyright: ignore[reportArgumentType]
        value, name = getattr(config, field.name), f"{section}{field.name}"
        if is_dataclass(value):
            check_ranges(value, f"{name}.")
            continue
        length, interval = field_bounds(type(config)).get(field.name, (None, None))
        if length is not None and isinstance(value, tuple) and not _fits_length(value, length):
            most = length.max_length
            raise InputError(
                f"{name} is {short_repr(value)}; give {length.min_length} to {most} values."
            )
        for number in _numbers(value):
            if not (abs(number) < 1e300 and math.isfinite(number)):
                raise InputError(f"{name} is {short_repr(number)}; give a finite number.")
            if interval is not None and not _holds(interval, number):
                shown = f"{number:g}" if isinstance(number, float) else short_repr(number)
                raise InputError(f"{name} is {shown}; give a number {_text(interval)}.")
    return config


def range_text(kind: type, field: str) -> str:
    """Return the range of a dataclass field as a phrase, "" where it has none.

    >>> from posebridge.alignment.mean_teacher import ConsistencyConfig
    >>> range_text(ConsistencyConfig, "weight")
    'of 0 or more'
    """
    _, interval = field_bounds(kind).get(field, (None, None))
    return "" if interval is None else _text(interval)


@cache
def field_bounds(kind: type) -> dict[str, tuple[Len | None, Interval | None]]:
    """Return the bounds of a dataclass's fields: of a list's length, and of its numbers."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for field in fields(kind):
        marks = list(_marks(hints[field.name]))
        length = next((mark for mark in marks if isinstance(mark, Len)), None)
        interval = next((mark for mark in marks if isinstance(mark, Interval)), None)
        found[field.name] = (length, interval)
    return found


def _marks(hint: Any) -> Iterator[Any]:
    """Yield the metadata of a type and of the types inside it."""
    if get_origin(hint) is Annotated:
        yield from hint.__metadata__
    for part in get_args(hint):
        if get_args(part):
            yield from _marks(part)


def _numbers(value: Any) -> Iterator[int | float]:
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, int | float) and not isinstance(part, bool):
            yield part


def _fits_length(value: tuple[Any, ...], length: Len) -> bool:
    return length.min_length <= len(value) <= (length.max_length or math.inf)


def _holds(interval: Interval, number: float) -> bool:
    return (
        (interval.ge is None or number >= interval.ge)  # pyright: ignore[reportOperatorIssue]
        and (interval.gt is None or number > interval.gt)  # pyright: ignore[reportOperatorIssue]
        and (interval.le is None or number <= interval.le)  # pyright: ignore[reportOperatorIssue]
    )


def _text(interval: Interval) -> str:
    low = f"above {interval.gt:g}" if interval.gt is not None else ""
    if interval.le is None:
        return low or f"of {interval.ge:g} or more"
    high = _plain(interval.le)
    return f"{low}, at most {high}" if low else f"from {_plain(interval.ge)} to {high}"


def _plain(number: Any) -> str:
    return f"{number}" if isinstance(number, int) else f"{number:g}"
