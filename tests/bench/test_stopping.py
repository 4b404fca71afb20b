"""A comparison that is ended from outside, and what is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench.plans import write_plan

from posebridge.bench import read_plan

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
def test_sigterm_ends_the_trainings_too(jobs, tmp_path):
    """Otherwise they go on alone, and the same command starts others in their folders.

    In a process of its own: signals are of a main thread, which a worker of the tests may not run in.
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
