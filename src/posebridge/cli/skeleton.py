"""``posebridge skeleton``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge skeleton list
  posebridge skeleton show coco-17 --out coco.png
  posebridge skeleton show renders/annotations.json --out mine.yaml    a file to edit
  posebridge skeleton match renders/annotations.json coco-17 --out match.png
  posebridge skeleton match coco-17 lsp-14 --keypoint-mapping joints.yaml

a joints.yaml, 'target: source' each; other keypoints are matched by name:
  neck: [left_shoulder, right_shoulder]      # their midpoint
  head_top: null                             # no partner
"""


def main(arguments: Sequence[str]) -> int:
    """Show and match skeletons; see ``posebridge skeleton --help``."""
    from posebridge.cli.arguments import make_parser

    parser = make_parser(
        "skeleton",
        "Show the keypoints of a skeleton, or match the keypoints of two skeletons.",
        EXAMPLES,
    )
    skeleton = "a built-in name, a YAML file, an annotation file (COCO JSON) or a model folder"
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|show|match")
    commands.add_parser("list", help="the built-in skeletons")
    show = commands.add_parser("show", help="keypoints, pairs and groups of a skeleton")
    show.add_argument("skeleton", help=skeleton)
    show.add_argument("--out", help="an image (.png, .svg, .pdf) or a YAML file (.yaml) to write")
    match = commands.add_parser("match", help="where the keypoints of B come from in A")
    match.add_argument("source", metavar="A", help=f"available labels: {skeleton}")
    match.add_argument("target", metavar="B", help=f"wanted keypoints: {skeleton}")
    match.add_argument("--keypoint-mapping", help="a YAML file, 'target: source' each")
    match.add_argument(
        "--out", help="an image (.png, .svg, .pdf), or a mapping file (.yaml) to edit"
    )
    match.add_argument(
        "--common", help="write the skeleton of the matched keypoints alone to this YAML file"
    )
    given = parser.parse_args(arguments)

    from posebridge.files.whole import write_text
    from posebridge.report import skeletons as report
    from posebridge.report.console import plain_console
    from posebridge.skeleton import (
        builtin_skeletons,
        match_skeletons,
        read_mapping,
        read_skeleton,
    )
    from posebridge.skeleton.files import to_yaml
    from posebridge.skeleton.matching import mapping_text

    console = plain_console()
    if given.command == "list":
        for name, text in builtin_skeletons().items():
            console.print(f"  {name:<10} {text}", highlight=False)
        return 0
    if given.command == "show":
        out = _file(given.out) if given.out is not None else None
        shown = read_skeleton(given.skeleton)
        report.print_skeleton(console, given.skeleton, shown)
        if out is not None:
            if _is_yaml(out):
                write_text(out, to_yaml(shown))
            else:
                report.write_skeleton_picture(
                    out, _title(given.skeleton), shown, report.get_layout(given.skeleton)
                )
            console.print(f"written: {out}", highlight=False)
        return 0
    out = _file(given.out) if given.out is not None else None
    common = _file(given.common, "--common") if given.common is not None else None
    found = match_skeletons(
        read_skeleton(given.source),
        read_skeleton(given.target),
        read_mapping(given.keypoint_mapping) if given.keypoint_mapping else None,
        mapping_name=str(given.keypoint_mapping),
    )
    report.print_matches(console, found)
    if out is not None:
        if _is_yaml(out):
            write_text(out, mapping_text(found))
        else:
            report.write_match_picture(
                out,
                found,
                (_title(given.source), _title(given.target)),
                (report.get_layout(given.source), report.get_layout(given.target)),
            )
        console.print(f"written: {out}", highlight=False)
    if common is not None:
        write_text(common, to_yaml(found.common()))
        console.print(f"written: {common}", highlight=False)
    return 0


def _title(name_or_file: str) -> str:
    return "/".join(Path(name_or_file).parts[-2:])


def _is_yaml(path: Path) -> bool:
    return path.suffix.lower() in (".yaml", ".yml")


def _file(name: str, option: str = "--out") -> Path:
    """Return the file to write; refuse an unknown ending and a path that can't be written."""
    from posebridge.cli.output_paths import require_file
    from posebridge.errors import InputError

    path = Path(name)
    if path.suffix.lower() not in (".png", ".svg", ".pdf", ".yaml", ".yml"):
        raise InputError(f"{path} can't be written: give a .png, .svg, .pdf or .yaml file.")
    return require_file(name, option)
