"""A full disk leads to an exit code, one sentence with the file, and no partial output."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from posebridge.cli.main import main
from tests.cli.writing_commands import COMMANDS, Given, make_given
from tests.conftest import TINY

PAGE = 4096
ALONE = {
    "predict overlays": ["a.csv"],
    "predict an overlay video": ["a.csv", "drawn.mp4", "a.csv.keypoints.partial"],
    "bench": ["record.json"],
    "train-style": ["style.safetensors"],
    "skeleton match": ["a.yaml"],
}
"""Outputs that are whole without the others of their command."""
RESUMED = ("a.csv.keypoints.partial",)
"""Files that the same command resumes from."""
STYLE = [f"--{name}={value}" for name, value in TINY.items()]
STYLE += [
    "--style.method=adain",
    "--style.network.encoder=resnet10t",
    "--style.network.encoder_weights=none",
]
STYLE += [
    "--style.network.feature_levels=[0]",
    "--style.network.steps=2",
    "--style.network.batch=2",
]
STYLE += ["--style.network.width=0.25"]


@pytest.fixture(scope="module")
def given(finished_run, figures, tmp_path_factory) -> Given:
    return make_given(finished_run, figures, tmp_path_factory.mktemp("given"), STYLE)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 48 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a disk can't be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def contents(folder: Path) -> dict[str, str]:
    """Return every file and folder, also hidden ones, with a checksum of the files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
        if path.name != "filler"
    }


def fill(disk: Path, pages: int) -> None:
    """Fill a disk until ``pages`` pages of 4 KiB are free."""
    (disk / "filler").unlink(missing_ok=True)
    state = os.statvfs(disk)
    free = state.f_bavail * state.f_frsize // PAGE
    with (disk / "filler").open("wb") as file:
        if free > pages:
            os.posix_fallocate(file.fileno(), 0, PAGE * (free - pages))


@pytest.mark.parametrize("what", COMMANDS)
def test_what_a_full_disk_does_not_take_leaves_no_trace(
    what, given, disk, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("POSEBRIDGE_CACHE", str(tmp_path / "cache"))
    arguments = COMMANDS[what](given, disk)
    before = contents(disk)
    left: dict[str, str] = {}
    # A model takes seconds to be translated, again and again.
    slow = what.startswith("export") or what in ("convert to NWB", "bench")
    for pages in (0, 5, 1000) if slow else (0, 1, 3, 13, 100, 1000):
        fill(disk, pages)
        capsys.readouterr()
        code = main(arguments)
        told = capsys.readouterr()
        if code == 0:
            break
        assert code == 2, told
        # Each output is whole or not there; of several, the earlier ones may be.
        more = {name: content for name, content in contents(disk).items() if name not in before}
        assert set(more) <= set(ALONE.get(what, ())), pages
        assert contents(disk).items() >= before.items(), pages
        left |= more
        assert told.err.count("\n") == 1, told.err
        assert str(disk) in told.err
        assert "disk is full" in told.err or "not whole" in told.err, told.err
    assert code == 0, told
    assert pages > 0
    after = contents(disk)
    assert {name: after.get(name) for name in left if name not in RESUMED} == {
        name: content for name, content in left.items() if name not in RESUMED
    }
    assert not [name for name in after if "partial" in name or "probe" in name]
