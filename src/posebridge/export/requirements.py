"""What has to hold for an export, checked before the work: options, packages, the place, the size."""

from __future__ import annotations

import importlib
from pathlib import Path

from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.errors import InputError
from posebridge.files.whole import require_writable

ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt", "program": ".pt2"}
_NEEDS = {
    "onnx": ("export", ("onnx", "onnxscript", "onnxruntime")),
    "openvino": ("openvino", ("onnx", "onnxscript", "openvino")),
    "torchscript": ("", ()),
    "program": ("", ()),
}
_LARGEST_FILE = 2**31 - 2**20


def require_export(file: Path | str, to: str, half: bool, quantise: bool) -> None:
    """Raise InputError for options, packages or a place that can't be, before a model is read."""
    file = Path(file)
    _require_options(file, to, half, quantise)
    _require_packages(to, quantise)
    for each in export_files(file, to):
        require_writable(each)


def export_files(file: Path, to: str) -> tuple[Path, ...]:
    """Return the files of an export, the one to load first."""
    return (file, file.with_suffix(".bin")) if to == "openvino" else (file,)


def _require_options(file: Path, to: str, half: bool, quantise: bool) -> None:
    if to not in ENDINGS:
        raise InputError(f"unknown format '{to}'; known are {', '.join(ENDINGS)}.")
    if file.suffix.lower() != ENDINGS[to]:
        raise InputError(f"{file} does not end in {ENDINGS[to]}, as a file of {to} has to.")
    if half and quantise:
        raise InputError("half precision and 8 bits exclude each other; choose one.")
    if quantise and to not in ("onnx", "openvino"):
        raise InputError(f"8 bits are for onnx and openvino, not for {to}.")


def require_size(checkpoint: Checkpoint, to: str, half: bool) -> None:
    """Raise InputError for a network that is larger than one file of the format can be."""
    size = sum(p.numel() for p in checkpoint.model.parameters()) * (2 if half else 4)
    if to in ("onnx", "openvino") and size > _LARGEST_FILE:
        raise InputError(
            f"the network has {size / 2**30:.1f} GiB, and one ONNX file holds 2 at most; use half "
            "precision or --to program."
        )


def _require_packages(to: str, quantise: bool) -> None:
    extra, names = _NEEDS[to]
    if quantise:
        names = tuple(dict.fromkeys((*names, "onnx", "onnxruntime")))
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise InputError(
                f"export to {to} needs {name}; install it with pip install 'posebridge[{extra}]'."
            ) from error
