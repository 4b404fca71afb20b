"""An exported ONNX file as a network, by onnxruntime."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from posebridge.data.crops import CropConfig
from posebridge.errors import InputError
from posebridge.evaluation.calibration import Calibration
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import parse_json
from posebridge.files.typed_values import checked_value
from posebridge.inference.network import Keypoints
from posebridge.models.tta import TTAConfig
from posebridge.skeleton import Skeleton

METADATA = "posebridge"
"""The entry of a file's metadata that holds the JSON of :class:`FileNotes`."""


@dataclass(frozen=True)
class FileNotes:
    """The metadata of an exported file.

    Attributes:
        skeleton: the names and pairs of the keypoints.
        crop: size of the crops that go in, and padding round a box.
        heatmap_size: cells on a side.
        least_confidence: keypoints below it are not drawn.
        precision: of the network: 'float32', 'float16' or 'int8'.
        notes: the recorded entries of the checkpoint: 'step', 'weights', 'seed', 'posebridge'.
        outputs: their names, in order.
        calibration: from peaks to calibrated confidence, if the file has one.
        tta: the default test-time augmentation.
    """

    skeleton: Skeleton
    crop: CropConfig
    heatmap_size: int
    least_confidence: float = 0.2
    precision: str = "float32"
    notes: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[str] = ("points", "confidence", "cells")
    calibration: Calibration | None = None
    tta: TTAConfig = field(default_factory=TTAConfig)

    def to_json(self) -> str:
        """Return the text for the file."""
        return json.dumps(
            {
                "skeleton": self.skeleton.to_dict(),
                "input_size": self.crop.size,
                "padding": self.crop.padding,
                "heatmap_size": self.heatmap_size,
                "least_confidence": self.least_confidence,
                "precision": self.precision,
                "notes": dict(self.notes),
                "outputs": list(self.outputs),
                "calibration": self.calibration and self.calibration.to_dict(),
                "tta": asdict(self.tta),
            }
        )

    @classmethod
    def from_json(cls, text: str, where: str) -> FileNotes:
        """Read what :meth:`to_json` wrote; ``where`` names the file in an error."""
        try:
            raw = _parsed(text, where)
            skeleton = Skeleton.from_content(raw["skeleton"], where)
            calibrated = raw.get("calibration")
            calibration = None if calibrated is None else Calibration.from_dict(calibrated, where)
            if calibration is not None and not set(calibration.own) <= set(range(len(skeleton))):
                raise ValueError("a calibration of a keypoint that is not in the skeleton")
            return cls(
                skeleton,
                _crop(raw, where),
                _typed(raw, "heatmap_size", int, where),
                _typed(raw, "least_confidence", float, where),
                _typed(raw, "precision", str, where),
                dict(raw["notes"]),
                tuple(str(name) for name in raw.get("outputs", cls.outputs)),
                calibration,
                _asked(raw.get("tta", {}), where),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(
                f"the metadata of {where} are not as posebridge writes them ({short_repr(error)}); "
                "export the model again."
            ) from error


def _parsed(text: str, where: str) -> Any:
    try:
        return parse_json(text, "it", "metadata")
    except InputError as error:
        raise InputError(
            f"the metadata of {where} are not as posebridge writes them "
            f"({str(error).split(';')[0].rstrip('.')}); export the model again."
        ) from error


def _typed(raw: Mapping[str, Any], name: str, hint: type, where: str) -> Any:
    try:
        return checked_value(raw[name], hint, name, exact=True)
    except InputError as error:
        raise InputError(f"the metadata of {where}: {error} Or export the model again.") from error


def _crop(raw: Mapping[str, Any], where: str) -> CropConfig:
    size, padding = _typed(raw, "input_size", int, where), _typed(raw, "padding", float, where)
    try:
        return CropConfig(size, padding)
    except InputError as error:
        raise InputError(f"the metadata of {where}: {error}") from error


def _asked(raw: Mapping[str, Any], where: str) -> TTAConfig:
    try:
        return TTAConfig(**raw)
    except InputError as error:
        raise InputError(f"the metadata of {where}: 'tta': {error}") from error


class OnnxNetwork:
    """A file that ``posebridge export --to onnx`` wrote; nothing in it is Python.

    Args:
        file: the .onnx file.
        device: ``auto``, ``cpu`` or ``cuda``; a GPU needs the package onnxruntime-gpu.

    Raises:
        InputError: onnxruntime is missing, the file is damaged or not from posebridge.
    """

    def __init__(self, file: Path, device: str = "auto") -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(
                f"{file} needs onnxruntime; install it with pip install 'posebridge[export]'."
            ) from error
        if not file.is_file():
            raise InputError(f"{file} does not exist; give a file of 'posebridge export'.")
        options = onnxruntime.SessionOptions()
        # As many threads as torch uses; two larger pools would compete for the cores.
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        wanted = ["CUDAExecutionProvider"] if device != "cpu" else []
        available = onnxruntime.get_available_providers()
        if device == "cuda" and wanted[0] not in available:
            raise InputError("onnxruntime finds no GPU; install onnxruntime-gpu, or choose cpu.")
        providers = [p for p in (*wanted, "CPUExecutionProvider") if p in available]
        try:
            # From bytes, so that a file can't refer to other files.
            content = file.read_bytes()
            self.session = onnxruntime.InferenceSession(content, options, providers)
        except Exception as error:  # a class for each of a dozen ways to be damaged
            raise InputError(
                f"{file} is not an ONNX file that runs ({type(error).__name__}); export it again."
            ) from error
        entry = self.session.get_modelmeta().custom_metadata_map.get(METADATA)
        if entry is None:
            raise InputError(f"{file} was not written by posebridge: it does not name keypoints.")
        self.file_notes = FileNotes.from_json(entry, str(file))
        self.name = str(file)
        self.digest = hashlib.sha256(content).hexdigest()
        self.skeleton, self.crop = self.file_notes.skeleton, self.file_notes.crop
        self.heatmap_size, self.notes = self.file_notes.heatmap_size, self.file_notes.notes
        self._require_shapes()

    def _require_shapes(self) -> None:
        size, count = self.crop.size, len(self.skeleton)
        inputs = {i.name: list(i.shape[1:]) for i in self.session.get_inputs()}
        outputs = {o.name: list(o.shape[1:]) for o in self.session.get_outputs()}
        outputs.pop("heatmaps", None)
        expected = {"points": [count, 2], "confidence": [count], "cells": [count, 2]}
        if self.file_notes.calibration is not None:
            expected["probability"] = [count]
        if inputs != {"images": [size, size, 3]} or outputs != expected:
            raise InputError(
                f"the network in {self.name} does not fit its metadata (inputs {inputs}, outputs "
                f"{outputs}); export the model again."
            )

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return all outputs by name for (B, C, C, 3) uint8 RGB crops."""
        names = [output.name for output in self.session.get_outputs()]
        answers = self.session.run(None, {"images": images})
        return {name: np.asarray(part) for name, part in zip(names, answers, strict=True)}

    def keypoints(self, crops: UInt8[Tensor, "B 3 C C"]) -> Keypoints:
        """Return the keypoints; see :class:`~posebridge.inference.network.Network`."""
        answer = self.run(crops.permute(0, 2, 3, 1).contiguous().numpy())
        return Keypoints(answer["points"], answer["confidence"], answer["cells"])
