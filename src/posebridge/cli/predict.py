"""``posebridge predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge predict runs/people photographs/ --out predictions.json
  posebridge predict runs/people boxes.json --out predictions.json --overlays overlays/
  posebridge predict runs/people clip.mp4 --every 5 --out predictions.json
  posebridge predict runs/people detections.csv --image-folder photographs/ --least-score 0.5 \\
      --out predictions.json
  posebridge predict people.onnx photographs/ --out predictions.json
  posebridge predict runs/people photographs/ --out all.json --out all.csv --out all.slp
  posebridge predict runs/people photographs/ --flip --views 4 --out predictions.json
  posebridge predict runs/people photographs/ --calibrated --out predictions.csv
  posebridge predict runs/people clip.mp4 --every 1 --smooth --out clip.csv --overlays drawn.mp4
  posebridge predict ann/people-pose photographs/ --out predictions.json
"""


def main(arguments: Sequence[str]) -> int:
    """Predict keypoints; see ``posebridge predict --help``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="posebridge predict",
        description="Find keypoints in images: files with x, y, confidence for each.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a run folder, a model folder, a zip, a hub id, .onnx")
    parser.add_argument(
        "images",
        help="a folder, a glob, an image, a video, an annotation file "
        "(its boxes are read), the boxes of a detector (COCO results, CSV), or a benchmark: lsp:test",
    )
    parser.add_argument("--data-root", help="the folder that benchmarks lie below")
    parser.add_argument(
        "--out",
        required=True,
        action="append",
        help="a file to write, again for several; the ending says what: .json (COCO), .csv (a row "
        "for each subject), .dlc.csv (DeepLabCut), .slp (SLEAP), .label-studio.json",
    )
    parser.add_argument(
        "--overlays",
        help="folder for the images with skeletons on them; for a video also a video to write",
    )
    parser.add_argument("--image-folder", help="for an annotation file: the folder of its images")
    parser.add_argument("--format", help="the file's format, if it can't be told (docs/formats.md)")
    parser.add_argument(
        "--every",
        type=int,
        default=0,
        help="of a video: every n-th frame (default: an even sample)",
    )
    parser.add_argument(
        "--frames", type=int, default=1000, help="of a video: size of the sample (default: 1000)"
    )
    parser.add_argument(
        "--least-score", type=float, default=0.0, help="leave out boxes with a lower score"
    )
    parser.add_argument(
        "--least-size",
        type=float,
        default=0.0,
        help="leave out boxes whose longer side is shorter, pixels",
    )
    parser.add_argument(
        "--weights", choices=("last", "selected", "source"), default="last", help="of a run"
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.2,
        help="least confidence of a keypoint that is drawn (default: 0.2); the files have all",
    )
    parser.add_argument(
        "--flip", action="store_true", help="ask about the mirror image too, and average"
    )
    parser.add_argument(
        "--views",
        type=int,
        default=1,
        help="ask about so many slightly shifted and scaled views of each crop, which vote",
    )
    parser.add_argument(
        "--calibrated",
        action="store_true",
        help="confidence as the chance to lie within 0.05 of the crop's side, by the run's report",
    )
    parser.add_argument(
        "--smooth",
        action="store_true",
        help="of one video: steadier points over time, by a one-euro filter",
    )
    given = parser.parse_args(arguments)

    from rich.console import Console

    from posebridge.data.benchmarks import is_reference
    from posebridge.data.reading import ReadingConfig, read_unlabelled
    from posebridge.data.video import is_video, shown_at
    from posebridge.errors import InputError
    from posebridge.inference.chances import find_calibration, with_chances
    from posebridge.inference.predictor import load
    from posebridge.inference.writing import PEAKS, output_ending, write_predictions
    from posebridge.report.progress import ProgressBar

    for out in given.out:
        output_ending(out)
    if given.calibrated and (given.flip or given.views != 1):
        raise InputError(
            "--calibrated is about the peaks of one view; leave out --flip and --views, or it."
        )
    to_video = bool(given.overlays) and is_video(Path(given.overlays))
    if (given.smooth or to_video) and not is_video(Path(given.images)):
        raise InputError(
            f"{given.images} is not one video, which {'--smooth' if given.smooth else given.overlays}"
            " needs; give a video."
        )
    if to_video:
        from posebridge.report.overlay_video import check_overlay_video

        check_overlay_video(Path(given.overlays), Path(given.images))
    predictor = load(given.model, given.weights)
    calibration = find_calibration(predictor.checkpoint) if given.calibrated else None
    predictor = predictor.with_views(given.views, given.flip)
    console = Console()
    base = Path(given.images)
    if is_reference(given.images):
        base = Path(given.data_root or base.parent)
    samples = read_unlabelled(
        given.images,
        given.image_folder,
        given.format,
        ReadingConfig(
            every=given.every,
            frames=given.frames,
            least_score=given.least_score,
            least_size=given.least_size,
        ),
        say=lambda text: console.print(text, highlight=False),
        root=given.data_root,
    )
    with ProgressBar(console, "predicting", len(samples)) as bar:
        found = predictor.predict(samples, progress=bar.update)
    assert found.samples is not None
    files = [_relative(found.samples.path(i), base) for i in range(len(found))]
    times = None
    if given.smooth or to_video:
        times = shown_at(base, [found.samples.path(row) for row in range(len(found))])
    if given.smooth:
        from posebridge.inference.smoothing import smoothed

        assert times is not None
        found = smoothed(found, times)
    meaning = PEAKS
    if given.flip or given.views > 1:
        meaning = "what several views of the crop agree on"
    if calibration is not None:
        found = with_chances(found, calibration)
        meaning = (
            f"the chance to lie within {calibration.within} of the crop's side, calibrated on "
            "labelled source images"
        )
        console.print(f"confidence is {meaning}", highlight=False)
    for out in given.out:
        _, *beside = write_predictions(Path(out), found, predictor.skeleton, files, meaning)
        console.print(f"written: {out} ({len(found)} subjects)", highlight=False)
        for file in beside:
            console.print(f"written: {file}", highlight=False)
    if times is not None and to_video:
        from posebridge.report.overlay_video import write_overlay_video

        count = write_overlay_video(
            Path(given.overlays), found, predictor.skeleton, times, given.confidence
        )
        console.print(f"written: {count} frames in {given.overlays}", highlight=False)
    elif given.overlays:
        from posebridge.report.overlays import write_overlays

        count = write_overlays(
            Path(given.overlays), found, predictor.skeleton, files, given.confidence
        )
        console.print(f"written: {count} overlays in {given.overlays}", highlight=False)
    for line in found.skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False)
    return 0


def _relative(path: Path, base: Path) -> str:
    """A file's name in the results: relative to the folder that was given, where there is one."""
    folder = base if base.is_dir() else base.parent
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
