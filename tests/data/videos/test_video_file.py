"""What is opened as a video: one regular file in a container of videos, and nothing that it names."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from posebridge.data.videos.video import frame_times, sample_video
from posebridge.errors import InputError
from tests.data.videos.numbered_videos import all_frames, picture, shown_number, write_numbered

SCRIPTS = {
    "ffconcat": "ffconcat version 1.0\nfile whole.mkv\n",
    "concat": "file 'whole.mkv'\n",
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\nwhole.mkv\n#EXT-X-ENDLIST\n",
    "manifest": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>\n',
    "session": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "scene": "%VPYSCRIPT\n",
}


def whole(folder: Path) -> Path:
    return write_numbered(folder / "whole.mkv", 4, "ffv1", b_frames=0)


@pytest.mark.parametrize("kind", SCRIPTS)
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".avi"])
def test_text_that_names_other_files_is_not_a_video(tmp_path, kind, ending):
    whole(tmp_path)
    file = tmp_path / f"clip{ending}"
    file.write_text(SCRIPTS[kind])
    with pytest.raises(InputError, match="is not a video that can be read") as caught:
        sample_video(file)
    assert str(file) in str(caught.value)


def test_image_named_as_a_video_is_not_one(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", tmp_path / "a.mp4")
    with pytest.raises(InputError, match="is not a video that can be read"):
        sample_video(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    "name", ["concat:whole.mkv", "a%03d.mkv", "http:clip.mkv", "-.mkv", "*.mkv"]
)
def test_name_is_a_name_and_not_an_address(tmp_path, name):
    source = whole(tmp_path)
    file = tmp_path / name
    file.write_bytes(source.read_bytes())
    assert all_frames(file) == {n: n for n in range(4)}


def test_name_that_is_not_utf8(tmp_path):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mkv"))
    try:
        file.write_bytes(whole(tmp_path).read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    assert all_frames(file) == {n: n for n in range(4)}


def test_name_as_long_as_the_system_takes(tmp_path):
    file = tmp_path / f"{'x' * 250}.mkv"
    file.write_bytes(whole(tmp_path).read_bytes())
    assert all_frames(file) == {n: n for n in range(4)}


def test_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputError, match="is not a regular file"):
        sample_video(tmp_path / "pipe.mp4")


def test_empty_missing_and_cut_files_are_refused(tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(InputError, match="is empty"):
        frame_times(tmp_path / "empty.mp4")
    with pytest.raises(InputError, match="does not exist"):
        frame_times(tmp_path / "none.mp4")
    cut = write_numbered(tmp_path / "cut.mp4", 20, "mpeg4")
    content = cut.read_bytes()
    cut.write_bytes(content[: content.index(b"moov") - 4])  # the table is at the end
    with pytest.raises(InputError, match="is not a video that can be read"):
        frame_times(cut)


def test_sound_alone_has_no_frames(tmp_path):
    file = tmp_path / "sound.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(InputError, match="has no images"):
        sample_video(file)


def test_header_that_claims_absurd_counts_is_refused(tmp_path):
    file = write_numbered(tmp_path / "clip.avi", 4, "mpeg4", b_frames=0)
    content = bytearray(file.read_bytes())
    at = content.index(b"vids") - 8 + 8  # the stream's header; its length is the ninth field
    struct.pack_into("<I", content, at + 32, 2**31 - 2)
    file.write_bytes(content)
    with pytest.raises(InputError, match="claims 2,147,483,646 frames"):
        sample_video(file)


@pytest.mark.parametrize(
    ("pix_fmt", "size"),
    [("gray", (64, 48)), ("gray16le", (64, 48)), ("bgra", (64, 48)), ("yuv444p", (63, 47))],
)
def test_kinds_of_pixels_and_odd_sizes(tmp_path, pix_fmt, size):
    file = tmp_path / "clip.mkv"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        image = np.ascontiguousarray(picture(0b01100110)[: size[1], : size[0]])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    (frame,) = sample_video(file)
    shown = np.asarray(Image.open(frame))
    assert shown.shape == (size[1], size[0], 3) and shown_number(shown) == 0b01100110


def test_cover_image_is_not_the_video(tmp_path):
    """An attached picture may be the first stream of images."""
    cover, film, file = tmp_path / "cover.png", whole(tmp_path), tmp_path / "both.mp4"
    Image.new("RGB", (9, 9)).save(cover)
    film = write_numbered(tmp_path / "film.mp4", 4, "mpeg4", b_frames=0)
    with (
        av.open(str(cover)) as picture_file,
        av.open(str(film)) as film_file,
        av.open(str(file), "w") as container,
    ):
        first = container.add_stream_from_template(picture_file.streams.video[0])
        first.disposition = av.stream.Disposition.attached_pic
        second = container.add_stream_from_template(film_file.streams.video[0])
        for source, stream in ((picture_file, first), (film_file, second)):
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    container.mux(packet)
    assert all_frames(file) == {n: n for n in range(4)}
