"""Exported files in the runtimes that they are made for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posebridge.errors import InputError
from posebridge.inference.onnx_network import METADATA, FileNotes, OnnxNetwork

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]


def open_exported(file: Path) -> Answer:
    """A function from (B, C, C, 3) uint8 RGB crops to the outputs by name, on the CPU.

    For files of one's own: unlike an .onnx or .xml, a .pt or .pt2 is code that PyTorch runs.
    """
    return _OPENERS[file.suffix.lower()](file)[0]


def read_notes(file: Path) -> FileNotes:
    """What an exported file says of itself."""
    return FileNotes.from_json(_OPENERS[file.suffix.lower()](file)[1], str(file))


def _open_onnx(file: Path) -> tuple[Answer, str]:
    network = OnnxNetwork(file, "cpu")
    return network.run, network.file_notes.to_json()


def _open_openvino(file: Path) -> tuple[Answer, str]:
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
        # On a CPU with bfloat16, OpenVINO would compute in that and be off by a pixel.
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.compile_model(model, "CPU", options)

    def answer(images: np.ndarray) -> dict[str, np.ndarray]:
        found = compiled([images])
        return {name: np.array(found[name]) for name in names}

    return answer, notes


def _open_torchscript(file: Path) -> tuple[Answer, str]:
    extra = {f"{METADATA}.json": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(file, map_location="cpu", _extra_files=extra)
    notes = _text(extra)
    return _by_name(module, notes, file), notes


def _open_program(file: Path) -> tuple[Answer, str]:
    extra = {f"{METADATA}.json": ""}
    program = torch.export.load(file, extra_files=extra)
    notes = _text(extra)
    return _by_name(program.module(), notes, file), notes


def _by_name(module: Any, notes: str, file: Path) -> Answer:
    names = FileNotes.from_json(notes, str(file)).outputs

    @torch.inference_mode()
    def answer(images: np.ndarray) -> dict[str, np.ndarray]:
        found = [part.numpy() for part in module(torch.from_numpy(images))]
        return dict(zip(names, found, strict=True))

    return answer


def _text(extra: dict[str, Any]) -> str:
    (content,) = extra.values()
    return content.decode() if isinstance(content, bytes) else content


_OPENERS: dict[str, Callable[[Path], tuple[Answer, str]]] = {
    ".onnx": _open_onnx,
    ".xml": _open_openvino,
    ".pt": _open_torchscript,
    ".pt2": _open_program,
}
