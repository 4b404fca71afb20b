"""``progress.json``: the progress of a run and the time of its last sign of life.

A killed run cannot record its end. Its last progress stays as it was, and a reader detects the end by
the process and by the time since the last write (:func:`presence`). Losing the file does no harm: no
training reads it.
"""

from __future__ import annotations

import json
import math
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import lightning.pytorch as pl
from rich.console import Console

from posebridge.errors import InputError
from posebridge.files.json_files import read_json
from posebridge.files.whole import write_text
from posebridge.training.adapter import Adapter

PROGRESS = "progress.json"
_EVERY = 2.0
_PATIENCE = 120.0
_LONGEST = 600.0
_CLOCKS = 86400.0
"""Seconds that the clocks of two machines may differ by; a time further ahead is invalid."""

State = Literal["training", "stopped", "failed", "done"]
Presence = Literal["training", "killed", "stopped", "failed", "done"]


@dataclass(frozen=True)
class Progress:
    """The progress that a run records.

    Attributes:
        state: training until another state is written.
        step: steps done, both stages. first: done when this process started. planned: of the whole run.
        source: steps of the source stage.
        started, updated: seconds since 1970, of this process.
        pid, host: of this process.
    """

    state: State
    step: int
    first: int
    planned: int
    source: int
    started: float
    updated: float
    pid: int
    host: str

    @property
    def seconds_per_step(self) -> float | None:
        """The mean seconds per step of this process; None before its first step."""
        done = self.step - self.first
        return (self.updated - self.started) / done if done > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the mean pace, from the last write on."""
        pace = self.seconds_per_step
        return None if pace is None else pace * max(0, self.planned - self.step)


class Heartbeat(pl.Callback):
    """Writes :class:`Progress` at the start, every two seconds of steps, and at every kind of end."""

    def __init__(self, out: Path) -> None:
        self.file = out / PROGRESS
        self._first = 0
        self._started = self._written = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Adapter)
        self._first, self._started = pl_module.step, time.time()
        self._write(pl_module, "training")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        if time.time() - self._written >= _EVERY:
            self._write(pl_module, "training")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Adapter)
        steps = pl_module.config.steps
        done = pl_module.step >= steps.source + steps.adaptation
        self._write(pl_module, "done" if done else "stopped")

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        if self._started:
            # The error that ended the run is reported, not a failure to write this file.
            with suppress(InputError):
                self._write(pl_module, "failed" if isinstance(exception, Exception) else "stopped")

    def _write(self, module: pl.LightningModule, state: State) -> None:
        assert isinstance(module, Adapter)
        steps = module.config.steps
        self._written = time.time()
        word = Progress(
            state=state,
            step=module.step,
            first=self._first,
            planned=steps.source + steps.adaptation,
            source=steps.source,
            started=self._started,
            updated=self._written,
            pid=os.getpid(),
            host=socket.gethostname(),
        )
        write_text(self.file, json.dumps(asdict(word)))


def read_progress(folder: Path) -> Progress | None:
    """Return the last progress of a run, None without a file or with an invalid one.

    A file is invalid with a field that is missing, surplus or of another type, an unknown state, steps
    that contradict each other, or times that are not finite, out of order or in the future.
    """
    file = folder / PROGRESS
    if not file.is_file():
        return None
    try:
        content = read_json(file, "progress")
    except InputError:
        return None
    return Progress(**content) if _makes_sense(content, time.time()) else None


def _makes_sense(content: Any, now: float) -> bool:
    if not isinstance(content, dict) or set(content) != {f.name for f in fields(Progress)}:
        return False
    return _steps_fit(content) and _times_fit(content, now) and _process_fits(content)


def _steps_fit(content: Mapping[str, Any]) -> bool:
    names = ("first", "step", "planned", "source")
    if not all(_is_count(content[name]) for name in names):
        return False
    first, step, planned, source = (content[name] for name in names)
    return first <= step <= planned and source <= planned and content["state"] in get_args(State)


def _times_fit(content: Mapping[str, Any], now: float) -> bool:
    started, updated = content["started"], content["updated"]
    for value in (started, updated):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            return False
    return 0 <= started <= updated + _CLOCKS and updated <= now + _CLOCKS


def _process_fits(content: Mapping[str, Any]) -> bool:
    host = content["host"]
    return _is_count(content["pid"]) and content["pid"] > 0 and isinstance(host, str) and host != ""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def presence(word: Progress, now: float) -> Presence:
    """Return the state of a run, ``killed`` where it claims to train but gives no sign of life.

    A run counts as killed when its process is gone (on this machine), or when nothing was written for
    two minutes and for twenty steps at its own pace.
    """
    if word.state != "training":
        return word.state
    if word.host == socket.gethostname() and not _runs(word.pid):
        return "killed"
    return "killed" if now - word.updated > _longest_silence(word) else "training"


def require_alone(folder: Path, console: Console) -> None:
    """Raise InputError where a process of another machine trains in a folder.

    The lock of a folder (:func:`~posebridge.files.locks.locked_folder`) decides on one machine, and the
    holder of the lock calls this function. Not every shared disk passes locks on to other machines. A
    process there is not visible from here, but a live one writes again: where its last progress is
    recent, this waits for the next one, until the process would count as killed, ten minutes at most.

    Raises:
        InputError: a process of another machine does; the message names the process.
    """
    word = read_progress(folder)
    if word is None or word.host == socket.gethostname():
        return
    if presence(word, time.time()) != "training":
        return
    who = f"the process {word.pid} of {word.host}"
    console.print(f"{folder}: checking whether {who} still trains here", highlight=False)
    if _heard_again(folder, word):
        raise InputError(
            f"{folder} is being trained by {who} (step {word.step} of {word.planned}); wait until it "
            "has ended, or end it."
        )


def _longest_silence(word: Progress) -> float:
    """Return the seconds without a write after which a run counts as killed."""
    return max(_PATIENCE, 20 * (word.seconds_per_step or 0.0))


def _heard_again(folder: Path, word: Progress) -> bool:
    """Wait for newer progress than ``word``; return whether there is some with state training.

    Clocks of two machines may differ: the wait starts now where the time of ``word`` is in the future.
    """
    rest = min(_longest_silence(word), _LONGEST) - max(0.0, time.time() - word.updated)
    until = time.monotonic() + rest
    while time.monotonic() < until:
        time.sleep(min(_EVERY, rest) / 4)
        now = read_progress(folder)
        if now != word:
            return now is not None and now.state == "training"
    return False


def _runs(pid: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere this call would end the process; the time alone decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # another user's process
    return True
