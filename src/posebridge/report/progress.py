"""Progress of a run, with the time left."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from rich.console import Console

from posebridge.report.progress_bar import ProgressBar
from posebridge.training.adapter import Adapter


class TrainingProgress(pl.Callback):
    """Callback that shows one bar over both stages of a run."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: ProgressBar | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Adapter)
        steps = pl_module.config.steps
        title = self._title(pl_module, pl_module.step)
        if not self.console.is_terminal:
            self.console.print(title)
        self._bar = ProgressBar(
            self.console, title, steps.source + steps.adaptation, pl_module.step
        ).__enter__()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        assert isinstance(pl_module, Adapter) and self._bar is not None
        note = ""
        if pl_module.validation:
            name = pl_module.config.validation.validator.replace("_", " ")
            note = f"{name} {pl_module.validation[-1][1]:.3g}"
        self._bar.rename(self._title(pl_module, pl_module.step - 1))
        self._bar.update(pl_module.step, note)

    def on_train_end(self, *_: Any) -> None:
        self._close()

    def on_exception(self, *_: Any) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__()
            self._bar = None

    @staticmethod
    def _title(adapter: Adapter, step: int) -> str:
        config = adapter.config
        adapting = step >= config.steps.source and config.uses_target
        return "adapting" if adapting else "learning the source"
