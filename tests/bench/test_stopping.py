"""A comparison that is ended from outside, and the processes that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from posebridge.bench import read_plan
from posebridge.bench.job import get_state
from posebridge.bench.launchers import own_command
from posebridge.bench.run_results import FINISHED
from tests.bench.plans import write_plan
from tests.conftest import TINY, tiny

RUNS = """
import signal
import sys
from pathlib import Path
from rich.console import Console
from posebridge.bench import read_plan, run_plan
file, jobs, *command = sys.argv[1:]
folder = Path(file).parent
before = signal.getsignal(signal.SIGTERM)
try:
    run_plan(read_plan(file, folder), command, folder, Console(quiet=True), int(jobs))
finally:
    assert signal.getsignal(signal.SIGTERM) == before
"""
TRAINS = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(200)"


@pytest.fixture
def plan(tmp_path):
    for name in ("s.json", "t.json", "test.json"):
        (tmp_path / name).touch()
    file = write_plan(tmp_path, methods={"one": None, "two": None}, seeds=[0, 1], baseline=None)
    return read_plan(file, tmp_path)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.usefixtures("plan")
def test_sigterm_ends_the_runs_too(jobs, tmp_path):
    """End the runs: otherwise they continue alone, and the next call starts others in their folders.

    In a process of its own: signals belong to a main thread, which a test worker may not run in.
    """
    started = tmp_path / "started"
    command = [sys.executable, "-c", TRAINS, str(started)]
    file = tmp_path / "comparison.yaml"
    bench = subprocess.Popen([sys.executable, "-c", RUNS, str(file), str(jobs), *command])
    try:
        while len(_pids(started)) < jobs:
            assert bench.poll() is None
            time.sleep(0.05)
        bench.terminate()
        assert bench.wait(60) == 128 + signal.SIGTERM
    finally:
        bench.kill()
    assert len(_pids(started)) == jobs
    for pid in _pids(started):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def _pids(file: Path) -> list[int]:
    return [int(word) for word in file.read_text().split()] if file.exists() else []


def test_run_stopped_by_sigterm_is_not_done(figures, tmp_path):
    budget = {**TINY, "steps.source": 100_000, "steps.checkpoint_every": 1}
    file = write_plan(tmp_path, figures, budget=budget, methods={"one": None}, baseline=None)
    plan, out = read_plan(file), tmp_path / "out"
    stage = plan.trainings[0]
    process = subprocess.Popen(
        [*own_command(file, out, None), stage.name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not (out / stage.name / "resume.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    said = process.communicate(timeout=100)[1].decode()
    assert process.returncode == 128 + signal.SIGTERM, said
    assert said.endswith("stopped; what was written is kept and the same command resumes.\n")
    assert not (out / stage.name / FINISHED).exists()
    assert not get_state(stage, out).trained


ENDS_ITSELF = """
import os, signal, sys
import lightning.pytorch as pl
from pathlib import Path
from posebridge.training.presets import configure
from posebridge.training.run import train
from posebridge.data.formats.coco import read_boxes, read_labeled
class End(pl.Callback):
    def on_train_batch_end(self, *_):
        os.kill(os.getpid(), signal.SIGTERM)
config = configure(config=sys.argv[1])
data = read_labeled(config.source), read_boxes(config.target)
train(config, *data, Path(sys.argv[2]), callbacks=[End()])
"""


def test_sigterm_raises_in_python(figures, tmp_path):
    config = tiny(source=str(figures.source), target=str(figures.target))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config.to_dict()))
    command = [sys.executable, "-c", ENDS_ITSELF, tmp_path / "config.yaml", tmp_path / "run"]
    assert subprocess.run(command, check=False, timeout=100).returncode == 128 + signal.SIGTERM
