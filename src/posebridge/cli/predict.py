"""``posebridge predict``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from posebridge.cli.tta_options import add_view_options, asked_as_given

if TYPE_CHECKING:
    from posebridge.cli.predict_runner import Finder
    from posebridge.inference.calibrated import Calibration
    from posebridge.inference.predictor import Predictor

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
  posebridge predict runs/people street.mp4 --every 1 --out street.json \\
      --detector torchvision:fasterrcnn_mobilenet_v3_large_320_fpn
  posebridge predict runs/people camera:0 --seconds 60 --out live.csv
  posebridge predict ann/people-pose photographs/ --out predictions.json
"""


def main(arguments: Sequence[str]) -> int:
    """Predict keypoints; see ``posebridge predict --help``."""
    given = _parser().parse_args(arguments)
    if given.least_score is None:
        given.least_score = 0.5 if given.detector else 0.0

    from glob import has_magic

    from posebridge.cli.output_paths import require_file
    from posebridge.cli.predict_runner import Finder, from_camera, from_files, write_all
    from posebridge.data.camera import camera_index
    from posebridge.data.videos.video import is_video
    from posebridge.data.videos.video_file import require_video_file
    from posebridge.errors import InputError
    from posebridge.files.locks import locked_file
    from posebridge.inference.calibrated import calibration_of
    from posebridge.inference.predictor import load
    from posebridge.inference.provenance import file_state, is_made, record_file, write_record
    from posebridge.inference.resume_cache import Journal
    from posebridge.inference.writers import output_ending, require_places
    from posebridge.report.console import plain_console

    for out in given.out:
        output_ending(out)
        require_file(out)
    camera = camera_index(given.images)
    path = Path(given.images)
    video = camera is None and is_video(path) and not path.is_dir()
    video = video and (path.is_file() or not has_magic(given.images))
    if video:
        require_video_file(path)
    _require_usable(given, camera is not None, video)
    predictor = asked_as_given(load(given.model, given.weights), given)
    require_places(given.out, predictor.skeleton)
    if given.calibrated and predictor.asked.times > 1:
        raise InputError(
            "--calibrated is about the peaks of one view, and the model is asked about several: "
            "leave out --flip and give --views 1, or leave out --calibrated."
        )
    calibration = calibration_of(predictor) if given.calibrated else None
    finder = None
    if given.detector:
        from posebridge.inference.detectors import Wanted, load_detector

        finder = Finder(
            load_detector(given.detector, given.detector_weights),
            Wanted(given.detect, given.least_score, given.least_size, given.largest),
        )
        finder.wanted.check(finder.detector)
    console = plain_console()
    outs = [Path(out) for out in given.out]
    made = [*outs, *([Path(given.overlays)] if given.overlays else [])]
    identity: dict = {}
    whole: dict = {}
    if video or camera is not None:
        source = file_state(path) if video else {"camera": camera}
        identity, whole = _identities(given, predictor, source, calibration, finder)
    if video and not given.overwrite and is_made(made, whole):
        console.print(
            f"nothing to do: {', '.join(map(str, made))} {'is' if len(made) == 1 else 'are'} made "
            f"by this model of {given.images} as it is, with these settings; --overwrite makes "
            f"{'it' if len(made) == 1 else 'them'} again.",
            highlight=False,
            soft_wrap=True,
        )
        return 0
    # What is kept of a video is continued by one process at a time.
    with locked_file(outs[0]) if identity else nullcontext():
        journals: list[Journal] = []

        def kept(what: str, entries: dict) -> Journal:
            file = outs[0].with_name(f"{outs[0].name}.{what}.partial")
            journal = Journal(file, {**identity, **entries}, given.overwrite)
            if journal.other and camera is None:
                other = " and ".join(journal.other)
                console.print(f"{file} differs in {other}; beginning again", highlight=False)
            journals.append(journal)
            return journal

        if camera is not None:
            seen = from_camera(given, predictor, finder, camera, kept("keypoints", {}), console)
        else:
            seen = from_files(given, predictor, finder, kept if video else None, console)
        # Until it is written again, nothing here counts as finished; nor when it is of something else.
        record_file(outs[0]).unlink(missing_ok=True)
        write_all(given, predictor, calibration, seen, console)
        if video:
            write_record(made, whole)
        for journal in journals:
            journal.remove()
    return 0


def _require_usable(given: argparse.Namespace, camera: bool, video: bool) -> None:
    """Raise InputError for options that exclude each other, before anything is computed."""
    from posebridge.cli.output_paths import require_folder
    from posebridge.data.videos.video import is_video
    from posebridge.errors import InputError
    from posebridge.inference.writers import NAMES_FILES, output_ending

    for out in map(Path, given.out):
        if out.exists() and Path(given.images).exists() and out.samefile(given.images):
            raise InputError(f"--out {out} is the file that is read; give another name.")
    if given.detector and given.category is not None:
        raise InputError("--category is about the boxes of a file; of a --detector give --detect.")
    if not given.detector and (given.largest or given.detector_weights):
        option = "--largest" if given.largest else "--detector-weights"
        raise InputError(f"{option} is about a detector; name one with --detector.")
    if given.smooth and given.detector and not given.largest:
        raise InputError(
            "--smooth follows one subject; give --largest with a --detector, or leave it."
        )
    if not camera and (given.seconds is not None or given.keep_frames):
        option = "--keep-frames" if given.keep_frames else "--seconds"
        raise InputError(f"{option} is for a camera, and {given.images} is none.")
    to_video = bool(given.overlays) and is_video(Path(given.overlays))
    if (given.smooth or to_video) and not (video or camera):
        raise InputError(
            f"{given.images} is not one video, which {'--smooth' if given.smooth else given.overlays}"
            " needs; give a video."
        )
    if to_video:
        from posebridge.report.overlay_video import check_overlay_video

        check_overlay_video(Path(given.overlays), Path(given.images))
    elif given.overlays is not None:
        require_folder(given.overlays, "--overlays")
    if given.keep_frames is not None:
        require_folder(given.keep_frames, "--keep-frames")
    if not camera:
        return
    if given.seconds is not None and not given.seconds >= 0:
        raise InputError(f"--seconds is {given.seconds:g}; give 0 or more.")
    needing = [out for out in given.out if output_ending(out) in NAMES_FILES]
    needing += [given.overlays] if given.overlays else []
    if needing and not given.keep_frames:
        raise InputError(
            f"{needing[0]} needs the camera's frames as files; say where with --keep-frames FOLDER."
        )


def _identities(
    given: argparse.Namespace,
    predictor: Predictor,
    source: dict,
    calibration: Calibration | None,
    finder: Finder | None,
) -> tuple[dict, dict]:
    """What the keypoints of each picture depend on, and what the files depend on."""
    from posebridge.inference.provenance import identity_of

    names = ("every", "frames", "category", "least_score", "least_size")
    settings = {name: getattr(given, name) for name in names}
    if finder is not None:
        settings |= {"detector": finder.detector.digest, **finder.wanted._asdict()}
    more = {
        "smooth": given.smooth,
        "calibration": None if calibration is None else calibration.to_dict(),
        "confidence": given.confidence if given.overlays else None,
    }
    return (
        identity_of(predictor.network, source, settings),
        identity_of(predictor.network, source, {**settings, **more}),
    )


def _parser() -> argparse.ArgumentParser:
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
        "(its boxes are read), the boxes of a detector (COCO results, CSV), a benchmark: lsp:test, "
        "or a camera: camera:0",
    )
    parser.add_argument("--data-root", help="the folder that benchmarks lie below")
    parser.add_argument(
        "--out",
        required=True,
        action="append",
        help="a file to write, again for several; the ending says what: .json (COCO), .csv (a row "
        "for each subject), .dlc.csv and .h5 (DeepLabCut), .slp (SLEAP), .label-studio.json",
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
        help="of a video or camera: every n-th frame (default: an even sample; all of a camera)",
    )
    parser.add_argument(
        "--frames", type=int, default=1000, help="of a video: size of the sample (default: 1000)"
    )
    parser.add_argument(
        "--category",
        metavar="NAME",
        help="take only boxes of this category, a name or number as the file has it; of a --detector "
        "see --detect",
    )
    parser.add_argument(
        "--least-score",
        type=float,
        help="leave out boxes with a lower score (default: 0, of a --detector 0.5)",
    )
    parser.add_argument(
        "--least-size",
        type=float,
        default=0.0,
        help="leave out boxes whose longer side is shorter, pixels",
    )
    parser.add_argument(
        "--detector",
        metavar="FAMILY:MODEL",
        help="find the boxes by a detector, such as torchvision:fasterrcnn_mobilenet_v3_large_320_fpn",
    )
    parser.add_argument(
        "--detector-weights",
        metavar="FILE",
        help="its weights (.pth, .safetensors); default: torchvision's own download, once",
    )
    parser.add_argument(
        "--detect",
        metavar="CLASS",
        default="person",
        help="of a --detector: what counts as a subject (default: person)",
    )
    parser.add_argument(
        "--largest", action="store_true", help="of a --detector: the largest box of an image only"
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
    add_view_options(parser)
    parser.add_argument(
        "--calibrated",
        action="store_true",
        help="confidence as the chance to lie within 0.05 of the crop's side, by the run's report",
    )
    parser.add_argument(
        "--smooth",
        action="store_true",
        help="of one video or camera: steadier points over time, by a one-euro filter",
    )
    parser.add_argument(
        "--seconds", type=float, help="of a camera: stop after so long (default: at Ctrl-C)"
    )
    parser.add_argument(
        "--keep-frames",
        metavar="FOLDER",
        help="of a camera: store its frames here, which overlays and some formats need",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="of a video or camera: begin again, even where a run was finished or stopped",
    )
    return parser
