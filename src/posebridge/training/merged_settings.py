"""Settings merged from files and options, each with its origin."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.typed_values import checked_value, field_types
from posebridge.files.yaml_files import parse_yaml, read_yaml, require_mapping
from posebridge.renamed import VALUES, new_field
from posebridge.training.config import AdaptConfig, further_levels

_KIND = "config file"


def known_settings() -> Mapping[str, Any]:
    """Return the annotation of every setting and every group of settings by dotted names."""
    return _known_settings(tuple(further_levels().items()))


@cache
def _known_settings(further: tuple[tuple[str, type], ...]) -> Mapping[str, Any]:
    known = dict(field_types(AdaptConfig))
    del known["further_levels"]
    for name, kind in further:
        known[name] = kind
        known |= {f"{name}.{field}": hint for field, hint in field_types(kind).items()}
    return known


def known_setting(name: str) -> bool:
    """Return whether ``name`` is a setting, a group, or a key inside a setting of free names."""
    return name in known_settings() or _free(name) is not None


def dotted(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested settings by dotted names; an empty dictionary is a value, not a group."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{before}{key}"
        found |= dotted(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
    return found


class MergedSettings:
    """The defaults, overridden by added settings; later values replace earlier ones."""

    def __init__(self) -> None:
        default = AdaptConfig(further_levels={n: kind() for n, kind in further_levels().items()})
        self._values = {
            name: _at(default, name)
            for name, hint in known_settings().items()
            if not is_dataclass(hint)
        }
        self._places: dict[str, str] = {}

    def add_file(self, file: Path | str) -> None:
        """Add a YAML file of settings; an empty file, such as a preset of defaults, adds none.

        Raises:
            InputError: the file is unreadable or not a mapping, or a setting is unknown or invalid.
        """
        content = read_yaml(Path(file), _KIND)
        if content is not None:
            for name, value in require_mapping(content, str(file), _KIND).items():
                self.add(name, value, f"{file}: ")

    def add(self, name: str, value: Any, place: str = "", *, text: bool = False) -> None:
        """Add a setting, or a mapping of a group's settings.

        Args:
            name: dotted. value: plain data. place: prefix of a message about the value.
            text: whether the value is the text of an option.

        Raises:
            InputError: an unknown setting, or a value of another type.
        """
        hint = known_settings().get(name)
        free = _free(name)
        renamed = new_field(name) if hint is None and free is None else None
        if renamed is not None:
            raise InputError(f"{place}'{name}' is called '{renamed}' now; rename it.")
        if hint is None and free is None:
            raise InputError(f"{place}{_unknown(name)}")
        new = VALUES.get((name, str(value)))
        if new is not None:
            raise InputError(f"{place}{name}: '{value}' is called '{new}' now; rename it.")
        try:
            if free is not None:
                if text and isinstance(value, str):
                    value = parse_yaml(value, name, "value")
                self._put(free, {**self._values[free], name[len(free) + 1 :]: value}, place)
            elif is_dataclass(hint):
                content = _group(value, name) if text and isinstance(value, str) else value
                if not isinstance(content, Mapping):
                    raise InputError(
                        f"{name} is {short_repr(value)}; give a mapping of its settings, such as "
                        f"{_example(name)}."
                    )
                for key, part in content.items():
                    self.add(f"{name}.{key}", part)
            else:
                self._put(name, checked_value(value, hint, name, text=text), place)
        except InputError as error:
            raise InputError(f"{place}{error}") from error
        if place and is_dataclass(hint):
            for setting in self._values:
                if setting.startswith(f"{name}."):
                    self._places[setting] = place

    def build(self) -> AdaptConfig:
        """Return the configuration.

        Raises:
            InputError: a value is out of its range, or two values contradict each other.
        """
        return self._built(AdaptConfig, "")

    def _put(self, name: str, value: Any, place: str) -> None:
        self._values[name] = value
        self._places[name] = place

    def _built(self, kind: Any, before: str) -> Any:
        settings = known_settings()
        values = {}
        for field in kind.__dataclass_fields__:
            if before + field == "further_levels":
                values[field] = {n: self._built(k, f"{n}.") for n, k in further_levels().items()}
                continue
            hint = settings[before + field]
            inner = is_dataclass(hint)
            name = before + field
            values[field] = self._built(hint, f"{name}.") if inner else self._values[name]
        try:
            return kind(**values)
        except InputError as error:
            raise InputError(self._located(str(error), before)) from error

    def _located(self, message: str, group: str) -> str:
        """Return a message with the file in front that its setting came from."""
        named = message.split(" ", 1)[0]
        if named in self._places:
            return f"{self._places[named]}{message}"
        of_group = [
            place for name, place in self._places.items() if group and name.startswith(group)
        ]
        if not of_group:
            return message
        about = "" if named.startswith(group) else f"{group.removesuffix('.')}: "
        return f"{of_group[-1]}{about}{message}"


def _free(name: str) -> str | None:
    """Return the setting of free names that ``name`` is a key of, None without one."""
    return next(
        (
            setting
            for setting, hint in known_settings().items()
            if not is_dataclass(hint) and "dict" in str(hint) and name.startswith(f"{setting}.")
        ),
        None,
    )


def _group(text: str, name: str) -> Any:
    """Return the settings of a group that an option gives as YAML, or as a YAML file."""
    content = parse_yaml(text, name, "mapping of settings")
    if isinstance(content, str) and content.lower().endswith((".yaml", ".yml")):
        return read_yaml(Path(content), _KIND)
    return content


def _example(group: str) -> str:
    inner = [name for name in known_settings() if name.startswith(f"{group}.")]
    return f"{{{inner[0].removeprefix(f'{group}.')}: ...}}"


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name[:100], known_settings(), n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(close)}?" if close else ""
    short = name if len(name) <= 100 else f"{name[:97]}..."
    return f"the setting '{short}' does not exist.{meant} See 'posebridge adapt --help' for all fields."


def _at(config: AdaptConfig, name: str) -> Any:
    first, *rest = name.split(".")
    found = config.further_levels.get(first) or getattr(config, first)
    for part in rest:
        found = getattr(found, part)
    return found
