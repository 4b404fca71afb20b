"""The style network and the style banks of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from posebridge.alignment.style_bank import StyleBank
from posebridge.data.loaders import read_crops, to_tensor
from posebridge.data.samples import UnlabeledSamples
from posebridge.models.style import StyleNetwork
from posebridge.training.config import AdaptConfig
from posebridge.training.hardware import get_device, get_workers
from posebridge.training.style_training import build_style_network, train_style


def get_style_decoder(
    config: AdaptConfig,
    source: UnlabeledSamples,
    target: UnlabeledSamples,
    file: Path,
    progress: Callable[[int, float, float], None] | None,
    say: Callable[[str], None] | None = None,
) -> StyleNetwork:
    """Return the style decoder of a configuration, trained, resumed or loaded."""
    return train_style(
        config.style.network,
        source,
        target,
        config.crop,
        file,
        seed=config.seed,
        device=get_device(config),
        workers=get_workers(config),
        progress=progress,
        say=say,
    )


def get_style_transfer(
    config: AdaptConfig,
    source: UnlabeledSamples,
    target: UnlabeledSamples,
    out: Path,
    device: torch.device,
    progress: Callable[[int, float, float], None] | None,
    say: Callable[[str], None] | None = None,
) -> StyleBank:
    """Return the filled style bank of a run; train the style network first where it is needed."""
    if not config.uses_style_bank:
        return StyleBank("none")
    network = None
    if config.style.method == "adain":
        settings = config.style.network
        if config.style.decoder is not None:
            network = build_style_network(settings, config.crop.size, config.seed)
            network.load(Path(config.style.decoder))
            network = network.eval()
        else:
            file = out / "style" / "decoder.safetensors"
            network = get_style_decoder(config, source, target, file, progress, say)
    level = StyleBank(config.style.method, network).to(device)
    wanted = (
        ("target", target, config.style.source_to_target),
        ("source", source, config.style.target_to_source),
    )
    for number, (domain, samples, share) in enumerate(wanted):
        if share <= 0:
            continue
        rows = np.random.default_rng([config.seed, 3, number]).permutation(len(samples))
        for part in np.array_split(
            rows[: config.style.bank_size], -(-config.style.bank_size // 32)
        ):
            if len(part):
                crops = to_tensor(read_crops(samples, part, config.crop)[0])
                level.remember(domain, crops.to(device) / 255)
    return level
