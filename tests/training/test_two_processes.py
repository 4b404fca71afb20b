"""Two real processes on one folder at the same moment: exactly one trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from posebridge.training.metrics_file import read_metrics
from posebridge.training.resume_file import read_resume_file
from tests.conftest import tiny

# Both import everything first, and start each round when the other one is ready.
TRAINS = """
import os, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from rich.console import Console
from posebridge.training.presets import configure
from posebridge.api import run
from posebridge.errors import InputError

root, name, rounds, config = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
for number in range(rounds):
    for resume in (False, True):
        out = root / f"run_{number}"
        settings = configure(config=out / "config.yaml" if resume else config)
        (root / f"there_{number}_{resume}_{name}").touch()
        while len(list(root.glob(f"there_{number}_{resume}_*"))) < 2:
            time.sleep(0.0005)
        try:
            steps = 2 if resume else 1
            run(settings, out, resume=resume, console=Console(quiet=True), stop_after=steps)
            print(number, resume, "trained", flush=True)
        except InputError as error:
            print(number, resume, error, flush=True)
        (root / f"over_{number}_{resume}_{name}").touch()
        while len(list(root.glob(f"over_{number}_{resume}_*"))) < 2:
            time.sleep(0.0005)
"""
ROUNDS = 2


@pytest.fixture(scope="module")
def told(figures, tmp_path_factory):
    root = tmp_path_factory.mktemp("two")
    config = tiny(source=str(figures.source), target=str(figures.target), style__method="none")
    (root / "config.yaml").write_text(yaml.safe_dump(config.to_dict()))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINS, root, name, str(ROUNDS), str(root / "config.yaml")],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for name in "ab"
    ]
    lines = [process.communicate(timeout=200)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return root, {p.pid: said for p, said in zip(processes, lines, strict=True)}


def test_second_process_is_refused_with_the_name_of_the_first(told):
    root, said = told
    assert all(len(lines) == 2 * ROUNDS for lines in said.values())
    for number in range(2 * ROUNDS):
        pair = {pid: lines[number] for pid, lines in said.items()}
        trained = [pid for pid, line in pair.items() if line.endswith(" trained")]
        refused = [line for line in pair.values() if not line.endswith(" trained")]
        assert len(trained) == len(refused) == 1, pair
        folder = root / f"run_{number // 2}"
        who = f"the process {trained[0]}", "another process"  # the moment between lock and note
        assert any(f"{folder} is in use by {name};" in refused[0] for name in who), refused


def test_files_come_from_one_process(told):
    root, _ = told
    for number in range(ROUNDS):
        folder = Path(root / f"run_{number}")
        rows = [(row.step, row.name) for row in read_metrics(folder).rows]
        assert len(set(rows)) == len(rows) > 0
        assert {step for step, _ in rows} == {0, 1}
        assert read_resume_file(folder / "resume.ckpt")["global_step"] == 2
        assert not list(folder.glob(".*"))
