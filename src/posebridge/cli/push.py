"""``posebridge push``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge push runs/people ann/people-pose --private
  posebridge push runs/people/checkpoints/selected ann/people-pose --yes --message "more steps"
"""

_NAMED = ("source", "target", "source_image_root", "target_image_root", "data_root", "init_from")
"""Config fields that are paths, whether or not this machine has the path."""


def main(arguments: Sequence[str]) -> int:
    """Publish a model; see ``posebridge push --help``."""
    from posebridge.cli.arguments import add_checkpoint, make_parser

    parser = make_parser(
        "push",
        "Upload a model to the Hugging Face hub: its five files and nothing else. The model is "
        "loaded first, the files are listed, and the upload starts after your confirmation. Log in "
        "with 'hf auth login' or HF_TOKEN.",
        EXAMPLES,
    )
    parser.add_argument("model", help="a run folder or a model folder")
    parser.add_argument("repository", help="USER/NAME or ORGANIZATION/NAME on the hub")
    parser.add_argument(
        "--private", action="store_true", help="visible only to you and to invited users"
    )
    parser.add_argument("--yes", action="store_true", help="upload without confirmation")
    parser.add_argument(
        "--message", default="Model by posebridge", metavar="TEXT", help="of the commit"
    )
    add_checkpoint(parser)
    given = parser.parse_args(arguments)

    import sys

    from posebridge.checkpoints import hub
    from posebridge.checkpoints.model_folder import load_checkpoint
    from posebridge.errors import InputError
    from posebridge.report.console import plain_console

    checkpoint = load_checkpoint(given.model, given.checkpoint)
    if not checkpoint.folder.is_dir():
        raise InputError(f"{checkpoint.folder} is a zip; unpack it and give the folder.")
    planned = hub.plan_upload(checkpoint.folder, given.repository, given.private)
    console = plain_console()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    say(f"{checkpoint.folder} -> {given.repository} ({'private' if given.private else 'public'}):")
    for name, content in planned.files.items():
        say(f"  {name:<18} {len(content):>12,} bytes")
    contents = (("config.yaml", checkpoint.config), ("results.json", checkpoint.results))
    places = [(f"{file}: {key}", v) for file, content in contents for key, v in _places(content)]
    if places:
        say("these may contain paths of yours:")
        for key, value in places:
            say(f"  {key}: {value}")
    if not given.yes:
        if not sys.stdin.isatty():
            raise InputError("the upload can't be confirmed without a terminal; add --yes.")
        print("upload this? [y/N] ", end="", flush=True)
        if input().strip().lower() not in ("y", "yes"):
            say("nothing was uploaded.")
            return 0
    say(f"uploaded: {hub.upload(planned, given.message)}")
    return 0


def _places(content: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text in a nested config that may be a path, with its dotted name."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _places(value, f"{key}.{name}" if key else str(name))
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _places(value, key)
    elif isinstance(content, str) and content and (key in _NAMED or _may_be_path(content)):
        yield key, content


def _may_be_path(text: str) -> bool:
    try:
        return "/" in text or os.sep in text or Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or not a path
        return False
