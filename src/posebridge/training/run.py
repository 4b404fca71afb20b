"""A run folder: from data and a configuration to checkpoints.

config.yaml       the resolved configuration; starts an equal run
metrics.csv       every logged metric; tensorboard/ holds the metrics as events
checkpoints/      source, last, selected, step_...: model folders, each with a model card
resume.ckpt       the whole state to resume from
progress.json     the progress of the run and the time of its last sign of life
origin.json       the folder that the run started in, and a checksum of its data
skipped.txt       images that could not be read
held_out.txt      target images that only the validator reads
style/            the decoder of the style network, where one was trained
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
import yaml
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from posebridge.alignment.style_bank import StyleBank
from posebridge.data.crops import drop_unreadable
from posebridge.data.file_names import is_text, printable
from posebridge.data.loaders import Batch, PairedBatches, read_crops, step_loader, to_tensor
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.locks import locked_folder
from posebridge.files.whole import write_bytes, write_text
from posebridge.memory import keep_freed_memory
from posebridge.termination import Terminated
from posebridge.training.adapter import Adapter
from posebridge.training.callbacks import CheckpointAndValidate, CsvRows
from posebridge.training.config import AdaptConfig
from posebridge.training.fill_style_bank import get_style_transfer
from posebridge.training.hardware import get_device, get_precision, get_workers
from posebridge.training.heartbeat import Heartbeat
from posebridge.training.initialization import get_initial_model
from posebridge.training.lightning_logging import disk_errors_named, quiet
from posebridge.training.metrics_file import read_metrics
from posebridge.training.origin import Origin, read_origin, require_same_data
from posebridge.training.resume_file import RESUME, DigestedCheckpoints, read_resume_file
from posebridge.training.source_poses import RECORD
from posebridge.training.splits import TargetSplit, split_source, split_target
from posebridge.validators.validators import MEASURES

HELD_OUT = "held_out.txt"


@dataclass(frozen=True)
class RunResult:
    """The result of a run, without labels.

    Attributes:
        folder: the run folder.
        validation: (step, score) of each validation, higher is better.
        selected: the step of the checkpoint with the best validator score.
        skipped: one line for each image that could not be read.
        measure: the description of the validator's score.
        steps: done, over both stages. planned: of the whole run; more than ``steps`` where the run
            stopped early.
    """

    folder: Path
    validation: Sequence[tuple[int, float]]
    selected: int
    skipped: Sequence[str]
    measure: str
    steps: int
    planned: int

    @property
    def finished(self) -> bool:
        """Whether the whole run is done."""
        return self.steps >= self.planned


def train(
    config: AdaptConfig,
    source: LabeledSamples | None,
    target: UnlabeledSamples,
    out: Path,
    *,
    callbacks: Sequence[pl.Callback] = (),
    resume: bool = False,
    stop_after: int | None = None,
    style_progress: Callable[[int, float, float], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Train on the source, adapt to the target, and write a run folder.

    The folder is locked from before the first write to the end.

    Args:
        config: every setting.
        source: labeled images; None where only the model of ``init_from`` is available.
        target: images and boxes; the type has no field for keypoints.
        out: the run folder; it must not hold a run unless ``resume``.
        callbacks: further callbacks of the trainer (progress, previews).
        resume: resume from ``resume.ckpt``.
        stop_after: stop after this number of steps, counted over both stages without the steps of an
            initial model, as if the run was stopped there; the schedule stays that of the whole run.
        style_progress: called with the step and the two losses of the style network.
        say: called with a sentence about damage that does not stop the run.

    Raises:
        InputError: the folder is taken or another process trains in it, nothing can be read, or the
            configuration does not fit.
        NonFiniteLoss: a loss or the weights were not finite; the checkpoints from before are kept.
        Terminated: SIGTERM came; the last checkpoint is kept.
    """
    if not is_text(str(out.absolute())):
        raise InputError(
            f"the name of the run folder {printable(out)} is not UTF-8, which TensorBoard cannot write "
            "to; give another."
        )
    with locked_folder(out):
        return _train(
            config, source, target, out, callbacks, resume, stop_after, style_progress, say
        )


def _train(
    config: AdaptConfig,
    source: LabeledSamples | None,
    target: UnlabeledSamples,
    out: Path,
    callbacks: Sequence[pl.Callback],
    resume: bool,
    stop_after: int | None,
    style_progress: Callable[[int, float, float], None] | None,
    say: Callable[[str], None] | None,
) -> RunResult:
    state = out / RESUME
    if (out / "config.yaml").exists() and not resume:
        raise InputError(
            f"{out} already holds a run; give another --out, or resume it with --resume."
        )
    skipped: list[str] = []
    if source is not None:
        fine, skipped = drop_unreadable(source.images)
        source = split_source(source.subset(fine), config).training
    fine, broken = drop_unreadable(target)
    target, skipped = target.subset(fine), skipped + broken
    # Read before the first write, so that a damaged file leaves the folder as it is.
    done = int(read_resume_file(state)["global_step"]) if resume and state.exists() else 0
    remark = read_metrics(out).remark if done else None
    if remark is not None and say is not None:
        say(remark)
    origin = Origin.of(out, source, target)
    if done:
        require_same_data(read_origin(out), origin, out)
    start = get_initial_model(config, source)
    config = start.config
    split = split_target(target, config)
    device = get_device(config)
    if device.type == "cpu":
        keep_freed_memory()
    workers = get_workers(config)
    _remove_halves(out)
    write_text(out / "config.yaml", yaml.safe_dump(config.to_dict(), sort_keys=False, width=10_000))
    origin.write(out)
    held_out = np.unique(split.held_out.files)
    write_bytes(out / HELD_OUT, b"".join(bytes(name) + b"\n" for name in held_out))

    total = config.steps.source + config.steps.adaptation
    end = total if stop_after is None else min(total, config.first_step + stop_after)
    # Only the adaptation uses styles; where this call does not reach it, the call that does trains the
    # style network. It draws from generators of its own, so no weight depends on the time.
    style_transfer = (
        StyleBank("none")
        if source is None or end <= config.steps.source
        else get_style_transfer(
            config, source.images, split.training, out, device, style_progress, say
        )
    )
    adapter = Adapter(config, start.skeleton, start.model, style_transfer, start.poses.bones)
    adapter.unreadable.update(dict.fromkeys(skipped))
    steps = PairedBatches(
        source,
        split.training if config.uses_target_view else None,
        config.crop,
        config.steps.batch,
        config.seed,
        config.steps.source,
    )
    # All steps, even of a stopped run: Lightning takes the end of a loader for the end of the run.
    data = _Steps(steps, adapter, total, workers)
    with quiet(), disk_errors_named(out):
        trainer = pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            precision=get_precision(config, device),
            max_epochs=1,
            max_steps=end - adapter.first_step,
            gradient_clip_val=config.optimizer.grad_clip_norm or None,
            logger=[
                TensorBoardLogger(out, name="tensorboard", version=""),
                CsvRows(out, adapter.first_step + done if done else None),
            ],
            callbacks=[
                CheckpointAndValidate(
                    out,
                    _held_out_crops(split.held_out, config),
                    {
                        "data": {**start.data, **_counts(target, split)},
                        RECORD: start.poses.to_dict(),
                    },
                    end,
                ),
                Heartbeat(out),
                *callbacks,
            ],
            plugins=[DigestedCheckpoints()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=1,
            default_root_dir=out,
            num_sanity_val_steps=0,
        )
        try:
            trainer.fit(
                adapter.to(memory_format=torch.channels_last),
                datamodule=data,
                ckpt_path=str(state) if done else None,
                weights_only=True,
            )
        except SystemExit as error:
            # Lightning turns Ctrl-C into exit(1); for our callers it is an interrupt.
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            # It turns SIGTERM into exit(0), which would look like a finished run.
            if isinstance(error, SIGTERMException):
                raise Terminated from error
            raise
        if trainer.received_sigterm:
            raise Terminated
    skipped = list(adapter.unreadable)
    write_text(out / "skipped.txt", "".join(line + "\n" for line in skipped))
    selected = max(adapter.validation, key=lambda v: v[1])[0] if adapter.validation else total
    measure = MEASURES[config.validation.validator]
    looks = tuple(adapter.validation)
    return RunResult(out, looks, selected, skipped, measure, adapter.step, total)


class _Steps(pl.LightningDataModule):
    """The batches from the adapter's present step on; built after a checkpoint is loaded."""

    def __init__(self, steps: PairedBatches, adapter: Adapter, total: int, workers: int) -> None:
        super().__init__()
        self.steps, self.adapter, self.total, self.workers = steps, adapter, total, workers

    def train_dataloader(self) -> torch.utils.data.DataLoader[Batch]:
        return step_loader(self.steps, self.adapter.step, self.total, self.workers)


def _counts(target: UnlabeledSamples, split: TargetSplit) -> dict[str, Any]:
    """Return a model folder's entry about the target: its name and numbers of subjects."""
    return {
        "target": {
            "name": target.name,
            "subjects": len(target),
            "held_out": len(split.held_out),
        },
    }


def _held_out_crops(samples: UnlabeledSamples, config: AdaptConfig) -> Tensor:
    return to_tensor(read_crops(samples, np.arange(len(samples)), config.crop)[0])


def _remove_halves(out: Path) -> None:
    """Remove half-written files of killed processes; no other process writes under the lock."""
    for half in out.glob(".*.partial*"):
        with suppress(OSError):
            half.unlink()
