"""The parsers of all commands, whose commands are not run."""

from __future__ import annotations

import argparse
import importlib
from unittest.mock import patch

import jsonargparse


class _Parser(Exception):
    """Carries a parser out of the command that made it."""


def get_parser(command: str) -> argparse.ArgumentParser:
    """Return the parser that a command makes."""

    def stop(self: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise _Parser(self)

    module = importlib.import_module(f"posebridge.cli.{command.replace('-', '_')}")
    with (
        patch.object(argparse.ArgumentParser, "parse_args", stop),
        patch.object(jsonargparse.ArgumentParser, "parse_args", stop),
        patch("posebridge.training.presets.parse_settings", stop),
    ):
        try:
            module.main([])
        except _Parser as found:
            return found.args[0]
    raise AssertionError(f"{command} makes no parser")


def get_options(command: str) -> dict[str, argparse.Action]:
    """Return the options of a command and of its subcommands, spelled with dashes."""
    options = {}
    waiting = [get_parser(command)]
    while waiting:
        parser = waiting.pop()
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
            options |= {name.replace("_", "-"): action for name in action.option_strings}
    return options
