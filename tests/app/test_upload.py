"""Uploads: recognized by content, within limits, and removed at the end."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from posebridge.app.upload import Limits, take_upload
from posebridge.data.crops import decode_image
from posebridge.errors import InputError


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("POSEBRIDGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def write_image(path: Path, ending: str = ".png", width: int = 40, height: int = 30) -> Path:
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    done, content = cv2.imencode(ending, picture)
    assert done
    path.write_bytes(content.tobytes())
    return path


def write_clip(path: Path, frames: int = 10, container_format: str | None = None) -> Path:
    """Write frames of 64 x 48 with a gray level of twenty times their number."""
    av = pytest.importorskip("av", reason="av is not installed: pip install 'posebridge[app]'")
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = np.full((48, 64, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_image_is_recognized_by_content(ending, tmp_path, place):
    taken = take_upload(write_image(tmp_path / "notes.txt", ending), place, Limits())
    assert (taken.name, taken.files, taken.seconds, taken.note) == (
        *("notes.txt", ["notes.txt"], None, ""),
    )
    assert decode_image(taken.samples.path(0)).shape == (30, 40, 3)
    assert taken.samples.path(0).is_relative_to(place)
    taken.close()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("kind", ["mp4", "matroska", "avi", "mpegts"])
def test_video_is_recognized_by_content_and_sampled_evenly(kind, tmp_path, place):
    clip = write_clip(tmp_path / "clip.png", frames=9, container_format=kind)
    taken = take_upload(clip, place, Limits(frames=3))
    # From nine frames in three equal spans, the one shown in the middle of each.
    assert taken.files == [f"clip/frame_{n:08d}.jpg" for n in (1, 4, 7)]
    assert taken.seconds is not None
    np.testing.assert_allclose(np.diff(taken.seconds), 0.3, atol=0.01)
    levels = [decode_image(taken.samples.path(i)).mean() for i in range(3)]
    np.testing.assert_allclose(levels, [20, 80, 140], atol=4)
    assert "3 of the video's 9 frames" in taken.note
    assert not any(p.is_dir() for p in (tmp_path / "cache" / "frames").iterdir())
    taken.close()
    assert list(place.iterdir()) == []


def test_short_video_is_used_whole_without_a_note(tmp_path, place):
    taken = take_upload(write_clip(tmp_path / "clip.mp4"), place, Limits(frames=10))
    assert (len(taken.files), taken.note) == (10, "")


def refused(kind: str, folder: Path) -> tuple[Path, Limits]:
    path, limits = folder / "given.mp4", Limits()
    if kind == "text":
        path = folder / "notes.txt"
        path.write_text("not a picture\n")
    elif kind == "text named png":
        path = folder / "notes.png"
        path.write_text("not a picture\n")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "a page":
        path.write_text(
            "<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/hostname'/></svg>"
        )
    elif kind == "half an image":
        write_image(path)
        path.write_bytes(path.read_bytes()[:60])
    elif kind == "half a video":
        write_clip(path)
        path.write_bytes(path.read_bytes()[:400])
    elif kind == "many pixels":
        write_image(path, width=2000, height=600)
        limits = Limits(megapixels=1)
    elif kind == "large":
        path.write_bytes(b"\x89PNG" + bytes(1_300_000))
        limits = Limits(megabytes=1)
    elif kind == "a long video":
        write_clip(path)
        limits = Limits(minutes=0)
    elif kind == "large frames":
        write_clip(path)
        limits = Limits(megapixels=0)
    return path, limits


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "neither an image"),
        ("text named png", "neither an image"),
        ("a page", "neither an image"),
        ("empty", "is empty"),
        ("half an image", "damaged image"),
        ("half a video", "damaged video"),
        ("many pixels", "2000 x 600 pixels, and this page takes 1 million"),
        ("large", "has 1 MB, and this page takes 1"),
        ("a long video", "minutes long, and this page takes 0"),
        ("large frames", "64 x 48 pixels"),
    ],
)
def test_refused_upload_leaves_no_file(kind, words, tmp_path, place):
    path, limits = refused(kind, tmp_path)
    with pytest.raises(InputError) as caught:
        take_upload(path, place, limits)
    said = str(caught.value)
    assert words in said
    assert said.startswith(path.name)
    assert str(tmp_path) not in said and "\n" not in said
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    ["#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n", "ffconcat version 1.0\nfile /etc/passwd\n"],
)
def test_ffmpeg_never_opens_play_lists(content, tmp_path, place, monkeypatch):
    av = pytest.importorskip("av", reason="av is not installed: pip install 'posebridge[app]'")
    monkeypatch.setattr(av, "open", lambda *_: pytest.fail("FFmpeg opened the file"))
    path = tmp_path / "clip.mp4"
    path.write_text(content)
    with pytest.raises(InputError, match="neither an image"):
        take_upload(path, place, Limits())
