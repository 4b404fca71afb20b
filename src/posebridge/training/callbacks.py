"""Files that a run writes while it trains: CSV rows, checkpoints, validator scores."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from jaxtyping import UInt8
from lightning.pytorch.loggers.logger import Logger
from torch import Tensor

from posebridge.checkpoints.model_folder import save_checkpoint
from posebridge.models.pose import PoseModel
from posebridge.training.adapter import Adapter
from posebridge.training.metrics_file import append_metrics, read_metrics, write_metrics
from posebridge.training.resume_file import RESUME, require_finite_state
from posebridge.validators.validators import MEASURES, VALIDATORS, ask, settled, teacher_student
from posebridge.version import __version__

TEACHER_STUDENT = "teacher_student"
"""Key in a model folder's results: the agreement of the student with the model, percent."""


class CsvRows(Logger):
    """``metrics.csv`` with a row (step, name, value) for each metric.

    The format is long rather than wide: terms come and go with the stages, and a killed run keeps every
    appended row. Rows from after the point of a resumption are dropped.
    """

    def __init__(self, out: Path, keep_until: int | None = None) -> None:
        super().__init__()
        self.out = out
        rows = [] if keep_until is None else read_metrics(out).rows
        write_metrics(out, [row for row in rows if keep_until is None or row.step < keep_until])

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Log nothing: the configuration is in ``config.yaml``."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Append a row for each metric."""
        values = {name: value for name, value in metrics.items() if name != "epoch"}
        append_metrics(self.out, values, step or 0)


class CheckpointAndValidate(pl.Callback):
    """Writes checkpoints and runs the validators.

    ``checkpoints/source`` is the model at the end of the source stage, ``last`` the newest teacher,
    ``selected`` the teacher with the best validator score, ``step_000600`` one that
    ``steps.keep_checkpoint_every`` keeps; ``resume.ckpt`` holds the whole state to resume from. The validators
    read held-out target images only.
    """

    def __init__(
        self,
        out: Path,
        held_out: UInt8[Tensor, "N 3 C C"],
        about: Mapping[str, Any],
        end: int,
    ) -> None:
        """Take ``about``, the domains' entries in model folders, and ``end``, the last step."""
        self.out, self.held_out, self.about, self.end = out, held_out, dict(about), end
        self._agreed: tuple[int, float] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        adapter = _adapter(pl_module)
        if adapter.step == adapter.config.steps.source and not adapter.validation:
            self._hand_over(trainer, adapter, adapter.delivered)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        adapter = _adapter(pl_module)
        steps, step = adapter.config.steps, adapter.step
        if (step - 1) % steps.log_every == 0:
            adapter.watch.require_finite()
        last = step == steps.source + steps.adaptation
        adapted = step - steps.source
        validates = adapted > 0 and (adapted % steps.validate_every == 0 or last)
        keeps = (
            adapted > 0
            and steps.keep_checkpoint_every > 0
            and adapted % steps.keep_checkpoint_every == 0
        )
        saves = last or step == self.end or step % steps.checkpoint_every == 0
        if not (step == steps.source or validates or keeps or saves):
            return
        adapter.watch.require_finite()
        # A gradient may overflow where the loss did not: such a step is not stored.
        require_finite_state(trainer, adapter)
        # In the source stage the student is the model; the teacher is a copy from its start.
        model = adapter.delivered if step >= steps.source else adapter.student
        if step == steps.source:
            self._hand_over(trainer, adapter, model)
        elif validates:
            self._validate(trainer, adapter, model)
        if keeps:
            self._save(f"step_{step:06d}", adapter, model)
        if saves:
            self._save("last", adapter, model)
            trainer.save_checkpoint(self.out / RESUME)

    def _hand_over(self, trainer: pl.Trainer, adapter: Adapter, model: PoseModel) -> None:
        self._validate(trainer, adapter, model)
        self._save("source", adapter, model)

    def _validate(self, trainer: pl.Trainer, adapter: Adapter, model: PoseModel) -> None:
        answers = ask(model, self.held_out, adapter.mirror)
        scores = {name: validator(answers) for name, validator in VALIDATORS.items()}
        value = scores[adapter.config.validation.validator]
        figures = {f"validator/{name}": score for name, score in scores.items()}
        points = answers.points.cpu()
        if adapter.answered is not None:
            figures["validator/settled"] = settled(adapter.answered, points, answers.size)
        if adapter.step > adapter.config.steps.source:
            figures[f"validator/{TEACHER_STUDENT}"] = self._student_agreement(adapter)
        adapter.answered = points
        best = max((v for _, v in adapter.validation), default=-math.inf)
        adapter.validation.append((adapter.step, value))
        for logger in trainer.loggers:
            # Steps are logged by their number from 0; these scores are after the last of them.
            logger.log_metrics(figures, max(adapter.step - 1, 0))
        if value > best:
            self._save("selected", adapter, model)

    def _save(self, name: str, adapter: Adapter, model: PoseModel) -> None:
        step = adapter.step
        found = [v for s, v in adapter.validation if s == step]
        adapted = step > adapter.config.steps.source
        save_checkpoint(
            self.out / "checkpoints" / name,
            model,
            adapter.skeleton,
            adapter.config.to_dict(),
            {
                "step": step,
                "weights": name,
                "posebridge": __version__,
                "levels": adapter.config.level_lines(),
                **self.about,
                "validator": {
                    "name": MEASURES[adapter.config.validation.validator],
                    "value": found[0] if found else None,
                },
                # The student is not kept, so its agreement cannot be computed later.
                **({TEACHER_STUDENT: self._student_agreement(adapter)} if adapted else {}),
            },
        )

    def _student_agreement(self, adapter: Adapter) -> float:
        """Return the student's agreement with the teacher, computed once a step."""
        if self._agreed is None or self._agreed[0] != adapter.step:
            teacher, student = adapter.teacher_model, adapter.student
            agreement = teacher_student(teacher, student, self.held_out, adapter.mirror)
            self._agreed = adapter.step, agreement
        return self._agreed[1]


def _adapter(module: pl.LightningModule) -> Adapter:
    assert isinstance(module, Adapter)
    return module
