"""Named settings, and the one way in which settings come together.

Presets are YAML files in ``posebridge/presets``. Presets, YAML files of the user and dotted
overrides are applied in the order in which they are given; all fill the same
:class:`~posebridge.adaptation.config.AdaptConfig`.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import (
    ActionConfigFile,  # pyright: ignore[reportPrivateImportUsage]
    ArgumentParser,
    Namespace,
)

from posebridge.adaptation.config import AdaptConfig
from posebridge.errors import InputError

PRESETS = Path(__file__).parent.parent / "presets"


def known_presets() -> dict[str, str]:
    """Name -> the first comment line of the file, which says what it is."""
    return {
        file.stem: file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        for file in sorted(PRESETS.glob("*.yaml"))
    }


def preset_file(name: str) -> Path:
    """The YAML file of a preset; an unknown name raises and lists the known ones."""
    file = PRESETS / f"{name}.yaml"
    if not re.fullmatch(r"\w+", name) or not file.is_file():
        raise InputError(f"unknown preset '{name}'; known are {', '.join(known_presets())}.")
    return file


def preset_settings(name: str) -> dict[str, Any]:
    """What a preset sets, by dotted names, such as ``{"feature.weight": 0.0}``."""
    return _dotted(yaml.safe_load(preset_file(name).read_text(encoding="utf-8")))


def add_settings(parser: ArgumentParser) -> None:
    """Give a command every field of ``AdaptConfig``, and ``--preset`` and ``--config``."""
    listed = "; ".join(f"{name}: {text}" for name, text in known_presets().items())
    parser.add_argument(
        "--preset",
        action="append",
        metavar="NAME",
        help=f"named settings, applied in the order given. {listed}",
    )
    parser.add_argument(
        "--config",
        action=ActionConfigFile,
        help="a YAML file of settings, such as the config.yaml of another run",
    )
    parser.add_class_arguments(AdaptConfig, None)


def parse_settings(
    parser: ArgumentParser, arguments: Sequence[str]
) -> tuple[AdaptConfig, Namespace]:
    """Parse a command line; whatever is wrong with it becomes an :class:`InputError`.

    Returns:
        the configuration, and the command's own arguments.
    """
    try:
        parsed = parser.parse_args(_presets_as_files(arguments))
    except (argparse.ArgumentError, TypeError, ValueError, KeyError) as error:
        raise InputError(_sentence(str(error), parser)) from error
    config = _configuration(parser, parsed)
    return config, parsed


def configure(
    presets: Sequence[str] = (),
    config: Path | str | None = None,
    overrides: Mapping[str, Any] | None = None,
    base: Path | str | None = None,
) -> AdaptConfig:
    """The same from Python: presets, then a YAML file, then dotted overrides; ``base`` before all.

    >>> configure(["multilevel"], overrides={"feature.weight": 0}).feature.weight
    0.0

    Raises:
        InputError: an unknown preset or field, or a value that does not fit.
    """
    parser = ArgumentParser(exit_on_error=False)
    add_settings(parser)
    arguments = [] if base is None else ["--config", str(base)]
    for name in presets:
        arguments += ["--preset", name]
    if config is not None:
        arguments += ["--config", str(config)]
    for key, value in (overrides or {}).items():
        arguments.append(f"--{key}={_as_text(value)}")
    return parse_settings(parser, arguments)[0]


def require_as_stored(given: AdaptConfig, stored: AdaptConfig, run: Path | str) -> None:
    """Whether settings are those that a run was started with.

    Without a source, crop and model are those of the model that the run started from, whatever is
    given (:func:`~posebridge.adaptation.start.start_of`).

    Raises:
        InputError: a setting differs.
    """
    if stored.source is None:
        given = replace(given, crop=stored.crop, model=stored.model)
    mine, theirs = _dotted(given.to_dict()), _dotted(stored.to_dict())
    for name in (*theirs, *mine):
        if mine.get(name) != theirs.get(name):
            raise InputError(
                f"{name} is {mine.get(name)}, and {theirs.get(name)} in the run {run}, which goes on "
                "with the settings stored there; leave it out, or start a new run to change it."
            )


def _dotted(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{before}{key}"
        # An empty dictionary is a value, not a group (encoder arguments).
        found |= _dotted(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
    return found


def _as_text(value: Any) -> str:
    if value is None:
        return "null"
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _presets_as_files(arguments: Sequence[str]) -> list[str]:
    """``--preset NAME`` is ``--config FILE``, so that the order among all settings is kept."""
    translated: list[str] = []
    waiting = False
    for given in arguments:
        option, equals, value = given.partition("=")
        # Fields are Python names; on a command line --data-root is as good as --data_root.
        argument = (
            "--" + option[2:].replace("-", "_") + equals + value
            if given.startswith("--")
            else given
        )
        if waiting:
            translated += ["--config", str(preset_file(argument))]
            waiting = False
        elif argument == "--preset":
            waiting = True
        elif argument.startswith("--preset="):
            translated += ["--config", str(preset_file(argument.partition("=")[2]))]
        else:
            translated.append(argument)
    if waiting:
        raise InputError(f"--preset needs a name; known are {', '.join(known_presets())}.")
    return translated


def _configuration(parser: ArgumentParser, parsed: Namespace) -> AdaptConfig:
    values = parser.instantiate(parsed)
    fields = AdaptConfig.__dataclass_fields__
    return AdaptConfig(**{name: getattr(values, name) for name in fields})


def _sentence(message: str, parser: ArgumentParser) -> str:
    """jsonargparse's words on one line, with the closest known fields."""
    line = re.sub(r"\s*\n\s*", " ", message.strip())
    unknown = re.search(
        r"(?:[Uu]nrecognized arguments:|does not accept|[Kk]ey) ['\"]?-*([\w.]+)", line
    )
    known = [name.lstrip("-") for action in parser._actions for name in action.option_strings]
    if unknown:
        close = difflib.get_close_matches(unknown.group(1), known, n=3, cutoff=0.5)
        if close and unknown.group(1) not in known:
            line += f" Did you mean {' or '.join(close)}?"
    return f"{line} See --help for every field."
