"""Options, packages, output path and size of an export, checked before the export begins."""

from __future__ import annotations

import importlib
from pathlib import Path

from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.errors import InputError
from posebridge.files.whole import require_writable

ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "program": ".pt2"}
_NEEDS = {
    "onnx": ("export", ("onnx", "onnxscript", "onnxruntime")),
    "openvino": ("openvino", ("onnx", "onnxscript", "openvino")),
    "program": ("", ()),
}
NO_TORCHSCRIPT = (
    "TorchScript is deprecated in PyTorch and no longer supported; export with --to onnx (.onnx) or "
    "--to program (the .pt2 of torch.export)."
)
_LARGEST_FILE = 2**31 - 2**20


def require_export(file: Path | str, to: str, half: bool, quantize: bool) -> None:
    """Raise InputError for unusable options, packages or output paths, before a model is read."""
    file = Path(file)
    _require_options(file, to, half, quantize)
    _require_packages(to, quantize)
    for each in export_files(file, to):
        require_writable(each)


def export_files(file: Path, to: str) -> tuple[Path, ...]:
    """Return the files of an export, the one to load first."""
    return (file, file.with_suffix(".bin")) if to == "openvino" else (file,)


def _require_options(file: Path, to: str, half: bool, quantize: bool) -> None:
    if to == "torchscript":
        raise InputError(NO_TORCHSCRIPT)
    if to not in ENDINGS:
        raise InputError(f"unknown format '{to}'; choose one of {', '.join(ENDINGS)}.")
    if file.suffix.lower() != ENDINGS[to]:
        raise InputError(f"{file} does not end in {ENDINGS[to]}, the ending of {to} files.")
    if half and quantize:
        raise InputError("half precision and 8 bits exclude each other; choose one.")
    if quantize and to not in ("onnx", "openvino"):
        raise InputError(f"8 bits are available for onnx and openvino, not for {to}.")


def require_size(checkpoint: Checkpoint, to: str, half: bool) -> None:
    """Raise InputError for a network that is too large for one file of the format."""
    size = sum(p.numel() for p in checkpoint.model.parameters()) * (2 if half else 4)
    if to in ("onnx", "openvino") and size > _LARGEST_FILE:
        raise InputError(
            f"the network has {size / 2**30:.1f} GiB, and one ONNX file holds at most 2; use half "
            "precision or --to program."
        )


def _require_packages(to: str, quantize: bool) -> None:
    extra, names = _NEEDS[to]
    if quantize:
        names = tuple(dict.fromkeys((*names, "onnx", "onnxruntime")))
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise InputError(
                f"export to {to} needs {name}; install it with pip install 'posebridge[{extra}]'."
            ) from error
