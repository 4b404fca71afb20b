"""Which frame of a video is which: as OpenCV counts an intact one, and by time in a damaged one."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from posebridge.data.reading import read_annotations, read_labeled, read_unlabeled
from posebridge.data.videos.frame_order import filled_times
from posebridge.data.videos.video import extract_frames, frame_times, sample_video, shown_at
from posebridge.errors import InputError
from tests.data.videos.numbered_videos import (
    all_frames,
    damage,
    numbers_of,
    opencv_frames,
    packets,
    picture,
    shown_in,
    write_numbered,
)

if "libx264" not in av.codecs_available:
    pytest.skip("this build of FFmpeg has no H.264 encoder", allow_module_level=True)

STEPS = [*range(10), 10, 13, 14, 15, 22, 23, 30, 31, 32, 33]


@pytest.mark.parametrize(
    ("name", "codec", "times", "b_frames"),
    [
        ("b.mp4", "libx264", 20, 2),
        ("b.mkv", "libx264", 20, 2),
        ("b.ts", "libx264", 20, 2),
        ("times.avi", "libx264", 20, 0),
        ("reordered.avi", "libx264", 20, 2),  # whose packets have no times of display
        ("packed.avi", "mpeg4", 20, 2),
        ("single.avi", "mjpeg", 20, 0),
        ("old.mpg", "mpeg2video", 20, 2),
        ("offset.mp4", "libx264", range(100, 120), 2),
        ("offset.mkv", "libx264", range(100, 120), 2),
        ("variable.mp4", "libx264", STEPS, 2),
        ("variable.mkv", "libx264", STEPS, 2),
        ("dropped.ts", "libx264", [*range(30), *range(32, 60)], 0),
    ],
)
def test_frames_are_numbered_as_opencv_counts_them(tmp_path, name, codec, times, b_frames):
    file = write_numbered(tmp_path / name, times, codec, b_frames=b_frames)
    count = times if isinstance(times, int) else len(times)
    assert all_frames(file) == {n: n for n in range(count)}
    assert opencv_frames(file) == all_frames(file)


def test_raw_stream_is_numbered_by_packets(tmp_path):
    file = write_numbered(tmp_path / "raw.mp4", 20, format="h264")
    assert all_frames(file) == {n: n for n in range(20)} == opencv_frames(file)
    np.testing.assert_allclose(np.diff(frame_times(file)), 0.04)


def test_stream_cut_before_its_key_frame_begins_at_the_first_frame_shown(tmp_path):
    whole = write_numbered(tmp_path / "whole.ts", 40, "mpeg2video")
    file = tmp_path / "cut.ts"
    content = whole.read_bytes()
    at = next(p for pts, p, _ in packets(whole) if p > len(content) // 3)
    file.write_bytes(content[at // 188 * 188 :])
    shown = opencv_frames(file)
    assert shown and all_frames(file) == shown


def test_frames_after_damage_keep_their_number_and_time(tmp_path):
    """Frames 18 and 19 are broken; those of their group that follow were predicted from them."""
    said: list[str] = []
    file = damage(write_numbered(tmp_path / "clip.mp4"), [18, 19])
    found = all_frames(file, said)
    assert all(number == shown for number, shown in found.items())
    assert set(found) >= {*range(16), *range(24, 40)} and not {18, 19} & set(found)
    frames = sample_video(file, every=1)
    np.testing.assert_allclose(shown_at(file, frames), np.array(numbers_of(frames)) * 0.04)
    np.testing.assert_allclose(frame_times(file), np.arange(40) * 0.04)
    left = 40 - len(found)
    assert f"{left} of 40 frames of {file} can't be decoded and are left out" in said[-1]
    # The same is told when the frames are there already.
    again: list[str] = []
    assert all_frames(file, again) == found and again == said[-1:]


def test_every_nth_frame_of_a_damaged_video_is_that_frame(tmp_path):
    file = damage(write_numbered(tmp_path / "clip.mp4", 64, group=4, b_frames=0), [8])
    frames = sample_video(file, every=5)
    assert numbers_of(frames) == shown_in(frames) == [0, 5, *range(15, 64, 5)]
    few = sample_video(file, most=4)
    assert numbers_of(few) == shown_in(few) == [24, 40, 56]


def test_damaged_first_frame_is_not_replaced(tmp_path):
    file = damage(write_numbered(tmp_path / "clip.mp4", 24), [0])
    found = all_frames(file)
    assert found and all(number == shown for number, shown in found.items())
    assert set(found) >= set(range(8, 24)) and 0 not in found


def test_lost_packets_of_avi_keep_their_place(tmp_path):
    """The header of a chunk is overwritten: the reader of AVI finds one packet less."""
    file = write_numbered(tmp_path / "clip.avi", 40, "mpeg4", b_frames=0)
    content = bytearray(file.read_bytes())
    place = packets(file)[18][1]
    content[place - 8 : place + 20] = b"\xff" * 28
    file.write_bytes(content)
    assert len(packets(file)) < 40
    found = all_frames(file)
    assert all(number == shown for number, shown in found.items())
    assert set(found) >= {*range(17), *range(24, 40)}
    assert len(frame_times(file)) == 40


def test_lost_packets_of_a_transport_stream_leave_a_gap(tmp_path):
    """What is cut out of the middle has its numbers, by the gap in the times."""
    file = write_numbered(tmp_path / "clip.ts", 60, b_frames=0)
    content = file.read_bytes()
    places = [place for _, place, _ in packets(file)]
    file.write_bytes(content[: places[26]] + content[places[29] :])
    found = all_frames(file)
    assert len(frame_times(file)) == 60
    assert all(number == shown for number, shown in found.items())
    assert set(found) >= {*range(25), *range(32, 60)} and not {26, 27, 28} & set(found)


def test_gaps_are_filled_at_a_constant_rate_alone():
    assert filled_times([0, 33, 67, 100, 200, 233, 267, 300, 333, 367, 400, 433]) == [
        *(0, 33, 67, 100, 133, 167, 200, 233, 267, 300, 333, 367, 400, 433)
    ]
    assert filled_times(list(range(0, 400, 40))) is None
    assert filled_times([0, 40, 95, 120, 200, 290, 300, 355, 400]) is None


def test_absurd_times_are_not_filled():
    assert filled_times([*range(0, 4000, 40), 2**62]) is None


def test_truncated_file_has_the_remaining_frames(tmp_path):
    """The table at the front lists 40 frames; a label beyond the end names no other frame."""
    file = tmp_path / "front.mp4"
    options = {"movflags": "faststart"}
    source = str(write_numbered(tmp_path / "a.mp4"))
    with av.open(source) as whole, av.open(str(file), "w", options=options) as container:
        stream = container.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    places = packets(file)
    file.write_bytes(file.read_bytes()[: places[24][1] + 3])
    found = all_frames(file)
    assert set(found) >= set(range(16)) and all(n == s for n, s in found.items())
    files = extract_frames(file, [3, 39])
    assert files[0].is_file() and not files[1].is_file()
    with pytest.raises(InputError, match="has no frame 40, which the labels name"):
        extract_frames(file, [3, 40])


def deeplabcut_table(file: Path, numbers: list[int]) -> Path:
    """Predictions of DeepLabCut: rows are numbers of frames; x and y are the number."""
    lines = ["scorer,m,m,m,m", "bodyparts,nose,nose,tail,tail", "coords,x,y,x,y"]
    lines += [f"{n},{n}.0,{n}.0,{n}.0,{n}.0" for n in numbers]
    file.write_text("\n".join(lines) + "\n")
    return file


def test_labels_on_undecodable_frames_are_left_out_and_counted(tmp_path):
    damage(write_numbered(tmp_path / "mouse.mp4"), [18, 19])
    table = deeplabcut_table(tmp_path / "mouseDLC_x.csv", [2, 18, 25, 39])
    found = read_annotations(table)
    assert shown_in(found.files) == [2, 25, 39] == found.points[:, 0, 0].tolist()
    assert found.image.tolist() == [0, 1, 2]
    note = "1 frames can't be decoded (18 of mouse.mp4), so 1 subjects on them are left out"
    assert any(note in n for n in found.notes)
    said: list[str] = []
    assert len(read_labeled(table, say=said.append)) == 3 and any(note in s for s in said)
    said.clear()
    boxes = read_unlabeled(table, say=said.append)
    assert len(boxes) == 3 and any("1 frames can't be decoded" in s for s in said)


def test_labels_on_nothing_but_undecodable_frames_are_refused(tmp_path):
    damage(write_numbered(tmp_path / "mouse.mp4"), [18, 19])
    table = deeplabcut_table(tmp_path / "mouseDLC_x.csv", [18, 19])
    for read in (read_annotations, read_unlabeled):
        with pytest.raises(InputError, match="none of the labeled frames can be decoded"):
            read(table)


def test_sleap_labels_of_a_damaged_video(tmp_path):
    sio = pytest.importorskip("sleap_io")
    video = damage(write_numbered(tmp_path / "mouse.mp4"), [18, 19])
    skeleton = sio.Skeleton(["nose", "tail"])
    source = sio.Video.from_filename(str(video))
    frames = [
        sio.LabeledFrame(
            video=source,
            frame_idx=n,
            instances=[sio.Instance.from_numpy(np.full((2, 2), float(n)), skeleton=skeleton)],
        )
        for n in (1, 18, 30)
    ]
    file = tmp_path / "labels.slp"
    sio.save_file(sio.Labels(frames), str(file))
    found = read_annotations(file)
    assert shown_in(found.files) == [1, 30] == found.points[:, 0, 0].tolist()


def test_ten_thousand_labels_take_one_pass(tmp_path, monkeypatch):
    """Each packet is decoded once, however many labels name its frame."""
    from posebridge.data.videos import frame_decoder

    opened: list[Path] = []
    before = frame_decoder.open_video
    monkeypatch.setattr(frame_decoder, "open_video", lambda p: opened.append(p) or before(p))
    file = write_numbered(tmp_path / "clip.mp4", 20)
    files = extract_frames(file, [n % 20 for n in range(10_000)])
    assert len(opened) == 1 and len(set(files)) == 20
    assert shown_in(files[:20]) == list(range(20))


def test_opencv_reads_the_number_in_a_frame(tmp_path):
    file = tmp_path / "still.mkv"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        frame = av.VideoFrame.from_ndarray(picture(0b10110101), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert all_frames(file) == {0: 0b10110101}
