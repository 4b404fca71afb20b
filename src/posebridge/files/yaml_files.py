"""The one reader of YAML: plain data, bounded in size, depth and aliases, and no code.

A stream of parser events is counted first, without recursion and without building anything; only what
fits is constructed, by PyYAML's safe loader. An alias counts as often as it is used, so that aliases
inside aliases ("billion laughs") are refused before they multiply.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from posebridge.errors import InputError
from posebridge.files.bounds import DEEPEST
from posebridge.files.given import require_regular

LARGEST = 8 * 2**20
"""Bytes of a YAML file; a DeepLabCut project of 10,000 videos has about 2 MB."""

MOST_VALUES = 500_000
"""Largest number of values in a file, each alias counted as its target."""

_LONGEST_NUMBER = 100
"""Characters of a number; ``1:1:1...``, base 60, takes time with the square of its length."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeys(_Base):
    """PyYAML's safe loader, which also refuses a repeated key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a list or a mapping", key.start_mark
                )
            if (key.tag, key.value) in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is there twice", key.start_mark
                )
            seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.Node) -> Any:
        number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if number and isinstance(node.value, str) and len(node.value) > _LONGEST_NUMBER:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number of {len(node.value)} characters", node.start_mark
            )
        return super().construct_scalar(node)


class _TextOnly(_UniqueKeys):
    """Take everything but null for text: ``off``, a horse's side, is not a switch."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in known if tag.endswith(":null")]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(file: Path, kind: str, *, text_only: bool = False) -> Any:
    """Return the content of a YAML file.

    Args:
        file: the file. kind: the expected kind, for the messages, such as ``"bench plan"``.
        text_only: take every scalar but null for text, as in files of keypoint names.

    Raises:
        InputError: unreadable, not text, not YAML, a tag that names code, a key twice, or out of
            bounds.
    """
    require_regular(file)
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror or error}.") from error
    return parse_yaml(content, str(file), kind, text_only=text_only)


def read_yaml_mapping(file: Path, kind: str, *, text_only: bool = False) -> dict[str, Any]:
    """Return a YAML file whose top level is a mapping; its keys become text.

    Raises:
        InputError: as :func:`read_yaml`, or the top level is something else.
    """
    content = read_yaml(file, kind, text_only=text_only)
    return require_mapping(content, str(file), kind)


def require_mapping(content: Any, name: str, kind: str) -> dict[str, Any]:
    """Return a mapping with text keys; raise InputError for any other content."""
    if not isinstance(content, dict):
        held = "nothing" if content is None else f"a {type(content).__name__}"
        raise InputError(
            f"{name} is not a {kind}: it holds {held} where a mapping of names belongs; "
            "give the right file."
        )
    return {str(key): value for key, value in content.items()}


def parse_yaml(
    text: str | bytes, name: str, kind: str = "YAML file", *, text_only: bool = False
) -> Any:
    """Return the content of YAML text; ``name`` is the file or option in a message.

    >>> parse_yaml("{a: [1, 2]}", "plan.yaml")
    {'a': [1, 2]}

    Raises:
        InputError: as :func:`read_yaml`.
    """
    if len(text) > LARGEST:
        raise InputError(
            f"{name} is larger than {LARGEST // 2**20} MB, which is not a {kind}; give the right file."
        )
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        _require_bounded(decoded, name, kind)
        return yaml.load(decoded, Loader=_TextOnly if text_only else _UniqueKeys)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not a text file ({error.reason}); give a {kind}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date 2024-13-45
        line = " ".join(str(error).replace(' in "<unicode string>",', " in").split())[:300]
        raise InputError(f"{name} is not valid YAML: {line}; correct it.") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        # PyYAML on a value that is not of its tag: !!bool maybe, !!timestamp noon, !!int ''.
        raise InputError(
            f"{name} is not valid YAML: a value does not fit its tag ({type(error).__name__}); write "
            "values without '!!' tags."
        ) from error


@dataclass
class _Open:
    """A list or mapping that has not ended: its values so far and its depth below it."""

    anchor: str | None
    values: int = 1
    depth: int = 1

    def add(self, values: int, depth: int) -> None:
        self.values += values
        self.depth = max(self.depth, depth + 1)


def _require_bounded(text: str, name: str, kind: str) -> None:
    """Count values and depth over the parser's events, with aliases expanded."""
    anchored: dict[str, tuple[int, int]] = {}
    outer: list[_Open] = []

    def close(anchor: str | None, values: int, depth: int) -> None:
        if anchor is not None:
            anchored[anchor] = (values, depth)
        if outer:
            outer[-1].add(values, depth)
        deepest = len(outer) + depth
        if deepest > DEEPEST or values > MOST_VALUES:
            raise InputError(
                f"{name} is nested more than {DEEPEST} levels deep, which is not a {kind}; "
                "give the right file."
                if deepest > DEEPEST
                else f"{name} holds more than {MOST_VALUES} values (aliases expanded), which is not a "
                f"{kind}; give the right file."
            )

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.ScalarEvent):
            close(event.anchor, 1, 0)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchored:
                raise InputError(
                    f"{name}: the alias '*{event.anchor}' contains itself or nothing; "
                    "write out what it means."
                )
            close(None, *anchored[event.anchor])
        elif isinstance(event, yaml.CollectionStartEvent):
            outer.append(_Open(event.anchor))
            if len(outer) > DEEPEST:
                close(None, 0, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = outer.pop()
            close(done.anchor, done.values, done.depth)
