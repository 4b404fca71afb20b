"""``posebridge convert``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge convert labels.slp annotations.json                       SLEAP to COCO
  posebridge convert project/ annotations.json                         a DeepLabCut project to COCO
  posebridge convert annotations.json dataset/ --to yolo               COCO to Ultralytics YOLO-pose
  posebridge convert predictions.json tasks.json --to label-studio     predictions to be corrected
  posebridge convert old.json labels.slp --image-root photographs/     images lie elsewhere
"""


def main(arguments: Sequence[str]) -> int:
    """Convert annotations; see ``posebridge convert --help``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="posebridge convert",
        description="Turn an annotation file into another format, and say what that format can't "
        "hold. The formats are told by content and ending where that is possible. Known: coco, yolo, "
        "deeplabcut (a table), deeplabcut-project, slp, label-studio, nwb; and only read: "
        "alphatracker, leap, analysis-h5, jabs, a deeplabcut .h5.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", help="the annotation file or folder")
    parser.add_argument("out", metavar="OUT", help="the file or folder to write")
    parser.add_argument("--from", dest="source_format", metavar="FORMAT", help="format of IN")
    parser.add_argument("--to", dest="target_format", metavar="FORMAT", help="format of OUT")
    parser.add_argument(
        "--image-root", help="folder of the images or videos, if not where IN says or beside it"
    )
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
