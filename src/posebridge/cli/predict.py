"""``posebridge predict``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from posebridge.cli.arguments import (
    add_checkpoint,
    add_data_root,
    add_format,
    add_image_root,
    add_min_confidence,
    add_overwrite,
)
from posebridge.cli.tta_options import add_tta_options, tta_config

if TYPE_CHECKING:
    from posebridge.inference.predict_config import PredictConfig

USAGE = "posebridge predict MODEL IMAGES --out FILE [options]"
EXAMPLES = """examples:
  posebridge predict runs/people photos/ --out all.json --out all.csv
  posebridge predict runs/people boxes.csv --image-root photos/ --out all.json
  posebridge predict runs/people photos/ --tta-flip --tta-views 4 --out all.json
  posebridge predict runs/people clip.mp4 --frame-step 1 --smooth \\
      --out clip.csv --overlays drawn.mp4
  posebridge predict runs/people street.mp4 --out street.json \\
      --detector torchvision:fasterrcnn_mobilenet_v3_large_320_fpn
  posebridge predict runs/people camera:0 --seconds 60 --out live.csv
"""
RENAMED_OPTIONS = {
    "--views": "--tta-views",
    "--flip": "--tta-flip",
    "--turn": "--tta-rotation",
    "--least-score": "--min-score",  # dialect: ok
    "--least-size": "--min-box-size",  # dialect: ok
    "--every": "--frame-step",
    "--frames": "--max-frames",
    "--detect": "--detector-class",
    "--confidence": "--min-confidence",
    "--keep-frames": "--save-frames",
    "--image-folder": "--image-root",
    "--weights": "--checkpoint",
}
"""Option of an earlier version -> its name now."""


def main(arguments: Sequence[str]) -> int:
    """Predict keypoints; see ``posebridge predict --help``."""
    options = _parser().parse_args(arguments)

    from posebridge.cli.predict_runner import run_predict
    from posebridge.report.console import plain_console

    run_predict(_config(options), plain_console())
    return 0


def _config(options: argparse.Namespace) -> PredictConfig:
    """Return the config that the parsed options give."""
    from posebridge.inference.predict_config import PredictConfig

    values = dict(vars(options))
    tta = tta_config(*(values.pop(f"tta_{name}") for name in ("views", "flip", "rotation")))
    return PredictConfig(**{**values, "out": tuple(options.out)}, tta=tta)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="posebridge predict",
        usage=USAGE,
        description="Predict keypoints in images: files with x, y, confidence of each keypoint.",
        epilog=EXAMPLES,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=25
        ),
    )
    _add_inputs(parser)
    _add_outputs(parser)
    _add_boxes(parser)
    add_tta_options(parser)
    _add_video(parser)
    return parser


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="a run folder, a model folder, a zip, a hub id, .onnx"
    )
    parser.add_argument(
        "images",
        metavar="IMAGES",
        help="a folder, glob, image, video, annotation file or table of boxes, a benchmark such as "
        "lsp:test, or a camera such as camera:0",
    )
    add_checkpoint(parser)
    add_format(parser)
    add_image_root(parser)
    add_data_root(parser)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    outputs = parser.add_argument_group("outputs")
    outputs.add_argument(
        "--out",
        required=True,
        action="append",
        metavar="FILE",
        help="repeatable: .json (COCO), .csv, .dlc.csv or .h5 (DeepLabCut), .slp (SLEAP), "
        ".label-studio.json",
    )
    outputs.add_argument(
        "--overlays", metavar="PLACE", help="images with skeletons: a folder, or a video"
    )
    add_min_confidence(outputs)
    outputs.add_argument(
        "--calibrated", action="store_true", help="confidence calibrated by the run's report"
    )


def _add_boxes(parser: argparse.ArgumentParser) -> None:
    boxes = parser.add_argument_group("boxes of subjects (default: of the file, or whole images)")
    boxes.add_argument("--category", metavar="NAME", help="of a file: only boxes of this category")
    boxes.add_argument(
        "--min-score",
        type=float,
        metavar="S",
        help="only boxes from this score on (0; detector: 0.5)",
    )
    boxes.add_argument(
        "--min-box-size",
        type=float,
        default=0.0,
        metavar="PX",
        help="only boxes whose longer side has PX or more",
    )
    boxes.add_argument(
        "--detector", metavar="FAMILY:MODEL", help="detect the boxes, such as by torchvision:MODEL"
    )
    boxes.add_argument(
        "--detector-weights", metavar="FILE", help="default: a download, stored once"
    )
    boxes.add_argument(
        "--detector-class",
        metavar="CLASS",
        default="person",
        help="class of the subjects (default: person)",
    )
    boxes.add_argument("--largest", action="store_true", help="only the largest box of an image")


def _add_video(parser: argparse.ArgumentParser) -> None:
    video = parser.add_argument_group("video and camera")
    video.add_argument(
        "--frame-step",
        type=int,
        default=0,
        metavar="N",
        help="every N-th frame (default: an even sample)",
    )
    video.add_argument(
        "--max-frames",
        type=int,
        default=1000,
        metavar="N",
        help="size of the even sample (default: 1000)",
    )
    video.add_argument("--smooth", action="store_true", help="smooth the points over time")
    video.add_argument(
        "--seconds", type=float, metavar="S", help="of a camera: stop after S (default: Ctrl-C)"
    )
    video.add_argument("--save-frames", metavar="FOLDER", help="of a camera: store its frames")
    add_overwrite(video)
