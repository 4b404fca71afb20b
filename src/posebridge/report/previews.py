"""Previews of training steps, as sheets in the run folder and in TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from posebridge.report.overlays import draw_poses, sheet, write_picture
from posebridge.skeleton import Skeleton
from posebridge.training.adapter import Adapter
from posebridge.training.diagnostics import Preview

_COLUMNS = 6
_SIDE = 192


class StepPictures(pl.Callback):
    """Callback that writes a sheet every ``steps.preview_every`` steps and at the end of each stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        assert isinstance(pl_module, Adapter)
        steps, step = pl_module.config.steps, pl_module.step
        ends = step in (steps.source, steps.source + 1, steps.source + steps.adaptation)
        if pl_module.preview is None or not (ends or step % steps.preview_every == 0):
            return
        if pl_module.preview.source_views is None and pl_module.preview.target_views is None:
            return
        picture = step_sheet(pl_module.preview, pl_module.skeleton)
        write_picture(str(self.folder / f"step_{step:06d}.png"), picture)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("step", picture, step, dataformats="HWC")


def step_sheet(preview: Preview, skeleton: Skeleton) -> np.ndarray:
    """Return a sheet of source views with labels, restyled source views, and target views.

    The target views carry the kept pseudo-labels.
    """
    rows = []
    if preview.source_views is not None and preview.styled_views is not None:
        labeled = (preview.source_views, preview.source_points, preview.source_visible)
        rows = [
            ("source views with their labels", _row(*labeled, skeleton)),
            (
                "source views as the student got them",
                _row(preview.styled_views, None, None, skeleton),
            ),
        ]
    if preview.target_views is not None:
        rows.append(
            (
                "the student's target views with the kept pseudo-labels",
                _row(preview.target_views, preview.pseudo_points, preview.kept, skeleton),
            )
        )
    return sheet(rows, _SIDE)


def _row(
    images: Tensor, points: Tensor | None, shown: Tensor | None, skeleton: Skeleton
) -> list[np.ndarray]:
    pictures = []
    for i in range(min(_COLUMNS, len(images))):
        pixels = (images[i].detach().float().permute(1, 2, 0).cpu().numpy() * 255).round()
        scale = _SIDE / pixels.shape[0]
        picture = cv2.resize(pixels.astype(np.uint8), (_SIDE, _SIDE))
        if points is not None and shown is not None:
            here = (points[i].detach().cpu().numpy() + 0.5) * scale - 0.5
            picture = draw_poses(picture, here[None], skeleton, shown[i].cpu().numpy()[None])
        pictures.append(picture)
    return pictures
