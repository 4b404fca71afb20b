"""The one reader of ``results.json``, a model folder's training data and scores.

Everything that opens a model folder reads it here: the loader, the model card, a run that starts from
the model, reports and comparisons. Unknown entries are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import parse_json, read_json
from posebridge.files.typed_values import checked_value

_COPY = "copy the whole model again"
_DOMAIN: Mapping[str, Any] = {"name": str, "subjects": int, "held_out": int}


def parse_results(content: str | bytes, file: Path | str) -> dict[str, Any]:
    """Return the content of a ``results.json``; ``file`` names it in a message.

    Raises:
        InputError: the file is damaged, or an entry has another type than posebridge writes.
    """
    return _checked(parse_json(content, str(file), "model's results"), file)


def read_results(file: Path) -> dict[str, Any]:
    """Return the content of a ``results.json`` on the disk.

    Raises:
        InputError: as for :func:`parse_results`, or the file cannot be read.
    """
    return _checked(read_json(file, "model's results"), file)


def _checked(raw: Any, file: Path | str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InputError(f"{file} holds no results, but {short_repr(raw)}; {_COPY}.")
    try:
        _check(raw)
    except InputError as error:
        raise InputError(f"{file}: {error} Or {_COPY}.") from error
    return raw


def _check(raw: Mapping[str, Any]) -> None:
    _entries(raw, "", {"step": int, "weights": str, "posebridge": str})
    levels = raw.get("levels", [])
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise InputError(f"levels is {short_repr(levels)}; give a list of texts.")
    if "validator" in raw and raw["validator"] is not None:
        validator = _mapping(raw["validator"], "validator")
        _entries(validator, "validator.", {"name": str, "value": float | None})
        if validator.get("value") is not None and "name" not in validator:
            raise InputError("validator has a value and no name; add the validator's name.")
    for domain, known in _mapping(raw.get("data", {}), "data").items():
        _entries(_mapping(known, f"data.{domain}"), f"data.{domain}.", _DOMAIN)
    _mapping(raw.get("source_poses", {}), "source_poses")
    scores = raw.get("scores", [])
    if not isinstance(scores, list):
        raise InputError(f"scores is {short_repr(scores)}; give a list.")
    for number, score in enumerate(scores):
        _check_score(_mapping(score, f"scores[{number}]"), f"scores[{number}]")


def _check_score(score: Mapping[str, Any], name: str) -> None:
    protocol = _mapping(score.get("protocol"), f"{name}.protocol")
    if "dataset" not in protocol:
        raise InputError(f"{name}.protocol names no dataset; add it.")
    for key, value in protocol.items():
        if isinstance(value, dict | list) and key in ("dataset", "joints", "subjects"):
            raise InputError(f"{name}.protocol.{key} is {short_repr(value)}; give a text.")
    for metric, rows in _mapping(score.get("metrics"), f"{name}.metrics").items():
        place = f"{name}.metrics.{metric}"
        for row, value in _mapping(rows, place).items():
            _entries({row: value}, f"{place}.", {row: float | None})


def _entries(raw: Mapping[str, Any], before: str, known: Mapping[str, Any]) -> None:
    for key, hint in known.items():
        if key in raw:
            checked_value(raw[key], hint, f"{before}{key}", exact=True)


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name} is {short_repr(value)}; give a mapping of names to values.")
    return value
