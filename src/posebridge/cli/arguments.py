"""What commands share: their parser, the options of several commands, the check of arguments."""

from __future__ import annotations

import argparse
import io
import re
import sys
import textwrap
from collections.abc import Sequence

from posebridge.errors import InputError
from posebridge.files.given import require_regular

WIDTH = 100
"""Columns of a help text."""
CHECKPOINTS = ("last", "selected", "source")
MODEL = "a run folder, a model folder, a zip, a hub id, .onnx"
"""The help text of a model that predicts."""

_EMPTY_VALUE = re.compile(r"(--?[\w.-]+)=\s*")


def make_parser(command: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return the parser of a command; its help is at most one screen and ends with examples."""
    return argparse.ArgumentParser(
        prog=f"posebridge {command}",
        description=textwrap.fill(description, WIDTH),
        epilog=examples,
        formatter_class=_formatter,
    )


def add_checkpoint(
    parser: argparse._ActionsContainer,
    suffix: str = "",
    choices: Sequence[str] = CHECKPOINTS,
) -> None:
    """Add ``--checkpoint``, the choice between the checkpoints of a run."""
    *others, final = choices[1:]
    named = f"{', '.join([*others, ''])[:-2]} or {final}" if others else f"or {final}"
    parser.add_argument(
        f"--checkpoint{suffix}",
        choices=choices,
        default=choices[0],
        metavar="NAME",
        help=f"of a run: {choices[0]} (default){', ' if others else ' '}{named}",
    )


def add_image_root(parser: argparse._ActionsContainer, role: str = "") -> None:
    """Add ``--image-root``, or ``--ROLE-image-root`` for the annotation file of a role."""
    parser.add_argument(
        f"--{role}-image-root" if role else "--image-root",
        metavar="FOLDER",
        help=f"images of the {role or 'annotation'} file",
    )


def add_data_root(parser: argparse._ActionsContainer, more: str = "") -> None:
    """Add ``--data-root``, where ``more`` is what a command looks up there beside benchmarks."""
    parser.add_argument("--data-root", metavar="FOLDER", help=f"folder of the benchmarks{more}")


def add_format(parser: argparse._ActionsContainer) -> None:
    """Add ``--format``."""
    parser.add_argument("--format", metavar="NAME", help="format of the annotation file")


def add_out(
    parser: argparse._ActionsContainer, text: str, metavar: str, default: str | None = None
) -> None:
    """Add ``--out``, the FILE or FOLDER that a command writes; required without a default."""
    parser.add_argument(
        "--out",
        required=default is None,
        default=default,
        metavar=metavar,
        help=text if default is None else f"{text} (default: {default})",
    )


def add_overwrite(parser: argparse._ActionsContainer) -> None:
    """Add ``--overwrite``."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the output of an earlier command"
    )


def add_seed(parser: argparse._ActionsContainer) -> None:
    """Add ``--seed``."""
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all randomness (default: 0)"
    )


def add_min_confidence(parser: argparse._ActionsContainer) -> None:
    """Add ``--min-confidence``."""
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=0.2,
        metavar="C",
        help="of keypoints in overlays (default: 0.2)",
    )


def require_usable(arguments: Sequence[str]) -> None:
    """Raise InputError for an empty argument, and for a pipe, a device or a socket.

    A shell passes an empty argument for ``"$NAME"`` where NAME is not set, and an empty path would
    mean the current folder.

    >>> require_usable(["runs/people", "photographs/", "--out", "predictions.json"])
    """
    for number, argument in enumerate(arguments, 1):
        before = arguments[number - 2] if number > 1 else ""
        option = _EMPTY_VALUE.fullmatch(argument)
        if option or (not argument.strip() and re.fullmatch(r"--[\w.-]+", before)):
            name = option[1] if option else before
            raise InputError(
                f"{name} is empty (a variable that is not set?); give a value, or remove the option."
            )
        if not argument.strip():
            raise InputError(
                f"argument {number} is empty (a variable that is not set?): no images, file or name "
                "are given there; for the current folder give '.'."
            )
        require_regular(argument.partition("=")[2] if argument.startswith("--") else argument)


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=WIDTH)


def print_any_name() -> None:
    """Let the streams print names that are not UTF-8, or not in their encoding, escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
