"""Named presets, and the one way in which settings are merged.

Presets are YAML files in ``posebridge/presets``. Presets, YAML files of the user and dotted
overrides are applied in the given order; all fill one
:class:`~posebridge.training.config.AdaptConfig`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.yaml_files import read_yaml_mapping
from posebridge.training.config import AdaptConfig
from posebridge.training.merged_settings import MergedSettings, dotted

PRESETS = Path(__file__).parent.parent / "presets"


def known_presets() -> dict[str, str]:
    """Return name -> the first comment line of the file, which describes the preset."""
    return {
        file.stem: file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        for file in sorted(PRESETS.glob("*.yaml"))
    }


def preset_file(name: str) -> Path:
    """Return the YAML file of a preset; an unknown name raises and lists the known ones."""
    file = PRESETS / f"{name}.yaml"
    if not re.fullmatch(r"\w{1,100}", name) or not file.is_file():
        raise InputError(
            f"unknown preset {short_repr(name)}; known are {', '.join(known_presets())}."
        )
    return file


def preset_settings(name: str) -> dict[str, Any]:
    """Return the settings of a preset by dotted names, such as ``{"feature.weight": 0.0}``."""
    return dotted(read_yaml_mapping(preset_file(name), "preset"))


def configure(
    presets: Sequence[str] = (),
    config: Path | str | None = None,
    overrides: Mapping[str, Any] | None = None,
    base: Path | str | None = None,
) -> AdaptConfig:
    """Return a configuration from presets, then a YAML file, then dotted overrides.

    ``base`` is a YAML file that is applied before all of them.

    >>> configure(["multilevel"], overrides={"feature.weight": 0}).feature.weight
    0.0

    Raises:
        InputError: an unknown preset or field, or a value that does not fit.
    """
    settings = MergedSettings()
    if base is not None:
        settings.add_file(config_file(base))
    for name in presets:
        settings.add_file(preset_file(name))
    if config is not None:
        settings.add_file(config_file(config))
    for name, value in (overrides or {}).items():
        plain = value is None or isinstance(value, bool | int | float | str | list | tuple | dict)
        settings.add(str(name), value if plain else str(value), text=True)
    return settings.build()


def require_as_stored(given: AdaptConfig, stored: AdaptConfig, run: Path | str) -> None:
    """Check that a configuration equals the one that a run was started with.

    Without a source, crop and model are those of the initial model, whatever is given
    (:func:`~posebridge.training.initialization.start_of`).

    Raises:
        InputError: a setting differs.
    """
    if stored.source is None:
        given = replace(given, crop=stored.crop, model=stored.model)
    mine, theirs = dotted(given.to_dict()), dotted(stored.to_dict())
    for name in (*theirs, *mine):
        if mine.get(name) != theirs.get(name):
            raise InputError(
                f"{name} is {mine.get(name)}, and {theirs.get(name)} in the run {run}, which resumes "
                "with the stored config; leave it out, or start a new run to change it."
            )


def config_file(file: Path | str) -> Path:
    """Return the path of a YAML file of settings; InputError where there is none."""
    if not os.path.isfile(file):  # False also for a name that is too long
        raise InputError(
            f"the config file {short_repr(str(file))} does not exist; give a YAML file, such as the "
            "config.yaml of a run."
        )
    return Path(file)
