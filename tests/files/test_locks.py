"""One process at a time in a folder: a second process gets an error; a killed one blocks no other."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from posebridge.errors import InputError
from posebridge.files.locks import LOCK, locked_file, locked_folder

HOLDS = """
import sys, time
from pathlib import Path
from posebridge.files.locks import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(200)
"""
TURNS = """
import os, sys
from pathlib import Path
from posebridge.errors import InputError
from posebridge.files.locks import locked_folder
folder, inside = Path(sys.argv[1]) / "a" / "run", Path(sys.argv[1]) / "inside"
for _ in range(300):
    try:
        with locked_folder(folder):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails where another is inside
            inside.unlink()
    except InputError as error:
        assert "is in use by" in str(error), error
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_another_process_is_named_and_once_it_is_killed_the_folder_is_free(holder, tmp_path):
    with (
        pytest.raises(InputError, match=rf"run is in use by the process {holder.pid}; wait"),
        locked_folder(tmp_path / "run"),
    ):
        pass
    holder.kill()
    holder.wait()
    with locked_folder(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).is_file()
    # It was there before, so it stays; the lock file goes.
    assert list((tmp_path / "run").iterdir()) == []


def test_a_thread_may_take_it_again_and_another_thread_may_not(tmp_path):
    refused = []

    def other() -> None:
        try:
            with locked_folder(tmp_path):
                pass
        except InputError as error:
            refused.append(str(error))

    with locked_folder(tmp_path):
        with locked_folder(tmp_path / "." / ""), locked_folder(tmp_path / "inside"):
            pass
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (tmp_path / LOCK).is_file()
    assert len(refused) == 1 and "is in use by the process" in refused[0]
    with locked_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_made_for_the_lock_alone_is_removed(tmp_path):
    with locked_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked_folder(tmp_path / "a"):
        (tmp_path / "a" / "kept").touch()
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["kept"]


def test_processes_that_take_turns_are_never_inside_together(tmp_path):
    turns = [subprocess.Popen([sys.executable, "-c", TURNS, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(100) for process in turns] == [0, 0, 0]
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_file_is_locked_beside_it(tmp_path):
    with locked_file(tmp_path / "style.safetensors"):
        assert [file.name for file in tmp_path.iterdir()] == [f".style.safetensors{LOCK}"]
    assert list(tmp_path.iterdir()) == []


def test_unwritable_lock_is_reported(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="file can't be written"),
        locked_folder(tmp_path / "file"),
    ):
        pass
