"""``posebridge report``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge report runs/people
  posebridge report runs/people --labels few.json
  posebridge report runs/people --checkpoint selected --source-validation renders/val.json
  posebridge report runs/people --data-root /mnt/data
"""


def main(arguments: Sequence[str]) -> int:
    """Report on a finished run; see ``posebridge report --help``."""
    from posebridge.cli.arguments import (
        CHECKPOINTS,
        add_checkpoint,
        add_data_root,
        add_image_root,
        make_parser,
    )

    parser = make_parser(
        "report",
        "Did the adaptation help? Compares the source checkpoint of a run with the adapted "
        "checkpoint on held-out photographs, without labels or with a few, and writes RUN/report: a "
        "page in one file, its numbers, the calibration of the confidence.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", help="a run folder")
    add_checkpoint(parser, choices=CHECKPOINTS[:2])
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="a COCO keypoint file of some target images, which then decides the verdict",
    )
    add_image_root(parser, "label")
    parser.add_argument(
        "--source-validation",
        metavar="FILE",
        help="a COCO keypoint file of source images outside of the training, to calibrate on",
    )
    add_data_root(parser, " and of the run's data, if it moved")
    parser.add_argument(
        "--max-images",
        type=int,
        default=200,
        metavar="N",
        help="compare on at most N photographs (default: 200)",
    )
    given = parser.parse_args(arguments)

    from posebridge.api import make_report
    from posebridge.report.console import plain_console
    from posebridge.report.summary import print_verdict

    console = plain_console()
    made = make_report(
        given.run,
        checkpoint=given.checkpoint,
        labels=given.labels,
        label_image_root=given.label_image_root,
        source_validation=given.source_validation,
        data_root=given.data_root,
        max_images=given.max_images,
        command=shlex.join(["posebridge", "report", *arguments]),
        console=console,
    )
    print_verdict(console, made)
    return 0
