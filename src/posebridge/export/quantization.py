"""8-bit weights and activations for an exported network, by onnxruntime's static quantization."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.files.whole import require_writable

_QUANTIZED = {"Conv", "MatMul", "Gemm", "Add", "Relu", "Clip", "MaxPool"}


def quantize(content: bytes, crops: np.ndarray) -> bytes:
    """Return the ONNX model with its encoder in 8 bits.

    The last convolution, the deconvolutions (onnxruntime has no 8-bit kernel for them) and the
    decoding keep their precision, because they set the precision of the heatmaps.

    Args:
        content: a model of :func:`posebridge.export.export.export`.
        crops: (N, C, C, 3) uint8 RGB that calibrate the ranges of the activations.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Crops(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(np.array_split(crops, -(-len(crops) // 8)))

        def get_next(self) -> Any:
            part = next(self.left, None)
            return None if part is None else {"images": part}

    require_writable(Path(tempfile.gettempdir()), folder=True)
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, file = (
            Path(folder) / f"{n}.onnx" for n in ("source", "prepared", "file")
        )
        source.write_bytes(content)
        # Folds batch normalization into the convolutions before their weights are rounded.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        nodes = _encoder_nodes(onnx.load(prepared).graph)
        quantize_static(
            prepared,
            file,
            Crops(),
            per_channel=True,
            # Weights have 7 bits: without VNNI, sums of 8-bit products overflow on x86.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=sorted(_QUANTIZED),
            nodes_to_quantize=nodes,
        )
        return file.read_bytes()


def _encoder_nodes(graph: Any) -> list[str]:
    """Return the names of the quantizable nodes before the head, the last convolution."""
    for number, node in enumerate(graph.node):
        node.name = node.name or f"node_{number}"
    made_by = {output: node for node in graph.node for output in node.output}
    head = [node for node in graph.node if node.op_type == "Conv"][-1]
    before_head: dict[str, Any] = {}
    open_ends = list(head.input)
    while open_ends:
        node = made_by.get(open_ends.pop())
        if node is not None and node.name not in before_head:
            before_head[node.name] = node
            open_ends += list(node.input)
    return [name for name, node in before_head.items() if node.op_type in _QUANTIZED]
