"""The last progress of a run at every kind of end, and concurrent runs in one folder."""

from __future__ import annotations

import json
import os
import socket
import time
from functools import partial
from threading import Timer

import lightning.pytorch as pl
import pytest
from rich.console import Console

from posebridge.api import run
from posebridge.app.run_monitor import RunWatch
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.errors import InputError
from posebridge.training.heartbeat import PROGRESS, presence, read_progress, require_alone
from posebridge.training.run import train
from tests.conftest import tiny

QUIET = Console(quiet=True)


class At(pl.Callback):
    """Reads the progress while training, and ends the training at a step."""

    def __init__(self, out, step: int, error: BaseException) -> None:
        self.out, self.step, self.error = out, step, error
        self.heard: list = []

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        self.heard.append(read_progress(self.out))
        if pl_module.step == self.step:
            raise self.error


def test_finished_run_records_done(finished_run):
    word = read_progress(finished_run)
    assert word is not None
    assert (word.state, word.step, word.first, word.planned, word.source) == ("done", 10, 0, 10, 4)
    assert word.host == socket.gethostname()
    assert word.started <= word.updated <= time.time()
    assert word.seconds_left == 0
    assert presence(word, word.updated + 1e9) == "done"


@pytest.mark.parametrize(
    ("error", "state"), [(KeyboardInterrupt(), "stopped"), (RuntimeError("x"), "failed")]
)
def test_interrupted_run_records_its_end_and_resumes_the_count(error, state, figures, tmp_path):
    data = read_labeled(figures.source), read_boxes(figures.target)
    config = tiny(source=str(figures.source), target=str(figures.target))
    watcher = At(tmp_path, 5, error)
    with pytest.raises(type(error)):
        train(config, *data, tmp_path, callbacks=[watcher])
    assert watcher.heard[0].state == "training" and watcher.heard[0].planned == 10
    assert watcher.heard[0].pid == os.getpid()
    word = read_progress(tmp_path)
    assert word is not None and (word.state, word.step, word.first) == (state, 5, 0)
    # The last checkpoint is of step 3.
    train(config, *data, tmp_path, resume=True, stop_after=6)
    word = read_progress(tmp_path)
    assert word is not None and (word.state, word.step, word.first) == ("stopped", 6, 3)


def _leave_word(folder, **changes) -> None:
    now = time.time()
    word = {"state": "training", "step": 3, "first": 0, "planned": 4, "source": 4}
    word |= {"started": now}
    word |= {"updated": now, "pid": os.getppid(), "host": socket.gethostname(), **changes}
    (folder / PROGRESS).write_text(json.dumps(word))


@pytest.mark.parametrize(
    "change",
    [
        {},  # the lock is free: the number belongs to another process by now
        {"state": "stopped"},
        {"host": "another"},  # it was killed and writes nothing more
        {"host": "another", "updated": 0.0, "started": 0.0},
    ],
)
def test_folder_of_a_killed_process_can_be_used(change, figures, tmp_path, monkeypatch):
    monkeypatch.setattr("posebridge.training.heartbeat._PATIENCE", 0.2)
    _leave_word(tmp_path, **change)
    config = tiny(source=str(tmp_path / "gone.json"), target=str(figures.target))
    with pytest.raises(InputError, match=r"gone\.json"):
        run(config, tmp_path, resume=False, console=QUIET)
    assert [file.name for file in tmp_path.iterdir()] == [PROGRESS]


@pytest.mark.parametrize(
    "change",
    [
        {"updated": 1e12},
        {"updated": float("nan")},
        {"started": float("-inf")},
        {"started": None},
        {"updated": []},
        {"state": ""},
        {"state": "sleeping"},
        {"step": "3"},
        {"step": 3.5},
        {"step": True},
        {"step": 10**30},
        {"source": -1},
        {"planned": {}},
        {"planned": 2},  # less than what is done
        {"pid": 0},
        {"host": ""},
        {"more": 1},
    ],
)
def test_invalid_progress_is_ignored(change, tmp_path):
    _leave_word(tmp_path, host="another")
    assert read_progress(tmp_path) is not None
    _leave_word(tmp_path, **{"host": "another", **change})
    assert read_progress(tmp_path) is None
    require_alone(tmp_path, QUIET)
    RunWatch(tmp_path).look()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_damaged_progress_is_ignored(content, tmp_path):
    (tmp_path / PROGRESS).write_bytes(content)
    assert read_progress(tmp_path) is None
    assert RunWatch(tmp_path).look().state == "not started"


def test_wait_for_a_slow_run_elsewhere_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("posebridge.training.heartbeat._LONGEST", 0.3)
    now = time.time()
    _leave_word(tmp_path, host="another", started=now - 1e6, step=1)  # 20 steps take 231 days
    begin = time.monotonic()
    require_alone(tmp_path, QUIET)
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize(("state", "refused"), [("training", True), ("done", False)])
def test_run_on_another_machine_is_detected(state, refused, tmp_path):
    """Allow its clock to be an hour fast."""
    _leave_word(tmp_path, host="another", updated=time.time() + 3600)
    Timer(0.2, partial(_leave_word, tmp_path, host="another", state=state)).start()
    if not refused:
        return require_alone(tmp_path, QUIET)
    with pytest.raises(InputError, match=f"process {os.getppid()} of another .step 3 of 4"):
        require_alone(tmp_path, QUIET)
