"""``posebridge convert``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge convert labels.slp annotations.json                       SLEAP to COCO
  posebridge convert project/ annotations.json                         a DeepLabCut project to COCO
  posebridge convert annotations.json dataset/ --to yolo               COCO to Ultralytics YOLO-pose
  posebridge convert predictions.json tasks.json --to label-studio     predictions to correct
  posebridge convert old.json labels.slp --image-root photographs/     images elsewhere
"""


def main(arguments: Sequence[str]) -> int:
    """Convert annotations; see ``posebridge convert --help``."""
    from posebridge.cli.arguments import add_image_root, make_parser

    parser = make_parser(
        "convert",
        "Convert an annotation file to another format, and list what that format can't hold. "
        "Formats are recognized by content and ending where possible. Read and written: coco, yolo, "
        "deeplabcut (a table), deeplabcut-project, slp, label-studio, nwb. Read only: alphatracker, "
        "leap, analysis-h5, jabs, a deeplabcut .h5.",
        EXAMPLES,
    )
    parser.add_argument("source", metavar="IN", help="the annotation file or folder")
    parser.add_argument("out", metavar="OUT", help="the file or folder to write")
    parser.add_argument("--from", dest="source_format", metavar="FORMAT", help="format of IN")
    parser.add_argument("--to", dest="target_format", metavar="FORMAT", help="format of OUT")
    add_image_root(parser)
    given = parser.parse_args(arguments)

    from posebridge.data.conversion import convert
    from posebridge.report.console import plain_console

    console = plain_console()
    done = convert(
        given.source,
        given.out,
        images=given.image_root,
        source_format=given.source_format,
        target_format=given.target_format,
    )
    read = done.annotations
    console.print(
        f"read: {len(read)} subjects with {len(read.skeleton)} keypoints in {len(read.files)} "
        f"images of {read.name}",
        highlight=False,
    )
    for sentence in done.losses:
        console.print(f"note: {sentence}", style="yellow", highlight=False)
    for file in done.files:
        console.print(f"written: {file}", highlight=False)
    return 0
