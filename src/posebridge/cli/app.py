"""``posebridge app``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge app runs/people
  posebridge app runs/people people_int8.onnx
  posebridge app runs/people --runs runs/people_long --no-open
  posebridge app --runs runs/people
"""


def main(arguments: Sequence[str]) -> int:
    """Show models and runs on a page; see ``posebridge app --help``."""
    import argparse

    from posebridge.cli.arguments import MODEL, add_min_confidence, make_parser

    parser = make_parser(
        "app",
        "Serve a page on this machine: drop an image or a short video and compare the predictions of "
        "every model side by side, or monitor a run. A run folder counts as two models, before and "
        "after its adaptation, and is monitored too. Only this machine can open the page, and the page "
        "loads nothing from elsewhere.",
        EXAMPLES,
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=MODEL,
    )
    parser.add_argument(
        "--runs",
        nargs="+",
        action="extend",
        default=[],
        metavar="RUN_FOLDER",
        help="runs to monitor while they train; a run may start later",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="0: any (default: the first free port from 7860 on)"
    )
    parser.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="open the page in a browser (default: yes, where a screen is present)",
    )
    add_min_confidence(parser)
    parser.add_argument(
        "--max-frames",
        type=int,
        default=60,
        metavar="N",
        help="size of the even sample (default: 60)",
    )
    given = parser.parse_args(arguments)

    from posebridge.app.loaded_models import is_run, open_models
    from posebridge.app.run_monitor import RunWatch
    from posebridge.app.server import listen, serve
    from posebridge.app.upload import Limits
    from posebridge.data.optional_dependencies import need
    from posebridge.errors import InputError
    from posebridge.report.console import plain_console

    if not given.models and not given.runs:
        raise InputError("give a MODEL to predict with, or --runs RUN_FOLDER to monitor.")
    if not 0 <= given.min_confidence <= 1:
        raise InputError(
            f"--min-confidence is {given.min_confidence:g}; give a number from 0 to 1."
        )
    if given.max_frames < 1:
        raise InputError(f"--max-frames is {given.max_frames}; give 1 or more.")
    for run in given.runs:
        if Path(run).is_file():
            raise InputError(f"--runs {run} is a file; give a run folder, which may not exist yet.")
    need("gradio", "app", "posebridge app")
    opened = listen(given.port)
    console = plain_console()
    models = open_models(given.models)
    folders = dict.fromkeys(Path(p) for p in [*given.runs, *filter(is_run, given.models)])
    for model in models:
        console.print(f"model: {model.name} ({model.detail})", highlight=False, markup=False)
    for folder in folders:
        console.print(f"run:   {folder}", highlight=False, markup=False)
    serve(
        models,
        [RunWatch(folder) for folder in folders],
        opened,
        Limits(frames=given.max_frames),
        given.min_confidence,
        browse=given.open,
        say=lambda address: console.print(f"page:  {address}   (Ctrl-C stops it)", highlight=False),
    )
    console.print("stopped; uploaded images are removed.", highlight=False)
    return 0
