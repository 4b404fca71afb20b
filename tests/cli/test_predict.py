"""``posebridge predict``: files by ending, several views, calibrated confidence, videos."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import posebridge
from posebridge.checkpoints.model_folder import load_checkpoint, save_checkpoint
from posebridge.cli.main import main
from posebridge.data.crops import decode_image
from posebridge.data.reading import read_annotations
from posebridge.data.videos.video import extract_frames, frame_times
from posebridge.inference.smoothing import one_euro
from posebridge.inference.tta import get_tta
from posebridge.models.tta import TTAConfig
from tests.command_line import posebridge as run_posebridge


@pytest.fixture
def run(finished_run, tmp_path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def sentence(capsys, *arguments: object) -> str:
    """What a command says that ends with exit code 2: one line."""
    assert main(["predict", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def triples(file: Path) -> np.ndarray:
    rows = json.loads(file.read_text())["annotations"]
    return np.array([row["keypoints"] for row in rows]).reshape(len(rows), -1, 3)


def test_one_prediction_in_every_format_as_a_process(run, figures, tmp_path):
    endings = (".json", ".csv", ".dlc.csv", ".h5", ".slp", ".label-studio.json")
    files = [tmp_path / f"all{ending}" for ending in endings]
    done = run_posebridge(
        *("predict", run, figures.test),
        *(part for file in files for part in ("--out", file)),
    )
    assert done.returncode == 0, done.stderr
    coco, plain, *others = files
    expected = triples(coco)
    assert expected.shape == (8, 14, 3)
    boxes = [row["bbox"] for row in json.loads(coco.read_text())["annotations"]]

    header, *rows = csv.reader(plain.read_text().splitlines())
    assert header[:7] == ["file", *(f"box_{c}" for c in ("x", "y", "width", "height"))] + [
        f"{load_checkpoint(run).skeleton.keypoints[0]}_{c}" for c in ("x", "y")
    ]
    numbers = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(numbers[:, :4], boxes, atol=0.01)
    np.testing.assert_allclose(numbers[:, 4:].reshape(8, 14, 3), expected, atol=1e-3)
    listed = {image["id"]: image["file_name"] for image in json.loads(coco.read_text())["images"]}
    subjects = json.loads(coco.read_text())["annotations"]
    assert [row[0] for row in rows] == [listed[s["image_id"]] for s in subjects]

    for file in others:
        again = read_annotations(file)
        names = [again.files[image].name for image in again.image]
        order = [names.index(Path(row[0]).name) for row in rows]
        np.testing.assert_allclose(again.points[order], expected[..., :2], atol=0.01)
        assert again.keypoint_scores is not None
        np.testing.assert_allclose(again.keypoint_scores[order], expected[..., 2], atol=0.01)


def test_tasks_of_label_studio_are_replaced_like_every_other_file(run, figures, tmp_path, capsys):
    """Their labeling configuration too; another one is told of before anything is computed."""
    tasks = tmp_path / "tasks.label-studio.json"
    for _ in range(2):
        assert main(["predict", str(run), str(figures.test), "--out", str(tasks)]) == 0
    config = tmp_path / "tasks.label-studio.xml"
    assert config.is_file()
    config.write_text("<View/>")
    tasks.unlink()
    said = sentence(capsys, run, figures.test, "--out", tasks, "--out", tmp_path / "p.json")
    assert "exists already and differs; remove it or give another name" in said
    assert not tasks.exists() and config.read_text() == "<View/>"


def test_subjects_that_share_an_image_keep_it(run, figures, tmp_path):
    images = figures.test.parent / "images"
    one, two = (file.name for file in sorted(images.iterdir())[:2])
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        f"image,x,y,w,h,score\n{two},5,5,40,50,1\n{one},1,1,50,50,1\n{two},9,9,40,40,1"
    )
    coco, slp = tmp_path / "a.json", tmp_path / "a.slp"
    given = [str(run), str(boxes), "--image-root", str(images)]
    assert main(["predict", *given, "--out", str(coco), "--out", str(slp)]) == 0
    found = read_annotations(slp)
    by_box = {
        tuple(box): found.files[i].name for box, i in zip(found.boxes, found.image, strict=True)
    }
    assert by_box == {(5, 5, 40, 50): two, (1, 1, 50, 50): one, (9, 9, 40, 40): two}


def test_an_unknown_ending_stops_before_anything_starts(tmp_path, capsys):
    said = sentence(capsys, "no-model", "nowhere", "--out", "a.json", "--out", tmp_path / "b.txt")
    assert "b.txt" in said
    assert all(
        e in said for e in (".json", ".csv", ".dlc.csv", ".h5", ".slp", ".label-studio.json")
    )
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "folder" / "a.csv"
    assert "is not a folder" in sentence(capsys, "no-model", "nowhere", "--out", below)
    (tmp_path / "folder.csv").mkdir()
    said = sentence(capsys, "no-model", "nowhere", "--out", tmp_path / "folder.csv")
    assert "is a folder" in said


def test_inputs_are_never_overwritten(run, figures, tmp_path, capsys):
    data = Path(shutil.copytree(figures.test.parent, tmp_path / "data"))
    before = {file: file.read_bytes() for file in data.rglob("*") if file.is_file()}
    labels, images = data / figures.test.name, data / "images"
    said = sentence(capsys, run, labels, "--out", data / "images" / ".." / labels.name)
    assert "is the file that is read" in said
    (tmp_path / "linked").symlink_to(images)
    for folder in (images, tmp_path / "linked"):
        out = tmp_path / "found.json"
        said = sentence(capsys, run, images, "--out", out, "--overlays", folder)
        assert "would overwrite the input image" in said and str(folder) in said
        assert not out.exists()
    assert {file: file.read_bytes() for file in data.rglob("*") if file.is_file()} == before


def test_an_image_without_an_ending_gets_its_overlay(run, figures, tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    name = min((figures.test.parent / "images").iterdir())
    shutil.copy(name, photographs / "first")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,x,y,w,h,score\nfirst,5,5,40,50,1")
    given = [str(run), str(boxes), "--image-root", str(photographs)]
    drawn = tmp_path / "drawn"
    out = str(tmp_path / "a.json")
    assert main(["predict", *given, "--out", out, "--overlays", str(drawn)]) == 0
    assert [file.suffix for file in drawn.iterdir()] == [".png"]


def test_views_of_a_run_and_of_its_exported_file_agree(run, figures, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="needs pip install 'posebridge[export]'")
    exported = tmp_path / "people.onnx"
    assert main(["export", str(run), "--out", str(exported)]) == 0
    images = str(figures.test)
    answers = {}
    for name, model, flags in (
        ("plain", run, []),
        ("torch", run, ["--tta-flip", "--tta-views", "3"]),
        ("onnx", exported, ["--tta-flip", "--tta-views", "3"]),
    ):
        out = tmp_path / f"{name}.json"
        assert main(["predict", str(model), images, *flags, "--out", str(out)]) == 0
        answers[name] = triples(out)
    np.testing.assert_allclose(answers["onnx"], answers["torch"], atol=0.05)
    assert np.abs(answers["torch"] - answers["plain"]).max() > 0.5
    assert "several views" in (tmp_path / "torch.json").read_text()
    capsys.readouterr()
    given = (exported, images, "--calibrated", "--out", tmp_path / "a.json")
    assert "carries no calibration" in sentence(capsys, *given)


def calibrated(run: Path, **record: object) -> None:
    """A report whose map halves the peaks of joint 1 and makes 0.25 of all others."""
    folder = run / "report"
    folder.mkdir(exist_ok=True)
    level = [[0.0, 1.0], [0.25, 0.25]]
    entry = {"within": 0.05, "points": 9, "shared": level, "own": {"1": [[0.0, 1.0], [0.0, 0.5]]}}
    (folder / "calibration.json").write_text(json.dumps({"adapted": [entry]}))
    step = load_checkpoint(run).results["step"]
    content = {"weights": "last", "steps": [None, step], **record}
    (folder / "report.json").write_text(json.dumps(content))


def test_calibrated_confidence_is_that_of_the_map(run, figures, tmp_path, capsys):
    calibrated(run)
    peaks, out = tmp_path / "peaks.json", tmp_path / "calibrated.json"
    assert main(["predict", str(run), str(figures.test), "--out", str(peaks)]) == 0
    assert "peak" in json.loads(peaks.read_text())["info"]["description"]
    capsys.readouterr()
    given = ["predict", str(run), str(figures.test), "--calibrated"]
    assert main([*given, "--out", str(out)]) == 0
    before, after = triples(peaks), triples(out)
    np.testing.assert_array_equal(after[..., :2], before[..., :2])
    np.testing.assert_allclose(after[:, 1, 2], before[:, 1, 2] / 2, atol=1e-3)
    np.testing.assert_allclose(np.delete(after[..., 2], 1, axis=1), 0.25)
    said = " ".join(capsys.readouterr().out.split())
    assert "confidence is the probability of an error within 0.05 of the crop's side" in said
    assert "the probability" in json.loads(out.read_text())["info"]["description"]


def test_without_a_calibration_there_is_a_sentence(run, figures, tmp_path, capsys):
    rest = (figures.test, "--calibrated", "--out", tmp_path / "a.json")
    assert "posebridge report" in sentence(capsys, run, *rest)
    assert "give the run folder" in sentence(
        capsys, shutil.copytree(run / "checkpoints" / "last", tmp_path / "alone"), *rest
    )
    calibrated(run, steps=[1, 2])
    assert "of step 2" in sentence(capsys, run, *rest)
    calibrated(run, weights="selected")
    assert "'selected'" in sentence(capsys, run, *rest)
    calibrated(run)
    assert "no map for 0.05" in sentence(capsys, run, *rest, "--checkpoint", "source")
    assert "leave out --tta-flip" in sentence(capsys, run, *rest, "--tta-flip")
    assert "leave out --tta-flip" in sentence(capsys, run, *rest, "--tta-views", "2")
    (run / "report" / "report.json").write_text("{}")
    assert "not a report" in sentence(capsys, run, *rest)


def test_views_from_python_leave_the_model_within_reach(run):
    predictor = posebridge.load(run).with_views(2, flip=True)
    assert predictor.checkpoint.folder == run / "checkpoints" / "last"
    # Views take the place of others and are not laid over them.
    assert get_tta(predictor.with_views(3).network) == TTAConfig(3)
    assert predictor.with_views().network is predictor.with_views(3).with_views().network


def asked_by_itself(run: Path, out: Path, tta: dict[str, object]) -> Path:
    """Copy the last checkpoint with test-time augmentation in its config."""
    folder = Path(shutil.copytree(run / "checkpoints" / "last", out))
    kept = load_checkpoint(folder)
    config = {**kept.config, "tta": tta}
    save_checkpoint(folder, kept.model, kept.skeleton, config, dict(kept.results))
    return folder


def test_tta_of_the_config_is_the_default(run, figures, tmp_path, capsys):
    """By every command, in Python and of the exported file; options replace it."""
    pytest.importorskip("onnxruntime", reason="needs pip install 'posebridge[export]'")
    several = {"views": 3, "flip": True, "rotation": 10.0}
    model, images = asked_by_itself(run, tmp_path / "model", several), str(figures.test)
    assert asdict(get_tta(posebridge.load(model).network)) == several
    exported = tmp_path / "people.onnx"
    assert main(["export", str(model), "--out", str(exported)]) == 0
    assert "test-time augmentation with 6 views" in " ".join(capsys.readouterr().out.split())
    assert "3 views of each crop and their mirror images" in (model / "README.md").read_text()
    answers = {}
    for name, tta, flags in (
        ("once", run, []),
        ("told", run, ["--tta-views", "3", "--tta-flip", "--tta-rotation", "10"]),
        ("own", model, []),
        ("exported", exported, []),
        ("told once", model, ["--tta-views", "1"]),
    ):
        out = tmp_path / f"{name}.json"
        assert main(["predict", str(tta), images, *flags, "--out", str(out)]) == 0
        answers[name] = triples(out)
    np.testing.assert_array_equal(answers["own"], answers["told"])
    np.testing.assert_array_equal(answers["told once"], answers["once"])
    np.testing.assert_allclose(answers["exported"], answers["own"], atol=0.05)
    scores = tmp_path / "scores.json"
    assert main(["evaluate", str(model), images, "--out", str(scores)]) == 0
    assert several.items() <= json.loads(scores.read_text())["protocol"].items()
    capsys.readouterr()
    given = (model, images, "--calibrated", "--out", tmp_path / "a.json")
    assert "give --tta-views 1" in sentence(capsys, *given)


@pytest.fixture
def clip(figures, tmp_path, monkeypatch) -> Path:
    """Eight figures of odd height, 25 a second; the last is shown twice as late."""
    av = pytest.importorskip("av", reason="needs pip install 'posebridge[video]'")
    monkeypatch.setenv("POSEBRIDGE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "clip.mkv"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 63, "yuv444p"
        for number, image in enumerate(sorted((figures.test.parent / "images").iterdir())):
            frame = av.VideoFrame.from_ndarray(decode_image(image)[:63], format="rgb24")
            frame.pts, frame.time_base = number + (number == 7), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file


def test_a_video_gets_smooth_points_and_a_video(run, clip, tmp_path):
    raw, smooth, drawn = tmp_path / "raw.json", tmp_path / "smooth.json", tmp_path / "drawn.mp4"
    assert main(["predict", str(run), str(clip), "--out", str(raw)]) == 0
    given = ["predict", str(run), str(clip), "--smooth", "--min-confidence", "0"]
    assert main([*given, "--out", str(smooth), "--overlays", str(drawn)]) == 0
    before, after = triples(raw), triples(smooth)
    times = np.array([0, 1, 2, 3, 4, 5, 6, 8]) / 25
    expected = one_euro(before[..., :2] / 64, times) * 64
    np.testing.assert_allclose(after[..., :2], expected, atol=2e-3)
    np.testing.assert_array_equal(after[..., 2], before[..., 2])
    assert np.abs(after - before).max() > 0.5

    np.testing.assert_allclose(frame_times(drawn), times, atol=1e-3)
    shown = [decode_image(file).astype(int) for file in extract_frames(drawn, range(8))]
    images = [decode_image(file).astype(int) for file in extract_frames(clip, range(8))]
    assert {image.shape for image in shown} == {(62, 64, 3)}
    # A bone is drawn over a few pixels; the others are those of the frame.
    apart = np.stack([np.abs(a - b[:62]).max(axis=2) for a, b in zip(shown, images, strict=True)])
    assert np.median(apart) < 25
    assert (apart.max(axis=(1, 2)) > 60).all()


def test_video_options_need_a_video(run, figures, clip, tmp_path, capsys):
    out = ("--out", tmp_path / "a.json")
    assert "not one video" in sentence(capsys, run, figures.test, "--smooth", *out)
    drawn = ("--overlays", tmp_path / "drawn.mp4")
    assert "not one video" in sentence(capsys, run, figures.test, *drawn, *out)
    drawn = ("--overlays", tmp_path / "drawn.wmv")
    assert ".mp4, .mov, .mkv" in sentence(capsys, run, clip, *drawn, *out)
    assert "another name" in sentence(capsys, run, clip, "--overlays", clip, *out)
