"""``--help`` and ``--help-all`` of the commands whose options are the fields of the configuration.

Both are written from the dataclasses: names, types, ranges and defaults from the fields, texts from
the ``Attributes:`` of their docstrings.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import docstring_parser

from posebridge.ranges import range_text
from posebridge.training.config import AdaptConfig, further_levels
from posebridge.training.presets import known_presets

WIDTH = 100
_INDENT = 32


class Option(NamedTuple):
    """One field of the configuration as an option.

    Attributes:
        name: dotted, as in YAML. kind: its type in words. range: "" where there is none.
        default: as YAML shows it. text: what it means.
    """

    name: str
    kind: str
    range: str
    default: str
    text: str

    @property
    def flag(self) -> str:
        """Return the spelling on the command line, with dashes."""
        return f"--{self.name.replace('_', '-')}"


def short_help(
    parser: argparse.ArgumentParser, groups: Mapping[str, Sequence[str]], examples: str
) -> str:
    """Return the text of ``--help``: a parser's own options and some fields, on one screen.

    Args:
        parser: of the command's own options. groups: heading -> options, fields by dotted names and own
            options by their flags. examples: the last paragraph.
    """
    known = {option.name: option for option in options()}
    own = {flag: action for action in parser._actions for flag in action.option_strings}
    lines = [f"usage: {parser.prog} {parser.usage or '[options]'}", ""]
    lines += textwrap.wrap(parser.description or "", WIDTH)
    for heading, names in groups.items():
        lines += ["", f"{heading}:"]
        for name in names:
            if name in own:
                action = own[name]
                lines += _row(_own_flag(name, action), action.help or "")
            else:
                option = known[name]
                lines += _row(_flag(option), _brief(option))
    return "\n".join([*lines, "", examples])


def full_help(parser: argparse.ArgumentParser) -> str:
    """Return the text of ``--help-all``: every option with its type, range and default."""
    lines = [f"usage: {parser.prog} {parser.usage or '[options]'}", ""]
    lines += textwrap.wrap(parser.description or "", WIDTH)
    lines += ["", "options of the command:"]
    for action in parser._actions:
        lines += _row(_own_flag(action.option_strings[-1], action), action.help or "")
    lines += _row("--preset NAME", "a named configuration; several are applied in the order given:")
    for name, text in known_presets().items():
        lines += _row(f"    {name}", text)
    section = None
    for option in options():
        head, dot, _ = option.name.partition(".")
        if (head if dot else "") != section:
            section = head if dot else ""
            heading = f"{head} ({_section_text(head)})" if dot else "configuration"
            lines += ["", f"{heading}:"]
        of = f"{option.kind}, {option.range}" if option.range else option.kind
        lines += _row(_flag(option), f"{option.text} ({of}; default: {option.default})")
    return "\n".join(lines)


@cache
def _options(further: tuple[tuple[str, type], ...]) -> tuple[Option, ...]:
    found = list(_fields(AdaptConfig, ""))
    for name, kind in further:
        found += _fields(kind, f"{name}.")
    plain = [option for option in found if "." not in option.name]
    return (*plain, *(option for option in found if "." in option.name))


def options() -> tuple[Option, ...]:
    """Return every field of the configuration, those of registered levels too."""
    return _options(tuple(further_levels().items()))


def _fields(kind: type, before: str) -> Iterator[Option]:
    hints, texts = get_type_hints(kind), _texts(kind)
    for field in fields(kind):
        hint, name = hints[field.name], f"{before}{field.name}"
        if name == "further_levels":
            continue
        if is_dataclass(hint):
            assert isinstance(hint, type)
            yield from _fields(hint, f"{name}.")
            continue
        yield Option(
            name,
            _type_text(hint),
            range_text(kind, field.name),
            _default(field),
            texts.get(field.name, ""),
        )


def _texts(kind: type) -> dict[str, str]:
    """Return the text of each attribute that a docstring has."""
    parsed = docstring_parser.parse(kind.__doc__ or "")
    return {p.arg_name: " ".join((p.description or "").split()) for p in parsed.params}


def _section_text(name: str) -> str:
    return _texts(AdaptConfig).get(name, "").rstrip(".") or "a level of the method"


def _type_text(hint: Any) -> str:
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return " or ".join(_type_text(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return "list of " + ("whole numbers" if get_args(hint)[0] is int else "numbers")
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    return names.get(hint, "empty" if hint is type(None) else "mapping")


def _default(field: Field[Any]) -> str:
    value = field.default_factory() if field.default is MISSING else field.default  # type: ignore
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)


def _flag(option: Option) -> str:
    words = option.kind.removesuffix(" or empty")
    value = "{" + words.replace(", ", ",") + "}" if "," in words else words.split()[-1].upper()
    value = {"NUMBER": "N", "FALSE": "BOOL", "NUMBERS": "LIST", "TEXT": "VALUE"}.get(value, value)
    return f"{option.flag} {value}"


def _own_flag(name: str, action: argparse.Action) -> str:
    return name if action.nargs == 0 else f"{name} {action.metavar or action.dest.upper()}"


def _brief(option: Option) -> str:
    """Return the first clause of an option's text, with its default where it has one."""
    text = option.text
    for end in (". ", "; ", ": "):
        text = text.partition(end)[0]
    default = "" if option.default == "empty" else f" (default: {option.default})"
    return f"{text.rstrip('.')}{default}"


def _row(flag: str, text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDTH - _INDENT) or [""]
    head = f"  {flag}"
    if len(head) >= _INDENT - 1:
        return [head, *(" " * _INDENT + line for line in lines)]
    return [head.ljust(_INDENT) + lines[0], *(" " * _INDENT + line for line in lines[1:])]
