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
    """Judge a finished run; see ``posebridge report --help``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="posebridge report",
        description="Did the adaptation help? Compares a run's source weights with its adapted "
        "ones on photographs that it kept out of training, without labels or with a few, and "
        "writes RUN/report: a page in one file, its numbers, the calibration of the confidence.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", help="what 'posebridge adapt --out' wrote")
    parser.add_argument(
        "--checkpoint",
        choices=("last", "selected"),
        default="last",
        help="the adapted weights to judge (default: last, those that predict uses)",
    )
    parser.add_argument(
        "--labels", help="a COCO keypoint file of some target images; they decide the answer"
    )
    parser.add_argument("--label-image-root", help="folder of its images, if not beside it")
    parser.add_argument(
        "--source-validation",
        help="a COCO keypoint file of source images that no training saw, to calibrate on",
    )
    parser.add_argument("--data-root", help="the folder that the data lies below, if it moved")
    parser.add_argument(
        "--max-images",
        type=int,
        default=200,
        metavar="N",
        help="look at N photographs (default: 200)",
    )
    given = parser.parse_args(arguments)

    from posebridge.api import make_report
    from posebridge.report.console import plain_console
    from posebridge.report.summary import print_verdict

    console = plain_console()
    made = make_report(
        given.run,
        weights=given.checkpoint,
        labels=given.labels,
        label_images=given.label_image_root,
        source_validation=given.source_validation,
        data_root=given.data_root,
        images=given.max_images,
        command=shlex.join(["posebridge", "report", *arguments]),
        console=console,
    )
    print_verdict(console, made)
    return 0
