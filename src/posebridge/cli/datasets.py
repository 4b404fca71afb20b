"""``posebridge datasets``: lists published benchmarks and checks a downloaded one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from posebridge.data.datasets import Benchmark

EXAMPLES = """examples:
  posebridge datasets list                      every dataset, its splits, where to get it
  posebridge datasets list tigdog
  posebridge datasets prepare lsp data/         check that data/lsp is complete and readable
  posebridge datasets prepare surreal_video data/ --frame-step 10
  posebridge adapt --preset surreal_lsp --data-root data --out runs/surreal_lsp

Nothing is downloaded: 'list' and 'prepare' show the page of each dataset and its license.
"""


def main(arguments: Sequence[str]) -> int:
    """List datasets or check one; see ``posebridge datasets --help``."""
    from posebridge.cli.arguments import make_parser

    parser = make_parser(
        "datasets",
        "List published benchmarks, or check one in the layout in which it is distributed.",
        EXAMPLES,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|prepare")
    listing = commands.add_parser("list", help="datasets that --source and --target can name")
    listing.add_argument("name", nargs="?", help="show all about this dataset")
    prepare = commands.add_parser("prepare", help="check a dataset's files and read its splits")
    prepare.add_argument("name", help="as in 'posebridge datasets list'")
    prepare.add_argument("folder", help="the data root, or the dataset's folder below it")
    prepare.add_argument("--no-read", action="store_true", help="count files only")
    prepare.add_argument(
        "--frame-step",
        type=int,
        metavar="N",
        help="every N-th frame of surreal_video, written out first",
    )
    given = parser.parse_args(arguments)

    if given.command == "list":
        return _list(given.name)
    return _prepare(given.name, Path(given.folder), given.no_read, given.frame_step)


def _list(name: str | None) -> int:
    from posebridge.data.datasets import BENCHMARKS, JOINTS
    from posebridge.report.console import plain_console

    console = plain_console()
    if name is not None:
        _describe(console, name)
        return 0
    for record in BENCHMARKS.values():
        splits = list(record.splits)
        shown = ", ".join(splits if len(splits) <= 5 else [*splits[:4], "..."])
        # Unwrapped, so that an address can be copied.
        for style, line in (
            ("bold", f"{record.name}: {shown}"),
            (None, f"    {record.title}; {len(record.skeleton)} joints; in {record.folder}"),
            (None, f"    {record.page}"),
        ):
            console.print(line, style=style, highlight=False, soft_wrap=True, markup=False)
    console.print(
        "NAME:SPLIT is what --source, --target and evaluate take, below --data-root; joint sets, "
        "as in NAME:SPLIT@SET: "
        + "; ".join(f"{joints} ({len(names)})" for joints, names in JOINTS.items())
        + "\n'posebridge datasets list NAME' shows all about one.",
        highlight=False,
    )
    return 0


def _describe(console: Console, name: str) -> None:
    record = _record(name)
    lines = {
        "title": record.title,
        "folder": record.folder,
        "layout": record.layout,
        "license": record.licence,
        "page": record.page,
        "labeled": record.visibility,
        "boxes": record.boxes,
        "joints": ", ".join(record.skeleton.keypoints),
    }
    for key, text in lines.items():
        console.print(f"{key:<9} {text}", highlight=False, soft_wrap=True, markup=False)
    for split, text in record.splits.items():
        marks = "; transductive" if split in record.transductive else ""
        marks += f"; {record.shared[split]}" if split in record.shared else ""
        console.print(
            f"  {name}:{split:<16} {text}{marks}", highlight=False, soft_wrap=True, markup=False
        )


def _prepare(name: str, root: Path, no_read: bool, frames: int | None) -> int:
    from posebridge.data.datasets.verify import check_files, check_splits, find_folder
    from posebridge.errors import InputError
    from posebridge.report.console import plain_console

    record = _record(name)
    console = plain_console()
    if frames is not None and (name != "surreal_video" or frames < 1):
        raise InputError(
            "--frame-step N, 1 or more, is for surreal_video, whose frames are in videos."
        )
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; give the data root, and put {name} below it.")
    folder = find_folder(record, root)
    console.print(f"{record.title}\nin {folder}", highlight=False, soft_wrap=True, markup=False)
    if not folder.is_dir():
        raise InputError(
            f"{folder} does not exist; download {name} from {record.page} (license: "
            f"{record.licence}) and unpack it there: {record.layout}."
        )
    if frames is not None:
        _write_frames(console, folder, frames)
    checks = check_files(record, folder)
    for check in checks:
        wanted = check.expected.count
        number = f"{check.found} of {wanted}" if wanted is not None else f"{check.found}"
        note = f" ({check.expected.note})" if check.expected.note else ""
        console.print(
            f"  {check.state:<10} {check.expected.pattern}: {number}{note}",
            style=None if check.fine else "yellow",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
    readable = []
    if not no_read:
        for found in check_splits(record, folder):
            if found.problem:
                console.print(
                    f"  {name}:{found.split} cannot be read: {found.problem}",
                    style="yellow",
                    highlight=False,
                    soft_wrap=True,
                    markup=False,
                )
            else:
                readable.append(found.split)
                console.print(
                    f"  {name}:{found.split}: {found.subjects} subjects in {found.images} images",
                    highlight=False,
                    soft_wrap=True,
                    markup=False,
                )
    missing = [c.expected.pattern for c in checks if not c.fine and c.state != "differs"]
    differing = [c.expected.pattern for c in checks if c.state == "differs"]
    wrong = [f"lacks {', '.join(missing)}"] if missing else []
    if differing:
        wrong.append(f"has another {', '.join(differing)} than was published")
    if not (no_read or readable):
        wrong.append("has no split that can be read")
    if wrong:
        raise InputError(
            f"{folder} {' and '.join(wrong)}; download {name} from {record.page} (license: "
            f"{record.licence})."
        )
    console.print(f"{name} is ready: --data-root {_root(folder, record.folder)}", soft_wrap=True)
    return 0


def _write_frames(console: Console, folder: Path, every: int) -> None:
    from posebridge.data.datasets.surreal_video import videos, write_frames
    from posebridge.report.progress_bar import ProgressBar

    clips = videos(folder)
    with ProgressBar(console, "writing frames", len(clips)) as bar:
        written = write_frames(clips, every, bar.update)
    console.print(f"written: {written} frames beside their videos", highlight=False)


def _root(folder: Path, below: str) -> Path:
    return folder.parents[len(Path(below).parts) - 1]


def _record(name: str) -> Benchmark:
    from posebridge.data.datasets import BENCHMARKS
    from posebridge.errors import InputError

    if name not in BENCHMARKS:
        raise InputError(f"unknown dataset '{name}'; known are {', '.join(BENCHMARKS)}.")
    return BENCHMARKS[name]
