"""A file or a folder is written whole or not, and the reason is reported."""

from __future__ import annotations

import errno
import os

import pytest

from posebridge.errors import InputError
from posebridge.files.whole import (
    copy_into,
    folder_written_whole,
    require_writable,
    write_text,
    written_whole,
)


def test_a_file_takes_its_place_at_the_end(tmp_path):
    path = tmp_path / "made" / "a.csv"
    with written_whole(path) as partial:
        partial.write_text("x")
        assert not path.exists()
        assert partial.suffix == ".csv"
    assert [p.name for p in path.parent.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt()])
def test_exception_keeps_the_old_file(tmp_path, error):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(type(error)), written_whole(path) as partial:
        partial.write_text("new")
        raise error
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_that_does_not_verify_is_not_delivered(tmp_path):
    def broken(_):
        raise OSError(errno.EIO, "it can't be read back")

    with (
        pytest.raises(InputError, match=r"a\.h5 can't be written: it can't be read back"),
        written_whole(tmp_path / "a.h5", broken) as partial,
    ):
        partial.write_bytes(b"")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_reported(tmp_path):
    with (
        pytest.raises(InputError, match=r"a\.txt can't be written: the disk is full"),
        written_whole(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(InputError, match=r"set can't be written: the disk is full"),
        folder_written_whole(tmp_path / "set") as partial,
    ):
        (partial / "a.txt").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_its_place_at_the_end(tmp_path):
    folder = tmp_path / "set"
    with folder_written_whole(folder) as partial:
        (partial / "a").write_text("1")
        assert not folder.exists()
    with folder_written_whole(folder, replace=True) as partial:
        (partial / "b").write_text("2")
    assert [p.name for p in folder.iterdir()] == ["b"]
    with pytest.raises(InputError, match="can't be written"), folder_written_whole(folder):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "damaged"), KeyboardInterrupt()])
@pytest.mark.parametrize("alone", [True, False])
def test_a_folder_that_can_not_be_replaced_is_still_there(tmp_path, monkeypatch, error, alone):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a").write_text("old")
    move = os.replace

    def fails(source, target):
        if source == partial and target == folder:
            raise error
        move(source, target)

    with (
        pytest.raises((InputError, KeyboardInterrupt)),
        folder_written_whole(folder, replace=True, alone=alone) as partial,
    ):
        (partial / "a").write_text("new")
        monkeypatch.setattr(os, "replace", fails)
    assert (folder / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_place_is_tried_before_the_work(tmp_path):
    require_writable(tmp_path / "new" / "a.csv")
    require_writable(tmp_path / "new", folder=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        require_writable(tmp_path / "file" / "a.csv")
    with pytest.raises(InputError, match="it is a folder"):
        require_writable(tmp_path)


def test_a_large_folder_does_not_wait_for_the_disk_at_every_file(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(os, "fsync", waits.append)
    (tmp_path / "image.jpg").write_bytes(b"image")
    with folder_written_whole(tmp_path / "set") as partial:
        for number in range(100):
            copy_into(tmp_path / "image.jpg", partial / "images" / f"{number}.jpg")
    assert len(list((tmp_path / "set" / "images").iterdir())) == 100
    assert waits == []


def test_a_source_that_cannot_be_read_is_named_and_leaves_no_folder(tmp_path):
    with (
        pytest.raises(InputError, match=r"gone\.jpg can't be read: No such file"),
        folder_written_whole(tmp_path / "set") as partial,
    ):
        copy_into(tmp_path / "gone.jpg", partial / "images" / "a.jpg")
    assert list(tmp_path.iterdir()) == []
