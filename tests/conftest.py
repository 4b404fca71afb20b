"""Small figures and a finished tiny run, made once for all processes of a session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.synthetic.figures import write_synthetic_figures
from posebridge.training.config import AdaptConfig
from posebridge.training.presets import configure
from posebridge.training.run import train

torch.set_num_threads(1)

TINY: Mapping[str, Any] = {
    "crop.size": 32,
    "model.encoder": "resnet10t",
    "model.feature_level": 2,
    "model.decoder_channels": 8,
    "model.heatmap_size": 8,
    "steps.source": 4,
    "steps.adaptation": 6,
    "steps.batch": 4,
    "steps.log_every": 1,
    "steps.validate_every": 2,
    "steps.checkpoint_every": 3,
    "steps.preview_every": 5,
    "optimizer.warmup": 0,
    "workers": 0,
}
ADAIN: Mapping[str, Any] = {
    "style__method": "adain",
    "style__network__encoder": "resnet10t",
    "style__network__encoder_weights": "none",
    "style__network__feature_levels": "[0]",
    "style__network__steps": 3,
    "style__network__batch": 2,
    "style__network__width": 0.25,
}
"""Settings of ``tiny`` for a style network that is trained in three steps."""


def tiny(**more: Any) -> AdaptConfig:
    """A configuration that trains in a second; ``__`` in a name stands for a dot."""
    overrides = {**TINY, **{name.replace("__", "."): value for name, value in more.items()}}
    return configure(["demo"], overrides=overrides)


@dataclass(frozen=True)
class Figures:
    """Annotation files: labeled rendered figures, boxes of camera-like ones, labels of others."""

    source: Path
    target: Path
    test: Path


Shared = Callable[[str, Callable[[Path], object]], Path]
"""A name and what writes the folder -> the folder, written once for all processes."""


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Return what makes a folder of a name once, in whichever process needs it first.

    Tests in several processes read it at the same time: copy it before writing there.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # that of a process lies in the one of the session

    def made(name: str, write: Callable[[Path], object]) -> Path:
        folder, written = root / f"shared_{name}", root / f"shared_{name}.written"
        with FileLock(root / f"shared_{name}.lock"):
            if not written.exists():
                shutil.rmtree(folder, ignore_errors=True)  # from a process that failed
                write(folder)
                written.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def figures(shared_folder: Shared) -> Figures:
    def write(root: Path) -> None:
        write_synthetic_figures(root / "source", "rendered", 24, seed=0, size=64)
        write_synthetic_figures(root / "target", "camera", 24, seed=0, size=64, labeled=False)
        write_synthetic_figures(root / "test", "camera", 8, seed=1, size=64)

    root = shared_folder("figures", write)
    return Figures(*(root / name / "annotations.json" for name in ("source", "target", "test")))


@pytest.fixture(scope="session")
def finished_run(figures: Figures, shared_folder: Shared) -> Path:
    """A run folder whose validator saw 12 of the 24 target images. Copy it before writing there."""
    config = tiny(source=str(figures.source), target=str(figures.target), validation__fraction=0.5)
    data = read_labeled(figures.source), read_boxes(figures.target)
    return shared_folder("finished", lambda root: train(config, *data, root / "run")) / "run"
