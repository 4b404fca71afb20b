"""The one reader of ``config.yaml`` in a model folder: its network typed, the rest plain data.

A folder may come from any author. The sections that rebuild the network (``model``, ``crop``,
``tta``) are checked field by field; of the other sections, the entries that a model card shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from posebridge.data.crops import CropConfig
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.typed_values import checked_value
from posebridge.files.yaml_files import parse_yaml, require_mapping
from posebridge.models.pose import ModelConfig
from posebridge.models.tta import TTAConfig
from posebridge.renamed import CONFIG, new_field

_COPY = "copy the whole model folder again"
_RECORD: Mapping[str, Mapping[str, Any]] = {
    "steps": {"source": int, "adaptation": int, "batch": int},
    "style": {"source_to_target": float, "target_to_source": float, "method": str},
    **{name: {"weight": float} for name in ("consistency", "feature", "pose", "bone_prior")},
}
"""The entries of the config that a model card shows."""

_Section = TypeVar("_Section")


@dataclass(frozen=True)
class ModelFolderConfig:
    """The content of a model folder's ``config.yaml``.

    Attributes:
        model, crop, tta: the network, its crops and its test-time augmentation.
        content: the whole file, plain data.
    """

    model: ModelConfig
    crop: CropConfig
    tta: TTAConfig
    content: Mapping[str, Any]


def parse_config(text: bytes, file: Path) -> ModelFolderConfig:
    """Return the content of a model folder's ``config.yaml``; ``file`` names it in a message.

    Raises:
        InputError: the file is damaged, a section is missing, or an entry is invalid.
    """
    content = require_mapping(
        parse_yaml(text, str(file), "model's config"), str(file), "model's config"
    )
    old = next((name for name in content if name in CONFIG), None)
    if old is not None:
        raise InputError(f"{file}: '{old}' is called '{CONFIG[old]}' now; rename it in that file.")
    _check_record(content, file)
    return ModelFolderConfig(
        _section(ModelConfig, content, "model", file),
        _section(CropConfig, content, "crop", file),
        # A folder from before the setting has no test-time augmentation.
        _section(TTAConfig, {"tta": {}, **content}, "tta", file),
        content,
    )


def _section(
    kind: type[_Section], content: Mapping[str, Any], section: str, file: Path
) -> _Section:
    values = content.get(section)
    if not isinstance(values, dict):
        raise InputError(f"{file} has no section '{section}'; {_COPY}.")
    assert is_dataclass(kind)
    known = {f.name for f in fields(kind)}
    surplus = sorted(str(name) for name in set(values) - known)
    renamed = new_field(f"{section}.{surplus[0]}") if surplus else None
    if renamed is not None:
        raise InputError(
            f"{file}: '{section}.{surplus[0]}' is called '{renamed}' now; rename it in that file."
        )
    if surplus:
        raise InputError(
            f"{file}: '{section}.{surplus[0]}' is unknown to this version of posebridge."
        )
    hints = get_type_hints(kind)
    typed = {name: _entry(v, hints[name], f"{section}.{name}", file) for name, v in values.items()}
    try:
        return cast(_Section, kind(**typed))
    except TypeError as error:
        raise InputError(f"{file}: section '{section}' is incomplete ({error}).") from error
    except InputError as error:
        raise InputError(f"{file}: '{section}': {error}") from error


def _check_record(content: Mapping[str, Any], file: Path) -> None:
    for section, known in _RECORD.items():
        if section not in content:
            continue
        values = content[section]
        if not isinstance(values, dict):
            raise InputError(
                f"{file}: '{section}' is {short_repr(values)}, which is not a section; {_COPY}."
            )
        for name, hint in known.items():
            if name in values:
                _entry(values[name], hint, f"{section}.{name}", file, exact=True)
    if "steps" in content and not set(_RECORD["steps"]) <= set(content["steps"]):
        raise InputError(f"{file}: section 'steps' lacks source, adaptation or batch; {_COPY}.")
    for name in ("source", "target"):
        _entry(content.get(name), str | None, name, file)
    _entry(content.get("seed"), int | None, "seed", file)


def _entry(value: Any, hint: Any, name: str, file: Path, exact: bool = False) -> Any:
    try:
        return checked_value(value, hint, name, exact=exact)
    except InputError as error:
        raise InputError(
            f"{file}: '{name}' is {short_repr(value)}, which is of the wrong type "
            f"({str(error).rpartition('; ')[2].rstrip('.')}); {_COPY}."
        ) from error
