"""A command line whose options are the fields of the configuration, beside a command's own."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from posebridge.errors import InputError
from posebridge.training.config import AdaptConfig
from posebridge.training.merged_settings import MergedSettings, known_setting, known_settings
from posebridge.training.presets import config_file, preset_file


class ConfigParser(argparse.ArgumentParser):
    """Parses a command's own options as texts and switches; everything else is a config field.

    Args:
        prog: the command. usage, description: for its help.
        groups: heading -> options that ``--help`` shows. examples: its last paragraph.
    """

    def __init__(
        self,
        prog: str,
        usage: str,
        description: str,
        groups: Mapping[str, Sequence[str]],
        examples: str,
    ) -> None:
        super().__init__(
            prog=prog, usage=usage, description=description, add_help=False, allow_abbrev=False
        )
        self.groups, self.examples = groups, examples
        self.add_argument("--help", action="store_true", help="show the usual options")
        self.add_argument(
            "--help-all", action="store_true", help="show every option: type, range, default"
        )
        self.add_argument(
            "--config", metavar="FILE", help="a YAML file, such as the config.yaml of another run"
        )

    def error(self, message: str) -> NoReturn:
        """Raise rather than exit, so that the message gets the words of this program."""
        raise argparse.ArgumentError(None, message)


def parse_config(
    parser: ConfigParser, arguments: Sequence[str]
) -> tuple[AdaptConfig, argparse.Namespace]:
    """Parse a command line.

    Presets, YAML files and fields are applied in the order in which they are given. Fields are Python
    names in YAML and have dashes on the command line; underscores are accepted there too.

    Returns:
        the configuration, and the command's own options.

    Raises:
        InputError: whatever is wrong with the command line.
        SystemExit: after ``--help`` or ``--help-all``.
    """
    _show_help(parser, arguments)
    settings = MergedSettings()
    rest: list[str] = []
    waiting = list(reversed(arguments))
    while waiting:
        given = waiting.pop()
        name, equals, value = given.partition("=")
        name = name[2:].replace("-", "_") if given.startswith("--") else ""
        if name not in ("preset", "config") and not known_setting(name):
            dashed = f"--{name.replace('_', '-')}"
            rest.append(f"{dashed}{equals}{value}" if name else given)
            continue
        if not equals:
            if not waiting or waiting[-1].startswith("--"):
                raise InputError(f"{given} needs a value; see --help.")
            value = waiting.pop()
        if name == "preset":
            settings.add_file(preset_file(value))
        elif name == "config":
            settings.add_file(config_file(value))
        else:
            settings.add(name, value, text=True)
    try:
        own = parser.parse_args(rest)
    except argparse.ArgumentError as error:
        raise InputError(_sentence(str(error), parser)) from error
    return settings.build(), own


def _show_help(parser: ConfigParser, arguments: Sequence[str]) -> None:
    from posebridge.cli.config_help import full_help, short_help

    if "--help-all" in arguments or "--help_all" in arguments:
        print(full_help(parser))
        sys.exit(0)
    if {"-h", "--help"} & set(arguments):
        print(short_help(parser, parser.groups, parser.examples))
        sys.exit(0)


def _sentence(message: str, parser: ConfigParser) -> str:
    """Return argparse's message on one line, with the closest known options."""
    line = re.sub(r"\s*\n\s*", " ", message.strip())[:500]
    unknown = re.search(r"[Uu]nrecognized arguments: -*([\w.-]+)", line)
    if unknown:
        old = known_old_name(unknown[1])
        if old is not None:
            return f"--{unknown[1]} is called --{old.replace('_', '-')} now."
        own = [flag.lstrip("-") for action in parser._actions for flag in action.option_strings]
        known = [*own, "preset", *(name.replace("_", "-") for name in known_settings())]
        close = difflib.get_close_matches(unknown[1].replace("_", "-"), known, n=3, cutoff=0.5)
        if close:
            line += f" Did you mean {' or '.join(f'--{name}' for name in close)}?"
    return f"{line} See --help-all for every option."


def known_old_name(option: str) -> str | None:
    """Return the name of today of an option that was a field's old name; None for any other."""
    return None
