"""The help of commands that take settings: one screen of options, or all of them.

The texts, types, defaults and ranges come from the config dataclasses; see ``add_settings``.
"""

from __future__ import annotations

import re
import textwrap
from argparse import Action
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from jsonargparse import ArgumentParser

from posebridge.ranges import range_text
from posebridge.training.config import AdaptConfig
from posebridge.training.merged_settings import known_settings

WIDTH = 100
_COLUMN = 30
_SWITCHES = ("help", "help_all")


def print_help_and_exit(
    parser: ArgumentParser, arguments: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> None:
    """Print the help and exit where ``--help`` or ``--help-all`` is given.

    Args:
        parser: the command's parser, with the settings.
        arguments: the command line.
        groups: heading -> the options of the short help, as Python names.
    """
    given = set(arguments)
    if given & {"--help-all", "--help_all"}:
        print(all_options(parser))
    elif given & {"-h", "--help"}:
        print(short_help(parser, groups))
    else:
        return
    raise SystemExit(0)


def short_help(parser: ArgumentParser, groups: Mapping[str, Sequence[str]]) -> str:
    """Return one screen: the options of ``groups`` with the first clause of their text, examples."""
    actions = {action.dest: action for action in parser._actions}
    lines = _heading(parser)
    for title, names in groups.items():
        lines += ["", f"{title}:"]
        lines += [_short_row(actions[name]) for name in names]
    lines += [
        "",
        "  --help, --help-all            this screen, or every option with type and range",
    ]
    return "\n".join([*lines, "", (parser.epilog or "").strip()])


def all_options(parser: ArgumentParser) -> str:
    """Return every option by group, with its whole text, type, default and range."""
    lines = _heading(parser)
    for title, actions in _sections(parser):
        lines += ["", *textwrap.wrap(f"{title}:", WIDTH)]
        for action in actions:
            lines += _row(_spelled(action), f"{_text(action)} {_details(action)}".strip())
    return "\n".join([*lines, "", (parser.epilog or "").strip()])


def range_of(name: str) -> str:
    """Return the range of a setting by its dotted name as a phrase, "" where it has none."""
    group, _, field = name.rpartition(".")
    kind = known_settings()[group] if group else AdaptConfig
    return range_text(kind, field) if is_dataclass(kind) else ""  # pyright: ignore[reportArgumentType]


def type_text(hint: Any) -> str:
    """Return a type of a setting as a phrase.

    >>> type_text(float | None), type_text(tuple[float, float]), type_text(Literal["a", "b"])
    ('number or null', 'list of numbers', 'a|b')
    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "|".join(map(str, parts))
    if origin in (Union, UnionType):
        named = [type_text(part) for part in parts if part is not NoneType]
        return " or ".join([*named, *(["null"] if NoneType in parts else [])])
    if origin in (tuple, list):
        return f"list of {type_text(parts[0])}s"
    if hasattr(hint, "__metadata__"):
        return type_text(hint.__origin__)
    names = {float: "number", int: "integer", bool: "true|false", str: "text"}
    return names.get(hint, "mapping")


def _heading(parser: ArgumentParser) -> list[str]:
    return [f"usage: {parser.usage}", "", *textwrap.wrap(parser.description or "", WIDTH)]


def _sections(parser: ArgumentParser) -> Iterator[tuple[str, list[Action]]]:
    """Yield the title and the options of each group; a title is one line."""
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if a.option_strings and not _is_group(a)]
        actions = [a for a in actions if a.dest not in _SWITCHES]
        if actions:
            yield re.sub(r"\s+", " ", group.title or "options"), actions


def _is_group(action: Action) -> bool:
    return is_dataclass(known_settings().get(action.dest))


def _spelled(action: Action) -> str:
    """Return an option as it is typed, with a placeholder for its value."""
    name = action.option_strings[-1].replace("_", "-")
    if action.nargs == 0:
        return name
    hint = known_settings().get(action.dest)
    placeholder = action.metavar if isinstance(action.metavar, str) and hint is None else None
    placeholder = placeholder or _placeholder(hint)
    fits = len(name) + len(placeholder) < _COLUMN - 2 or "{" not in placeholder
    return f"{name} {placeholder if fits else 'NAME'}"


def _placeholder(hint: Any) -> str:
    """Return the placeholder of a value by its type, such as ``N`` for an integer."""
    text = type_text(hint).removesuffix(" or null")
    short = {"integer": "N", "number": "X", "text": "TEXT", "true|false": "BOOL"}
    return short.get(text, "{" + text.replace("|", ",") + "}" if "|" in text else "VALUE")


def _row(option: str, text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDTH - _COLUMN - 2) or [""]
    if len(option) > _COLUMN - 2:
        return [f"  {option}", *(" " * (_COLUMN + 2) + line for line in lines)]
    first = f"  {option:<{_COLUMN}}{lines[0]}".rstrip()
    return [first, *(" " * (_COLUMN + 2) + line for line in lines[1:])]


def _text(action: Action) -> str:
    return re.sub(r"\s+", " ", action.help or "").strip()


def _short_row(action: Action) -> str:
    """Return an option on one line, with the start of its text."""
    return _row(_spelled(action), _shortened(_text(action)))[0]


def _shortened(text: str) -> str:
    """Return the first sentence of a text, or as many of its clauses as one line holds.

    >>> _shortened("learning rate of the source stage. Adam's.")
    'learning rate of the source stage'
    """
    text = re.split(r"[.;](?:\s|$)", text, maxsplit=1)[0]
    room = WIDTH - _COLUMN - 2
    while len(text) > room and re.search(r"[,:(]", text):
        text = re.split(r"\s*[,:(][^,:(]*$", text)[0]
    return textwrap.shorten(text, room, placeholder=" ...")


def _details(action: Action) -> str:
    """Return type, range and default of an option, in parentheses."""
    hint = known_settings().get(action.dest)
    if hint is None:
        return ""
    parts = [type_text(hint), range_of(action.dest), f"default: {_default(action.default)}"]
    return f"({', '.join(part for part in parts if part)})"


def _default(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_default, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
