"""The parts of a comparison's YAML file, each read or refused with one sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.files import yaml_files as files
from posebridge.files.bounds import short_repr
from posebridge.training.config import AdaptConfig
from posebridge.training.presets import configure

MOST_SEEDS = 1000


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the file's content; InputError if the file is missing or not a mapping."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; name the YAML file of a comparison.")
    raw = files.read_yaml(path, "bench plan")
    if not isinstance(raw, dict):
        raise InputError(f"{path} holds no mapping; see 'posebridge bench --help' for an example.")
    return {str(key): value for key, value in raw.items()}


def get_entries(
    raw: Mapping[str, Any], key: str, known: set[str], path: Path
) -> dict[str, dict[str, Any]]:
    """Return name -> entry, each entry with known keys only; InputError otherwise."""
    found = raw.get(key)
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} names no {key}; see 'posebridge bench --help' for an example.")
    entries: dict[str, dict[str, Any]] = {}
    for name, value in found.items():
        if not re.fullmatch(r"[\w+.-]{1,100}", str(name)) or str(name) == "source_stage":
            raise InputError(
                f"{path}: {short_repr(name)} cannot name one of the {key}; it becomes a folder: use "
                "letters, digits, _ and -, and not 'source_stage'."
            )
        entry = {} if value is None else value
        if not isinstance(entry, dict):
            raise InputError(
                f"{path}: {key}: '{name}' is {short_repr(entry)}; give preset and settings."
            )
        require_known(entry, known, f"{path}: {key}: '{name}'")
        entries[str(name)] = entry
    return entries


def require_known(raw: Mapping[str, Any], known: set[str], place: str) -> None:
    """Raise InputError at the first unknown key of ``raw``; ``place`` names the entry."""
    for key in raw:
        if key not in known:
            raise InputError(
                f"{place}: {short_repr(key)} is unknown here; known are {', '.join(sorted(known))}."
            )


def get_seeds(value: Any, place: str) -> list[int]:
    """Return a list of at least one whole number from 0; InputError otherwise."""
    if not (
        isinstance(value, list)
        and 0 < len(value) <= MOST_SEEDS
        and all(type(s) is int and 0 <= s <= 2**31 for s in value)
    ):
        raise InputError(
            f"{place} is {short_repr(value)}; give a list of numbers such as [0, 1, 2]."
        )
    return value


def get_text(value: Any, place: str) -> str | None:
    """Return a text, or None without a value; InputError otherwise."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f"{place} is {short_repr(value)}; give a name or a path as text, or leave it out."
        )
    return value


def get_thresholds(value: Any, place: str) -> list[float]:
    """Return a list of at least one positive fraction; InputError otherwise."""
    if not (
        isinstance(value, list)
        and value
        and all(isinstance(t, float) and math.isfinite(t) and t > 0 for t in value)
    ):
        raise InputError(
            f"{place} is {short_repr(value)}; give fractions of the crop's side: [0.05, 0.1]."
        )
    return value


def configured(presets: Sequence[str], settings: Mapping[str, Any], place: str) -> AdaptConfig:
    """Return the config of presets and settings; an InputError begins with ``place``."""
    try:
        return configure(presets, overrides=settings)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def get_config(value: Any, place: str) -> dict[str, Any]:
    """Return settings by name, empty without a value; InputError otherwise."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(
            f"{place} is {short_repr(value)}; give settings such as {{steps.source: 1000}}."
        )
    return {str(name): setting for name, setting in value.items()}


def get_presets(value: Any, place: str) -> list[str]:
    """Return the names of one preset, several, or none; InputError where a name is not a text."""
    if value is None:
        return []
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise InputError(
            f"{place}: preset is {short_repr(value)}; give the name of one, or a list of names."
        )
    return names
