"""A killed prediction of a video resumes to equal files; a finished one is skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import posebridge
from posebridge.cli.main import main
from posebridge.data.reading import DataConfig, read_unlabeled
from posebridge.files.locks import locked_file
from posebridge.inference import detectors
from posebridge.inference.resume_cache import Journal

FRAMES = 80  # two whole batches and a half

SQUARE = """
import numpy as np
from posebridge.inference import detectors

class Square:
    name, classes, digest = "stub:square", ("__background__", "person"), "stub"
    looked = []
    def __init__(self, *_): pass
    def detect(self, images):
        self.looked.append(len(images))
        return [self.one(image) for image in images]
    def one(self, image):
        y, x = np.nonzero(image.max(axis=2) > 150)
        box = [[x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]]
        return detectors.Detections(np.array(box, float), np.ones(1), np.ones(1, int))

detectors.FAMILIES["stub"] = Square
"""

KILLED = f"""
{SQUARE}
import os, signal, sys
from posebridge.cli.main import main
from posebridge.inference.network import TorchNetwork

answered, times = TorchNetwork.keypoints, int(sys.argv.pop(1))

def keypoints(self, crops):
    global times
    if times == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    times -= 1
    return answered(self, crops)

TorchNetwork.keypoints = keypoints
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def clip(tmp_path, monkeypatch) -> Path:
    """Eighty small pictures of a square that moves."""
    av = pytest.importorskip("av", reason="needs pip install 'posebridge[video]'")
    monkeypatch.setenv("POSEBRIDGE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "clip.mkv"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), 60, np.uint8)
            picture[10:30, number // 2 : number // 2 + 20] = (250, number * 3, 0)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file


def killed_after(batches: int, *arguments: object) -> None:
    command = [sys.executable, "-c", KILLED, str(batches), "predict", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == -9, done.stderr


def interrupted_after(batches: int, *arguments: object) -> None:
    """Predict in this process until Ctrl-C in the middle of a batch."""
    from posebridge.inference.network import TorchNetwork

    predicted = iter([TorchNetwork.keypoints] * batches)

    def keypoints(self, crops):
        for predict in predicted:
            return predict(self, crops)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TorchNetwork, "keypoints", keypoints)
        assert main(["predict", *map(str, arguments)]) == 130


def tta(monkeypatch) -> list[int]:
    """Record the sizes of the batches that the network gets from now on."""
    from posebridge.inference.network import TorchNetwork

    sizes: list[int] = []
    answered = TorchNetwork.keypoints

    def keypoints(self, crops):
        sizes.append(len(crops))
        return answered(self, crops)

    monkeypatch.setattr(TorchNetwork, "keypoints", keypoints)
    return sizes


def test_a_killed_run_goes_on_to_the_same_files(finished_run, clip, tmp_path, monkeypatch, capsys):
    flags = ("--frame-step", "1", "--smooth")
    whole, out = tmp_path / "whole", tmp_path / "killed"
    sizes = tta(monkeypatch)

    def outs(folder: Path) -> list[str]:
        return [part for end in ("json", "csv") for part in ("--out", str(folder / f"a.{end}"))]

    given = ["predict", str(finished_run), str(clip), *flags]
    assert main([*given, *outs(whole)]) == 0
    assert sizes == [32, 32, 16]
    assert sorted(p.name for p in whole.iterdir()) == ["a.csv", "a.json", "a.json.made.json"]

    killed_after(2, finished_run, clip, *flags, *outs(out))
    partial = out / "a.json.keypoints.partial"
    assert sorted(p.name for p in out.iterdir()) == [".a.json.lock", partial.name]
    # As if the machine had lost the end of what was written.
    os.truncate(partial, partial.stat().st_size - 7)
    sizes.clear()
    capsys.readouterr()
    assert main([*given, *outs(out)]) == 0
    assert sizes == [32, 16]
    assert "resuming after 32 of 80" in capsys.readouterr().out
    for name in ("a.csv", "a.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert sorted(p.name for p in out.iterdir()) == ["a.csv", "a.json", "a.json.made.json"]

    sizes.clear()
    before = (out / "a.csv").stat().st_mtime_ns
    assert main([*given, *outs(out)]) == 0
    assert sizes == [] and (out / "a.csv").stat().st_mtime_ns == before
    assert "nothing to do" in capsys.readouterr().out
    for again in (["--overwrite"], ["--tta-flip"]):
        assert main([*given, *outs(out), *again]) == 0
        assert sum(sizes) == FRAMES * (1 + (again == ["--tta-flip"]))
        sizes.clear()
    (out / "a.csv").unlink()
    assert main([*given, *outs(out), "--tta-flip"]) == 0
    assert sizes and (out / "a.csv").is_file()


def test_batches_of_another_model_video_or_config_are_not_resumed(
    finished_run, clip, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "a.csv"
    given = (finished_run, clip, "--frame-step", "2", "--out", out)
    interrupted_after(1, *given)
    kept = (tmp_path / "a.csv.keypoints.partial").read_bytes()
    touched = clip.stat().st_mtime_ns + 10**9

    def other_video() -> None:
        os.utime(clip, ns=(touched, touched))

    sizes = tta(monkeypatch)
    for change, flags, words in (
        (lambda: None, ["--checkpoint", "source"], "differs in model"),
        (lambda: None, ["--tta-flip"], "differs in settings"),
        (lambda: None, ["--overwrite"], ""),
        (other_video, [], "differs in source"),
    ):
        (tmp_path / "a.csv.keypoints.partial").write_bytes(kept)
        change()
        assert main(["predict", *map(str, given), *flags]) == 0
        said = capsys.readouterr().out
        assert words in said and "resuming" not in said
        assert sum(sizes) == FRAMES // 2 * (2 if flags == ["--tta-flip"] else 1)
        sizes.clear()
    record = json.loads((tmp_path / "a.csv.made.json").read_text())
    assert list(record["files"]) == ["a.csv"]
    assert record["identity"]["source"]["mtime_ns"] == touched


def test_changed_outputs_are_written_again(finished_run, clip, figures, tmp_path, capsys):
    out, other, drawn = tmp_path / "a.csv", tmp_path / "a.json", tmp_path / "drawn"
    outs = [f"--out={out}", f"--out={other}", f"--overlays={drawn}"]
    given = ["predict", str(finished_run), str(clip), "--frame-step=20", *outs]
    images = ["predict", str(finished_run), str(figures.test)]

    def nothing_to_do() -> bool:
        capsys.readouterr()
        assert main(given) == 0
        return "nothing to do" in capsys.readouterr().out

    assert not nothing_to_do() and nothing_to_do()
    assert main([*images, f"--out={out}"]) == 0
    assert not (tmp_path / "a.csv.made.json").exists()
    assert not nothing_to_do() and nothing_to_do()
    assert main([*images, f"--out={other}"]) == 0
    assert not nothing_to_do() and nothing_to_do()
    next(drawn.iterdir()).unlink()
    assert not nothing_to_do() and nothing_to_do()


def test_detections_are_resumed(finished_run, clip, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(detectors, "FAMILIES", dict(detectors.FAMILIES))
    exec(SQUARE, names := {})
    looked = names["Square"].looked
    out = tmp_path / "a.json"
    given = (finished_run, clip, "--detector", "stub:square", "--largest", "--smooth")
    interrupted_after(1, *given, "--out", out)
    assert sum(looked) == FRAMES
    looked.clear()
    kept = {file.name for file in tmp_path.glob("*.partial")}
    assert kept == {"a.json.boxes.partial", "a.json.keypoints.partial"}
    sizes = tta(monkeypatch)
    assert main(["predict", *map(str, given), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "resuming after 80 of 80 images" in said and "resuming after 32 of 80 subjects" in said
    assert looked == [] and sizes == [32, 16]
    again = tmp_path / "again.json"
    assert main(["predict", *map(str, given), "--out", str(again)]) == 0
    assert sum(looked) == FRAMES
    assert out.read_bytes() == again.read_bytes()
    boxes = np.array([row["bbox"] for row in json.loads(out.read_text())["annotations"]])
    expected = np.stack([np.arange(80) // 2, *np.full((3, 80), [[10], [20], [20]])], axis=1)
    np.testing.assert_allclose(boxes, expected, atol=4)
    assert not list(tmp_path.glob("*.partial"))
    assert main(["predict", *map(str, given), "--out", str(out), "--min-box-size", "30"]) == 2
    assert "detects no 'person'" in capsys.readouterr().err


def test_kept_batches_from_python_hold_unreadable_images_too(finished_run, figures, tmp_path):
    """The same rows, places and messages as without a journal, whatever was kept."""
    folder = Path(shutil.copytree(figures.test.parent / "images", tmp_path / "images"))
    files = sorted(folder.iterdir())
    for broken in (0, 1, 5):
        files[broken].write_bytes(b"no image")
    samples = read_unlabeled(folder, options=DataConfig())
    predictor = posebridge.load(finished_run)
    plain = predictor.predict(samples, batch_size=2, workers=0)
    file = tmp_path / "a.partial"
    journal = Journal(file, {})
    for batch in predictor.predict_batches(samples, batch_size=2, workers=0):
        journal.append(batch)
    journal.close()
    again = Journal(file, {})
    assert [(b.first, b.end) for b in again.kept] == [(0, 2), (2, 4), (4, 6), (6, 8)]
    del again.kept[3:]
    rest = predictor.predict_batches(samples, again.done, batch_size=2, workers=0)
    found = predictor.join_batches([*again.kept, *rest], samples)
    assert found.rows.tolist() == plain.rows.tolist() == [2, 3, 4, 6, 7]
    assert list(found.skipped) == list(plain.skipped) and len(found.skipped) == 3
    for name in ("points", "confidence", "regions", "sizes", "cells"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))


def test_a_damaged_video_keeps_its_frames_and_seconds_when_resumed(
    finished_run, clip, tmp_path, capsys
):
    """Frames 10 to 12 are broken, and 13 to 23 predicted from them: no row has their times."""
    import av

    with av.open(str(clip)) as container:
        places = [(p.pts, p.pos, p.size) for p in container.demux(video=0) if p.size]
    content = bytearray(clip.read_bytes())
    for _, place, size in places[10:13]:
        # The content of a block, behind its header of a few bytes.
        at = content.index(content[place : place + size], place) + 12
        content[at : place + size] = bytes(place + size - at)
    clip.write_bytes(content)
    whole, out = tmp_path / "whole.csv", tmp_path / "killed.csv"
    given = ["predict", str(finished_run), str(clip), "--frame-step", "1"]
    assert main([*given, "--out", str(whole)]) == 0
    assert "14 of 80 frames" in capsys.readouterr().out.replace("\n", " ")
    interrupted_after(1, finished_run, clip, "--frame-step", "1", "--out", out)
    assert main([*given, "--out", str(out)]) == 0
    assert "resuming after 32 of 66" in capsys.readouterr().out
    assert out.read_bytes() == whole.read_bytes()
    header, *rows = [line.split(",") for line in out.read_text().splitlines()]
    seconds = [float(row[header.index("seconds")]) for row in rows]
    expected = [n * 0.04 for n in range(FRAMES) if not 10 <= n < 24]
    np.testing.assert_allclose(seconds, expected, atol=2e-3)


def test_pipe_is_refused(finished_run, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.mp4")
    given = [
        "predict",
        str(finished_run),
        str(tmp_path / "pipe.mp4"),
        "--out",
        str(tmp_path / "a.csv"),
    ]
    assert main(given) == 2
    assert "not a" in capsys.readouterr().err


def test_output_in_use_by_another_process_is_refused(finished_run, clip, tmp_path, capsys):
    out = tmp_path / "a.csv"
    given = ["predict", str(finished_run), str(clip), "--frame-step", "20", "--out", str(out)]
    with ThreadPoolExecutor(1) as other, locked_file(out):
        assert other.submit(main, given).result() == 2
    assert "a.csv is in use by" in capsys.readouterr().err
    assert not out.exists()
    assert main(given) == 0
