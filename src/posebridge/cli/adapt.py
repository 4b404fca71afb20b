"""``posebridge adapt``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from posebridge.cli.config_options import ConfigParser, parse_config

EXAMPLES = """examples:
  posebridge adapt --source renders/annotations.json --target photographs/ --out runs/people
  posebridge adapt --preset makehuman_lspet --preset source_only --data-root data --out runs/base
  posebridge adapt --config runs/people/config.yaml --feature.weight 0 --out runs/no_feature
  posebridge adapt --source labels.slp --target clip.mp4 --reading.every 10 --out runs/mice
  posebridge adapt --preset source_free --start-from people.zip --target photographs/ --out runs/free
  posebridge adapt --resume --out runs/people
"""


_DATA = ("source", "target", "source_images", "target_images", "data_root")


_GROUPS = {
    "data": (
        *("source", "source_images", "target", "target_images", "skeleton", "mapping", "data_root"),
    ),
    "method": (
        *("--preset", "--config", "start_from", "consistency.weight", "feature.weight"),
        *("pose.weight", "image.probability", "model.encoder", "crop.size"),
    ),
    "training": (
        *("steps.source", "steps.adaptation", "steps.batch", "optimizer.lr", "seed"),
        *("device", "precision", "workers"),
    ),
    "run": ("--out", "--resume", "--stop-after", "--no-report", "--help-all"),
}


def parser() -> ConfigParser:
    """Return the parser of the command's own options, with its help."""
    made = ConfigParser(
        "posebridge adapt",
        "--source FILE --target FOLDER --out RUN [options]",
        "Train a pose model on labeled images and adapt it to unlabeled photographs; or adapt a trained "
        "model with the photographs alone (--preset source_free).",
        _GROUPS,
        EXAMPLES,
    )
    made.add_argument("--preset", metavar="NAME", help="a named configuration: multilevel, ...")
    made.add_argument("--out", metavar="RUN", required=True, help="the run folder")
    made.add_argument(
        "--resume",
        action="store_true",
        help="resume the run in --out with its stored configuration; if its data moved, give "
        "--data-root, --source or --target again",
    )
    made.add_argument(
        "--stop-after",
        metavar="N",
        help="stop after N steps of this session; --resume continues from there",
    )
    made.add_argument("--no-report", action="store_true", help="do not write the report page")
    return made


def main(arguments: Sequence[str]) -> int:
    """Train and adapt; see ``posebridge adapt --help``."""
    from posebridge.report.console import plain_console

    given = list(arguments)
    out = _value(given, "--out")
    anew: dict[str, str] = {}
    if "--resume" in given and out is not None:
        anew, given = _data_given_anew(given)
        given = _with_stored_settings(given, Path(out))
    config, own = parse_config(parser(), given)

    from posebridge.api import report_of_new_run, run
    from posebridge.cli.output_paths import require_folder
    from posebridge.errors import InputError
    from posebridge.files.locks import locked_folder
    from posebridge.files.typed_values import checked_value
    from posebridge.inference.moved_data import found_again
    from posebridge.report.summary import print_run_summary

    console = plain_console()
    stop_after = checked_value(own.stop_after, int | None, "--stop-after", text=True)
    if stop_after is not None and stop_after < 1:
        raise InputError(f"--stop-after is {stop_after}; give 1 or more.")
    folder = require_folder(own.out)
    if own.resume:
        config = found_again(config, folder, anew.pop("data_root", None), anew)
    with locked_folder(folder):
        result = run(config, folder, resume=own.resume, console=console, stop_after=stop_after)
        wanted = result.finished and not own.no_report
        made = report_of_new_run(result.folder, console) if wanted else None
    print_run_summary(console, result, made)
    return 0


def _value(arguments: Sequence[str], option: str) -> str | None:
    for place, argument in enumerate(arguments):
        if argument == option and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith(option + "="):
            return argument.partition("=")[2]
    return None


def _data_given_anew(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options of a resumed run that tell where its data is now, and all others."""
    anew, rest, waiting = {}, [], None
    for argument in arguments:
        option, equals, value = argument.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if waiting is not None:
            anew[waiting], waiting = argument, None
        elif option.startswith("--") and name in _DATA:
            if equals:
                anew[name] = value
            else:
                waiting = name
        else:
            rest.append(argument)
    if waiting is not None:
        rest.append(f"--{waiting}")  # without a value: refused with the others
    return anew, rest


def _with_stored_settings(arguments: list[str], out: Path) -> list[str]:
    """A resumed run uses the settings it was started with, and no others."""
    from posebridge.errors import InputError

    stored = out / "config.yaml"
    if not stored.is_file():
        raise InputError(f"{out} holds no run to go on with; start one without --resume.")
    own = [a for a in arguments if a in ("--no-report", "--no_report")]
    stop = _value(arguments, "--stop-after") or _value(arguments, "--stop_after")
    if stop is not None:
        own.append(f"--stop-after={stop}")
    named = ("--out", "--stop-after", "--stop_after")
    rest = [a for a in arguments if a not in ("--resume", *own) and not a.startswith(named)]
    if [a for a in rest if a.startswith("--")]:
        raise InputError(
            "--resume goes on with the settings stored in the run and takes no others than where its "
            f"data is now; start a new run with --config {shlex.quote(str(stored))} to change some."
        )
    return ["--config", str(stored), "--out", str(out), "--resume", *own]
