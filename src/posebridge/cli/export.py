"""``posebridge export``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge export runs/people --out people.onnx
  posebridge export runs/people --out people.onnx --half
  posebridge export runs/people --out people.onnx --int8 photographs/
  posebridge export runs/people --calibrated --out people.onnx
  posebridge export runs/people --to openvino --out people.xml
  posebridge predict people.onnx photographs/ --out predictions.json
"""


def main(arguments: Sequence[str]) -> int:
    """Export a model; see ``posebridge export --help``."""
    from posebridge.cli.arguments import add_checkpoint, add_out, make_parser

    parser = make_parser(
        "export",
        "Write a model as one file for other runtimes, with pre-processing and sub-pixel "
        "decoding inside: uint8 RGB crops in, keypoints in pixels of the crop out. The file is then "
        "loaded in its runtime and compared with the PyTorch model.",
        EXAMPLES,
    )
    parser.add_argument("model", help="a run folder, a model folder, a zip, or a hub id")
    parser.add_argument(
        "--to",
        default="onnx",
        metavar="FORMAT",
        help="onnx (default), openvino, or program, the .pt2 of torch.export",
    )
    add_out(parser, "file of the model: .onnx, .xml or .pt2", "FILE")
    parser.add_argument("--half", action="store_true", help="compute in half precision")
    parser.add_argument(
        "--int8",
        metavar="IMAGES",
        help="compute in 8 bits, calibrated on up to 128 of these images: a folder, a glob, or a "
        "COCO file with boxes, such as the target",
    )
    parser.add_argument(
        "--calibrated",
        action="store_true",
        help="output 'probability' too: the confidence calibrated by the run's report",
    )
    parser.add_argument("--heatmaps", action="store_true", help="output the heatmaps too")
    add_checkpoint(parser)
    given = parser.parse_args(arguments)

    import numpy as np

    from posebridge.checkpoints.model_folder import load_checkpoint
    from posebridge.cli.output_paths import require_file
    from posebridge.data.reading import read_unlabeled
    from posebridge.export.export import TOLERANCE, export
    from posebridge.export.requirements import require_export
    from posebridge.inference.calibrated import find_calibration
    from posebridge.report.console import plain_console

    require_file(given.out)
    require_export(given.out, given.to, given.half, given.int8 is not None)
    checkpoint = load_checkpoint(given.model, given.checkpoint)
    calibration = find_calibration(checkpoint) if given.calibrated else None
    images = read_unlabeled(given.int8) if given.int8 else None
    console = plain_console()
    console.print(f"exporting {checkpoint.folder} to {given.to}", highlight=False, markup=False)
    done = export(
        *(checkpoint, given.out, given.to),
        half=given.half,
        int8=images,
        heatmaps=given.heatmaps,
        calibration=calibration,
    )
    for line in done.skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False, markup=False)
    middle, most = np.quantile(done.distances, (0.5, 0.95))
    console.print(
        f"compared with PyTorch on {len(done.distances)} {done.images}: keypoints differ by "
        f"{middle:.4f} px in the median, {most:.4f} px at most for 95 % of them, "
        f"{done.distances.max():.4f} px at most; a crop has {checkpoint.crop.size} px",
        highlight=False,
        soft_wrap=True,
    )
    apart = float((done.distances > TOLERANCE).mean())
    if not given.half and images is None and apart > 0:
        console.print(
            f"{100 * apart:.1f} % of the keypoints are more than {TOLERANCE} px apart; where two "
            "peaks of a heatmap are equally high, rounding decides between them.",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
    if calibration is not None:
        console.print(
            f"'probability' is the probability of an error below {calibration.within} of the crop's side, "
            f"calibrated on {calibration.points} labeled points of source images",
            highlight=False,
            soft_wrap=True,
        )
        if images is not None:
            console.print(
                "the calibration was made at full precision; peaks in 8 bits differ.",
                style="yellow",
                highlight=False,
                soft_wrap=True,
            )
    if checkpoint.tta.times > 1:
        console.print(
            f"this model has test-time augmentation with {checkpoint.tta.times} views; the file "
            "takes one view, and 'posebridge predict' merges as many predictions of the file.",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
    for file in done.files:
        console.print(
            f"written: {file} ({file.stat().st_size / 1e6:.1f} MB)",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    return 0
