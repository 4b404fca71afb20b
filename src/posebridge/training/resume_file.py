"""``resume.ckpt``: the whole state that a run resumes from, checked when written and when read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins import CheckpointIO
from torch import Tensor

from posebridge.errors import InputError
from posebridge.files.digested import append_digest, require_digest
from posebridge.files.whole import written_whole
from posebridge.models.finite import first_not_finite
from posebridge.training.adapter import Adapter
from posebridge.training.diagnostics import NonFiniteLoss

RESUME = "resume.ckpt"
_REMEDY = "start the run again with another --out"


class DigestedCheckpoints(CheckpointIO):
    """Lightning's checkpoints as files that are written atomically, with a checksum at their end.

    Reading a checkpoint never runs code in it.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; the earlier one stays until the new one is on the disk."""
        with written_whole(Path(path), lambda file: require_digest(file, _REMEDY)) as partial:
            save_content(checkpoint, partial)
            append_digest(partial)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Return a checkpoint's content.

        Raises:
            InputError: the file is damaged.
        """
        return read_resume_file(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def save_content(content: Mapping[str, Any], file: Path) -> None:
    """Write a file for ``torch.load``; a full disk is an OSError.

    PyTorch itself reports a full disk as a RuntimeError about a position in its archive.
    """
    with file.open("wb") as stream:
        try:
            torch.save(content, stream)
        except RuntimeError as error:
            reason = error.__context__
            while reason is not None and not isinstance(reason, OSError):
                reason = reason.__context__
            raise reason or error from error


def read_resume_file(file: Path) -> dict[str, Any]:
    """Return the content of a file that :class:`DigestedCheckpoints` wrote; tensors are on the CPU.

    Raises:
        InputError: the file is damaged, or not such a file.
    """
    require_digest(file, _REMEDY)
    try:
        content = torch.load(file, weights_only=True, map_location="cpu")
        int(content["global_step"])
    except Exception as error:  # any failure of a file of another kind
        raise InputError(f"{file} is damaged ({type(error).__name__}); {_REMEDY}.") from error
    return content


def require_finite_state(trainer: pl.Trainer, adapter: Adapter) -> None:
    """Raise :class:`NonFiniteLoss` where weights or the optimizer's state are not finite."""
    tensors = dict(adapter.state_dict())
    for number, optimizer in enumerate(trainer.optimizers):
        tensors |= dict(_tensors(optimizer.state_dict()["state"], f"optimizer {number}"))
    name = first_not_finite(tensors)
    if name is not None:
        raise NonFiniteLoss(
            f"after step {adapter.step - 1} '{name}' is not finite, because a gradient was not; the "
            "checkpoints from before are kept. Try a lower optimizer.lr, or set optimizer.grad_clip_norm."
        )


def _tensors(content: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _tensors(value, f"{name} {key}")
