"""Predictions with calibrated confidence, by a run's or an exported file's calibration."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.errors import InputError
from posebridge.evaluation.calibration import Calibration, read_calibrations
from posebridge.files.json_files import read_json
from posebridge.inference.onnx_network import OnnxNetwork
from posebridge.inference.predictions import PosePredictions
from posebridge.inference.predictor import Predictor

WITHIN = 0.05


def find_calibration(checkpoint: Checkpoint) -> Calibration:
    """Return the calibration of peaks for errors within 0.05 of the crop's side.

    It is in ``report/`` of the model folder's run. The report records the checkpoint and the step that
    it was made of; the calibration of another checkpoint is refused.

    Raises:
        InputError: no report, a report of another checkpoint, or one that does not fit the skeleton.
    """
    folder = checkpoint.folder.resolve()
    run = folder.parents[1] if folder.parent.name == "checkpoints" else None
    if run is None:
        raise InputError(
            f"{checkpoint.folder} has no calibration, which belongs to a run; give the run folder, "
            "or leave out --calibrated."
        )
    file = run / "report" / "calibration.json"
    if not file.is_file():
        raise InputError(
            f"{file} does not exist; make it (posebridge report {shlex.quote(str(run))}) or leave "
            "out --calibrated."
        )
    name = "source" if folder.name == "source" else "adapted"
    _same_weights(checkpoint, run / "report" / "report.json", name)
    found = next((m for m in read_calibrations(file).get(name, []) if m.within == WITHIN), None)
    if found is None:
        raise InputError(
            f"{file} has no map for {WITHIN} of the crop's side and the {name} checkpoint; make it "
            f"again (posebridge report {shlex.quote(str(run))}) or leave out --calibrated."
        )
    if found.own and not 0 <= min(found.own) <= max(found.own) < len(checkpoint.skeleton):
        raise InputError(
            f"{file} has a map for a keypoint that the model does not have; make it again "
            f"(posebridge report {shlex.quote(str(run))})."
        )
    return found


def get_calibration(predictor: Predictor) -> Calibration:
    """Return the calibration of a loaded model, from its run's report or from an exported file.

    Raises:
        InputError: see :func:`find_calibration`; or an exported file without one.
    """
    network = predictor.network
    if not isinstance(network, OnnxNetwork):
        return find_calibration(predictor.checkpoint)
    if network.file_notes.calibration is None:
        raise InputError(
            f"{network.name} carries no calibration; make it with 'posebridge export --calibrated', "
            "or leave out --calibrated."
        )
    return network.file_notes.calibration


def with_calibrated_confidence(found: PosePredictions, calibration: Calibration) -> PosePredictions:
    """Return the predictions with each peak replaced by its calibrated confidence."""
    return replace(found, confidence=calibration(found.confidence).astype("float32"))


def _same_weights(checkpoint: Checkpoint, file: Path, name: str) -> None:
    raw = read_json(file, "report")
    chosen = checkpoint.folder.name
    try:
        judged = name if name == "source" else str(raw["weights"])
        step = raw["steps"][name == "adapted"]
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{file} is not a report that posebridge wrote ({error!r}); make it again with "
            "'posebridge report'."
        ) from error
    own = checkpoint.results.get("step")
    if judged != chosen or (step is not None and own is not None and step != own):
        raise InputError(
            f"{file} is about the checkpoint '{judged}' of step {step}, not '{chosen}' of step {own}; "
            + (
                f"make it again with 'posebridge report --checkpoint {chosen}'"
                if name == "adapted"
                else "make it again with 'posebridge report'"
            )
            + ", or leave out --calibrated."
        )
