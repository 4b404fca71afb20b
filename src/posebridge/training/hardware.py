"""The hardware of a run: device, precision, worker processes."""

from __future__ import annotations

import os
from typing import Any

import torch

from posebridge.errors import InputError
from posebridge.training.config import AdaptConfig

_PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def get_device(config: AdaptConfig) -> torch.device:
    """Return the configured device; ``auto`` is a GPU where one is available."""
    present = torch.cuda.is_available()
    if config.device == "gpu" and not present:
        raise InputError("device is gpu, but torch finds none; choose cpu or auto.")
    return torch.device("cuda" if present and config.device != "cpu" else "cpu")


def get_precision(config: AdaptConfig, device: torch.device) -> Any:
    """Return Lightning's precision name; ``auto`` is bf16 on a GPU with bf16, else 32 bits."""
    if config.precision == "auto":
        # Older GPUs also compute in bf16, but slower than in 32 bits.
        quick = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return _PRECISION["bf16" if quick else "32"]
    if config.precision == "fp16" and device.type == "cpu":
        raise InputError("precision fp16 needs a GPU; choose 32, bf16 or auto.")
    return _PRECISION[config.precision]


def get_workers(config: AdaptConfig) -> int:
    """Return the number of decoding processes: configured, or half of the cores, at most 8."""
    if config.workers is not None:
        return config.workers
    return min(8, max(1, (os.cpu_count() or 1) // 2))
