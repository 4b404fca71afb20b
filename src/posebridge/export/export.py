"""A model as one file for other runtimes, pre-processing and decoding inside.

In go uint8 RGB crops (B, C, C, 3), the layout of OpenCV and numpy; out come ``points`` (B, K, 2) in
pixels of the crop, ``confidence`` (B, K) in [0, 1], ``cells`` (B, K, 2), the highest cell of each
heatmap, and where asked for ``heatmaps`` (B, K, S, S) and ``chance`` (B, K), the calibrated confidence.
The batch is of any size.

onnx         one .onnx file, by torch.onnx on top of torch.export; opset 18
openvino     .xml and .bin, converted from that
torchscript  one .pt file that C++ reads too, by tracing; PyTorch calls TorchScript deprecated
program      one .pt2 file, torch.export's own format

Each file carries the JSON of :class:`~posebridge.inference.onnx_network.FileNotes`.
"""

from __future__ import annotations

import copy
import io
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.data.loaders import crop_loader
from posebridge.data.samples import UnlabelledSamples
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
"""Pixels of the crop within which a file of full precision agrees with PyTorch."""

_CALIBRATION_IMAGES = 128
_CHECKED_FIGURES = 16


@dataclass(frozen=True)
class Export:
    """A file and how well it agrees with the PyTorch model.

    Attributes:
        files: what was written, the one to load first.
        distances: (N, K) pixels of the crop between the file's points and those of the PyTorch
            model at full precision.
        images: what N images that was: calibration images or built-in figures.
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
    int8: UnlabelledSamples | None = None,
    heatmaps: bool = False,
    calibration: Calibration | None = None,
) -> Export:
    """Write a model for another runtime, load the file there, and compare its answers.

    Args:
        file: with the ending of the format: .onnx, .xml, .pt or .pt2.
        to: ``onnx``, ``openvino``, ``torchscript`` or ``program``.
        half: the network computes in half precision; input and outputs stay as they are.
        int8: images by which the network is quantised to 8 bits (onnx and openvino); those it
            will see, such as the unlabelled target.
        heatmaps: the heatmaps are an output.
        calibration: of these weights, such as
            :func:`~posebridge.inference.calibrated.find_calibration` has it: the chance is an output,
            and the file carries the map.

    Raises:
        InputError: an unknown format or ending, options that exclude each other, a package that is
            missing, or a network that the format cannot hold.
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
        asked=checkpoint.asked,
    ).to_json()
    written = export_files(file, to)
    with files_written_whole(written[::-1]) as partials:
        partial = partials[-1]
        try:
            if to in ("onnx", "openvino"):
                content = _translated(graph)
                if int8 is not None:
                    from posebridge.export.quantization import quantised

                    content = quantised(content, crops)
                if to == "onnx":
                    partial.write_bytes(_annotated(content, notes))
                else:
                    _write_openvino(content, notes, partial, half)
            else:
                _WRITERS[to](graph, notes, partial)
        except (InputError, OSError):
            raise
        except Exception as error:  # exporters fail in errors of their own, some a page long
            require_writable(file)  # a full disk is one of them
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
    checkpoint: Checkpoint, samples: UnlabelledSamples | None
) -> tuple[np.ndarray, str, list[str]]:
    """Crops (N, C, C, 3) to calibrate and to compare by, what they are, and what was unreadable."""
    size = checkpoint.crop.size
    if samples is None:
        figures = [
            render_figure("camera", 0, i, max(size, 32)).image for i in range(_CHECKED_FIGURES)
        ]
        crops = np.stack(figures)[:, :size, :size]
        return np.ascontiguousarray(crops), "built-in figures", []
    spread = np.linspace(0, len(samples) - 1, min(_CALIBRATION_IMAGES, len(samples))).astype(int)
    parts, skipped = [], []
    for crops, _, errors in crop_loader(samples.subset(spread), checkpoint.crop, 32, 0):
        fine = [i for i, error in enumerate(errors) if error is None]
        parts.append(crops[fine].permute(0, 2, 3, 1).contiguous().numpy())
        skipped += [error for error in errors if error is not None]
    crops = np.concatenate(parts)
    if len(crops) == 0:
        raise InputError(f"no image of {samples.name} can be read; the first: {skipped[0]}.")
    return crops, f"images of {samples.name}", skipped


def _example(graph: EndToEnd) -> torch.Tensor:
    size = graph.model.input_size
    # Two: a batch of one would be taken for a constant.
    return torch.zeros(2, size, size, 3, dtype=torch.uint8)


def _program(graph: EndToEnd) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = {"images": {0: torch.export.Dim("batch", min=1)}}
        return torch.export.export(graph, (_example(graph),), dynamic_shapes=batch)


def _translated(graph: EndToEnd) -> bytes:
    """The network as an ONNX model."""
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


def _write_torchscript(graph: EndToEnd, notes: str, file: Path) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        # That TorchScript is deprecated is said in the documentation; tracing warns of every
        # comparison of sizes, which are the same for every batch.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(graph, _example(graph), check_trace=False)
        content = io.BytesIO()  # torch has errors of its own for a full disk
        torch.jit.save(traced, content, _extra_files={f"{METADATA}.json": notes})
    file.write_bytes(content.getvalue())


def _write_program(graph: EndToEnd, notes: str, file: Path) -> None:
    content = io.BytesIO()
    torch.export.save(_program(graph), content, extra_files={f"{METADATA}.json": notes})
    file.write_bytes(content.getvalue())


_WRITERS: dict[str, Callable[[EndToEnd, str, Path], None]] = {
    "torchscript": _write_torchscript,
    "program": _write_program,
}


def _compare(original: EndToEnd, file: Path, crops: np.ndarray) -> np.ndarray:
    """(N, K) pixels between the points of the PyTorch model and those of the file."""
    exported = open_exported(file)
    distances = []
    for start in range(0, len(crops), 16):
        part = crops[start : start + 16]
        with torch.inference_mode():
            expected = original(torch.from_numpy(part))[0].numpy()
        distances.append(np.hypot(*np.moveaxis(exported(part)["points"] - expected, -1, 0)))
    return np.concatenate(distances)
