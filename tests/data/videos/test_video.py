"""Videos as targets: which frames, which way up, and that they are stored once."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from posebridge.data.reading import DataConfig, read_unlabeled
from posebridge.data.videos.video import chosen_frames, extract_frames, frame_times, sample_video
from posebridge.errors import InputError


def greys(files) -> list[int]:
    """Return the number of each frame by its gray, in the lower right."""
    return [round(float(np.asarray(Image.open(f))[-8:, -8:].mean()) / 20) for f in files]


@pytest.mark.parametrize(
    ("times", "every", "most", "expected"),
    [
        ([0, 1, 2, 3, 4, 5], 2, 9, [0, 2, 4]),
        ([0, 1, 2, 3, 4, 5], 0, 9, [0, 1, 2, 3, 4, 5]),
        ([0, 1, 2, 3, 4, 5], 0, 3, [1, 3, 5]),  # the middles of 6 / 3: 1, 3, 5
        ([0, 1, 2, 3], 0, 1, [2]),
        # Spans of 104 / 4 with the middles 13, 39, 65, 91: the long still is taken once.
        ([0, 1, 2, 3, 100, 101, 102, 103], 0, 4, [3]),
        ([0, 50, 98, 99, 100, 101, 102, 103], 0, 4, [0, 1]),
    ],
)
def test_which_frames(times, every, most, expected):
    assert chosen_frames(np.array(times, dtype=float), every, most) == expected


def test_frames_of_a_video(tmp_path, film, cache):
    file = film(tmp_path / "clip.mp4", count=10)
    np.testing.assert_allclose(frame_times(file), np.arange(10) * 0.04, atol=1e-6)
    assert greys(sample_video(file, every=3)) == [0, 3, 6, 9]
    assert greys(sample_video(file, most=2)) == [2, 7]
    frames = extract_frames(file, [7, 1, 7])  # as labels name them, in their order
    assert greys(frames) == [7, 1, 7] and frames[0] == frames[2]
    assert all(cache in f.parents for f in frames)
    with pytest.raises(InputError, match="has no frame 30, which the labels name"):
        extract_frames(file, [3, 30])


def test_variable_rate_counts_time(tmp_path, film):
    """Frames 0 to 7 within 0.3 s, then 8 until 4 s: half of an even sample would be frame 8."""
    times = [*range(0, 320, 40), 400, 4000]
    file = film(tmp_path / "clip.mp4", times=times)
    np.testing.assert_allclose(frame_times(file), np.array(times) / 1000, atol=1e-3)
    # The last frame lasts the median, 0.04 s: spans of 0.505 s, their middles in frame 8 but one.
    assert greys(sample_video(file, most=8)) == [6, 8]


@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
def test_phones_are_turned_upright(tmp_path, film, rotation):
    (frame,) = sample_video(film(tmp_path / "clip.mp4", count=1, rotation=rotation))
    shown = np.asarray(Image.open(frame)).mean(axis=2)
    before = np.zeros((48, 64))
    before[:24, :32] = 255
    expected = np.rot90(before, rotation // 90)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).mean() < 8


def test_frames_are_stored_once_and_read_again_when_the_video_changes(tmp_path, film):
    said: list[str] = []
    file = film(tmp_path / "clip.mp4", count=4)
    first = sample_video(file, say=said.append)
    stamp = [f.stat().st_mtime_ns for f in first]
    assert sample_video(file, say=said.append) == first and len(said) == 1
    assert [f.stat().st_mtime_ns for f in first] == stamp
    film(file, count=5)
    assert len(sample_video(file)) == 5
    assert not list(first[0].parents[1].glob("*.partial"))


def test_targets_of_one_and_several_videos(tmp_path, film):
    film(tmp_path / "day/one.mp4", count=6)
    film(tmp_path / "day/two.mov", count=4)
    Image.new("RGB", (9, 9)).save(tmp_path / "day/still.png")
    assert len(read_unlabeled(tmp_path / "day/one.mp4")) == 6
    assert len(read_unlabeled(tmp_path / "day")) == 6 + 4 + 1
    assert len(read_unlabeled(f"{tmp_path}/day/*.m*", options=DataConfig(frame_step=2))) == 3 + 2
    few = read_unlabeled(tmp_path / "day", options=DataConfig(max_frames=3))
    assert len(few) == 3 + 3 + 1 and (few.boxes == 0).all()


def test_broken_videos(tmp_path, film):
    """One of several is left out and reported; a single one is refused; a torn one keeps its frames."""
    whole = film(tmp_path / "a.avi", count=10)
    content = whole.read_bytes()
    torn = tmp_path / "torn.avi"
    torn.write_bytes(content[: int(len(content) * 0.6)])
    assert 0 < len(sample_video(torn)) <= 10
    (tmp_path / "b.mp4").write_bytes(b"no video at all")
    said: list[str] = []
    assert len(read_unlabeled(tmp_path, say=said.append)) >= 10
    assert [s for s in said if s.startswith("left out:") and "b.mp4 is not a video" in s]
    with pytest.raises(InputError, match="b.mp4 is not a video that can be read"):
        read_unlabeled(tmp_path / "b.mp4")


def test_meaningless_video_options_are_refused():
    for wrong in ({"frame_step": -1}, {"max_frames": 0}, {"min_score": float("nan")}):
        with pytest.raises(InputError, match="data."):
            DataConfig(**wrong)
