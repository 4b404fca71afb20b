"""Named settings, and the one way in which settings come together.

Presets are YAML files in ``posebridge/presets``. Presets, YAML files of the user and dotted
overrides are applied in the order in which they are given; all fill the same
:class:`~posebridge.training.config.AdaptConfig`.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from posebridge import renamed
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.yaml_files import read_yaml_mapping
from posebridge.training.config import AdaptConfig, further_levels
from posebridge.training.merged_settings import MergedSettings, dotted, known_setting

PRESETS = Path(__file__).parent.parent / "presets"


def known_presets() -> dict[str, str]:
    """Name -> the first comment line of the file, which says what it is."""
    return {
        file.stem: file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        for file in sorted(PRESETS.glob("*.yaml"))
    }


def preset_file(name: str) -> Path:
    """Return the YAML file of a preset; an unknown name raises and lists the known ones."""
    file = PRESETS / f"{name}.yaml"
    if not re.fullmatch(r"\w{1,100}", name) or not file.is_file():
        if name in renamed.PRESETS:
            raise InputError(f"the preset '{name}' is called '{renamed.PRESETS[name]}' now.")
        raise InputError(
            f"unknown preset {short_repr(name)}; known are {', '.join(known_presets())}."
        )
    return file


def preset_settings(name: str) -> dict[str, Any]:
    """Return the fields that a preset sets, by dotted names, such as ``{"feature.weight": 0.0}``."""
    return dotted(read_yaml_mapping(preset_file(name), "preset"))


def add_settings(parser: ArgumentParser) -> None:
    """Give a command every field of ``AdaptConfig``, and ``--preset`` and ``--config``.

    The parser prints the help and no value reaches it: jsonargparse would read each as YAML without
    bounds, and make objects of classes that it names. A command's own options are texts and switches.
    """
    listed = "; ".join(f"{name}: {text}" for name, text in known_presets().items())
    parser.add_argument(
        "--preset",
        action="append",
        metavar="NAME",
        help=f"named settings, applied in the order given. {listed}",
    )
    parser.add_argument(
        "--config",
        action="append",
        metavar="FILE",
        help="a YAML file of settings, such as the config.yaml of another run",
    )
    parser.add_class_arguments(AdaptConfig, None, skip={"further_levels"})
    for name, kind in further_levels().items():
        parser.add_class_arguments(kind, name)


def parse_settings(
    parser: ArgumentParser, arguments: Sequence[str]
) -> tuple[AdaptConfig, argparse.Namespace]:
    """Parse a command line; whatever is wrong with it becomes an :class:`InputError`.

    Returns:
        the configuration, and the command's own arguments.
    """
    settings = MergedSettings()
    rest: list[str] = []
    waiting = list(reversed(arguments))
    while waiting:
        given = waiting.pop()
        name, equals, value = given.partition("=")
        # Fields are Python names; on a command line --data-root is as good as --data_root.
        name = name[2:].replace("-", "_") if given.startswith("--") else ""
        new = None if known_setting(name) else renamed.new_field(name)
        if new is not None:
            raise InputError(
                f"the option --{name.replace('_', '-')} is called --{new.replace('_', '-')} now."
            )
        if name not in ("preset", "config") and not known_setting(name):
            rest.append(f"--{name}{equals}{value}" if name else given)
            continue
        if not equals:
            if not waiting or waiting[-1].startswith("--"):
                raise InputError(f"{given} needs a value; see --help.")
            value = waiting.pop()
        if name == "preset":
            settings.add_file(preset_file(value))
        elif name == "config":
            settings.add_file(_config_file(value))
        else:
            settings.add(name, value, text=True)
    return settings.build(), _parse_own(parser, rest)


class _OwnOptions(argparse.ArgumentParser):
    """Parses a command's own options as texts and switches."""

    def error(self, message: str) -> NoReturn:
        raise argparse.ArgumentError(None, message)


def _parse_own(parser: ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Parse what is left beside settings.

    jsonargparse, which prints the help, would read every value as YAML without bounds.
    """
    if {"-h", "--help"} & set(arguments):
        parser.parse_args(["--help"])
    own = _OwnOptions(prog=parser.prog, add_help=False, allow_abbrev=False)
    for action in parser._actions:
        names = action.option_strings
        if not names or known_setting(action.dest) or action.dest in ("help", "preset", "config"):
            continue
        if action.nargs == 0:
            own.add_argument(*names, dest=action.dest, action="store_true")
        else:
            own.add_argument(*names, dest=action.dest, required=action.required)
    try:
        return own.parse_args(arguments)
    except argparse.ArgumentError as error:
        raise InputError(_sentence(str(error), parser)) from error


def configure(
    presets: Sequence[str] = (),
    config: Path | str | None = None,
    overrides: Mapping[str, Any] | None = None,
    base: Path | str | None = None,
) -> AdaptConfig:
    """Return a configuration: ``base``, then presets, a YAML file and dotted overrides.

    >>> configure(["multilevel"], overrides={"feature.weight": 0}).feature.weight
    0.0

    Raises:
        InputError: an unknown preset or field, or a value that does not fit.
    """
    settings = MergedSettings()
    if base is not None:
        settings.add_file(_config_file(base))
    for name in presets:
        settings.add_file(preset_file(name))
    if config is not None:
        settings.add_file(_config_file(config))
    for name, value in (overrides or {}).items():
        plain = value is None or isinstance(value, bool | int | float | str | list | tuple | dict)
        settings.add(str(name), value if plain else str(value), text=True)
    return settings.build()


def require_as_stored(given: AdaptConfig, stored: AdaptConfig, run: Path | str) -> None:
    """Check that a configuration is the one that a run was started with.

    Without a source, crop and model are those of the model that the run started from, whatever is
    given (:func:`~posebridge.training.initialization.get_initial_model`).

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
                "with the settings stored there; leave it out, or start a new run to change it."
            )


def _config_file(file: Path | str) -> Path:
    if not os.path.isfile(file):  # False also for a name that is too long
        raise InputError(
            f"the config file {short_repr(str(file))} does not exist; give a YAML file, such as the "
            "config.yaml of a run."
        )
    return Path(file)


def _sentence(message: str, parser: ArgumentParser) -> str:
    """Return jsonargparse's message on one line, with the closest known fields."""
    line = re.sub(r"\s*\n\s*", " ", message.strip())[:500]
    unknown = re.search(
        r"(?:[Uu]nrecognized arguments:|does not accept|[Kk]ey) ['\"]?-*([\w.]+)", line
    )
    known = [name.lstrip("-") for action in parser._actions for name in action.option_strings]
    if unknown:
        close = difflib.get_close_matches(unknown.group(1), known, n=3, cutoff=0.5)
        if close and unknown.group(1) not in known:
            line += f" Did you mean {' or '.join(close)}?"
    return f"{line} See --help-all for every field."
