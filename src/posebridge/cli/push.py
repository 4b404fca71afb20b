"""``posebridge push``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge push runs/people ann/people-pose --private
  posebridge push runs/people/checkpoints/selected ann/people-pose --yes --message "more steps"
"""

_NAMED = ("source", "target", "source_images", "target_images", "data_root", "start_from")
"""Settings that are places also where nothing lies there on this machine."""


def main(arguments: Sequence[str]) -> int:
    """Publish a model; see ``posebridge push --help``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="posebridge push",
        description="Put a model on the Hugging Face hub: its five files and nothing else. It is "
        "loaded first, shown, and sent when you agree. Log in with 'hf auth login' or HF_TOKEN.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a run folder or a model folder")
    parser.add_argument("repository", help="where: USER/NAME or ORGANISATION/NAME")
    parser.add_argument("--private", action="store_true", help="for you and those you let in")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--message", default="Model by posebridge", help="of the commit")
    parser.add_argument(
        "--checkpoint", choices=("last", "selected", "source"), default="last", help="of a run"
    )
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
        say("these may name places of yours:")
        for key, value in places:
            say(f"  {key}: {value}")
    if not given.yes:
        if not sys.stdin.isatty():
            raise InputError("nobody is there to agree to the upload; add --yes.")
        print("upload this? [y/N] ", end="", flush=True)
        if input().strip().lower() not in ("y", "yes"):
            say("nothing was uploaded.")
            return 0
    say(f"uploaded: {hub.upload(planned, given.message)}")
    return 0


def _places(content: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in nested settings that may be a path, with the names that lead to it."""
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
    except (OSError, ValueError):  # too long for a path, or no text that can be one
        return False
