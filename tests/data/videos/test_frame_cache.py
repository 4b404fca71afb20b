"""Errors of storing a frame: those of the cache, and those of the source."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from posebridge.data.reading import read_annotations
from posebridge.data.videos.frame_cache import cache_folder, store_image, stored
from posebridge.data.videos.video import sample_video
from posebridge.errors import InputError
from tests.data.videos.numbered_videos import write_numbered


@pytest.mark.parametrize(
    ("number", "words", "remedy"),
    [
        (errno.ENOSPC, "the disk is full", "POSEBRIDGE_CACHE to a folder with room"),
        (errno.EDQUOT, "the disk quota is used up", "POSEBRIDGE_CACHE to a folder with room"),
        (
            errno.EACCES,
            "you may not write there",
            "POSEBRIDGE_CACHE to a folder that you may write",
        ),
        (errno.EROFS, "read-only", "POSEBRIDGE_CACHE to a folder that can be written"),
        (errno.EIO, os.strerror(errno.EIO), None),
        (errno.EMFILE, os.strerror(errno.EMFILE), None),
    ],
)
def test_reason_why_a_frame_is_not_stored(tmp_path, monkeypatch, number, words, remedy):
    file = write_numbered(tmp_path / "clip.mkv", 4, "ffv1", b_frames=0)

    def refuse(path: Path, content: bytes) -> int:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(InputError) as caught:
        sample_video(file)
    message = str(caught.value)
    assert str(cache_folder()) in message and words in message
    assert (remedy in message) if remedy else ("POSEBRIDGE_CACHE" not in message)
    assert not list(cache_folder().iterdir())


def test_cache_that_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSEBRIDGE_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set POSEBRIDGE_CACHE to a folder"):
        sample_video(write_numbered(tmp_path / "clip.mkv", 4, "ffv1", b_frames=0))


def test_source_error_is_not_reported_as_a_cache_error(tmp_path):
    def write(part: Path) -> None:
        store_image(part / "a.png", np.zeros((4, 4, 3), np.uint8))
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "source.h5")

    with pytest.raises(FileNotFoundError, match=r"source\.h5"):
        stored(cache_folder() / "x", write)
    assert not list(cache_folder().iterdir())


def test_missing_file_with_embedded_images_is_named(tmp_path):
    sio = pytest.importorskip("sleap_io")
    h5py = pytest.importorskip("h5py")
    inside = tmp_path / "pictures.h5"
    with h5py.File(inside, "w") as file:
        file["video"] = np.zeros((3, 8, 8, 1), np.uint8)
    video = sio.Video.from_filename(str(inside), dataset="video")
    skeleton = sio.Skeleton(["nose", "tail"])
    one = sio.Instance.from_numpy(np.full((2, 2), 3.0), skeleton=skeleton)
    frame = sio.LabeledFrame(video=video, frame_idx=1, instances=[one])
    labels = tmp_path / "labels.slp"
    sio.save_file(sio.Labels([frame]), str(labels))
    assert len(read_annotations(labels)) == 1
    inside.unlink()
    with pytest.raises(InputError, match="names the .*video .*pictures.h5, which is n"):
        read_annotations(labels)
