"""``posebridge adapt``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge adapt --source renders/annotations.json --target photographs/ --out runs/people
  posebridge adapt --preset makehuman_lspet --preset source_only --data-root data --out runs/base
  posebridge adapt --config runs/people/config.yaml --feature.weight 0 --out runs/no_feature
  posebridge adapt --source labels.slp --target clip.mp4 --data.frame-step 10 --out runs/mice
  posebridge adapt --preset source_free --init-from people.zip --target photos/ --out runs/free
  posebridge adapt --resume --out runs/people
"""


SHORT_HELP = {
    "data": (
        *("source", "target", "source_image_root", "target_image_root", "data_root"),
        *("skeleton", "keypoint_mapping", "init_from"),
    ),
    "method": (
        *("preset", "config", "model.encoder", "crop.size", "style.method", "consistency.weight"),
        *("feature.weight", "pose.weight"),
    ),
    "training": ("steps.source", "steps.adaptation", "steps.batch", "optimizer.lr", "seed"),
    "hardware": ("device", "precision", "workers"),
    "output": ("out", "resume", "stop_after", "no_report"),
}
"""Group -> the options of one screen of help."""

_DATA = ("source", "target", "source_image_root", "target_image_root", "data_root")


def main(arguments: Sequence[str]) -> int:
    """Train and adapt; see ``posebridge adapt --help``."""
    from jsonargparse import ArgumentParser

    from posebridge.cli.arguments import add_out
    from posebridge.cli.settings_help import print_help_and_exit
    from posebridge.report.console import plain_console
    from posebridge.training.presets import add_settings, parse_settings

    parser = ArgumentParser(
        prog="posebridge adapt",
        usage="posebridge adapt --source LABELS --target IMAGES --out FOLDER [options]",
        description="Train a pose model on labeled images and adapt it to unlabeled photographs; or "
        "adapt a trained model with the photographs alone (--preset source_free).",
        epilog=EXAMPLES,
        exit_on_error=False,
    )
    add_out(parser, "run folder", "FOLDER")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="resume the run in --out with its stored config; of other options, only the new "
        "paths of moved data are taken",
    )
    parser.add_argument(
        "--stop_after",
        type=str,
        metavar="N",
        help="stop after N steps of this run; --resume continues from there",
    )
    parser.add_argument(
        "--no_report", action="store_true", help="do not write the report of the finished run"
    )
    add_settings(parser)
    print_help_and_exit(parser, arguments, SHORT_HELP)
    given = list(arguments)
    out = _value(given, "--out")
    moved: dict[str, str] = {}
    if "--resume" in given and out is not None:
        moved, given = _moved_data(given)
        given = _with_stored_settings(given, Path(out))
    config, own = parse_settings(parser, given)

    from posebridge.api import run, write_new_report
    from posebridge.cli.output_paths import require_folder
    from posebridge.errors import InputError
    from posebridge.files.locks import locked_folder
    from posebridge.files.typed_values import checked_value
    from posebridge.inference.moved_data import relocated
    from posebridge.report.summary import print_run_summary

    console = plain_console()
    stop_after = checked_value(own.stop_after, int | None, "--stop-after", text=True)
    if stop_after is not None and stop_after < 1:
        raise InputError(f"--stop-after is {stop_after}; give 1 or more.")
    folder = require_folder(own.out)
    if own.resume:
        config = relocated(config, folder, moved.pop("data_root", None), moved)
    with locked_folder(folder):
        result = run(config, folder, resume=own.resume, console=console, stop_after=stop_after)
        with_report = result.finished and not own.no_report
        made = write_new_report(result.folder, console) if with_report else None
    print_run_summary(console, result, made)
    return 0


def _value(arguments: Sequence[str], option: str) -> str | None:
    for place, argument in enumerate(arguments):
        if argument == option and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith(option + "="):
            return argument.partition("=")[2]
    return None


def _moved_data(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options of a resumed run with the new paths of its data, and all other options."""
    moved, rest, waiting = {}, [], None
    for argument in arguments:
        option, equals, value = argument.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if waiting is not None:
            moved[waiting], waiting = argument, None
        elif option.startswith("--") and name in _DATA:
            if equals:
                moved[name] = value
            else:
                waiting = name
        else:
            rest.append(argument)
    if waiting is not None:
        rest.append(f"--{waiting}")  # without a value: refused with the other options
    return moved, rest


def _with_stored_settings(arguments: list[str], out: Path) -> list[str]:
    """Return the arguments of a resumed run, with its stored config and no other settings."""
    from posebridge.errors import InputError

    stored = out / "config.yaml"
    if not stored.is_file():
        raise InputError(f"{out} holds no run to resume; start one without --resume.")
    own = [a for a in arguments if a in ("--no-report", "--no_report")]
    stop = _value(arguments, "--stop-after") or _value(arguments, "--stop_after")
    if stop is not None:
        own.append(f"--stop_after={stop}")
    named = ("--out", "--stop-after", "--stop_after")
    rest = [a for a in arguments if a not in ("--resume", *own) and not a.startswith(named)]
    if [a for a in rest if a.startswith("--")]:
        raise InputError(
            "--resume uses the config stored in the run, and takes new paths of moved data alone; "
            f"start a new run with --config {shlex.quote(str(stored))} to change some."
        )
    return ["--config", str(stored), "--out", str(out), "--resume", *own]
