"""The pipeline of a prediction: frame source -> detector -> predictor -> smoothing -> writers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.evaluation.calibration import Calibration
from posebridge.inference import predictor as predictors
from posebridge.inference.calibrated import get_calibration, with_calibrated_confidence
from posebridge.inference.detection import SubjectDetector
from posebridge.inference.detectors import Wanted, load_detector
from posebridge.inference.frame_source import FrameSource, Models, open_source
from posebridge.inference.loops import Listener, Silent
from posebridge.inference.predict_config import PredictConfig
from posebridge.inference.predictions import FramePredictions
from posebridge.inference.predictor import Predictor
from posebridge.inference.provenance import get_identity, is_made
from posebridge.inference.resume import forget_finished, resumable
from posebridge.inference.smoothing import smoothed
from posebridge.inference.writers import (
    NAMES_FILES,
    FileWriter,
    PredictionWriter,
    output_ending,
    require_places,
)


def predict_to_files(
    config: PredictConfig,
    overlays: PredictionWriter | None = None,
    listener: Listener | None = None,
) -> FramePredictions | None:
    """Predict keypoints and write them to the files that the config names.

    Args:
        overlays: writes ``config.overlays``; None: no images are drawn.
        listener: receives lines and progress.

    Returns:
        the predictions as they were written; None where the files are there already, made of the
        video by this model and config.

    Raises:
        InputError: the model, the images, or a file to write can't be used.
    """
    listener = listener or Silent()
    source = open_source(config)
    _require_fitting(config, source)
    models, calibration = _load(config)
    writers: list[PredictionWriter] = [FileWriter(Path(out)) for out in config.out]
    if overlays is not None:
        writers.append(overlays)
    outs = [writer.place for writer in writers]
    identity, record = _identities(config, source, models, calibration)
    if record is not None and not config.overwrite and is_made(outs, record):
        _report_finished(config, outs, listener)
        return None
    with resumable(outs, identity, record, config.overwrite, listener) as run:
        result = source.predict(models, run, writers, listener)
        result = _smoothed_and_calibrated(config, result, models.predictor, calibration)
        if calibration is not None:
            listener.line(f"confidence is {result.meaning}")
        # Until all files are written again, nothing here counts as finished.
        forget_finished(outs)
        for writer in writers:
            for line in writer.write(result, models.predictor.skeleton):
                listener.line(line)
    return result


def _load(config: PredictConfig) -> tuple[Models, Calibration | None]:
    predictor = predictors.load(config.model, config.checkpoint)
    if config.tta is not None:
        predictor = predictor.with_views(**asdict(config.tta))
    require_places(config.out, predictor.skeleton)
    if config.calibrated and predictor.tta.times > 1:
        raise InputError(
            "--calibrated needs the peaks of one view, and this model is used with several: leave "
            "out --tta-flip and give --tta-views 1, or leave out --calibrated."
        )
    calibration = get_calibration(predictor) if config.calibrated else None
    detector = None
    if config.detector:
        wanted = Wanted(
            *(config.detector_class, config.score_threshold, config.min_box_size, config.largest)
        )
        detector = SubjectDetector(load_detector(config.detector, config.detector_weights), wanted)
        wanted.check(detector.detector)
    return Models(predictor, detector), calibration


def _require_fitting(config: PredictConfig, source: FrameSource) -> None:
    """Raise InputError for options that need another kind of source, before anything is computed."""
    camera = not source.repeatable
    if not camera and (config.seconds is not None or config.save_frames):
        option = "--save-frames" if config.save_frames else "--seconds"
        raise InputError(f"{option} is for a camera, and {config.images} is not a camera.")
    if (config.smooth or config.overlay_video) and not source.timed:
        option = "--smooth" if config.smooth else config.overlays
        raise InputError(f"{config.images} is not one video, which {option} needs; give a video.")
    if not camera or config.save_frames:
        return
    needing = [out for out in config.out if output_ending(out) in NAMES_FILES]
    needing += [config.overlays] if config.overlays else []
    if needing:
        raise InputError(
            f"{needing[0]} needs the camera's frames as files; name a folder with --save-frames FOLDER."
        )


def _identities(
    config: PredictConfig,
    source: FrameSource,
    models: Models,
    calibration: Calibration | None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return what the keypoints depend on, and what finished files depend on; None where unused."""
    state = source.state()
    if state is None:
        return None, None
    fields = ("frame_step", "max_frames", "category", "min_box_size")
    keypoints = {name: getattr(config, name) for name in fields}
    keypoints["min_score"] = config.score_threshold
    if models.detector is not None:
        keypoints |= {
            "detector": models.detector.detector.digest,
            **models.detector.wanted._asdict(),
        }
    files = {
        "smooth": config.smooth,
        "calibration": None if calibration is None else calibration.to_dict(),
        "confidence": config.min_confidence if config.overlays else None,
    }
    network = models.predictor.network
    identity = get_identity(network, state, keypoints)
    record = get_identity(network, state, {**keypoints, **files}) if source.repeatable else None
    return identity, record


def _smoothed_and_calibrated(
    config: PredictConfig,
    result: FramePredictions,
    predictor: Predictor,
    calibration: Calibration | None,
) -> FramePredictions:
    predictions, meaning = result.predictions, result.meaning
    if config.smooth:
        assert result.seconds is not None
        predictions = smoothed(predictions, result.seconds)
    if predictor.tta.times > 1:
        meaning = "what several views of the crop agree on"
    if calibration is not None:
        predictions = with_calibrated_confidence(predictions, calibration)
        meaning = (
            f"the probability of an error within {calibration.within} of the crop's side, calibrated "
            "on labeled source images"
        )
    return result._replace(predictions=predictions, meaning=meaning)


def _report_finished(config: PredictConfig, outs: Sequence[Path], listener: Listener) -> None:
    several = len(outs) > 1
    listener.line(
        f"nothing to do: {', '.join(map(str, outs))} {'are' if several else 'is'} made by this model "
        f"of {config.images} as it is, with this config; --overwrite makes "
        f"{'them' if several else 'it'} again."
    )
