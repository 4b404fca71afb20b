"""Places that can't be written are found before the work, and a limit of the system leaves no trace."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import posebridge.inference.predict_pipeline  # noqa: F401  (before a test replaces what it imports)
from posebridge.cli.main import main
from tests.cli.test_full_disk import STYLE, contents
from tests.cli.writing_commands import COMMANDS, Given, make_given

OWN = ("evaluate into the card", "report", "bench")
"""Commands that write into what they read."""
WORK = (
    ("posebridge.inference.predictor", "load"),
    ("posebridge.checkpoints.model_folder", "load_checkpoint"),
    ("posebridge.data.conversion", "read_annotations"),
    ("posebridge.data.reading", "read_labeled"),
    ("posebridge.data.reading", "read_unlabeled"),
    ("posebridge.synthetic.figures", "render_figure"),
    ("posebridge.inference.load_domains", "read_domains"),
    ("posebridge.skeleton", "match_skeletons"),
)


@pytest.fixture(scope="module")
def given(finished_run, figures, tmp_path_factory) -> Given:
    return make_given(finished_run, figures, tmp_path_factory.mktemp("given"), STYLE)


@pytest.fixture(scope="module")
def shut(tmp_path_factory) -> Iterator[Path]:
    """A folder that can't be written: by its permissions, or for root on a disk that is read-only."""
    folder = tmp_path_factory.mktemp("shut")
    folder.chmod(0o555)
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", str(folder)]
    mounted = False
    if os.access(folder, os.W_OK):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        mounted = done.returncode == 0
        if not mounted:
            pytest.skip(
                f"root writes everywhere, and no disk can be mounted: {done.stderr.strip()}"
            )
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("what", [name for name in COMMANDS if name not in OWN])
@pytest.mark.parametrize("place", ["below a file", "below /proc", "read-only"])
def test_a_place_that_can_not_be_written_is_found_before_the_work(
    what, place, given, shut, tmp_path, capsys, monkeypatch
):
    def work(*_, **__):
        raise AssertionError("work began before the place was tried")

    folder = Path("/proc/posebridge")
    if place == "below a file":
        folder = tmp_path / "file"
        folder.write_text("")
    elif place == "read-only":
        folder = shut
    elif not Path("/proc/self").exists():
        pytest.skip("/proc does not exist here")
    for module, name in WORK:
        monkeypatch.setattr(importlib.import_module(module), name, work)
    assert main(COMMANDS[what](given, folder)) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert str(folder) in told
    assert "can't be written" in told or "is a file" in told, told


_LIMITED = """
import resource, signal, sys
import posebridge.inference.predict_pipeline  # noqa: F401  (before a test replaces what it imports)
from posebridge.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
codes = []
for command in {commands!r}:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, most))
    codes.append(main(command))
print("CODES", codes)
"""


@pytest.mark.parametrize("limit", [0, 5000])
def test_a_limit_of_a_files_size_leaves_no_trace(limit, given, tmp_path):
    pytest.importorskip("resource")
    names = [n for n in COMMANDS if n.startswith(("convert", "synth", "skeleton"))]
    if limit:  # what is larger than that for certain
        names = [n for n in names if n in ("convert to COCO", "convert to SLEAP", "skeleton show")]
    commands = [COMMANDS[name](given, tmp_path / "out") for name in names]
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED.format(commands=commands, limit=limit)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert f"CODES {[2] * len(names)}" in done.stdout, done.stdout + done.stderr
    assert done.stderr.count("\n") == len(names), done.stderr
    assert done.stderr.count("can't be written") == len(names), done.stderr
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "what", ["convert to YOLO", "convert to SLEAP", "predict overlays", "check"]
)
def test_an_interrupt_while_writing_leaves_no_trace(what, given, tmp_path, capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    assert main(COMMANDS[what](given, tmp_path)) == 130
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), OSError(28, "full", "a.json")])
def test_an_unexpected_error_is_one_sentence(error, capsys, monkeypatch):
    from posebridge.cli import synth

    def fails(_):
        raise error

    monkeypatch.setattr(synth, "main", fails)
    assert main(["synth", "x"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert not isinstance(error, OSError) or "a.json: full" in told
