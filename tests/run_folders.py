"""What tests read from a run folder, and how they stop a run."""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import torch
from safetensors.torch import load_file


class StopAfter(pl.Callback):
    """Ends the process's training as a kill would: nothing is written any more."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer, pl_module, *_):
        if pl_module.step == self.step:
            raise SystemExit


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / name / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def logged(run: Path) -> set[str]:
    rows = (run / "metrics.csv").read_text().splitlines()[1:]
    return {row.split(",")[1] for row in rows}
