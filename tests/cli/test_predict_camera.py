"""``posebridge predict MODEL camera:0`` on a capture that a test puts in the camera's place."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import posebridge
from posebridge.cli.main import main
from posebridge.data import camera
from posebridge.data.crops import decode_image
from posebridge.data.reading import read_annotations
from posebridge.data.videos.video import frame_times
from posebridge.errors import InputError
from posebridge.inference.smoothing import one_euro

CAMERA_FRAMES = camera.camera_frames


class FakeCapture:
    """Shows pictures (H, W, 3) RGB one after another, a failure where one is None; then none."""

    def __init__(self, pictures, opened=True):
        self.pictures, self.opened, self.released = list(pictures), opened, False

    def isOpened(self):
        return self.opened

    def read(self):
        picture = self.pictures.pop(0) if self.pictures else None
        return picture is not None, None if picture is None else picture[..., ::-1]

    def release(self):
        self.released = True


@pytest.fixture
def pictures(figures) -> list[np.ndarray]:
    return [decode_image(file) for file in sorted((figures.test.parent / "images").iterdir())]


@pytest.fixture
def plugged(monkeypatch):
    """Puts a capture in the place of camera 0, and a clock that ticks a tenth of a second."""

    def plug(capture: FakeCapture) -> FakeCapture:
        ticks = iter(np.arange(1000) / 10)
        monkeypatch.setattr(camera, "open_capture", lambda index: {0: capture}[index])
        timed = partial(CAMERA_FRAMES, clock=lambda: float(next(ticks)))
        monkeypatch.setattr(camera, "camera_frames", timed)
        return capture

    return plug


def sentence(capsys, *arguments: object) -> str:
    assert main(["predict", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_frames_have_times_and_the_camera_is_released(pictures):
    capture = FakeCapture([None, *pictures])
    ticks = iter([7.0, 7.1, 7.3, 7.6, 8.0, 9.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera, "open_capture", lambda index: capture)
        frames = list(camera.camera_frames(0, seconds=1.0, every=2, clock=lambda: next(ticks)))
    assert [(f.number, round(f.seconds, 3)) for f in frames] == [(0, 0), (2, 0.3)]
    np.testing.assert_array_equal(frames[1].image, pictures[2])
    assert capture.released


def test_a_session_of_seconds_is_written_with_times_and_frames(
    finished_run, pictures, plugged, tmp_path, capsys
):
    expected = posebridge.load(finished_run).predict(pictures)
    capture = plugged(FakeCapture(pictures))
    table, coco, drawn = tmp_path / "live.csv", tmp_path / "live.json", tmp_path / "drawn.mp4"
    slp, frames = tmp_path / "live.slp", tmp_path / "frames"
    given = ["predict", str(finished_run), "camera:0", "--seconds", "0.45", "--smooth"]
    given += [part for out in (table, coco, slp) for part in ("--out", str(out))]
    assert main([*given, "--overlays", str(drawn), "--save-frames", str(frames)]) == 0
    assert capture.released and len(capture.pictures) == len(pictures) - 6
    assert "5 frames in 0.4 s" in capsys.readouterr().out

    header, *rows = csv.reader(table.read_text().splitlines())
    assert header[:3] == ["file", "seconds", "box_x"]
    assert [row[0] for row in rows] == [f"frame_{n:08d}.jpg" for n in range(5)]
    times = np.array([float(row[1]) for row in rows])
    np.testing.assert_allclose(times, np.arange(5) / 10)
    triples = np.array([row[6:] for row in rows], float).reshape(5, 14, 3)
    smooth = one_euro(expected.points[:5] / 64, times) * 64
    np.testing.assert_allclose(triples[..., :2], smooth, atol=2e-3)
    np.testing.assert_allclose(triples[..., 2], expected.confidence[:5], atol=1e-3)
    boxes = [row["bbox"] for row in json.loads(coco.read_text())["annotations"]]
    assert boxes == [[0, 0, 64, 64]] * 5

    assert read_annotations(slp).files == sorted(frames.iterdir())
    stored = decode_image(frames / "frame_00000003.jpg").astype(int)
    assert np.abs(stored - pictures[3]).mean() < 4
    np.testing.assert_allclose(frame_times(drawn), times, atol=1e-3)
    assert not list(tmp_path.glob("*.partial"))


LIVE = """
import itertools, sys, time
import numpy as np
from posebridge.cli.main import main
from posebridge.data import camera

class Endless:
    shown = itertools.count()
    def isOpened(self): return True
    def read(self):
        time.sleep(0.01)
        return True, np.random.default_rng(next(self.shown)).integers(0, 255, (48, 64, 3), np.uint8)
    def release(self): print("released")

camera.open_capture = lambda index: Endless()
sys.exit(main(sys.argv[1:]))
"""


def started(*arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", LIVE, "predict", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(file: Path, size: int) -> None:
    until = time.monotonic() + 120
    while not (file.is_file() and file.stat().st_size > size):
        assert time.monotonic() < until, "nothing was kept"
        time.sleep(0.02)


def test_ctrl_c_ends_a_session_and_a_kill_loses_nothing(finished_run, tmp_path, capsys):
    out, partial = tmp_path / "live.csv", tmp_path / "live.csv.keypoints.partial"
    given = (finished_run, "camera:0", "--out", out)
    process = started(*given)
    wait_for(partial, 5000)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "released" in said and "written" in said and not partial.exists()
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) > 3
    assert [row["file"] for row in rows] == [f"frame_{n:08d}.jpg" for n in range(len(rows))]
    noise = [np.random.default_rng(n).integers(0, 255, (48, 64, 3), np.uint8) for n in range(4)]
    answers = posebridge.load(finished_run).predict([image[..., ::-1] for image in noise])
    joint = posebridge.load(finished_run).skeleton.keypoints[5]
    found = [[float(row[f"{joint}_{axis}"]) for axis in "xy"] for row in rows[:4]]
    np.testing.assert_allclose(found, answers.points[:, 5], atol=2e-3)

    process = started(*given)
    wait_for(partial, 5000)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert "--seconds 0" in sentence(capsys, *given)
    assert "differs in settings" in sentence(capsys, *given, "--seconds", "0", "--frame-step", "2")
    assert main(["predict", *map(str, given), "--seconds", "0"]) == 0
    again = list(csv.DictReader(out.read_text().splitlines()))
    assert len(again) > 3 and not partial.exists()
    keypoints = [key for key in again[0] if key not in ("file", "seconds")]
    for one, other in zip(rows[:4], again[:4], strict=True):
        assert [one[key] for key in keypoints] == [other[key] for key in keypoints]


def test_unusable_camera_is_reported(finished_run, figures, plugged, pictures, tmp_path, capsys):
    out = ("--out", tmp_path / "a.csv")
    assert "camera:0" in sentence(capsys, finished_run, "0", *out)
    assert "does not name a camera" in sentence(capsys, finished_run, "camera:front", *out)
    plugged(FakeCapture([], opened=False))
    assert "can't be opened" in sentence(capsys, finished_run, "camera:0", *out)
    dark = plugged(FakeCapture([None] * 100))
    assert "no image" in sentence(capsys, finished_run, "camera:0", *out)
    assert dark.released
    said = sentence(capsys, finished_run, "camera:0", "--out", tmp_path / "a.slp")
    assert "--save-frames" in said
    for option in ("--seconds", "1"), ("--save-frames", tmp_path / "f"):
        assert f"{option[0]} is for a camera" in sentence(
            capsys, finished_run, figures.test, *option, *out
        )
    assert "number of 0 or more" in sentence(
        capsys, finished_run, "camera:0", "--seconds", "-1", *out
    )
    plugged(FakeCapture(pictures))
    kept = ("--save-frames", figures.test.parent / "images")
    assert "not empty" in sentence(capsys, finished_run, "camera:0", *kept, *out)
    assert not list(tmp_path.iterdir())


def test_opencv_has_no_such_camera(capfd):
    with pytest.raises(InputError, match="camera:99 can't be opened"):
        list(camera.camera_frames(99))
    assert capfd.readouterr() == ("", "")
