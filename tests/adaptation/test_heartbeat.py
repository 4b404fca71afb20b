"""The last word of a run, at whichever end it comes to."""

from __future__ import annotations

import os
import socket
import time

import lightning.pytorch as pl
import pytest
from conftest import tiny

from posebridge.adaptation.heartbeat import presence, read_progress
from posebridge.adaptation.run import train
from posebridge.data.coco import read_boxes, read_labelled


class At(pl.Callback):
    """Looks at the word while it trains, and ends the training at a step."""

    def __init__(self, out, step: int, error: BaseException) -> None:
        self.out, self.step, self.error = out, step, error
        self.heard: list = []

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        self.heard.append(read_progress(self.out))
        if pl_module.step == self.step:
            raise self.error


def test_a_finished_run_says_so(finished_run):
    word = read_progress(finished_run)
    assert word is not None
    assert (word.state, word.step, word.first, word.planned, word.source) == ("done", 10, 0, 10, 4)
    assert (word.pid, word.host) == (os.getpid(), socket.gethostname())
    assert word.started <= word.updated <= time.time()
    assert word.seconds_left == 0
    assert presence(word, word.updated + 1e9) == "done"


@pytest.mark.parametrize(
    ("error", "state"), [(KeyboardInterrupt(), "stopped"), (RuntimeError("x"), "failed")]
)
def test_a_run_that_breaks_off_says_how_and_one_that_goes_on_counts_from_there(
    error, state, figures, tmp_path
):
    data = read_labelled(figures.source), read_boxes(figures.target)
    config = tiny(source=str(figures.source), target=str(figures.target))
    watcher = At(tmp_path, 5, error)
    with pytest.raises(type(error)):
        train(config, *data, tmp_path, callbacks=[watcher])
    assert watcher.heard[0].state == "training" and watcher.heard[0].planned == 10
    word = read_progress(tmp_path)
    assert word is not None and (word.state, word.step, word.first) == (state, 5, 0)
    # The last checkpoint is of step 3.
    train(config, *data, tmp_path, resume=True, stop_after=6)
    word = read_progress(tmp_path)
    assert word is not None and (word.state, word.step, word.first) == ("stopped", 6, 3)
