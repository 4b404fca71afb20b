"""The images of a folder, and one line on the files that are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from posebridge.data import folder_scan
from posebridge.data.reading import read_unlabeled
from posebridge.errors import InputError


def _fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name, "PNG")


def _read(source: Path | str, folder: Path) -> tuple[list[str], list[str]]:
    told: list[str] = []
    samples = read_unlabeled(source, say=told.append)
    names = [samples.path(i).relative_to(folder).as_posix() for i in range(len(samples))]
    return names, told


def test_other_files_are_left_out_and_counted_by_reason(tmp_path):
    _fill(tmp_path, "a.jpg", "b.jfif", "c.jpe", "d.AVIF", "f.gif", "h.jp2", "noext", "._a.jpg")
    _fill(tmp_path, ".hidden.png", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/a.jpg")
    _fill(tmp_path, ".ipynb_checkpoints/a-checkpoint.jpg", "deep/@eaDir/b.jpg", "deep/z.png")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "trail.jpg ").write_bytes(b"x")
    (tmp_path / "dead.jpg").symlink_to("/nowhere/x.jpg")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    names, told = _read(tmp_path, tmp_path)
    assert names == ["a.jpg", "b.jfif", "c.jpe", "d.AVIF", "deep/z.png", "link.jpg"]
    (line,) = told
    counts = line.partition("left out: ")[2].split(", ")
    assert sorted(counts) == sorted(
        [
            "1 .gif (store them as JPEG or PNG)",
            "1 .jp2 (store them as JPEG or PNG)",
            *("1 dead link", "1 folder __MACOSX", "2 folders @eaDir", "1 hidden folder"),
            *(
                "2 hidden files",
                "1 image without an ending",
                "1 name that ends in a space",
                "1 pipe or device",
            ),
        ]
    )


def test_plain_folder_is_read_without_a_message(tmp_path):
    _fill(tmp_path, "a.png", "b/c.png")
    (tmp_path / "notes.txt").touch()
    assert _read(tmp_path, tmp_path) == (["a.png", "b/c.png"], [])


def test_heic_without_its_library_is_counted_with_the_remedy(tmp_path, monkeypatch):
    _fill(tmp_path, "a.png", "IMG_1.HEIC", "IMG_2.heif")
    monkeypatch.setattr(folder_scan, "heic_is_read", lambda: False)
    names, told = _read(tmp_path, tmp_path)
    assert names == ["a.png"]
    assert told == [f"{tmp_path}: left out: 2 HEIC (pip install 'posebridge[heic]' reads them)"]
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match=r"no video; left out: 2 HEIC \(pip install"):
        read_unlabeled(tmp_path)


def test_links_to_folders_are_followed_once(tmp_path):
    _fill(tmp_path, "store/z.png", "set/a.png", "set/real/b.png")
    (tmp_path / "set" / "day1").symlink_to("../store")
    (tmp_path / "set" / "again").symlink_to("../store")
    (tmp_path / "set" / "inside").symlink_to("real")
    (tmp_path / "set" / "real" / "loop").symlink_to("..")
    (tmp_path / "set" / "up").symlink_to(tmp_path)
    names, told = _read(tmp_path / "set", tmp_path / "set")
    assert names == ["a.png", "again/z.png", "real/b.png"]
    assert told == [f"{tmp_path / 'set'}: left out: 4 links to folders that are read already"]


def test_a_glob_leaves_out_the_same(tmp_path):
    _fill(tmp_path, "a.png", "x/b.png", "x/@eaDir/b.png", "x/c.gif", "x/deep/d.png")
    (tmp_path / "x" / "dead.png").symlink_to("/nowhere/x.png")
    names, told = _read(f"{tmp_path}/**/*", tmp_path)
    assert names == ["a.png", "x/b.png", "x/deep/d.png"]
    assert "1 folder @eaDir" in told[0] and "1 .gif" in told[0] and "1 dead link" in told[0]
    names, told = _read(f"{tmp_path}/x/*", tmp_path)
    assert names == ["x/b.png"] and "1 folder (name them to search)" in told[0]


def test_a_hidden_folder_that_is_named_is_read(tmp_path):
    _fill(tmp_path, ".mine/a.png")
    assert _read(tmp_path / ".mine", tmp_path) == ([".mine/a.png"], [])
    assert _read(f"{tmp_path}/.mine/*.png", tmp_path)[0] == [".mine/a.png"]


@pytest.mark.parametrize("given", ["", " ", "\t"])
def test_an_empty_path_is_not_the_current_folder(given):
    for read in (read_unlabeled,):
        with pytest.raises(InputError, match="no images are given: the path is empty"):
            read(given)


def test_pipe_is_refused(tmp_path):
    for name in ("pipe.jpg", "pipe.json", "pipe.mp4", "pipe.yaml", "pipe.csv"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError, match=f"{name} is a pipe, not a file"):
            read_unlabeled(tmp_path / name)
