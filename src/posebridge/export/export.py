"""A model as one file for other runtimes, with pre-processing and decoding inside.

The input is uint8 RGB crops (B, C, C, 3), the layout of OpenCV and numpy. The outputs are ``points``
(B, K, 2) in pixels of the crop, ``confidence`` (B, K) in [0, 1], and ``cells`` (B, K, 2), the highest
cell of each heatmap. ``heatmaps`` (B, K, S, S) and ``probability`` (B, K), the calibrated confidence, are
optional outputs. The batch has any size.

onnx      one .onnx file, by torch.onnx on top of torch.export; opset 18
openvino  .xml and .bin, converted from the ONNX model
program   one .pt2 file, torch.export's own format

Each file carries the JSON of :class:`~posebridge.inference.onnx_network.FileNotes`.
"""

from __future__ import annotations

import copy
import io
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.data.loaders import crop_loader
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.evaluation.calibration import Calibration
from posebridge.export.requirements import export_files, require_export, require_size
from posebridge.export.runtimes import open_exported
from posebridge.files.whole import files_written_whole, require_writable
from posebridge.inference.network import EndToEnd
from posebridge.inference.onnx_network import METADATA, FileNotes
from posebridge.models.finite import require_finite_weights
from posebridge.synthetic.figures import render_figure
from posebridge.version import __version__

OPSET = 18
TOLERANCE = 0.01
"""Pixels of the crop within which a full-precision file agrees with PyTorch."""

_CALIBRATION_IMAGES = 128
_CHECKED_FIGURES = 16


@dataclass(frozen=True)
class Export:
    """An exported file and its distances from the PyTorch model.

    Attributes:
        files: the files that were written, the one to load first.
        distances: (N, K) pixels of the crop between the file's points and the points of the
            full-precision PyTorch model.
        images: a description of the N images: calibration images or synthetic figures.
        skipped: one line for each calibration image that could not be read.
    """

    files: tuple[Path, ...]
    distances: np.ndarray
    images: str
    skipped: tuple[str, ...]


def export(
    checkpoint: Checkpoint,
    file: Path | str,
    to: str = "onnx",
    *,
    half: bool = False,
    int8: UnlabeledSamples | None = None,
    heatmaps: bool = False,
    calibration: Calibration | None = None,
) -> Export:
    """Write a model for another runtime, load the file there, and compare the predictions.

    Args:
        file: the path, with the ending of the format: .onnx, .xml or .pt2.
        to: ``onnx``, ``openvino`` or ``program``.
        half: compute the network in half precision; input and outputs keep their types.
        int8: images that calibrate the quantization to 8 bits (onnx and openvino), of the kind
            that the network will predict on, such as the unlabeled target.
        heatmaps: add the heatmaps as an output.
        calibration: the calibration of this checkpoint, as
            :func:`~posebridge.inference.calibrated.find_calibration` returns it. It adds the
            calibrated confidence as the output ``probability``, and the file carries the calibration.

    Raises:
        InputError: the format or ending is unknown, options exclude each other, a package is
            missing, or the format cannot hold the network.
    """
    file = Path(file)
    require_export(file, to, half, int8 is not None)
    require_size(checkpoint, to, half)
    require_finite_weights(checkpoint.model.state_dict(), str(checkpoint.folder))
    more = (checkpoint.skeleton, heatmaps, calibration)
    original = EndToEnd(checkpoint.model.cpu().float().eval(), *more)
    crops, images, skipped = _images(checkpoint, int8)
    graph = original
    if half:
        graph = EndToEnd(copy.deepcopy(checkpoint.model).half(), *more)
    notes = FileNotes(
        checkpoint.skeleton,
        checkpoint.crop,
        checkpoint.model.config.heatmap_size,
        precision="int8" if int8 is not None else "float16" if half else "float32",
        notes=_notes(checkpoint),
        outputs=original.outputs,
        calibration=calibration,
        tta=checkpoint.tta,
    ).to_json()
    written = export_files(file, to)
    with files_written_whole(written[::-1]) as partials:
        partial = partials[-1]
        try:
            if to in ("onnx", "openvino"):
                content = _translated(graph)
                if int8 is not None:
                    from posebridge.export.quantization import quantize

                    content = quantize(content, crops)
                if to == "onnx":
                    partial.write_bytes(_annotated(content, notes))
                else:
                    _write_openvino(content, notes, partial, half)
            else:
                _write_program(graph, notes, partial)
        except (InputError, OSError):
            raise
        except Exception as error:  # exporters raise their own errors, some a page long
            require_writable(file)  # a full disk also raises an exporter's own error
            line = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise InputError(
                f"{to} can't hold the network of {checkpoint.folder} "
                f"({checkpoint.model.config.encoder}): {line.rstrip('.')}; try another format."
            ) from error
        distances = _compare(original, partial, crops)
    return Export(tuple(written), distances, images, tuple(skipped))


def _notes(checkpoint: Checkpoint) -> dict[str, Any]:
    results, seed = checkpoint.results, checkpoint.config.get("seed")
    return {
        "step": results.get("step"),
        "weights": results.get("weights"),
        "seed": seed,
        "posebridge": __version__,
    }


def _images(
    checkpoint: Checkpoint, samples: UnlabeledSamples | None
) -> tuple[np.ndarray, str, list[str]]:
    """Return crops (N, C, C, 3) for calibration and comparison, a description, and read errors."""
    size = checkpoint.crop.size
    if samples is None:
        figures = [
            render_figure("camera", 0, i, max(size, 32)).image for i in range(_CHECKED_FIGURES)
        ]
        crops = np.stack(figures)[:, :size, :size]
        return np.ascontiguousarray(crops), "built-in figures", []
    picked = np.linspace(0, len(samples) - 1, min(_CALIBRATION_IMAGES, len(samples))).astype(int)
    parts, skipped = [], []
    for crops, _, errors in crop_loader(samples.subset(picked), checkpoint.crop, 32, 0):
        fine = [i for i, error in enumerate(errors) if error is None]
        parts.append(crops[fine].permute(0, 2, 3, 1).contiguous().numpy())
        skipped += [error for error in errors if error is not None]
    crops = np.concatenate(parts)
    if len(crops) == 0:
        raise InputError(f"no image of {samples.name} can be read; the first: {skipped[0]}.")
    return crops, f"images of {samples.name}", skipped


def _example(graph: EndToEnd) -> torch.Tensor:
    size = graph.model.input_size
    # The batch is 2: torch.export would specialize a batch of 1 to a constant.
    return torch.zeros(2, size, size, 3, dtype=torch.uint8)


def _program(graph: EndToEnd) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = {"images": {0: torch.export.Dim("batch", min=1)}}
        return torch.export.export(graph, (_example(graph),), dynamic_shapes=batch)


def _translated(graph: EndToEnd) -> bytes:
    """Return the network as an ONNX model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _program(graph),
            (),
            dynamo=True,
            input_names=["images"],
            output_names=list(graph.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    return cast(Any, program).model_proto.SerializeToString()


def _annotated(content: bytes, notes: str) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA, notes
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _write_openvino(content: bytes, notes: str, file: Path, half: bool) -> None:
    import openvino

    with tempfile.NamedTemporaryFile(
        dir=file.parent, prefix=".posebridge-", suffix=".onnx"
    ) as source:
        source.write(content)
        source.flush()
        model = openvino.convert_model(source.name)
        model.set_rt_info(notes, [METADATA])
        openvino.save_model(model, file, compress_to_fp16=half)


def _write_program(graph: EndToEnd, notes: str, file: Path) -> None:
    content = io.BytesIO()  # torch raises its own errors for a full disk
    torch.export.save(_program(graph), content, extra_files={f"{METADATA}.json": notes})
    file.write_bytes(content.getvalue())


def _compare(original: EndToEnd, file: Path, crops: np.ndarray) -> np.ndarray:
    """Return the (N, K) pixels between the points of the PyTorch model and of the file."""
    exported = open_exported(file)
    distances = []
    for start in range(0, len(crops), 16):
        part = crops[start : start + 16]
        with torch.inference_mode():
            expected = original(torch.from_numpy(part))[0].numpy()
        distances.append(np.hypot(*np.moveaxis(exported(part)["points"] - expected, -1, 0)))
    return np.concatenate(distances)
