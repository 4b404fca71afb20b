"""Exported files, opened in their runtimes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posebridge.errors import InputError
from posebridge.export.requirements import NO_TORCHSCRIPT
from posebridge.inference.onnx_network import METADATA, FileNotes, OnnxNetwork

Predict = Callable[[np.ndarray], dict[str, np.ndarray]]


def open_exported(file: Path) -> Predict:
    """Return a function from (B, C, C, 3) uint8 RGB crops to the outputs by name, on the CPU.

    Open only trusted files: unlike an .onnx or .xml file, a .pt2 file is code that PyTorch runs.

    Raises:
        InputError: the file is in no format of an export, or in the former format TorchScript.
    """
    return _open(file)[0]


def read_notes(file: Path) -> FileNotes:
    """Return the notes that an exported file carries."""
    return FileNotes.from_json(_open(file)[1], str(file))


def _open(file: Path) -> tuple[Predict, str]:
    ending = file.suffix.lower()
    if ending == ".pt":
        raise InputError(f"{file} can't be opened: {NO_TORCHSCRIPT}")
    if ending not in _OPENERS:
        raise InputError(
            f"{file} is not an exported file; give one that ends in {', '.join(_OPENERS)}."
        )
    return _OPENERS[ending](file)


def _open_onnx(file: Path) -> tuple[Predict, str]:
    network = OnnxNetwork(file, "cpu")
    return network.run, network.file_notes.to_json()


def _open_openvino(file: Path) -> tuple[Predict, str]:
    try:
        import openvino
    except ImportError as error:
        raise InputError(
            f"{file} needs openvino; install it with pip install 'posebridge[openvino]'."
        ) from error
    model = openvino.Core().read_model(file)
    names = [output.get_any_name() for output in model.outputs]
    notes = model.get_rt_info([METADATA]).astype(str)
    options = {
        # On a CPU with bfloat16, OpenVINO would compute in bfloat16 and be off by a pixel.
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.compile_model(model, "CPU", options)

    def predict(images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = compiled([images])
        return {name: np.array(outputs[name]) for name in names}

    return predict, notes


def _open_program(file: Path) -> tuple[Predict, str]:
    extra: dict[str, Any] = {f"{METADATA}.json": ""}
    module = torch.export.load(file, extra_files=extra).module()
    (content,) = extra.values()
    notes = content.decode() if isinstance(content, bytes) else content
    names = FileNotes.from_json(notes, str(file)).outputs

    @torch.inference_mode()
    def predict(images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = [part.numpy() for part in module(torch.from_numpy(images))]
        return dict(zip(names, outputs, strict=True))

    return predict, notes


_OPENERS: dict[str, Callable[[Path], tuple[Predict, str]]] = {
    ".onnx": _open_onnx,
    ".xml": _open_openvino,
    ".pt2": _open_program,
}
