"""Images of two domains restyled by a style network, as one sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from posebridge.data.crops import CropConfig
from posebridge.data.loaders import read_crops, to_tensor
from posebridge.data.samples import UnlabeledSamples
from posebridge.models.style import StyleNetwork
from posebridge.report.overlays import sheet, write_picture


@torch.no_grad()
def write_style_sheet(
    path: Path,
    network: StyleNetwork,
    source: UnlabeledSamples,
    target: UnlabeledSamples,
    crops: CropConfig,
    columns: int = 6,
) -> None:
    """Write source images, target images, and source images in half and all of the target's style."""
    device = next(network.parameters()).device
    picked = np.random.default_rng(0)
    content, style = (
        to_tensor(read_crops(s, picked.integers(0, len(s), columns), crops)[0]).to(device) / 255
        for s in (source, target)
    )
    mean, std = network.statistics(style)
    rows: list[tuple[str, Tensor]] = [
        ("source", content),
        ("target", style),
        ("source, half of the target's style", network.restyle(content, mean, std, 0.5)),
        ("source, all of the target's style", network.restyle(content, mean, std, 1.0)),
    ]
    write_picture(
        str(path), sheet([(title, [_pixels(image) for image in row]) for title, row in rows])
    )


def _pixels(image: Tensor) -> np.ndarray:
    return (image.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)
