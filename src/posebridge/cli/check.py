"""``posebridge check``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posebridge.data.reading import Say
    from posebridge.data.samples import LabeledSamples, UnlabeledSamples

EXAMPLES = """examples:
  posebridge check renders/annotations.json
  posebridge check --source renders/annotations.json --target photographs/ --out check/
  posebridge check --source renders/annotations.json --target photographs/ \\
      --test test/annotations.json --strict

exit codes: 0 no errors, 1 warnings (with --strict), 2 errors or unusable input
"""

_LABELLED = ("source", "test")
"""Roles whose labels are read; the labels of a target never are."""


def main(arguments: Sequence[str]) -> int:
    """Check data before training; see ``posebridge check --help``."""
    from posebridge.cli.arguments import add_image_root, add_out, make_parser

    parser = make_parser(
        "check",
        "Check data before training: sizes, labels, points outside, boxes, left and right, "
        "duplicates, broken files. Prints the findings and writes a page with images. The keypoints "
        "of a target are not read.",
        EXAMPLES,
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="a COCO file, a folder or a glob of images"
    )
    parser.add_argument("--source", help="labeled images to learn from: a COCO keypoint file")
    parser.add_argument(
        "--target", help="images to adapt to: a folder, a glob or a COCO file (its boxes are read)"
    )
    parser.add_argument("--test", help="labeled images to score on: a COCO keypoint file")
    for role in ("source", "target", "test", ""):
        add_image_root(parser, role)
    add_out(parser, "folder of the page", "FOLDER", "check")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if there are warnings")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="threads that decode (default: one a core)"
    )
    given = parser.parse_args(arguments)

    from rich.markup import escape

    import posebridge
    from posebridge.cli.output_paths import require_folder
    from posebridge.data.quality import check_set, compare_sets, declared_sizes
    from posebridge.data.samples import LabeledSamples
    from posebridge.errors import InputError
    from posebridge.report.check_page import sorted_findings, verdict, write_check
    from posebridge.report.console import plain_console, remarks
    from posebridge.report.progress_bar import ProgressBar

    roles = [
        (role, getattr(given, role), getattr(given, f"{role}_image_root"))
        for role in ("source", "target", "test")
        if getattr(given, role)
    ]
    if not roles and not given.data:
        raise InputError(
            "no data is given; name a COCO file or a folder, or use --source, --target."
        )
    if given.image_root and len(given.data) != 1:
        raise InputError(
            "--image-root is for exactly one DATA; for a role give --source-image-root, "
            "--target-image-root or --test-image-root."
        )
    if given.workers is not None and given.workers < 1:
        raise InputError(f"--workers is {given.workers}; give 1 or more.")
    out = require_folder(given.out)
    wanted = [(role, role, path, images) for role, path, images in roles]
    names = _names(given.data)
    wanted += [(n, None, d, given.image_root) for n, d in zip(names, given.data, strict=True)]
    console = plain_console()
    say = remarks(console)
    # All files are read before an image is decoded: a broken file stops the command early.
    read = [(name, path, _read(role, path, images, say)) for name, role, path, images in wanted]

    sets = []
    for name, path, data in read:
        samples = data.images if isinstance(data, LabeledSamples) else data
        total = len({bytes(f) for f in samples.files})
        with ProgressBar(console, f"checking {name}", total) as bar:
            declared = declared_sizes(path, samples)
            sets.append(check_set(name, data, declared, bar.update, given.workers))
    between = [f for one, other in combinations(sets, 2) for f in compare_sets(one, other)]
    findings = sorted_findings(sets, between)
    _print_summary(console, sets)
    for finding in findings:
        color = {"error": "red", "warning": "yellow", "note": "cyan"}[finding.severity]
        named = " and ".join(dict.fromkeys(finding.sets))
        console.print(
            f"[{color}]{finding.severity}[/]  [dim]{escape(named)}:[/] ",
            end="",
            highlight=False,
            markup=True,
        )
        console.print(finding.title, markup=False, highlight=False)
        for line in finding.details[:3]:
            console.print(f"         {line}", style="dim", markup=False, highlight=False)
        if len(finding.details) > 3:
            console.print(f"         and {len(finding.details) - 3:,} more", style="dim")
    command = shlex.join(["posebridge", "check", *arguments])
    files = write_check(out, sets, between, command, posebridge.__version__)
    console.print(f"{verdict(findings)}\npage:     {files[0]}", highlight=False)
    console.print(f"findings: {files[1]}", highlight=False)
    for file in files[2:]:
        console.print(f"images:   {file}", highlight=False)
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return 2
    return 1 if given.strict and "warning" in severities else 0


def _read(
    role: str | None, path: str, images: str | None, say: Say
) -> LabeledSamples | UnlabeledSamples:
    """Return a set with its labels, or without labels for a target and for bare images."""
    from posebridge.data.reading import holds_labels, read_labeled, read_unlabeled

    labeled = role in _LABELLED or (role is None and holds_labels(path))
    read = read_labeled if labeled else read_unlabeled
    return read(path, images, say=say)


def _names(paths: Sequence[str]) -> list[str]:
    """Return a short unique name of each file or folder, with its parents where needed.

    No name is the name of a role.
    """
    for length in range(1, 6):
        names = ["/".join(_parts(path)[-length:]) for path in paths]
        if len(set(names)) == len(names) and not {*_LABELLED, "target"} & set(names):
            return names
    return [f"{name} ({number})" for number, name in enumerate(names, 1)]


def _parts(path: str) -> tuple[str, ...]:
    whole = Path(path)
    named = whole.parent if whole.name == "annotations.json" else whole
    return (named.parts or (str(whole),)) if named != Path() else (whole.name,)


def _print_summary(console, sets) -> None:
    from rich.table import Table

    from posebridge.data.quality import summary_rows

    table = Table(title="median, and the middle half in brackets")
    table.add_column("")
    for checked in sets:
        table.add_column(checked.name)
    for statistic, values in summary_rows(sets):
        table.add_row(statistic, *values)
    console.print(table)
