"""Boxes of a detector: in pixels of the images, in the right order, from files that hold no code."""

from __future__ import annotations

import json
import pickle
import urllib.error
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from posebridge.cli.main import main
from posebridge.data import camera
from posebridge.data.reading import read_unlabeled
from posebridge.errors import InputError
from posebridge.inference import detectors
from posebridge.inference.detection import SubjectDetector, each_image, find_subjects
from posebridge.inference.detectors import Detections, TorchvisionDetector, Wanted, load_detector
from posebridge.inference.resume_cache import Journal

MODEL = "ssdlite320_mobilenet_v3_large"


class BrightSquares:
    """Finds bright squares: red ones are persons, others dogs; the score is the brightness."""

    name, classes, digest = "stub:squares", ("__background__", "person", "dog"), "stub"

    def __init__(self, model="", weights=None, device="auto"):
        self.batches: list[int] = []

    def detect(self, images):
        self.batches.append(len(images))
        return [self._one(image) for image in images]

    def _one(self, image):
        bright = (image.max(axis=2) > 100).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        rows = [row[:4] for row in stats[1:]]
        middles = [image[y + h // 2, x + w // 2].astype(int) for x, y, w, h in rows]
        return Detections(
            np.array(rows, float).reshape(-1, 4),
            np.array([m.max() / 255 for m in middles]),
            np.array([1 if m[0] > m[1] else 2 for m in middles]),
        )


RED, GREEN, DIM = (255, 0, 0), (0, 255, 0), (153, 0, 0)
SCENES = {  # name -> (width, height), squares: x, y, side, color
    "a.png": ((90, 60), [(5, 10, 20, RED), (50, 20, 30, DIM)]),
    "b.png": ((40, 80), [(3, 4, 12, GREEN)]),
    "c.png": ((64, 64), []),
    "e.png": ((50, 50), [(20, 30, 11, RED)]),
}


@pytest.fixture
def scenes(tmp_path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for name, ((width, height), squares) in SCENES.items():
        picture = np.zeros((height, width, 3), np.uint8)
        for x, y, side, color in squares:
            picture[y : y + side, x : x + side] = color
        cv2.imwrite(str(folder / name), picture[..., ::-1])
    (folder / "d.png").write_bytes(b"no image")
    return folder


def found(folder: Path, wanted: Wanted, **more) -> dict[str, list]:
    answer = find_subjects(read_unlabeled(folder), BrightSquares(), wanted, **more)
    rows: dict[str, list] = {}
    for row in range(len(answer.samples)):
        name = answer.samples.path(row).name
        rows.setdefault(name, []).append(tuple(answer.samples.boxes[row].tolist()))
    assert [Path(line.partition(":")[0]).name for line in answer.skipped] == ["d.png"]
    empty = {Path(name).name for name in answer.without}
    assert empty | rows.keys() == set(SCENES) and not empty & rows.keys()
    return rows


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_which_boxes_are_subjects(scenes, batch_size):
    bright, dim, single = (5, 10, 20, 20), (50, 20, 30, 30), (20, 30, 11, 11)

    def of(**wanted):
        return found(scenes, Wanted(**wanted), batch_size=batch_size, workers=0)

    assert of() == {"a.png": [bright, dim], "e.png": [single]}
    assert of(largest=True) == {"a.png": [dim], "e.png": [single]}
    assert of(min_score=0.7) == {"a.png": [bright], "e.png": [single]}
    assert of(min_box_size=25) == {"a.png": [dim]}
    assert of(label="dog") == {"b.png": [(3, 4, 12, 12)]}


def test_resumed_detections_are_equal(scenes, tmp_path):
    samples, wanted, file = read_unlabeled(scenes), Wanted(), tmp_path / "a.partial"
    plain = find_subjects(samples, BrightSquares(), wanted, batch_size=2, workers=0)
    assert plain.samples.image_ids.tolist() == [0, 0, 4]
    assert plain.samples.annotation_ids.tolist() == [0, 1, 2]
    journal, images = Journal(file, {}), each_image(samples)
    subjects = SubjectDetector(BrightSquares(), wanted)
    for batch in subjects.detect_batches(images, batch_size=2, workers=0):
        journal.append(batch)
    journal.close()
    again, detector = Journal(file, {}), BrightSquares()
    assert [(batch.first, batch.end) for batch in again.kept] == [(0, 2), (2, 4), (4, 5)]
    again.kept.pop()
    subjects = SubjectDetector(detector, wanted)
    rest = subjects.detect_batches(images, again.done, batch_size=2, workers=0)
    resumed = subjects.join_batches([*again.kept, *rest], images)
    assert detector.batches == [1]
    for name in ("files", "boxes", "image_ids", "annotation_ids"):
        one, other = getattr(resumed.samples, name), getattr(plain.samples, name)
        np.testing.assert_array_equal(one, other, strict=True)
    assert (resumed.without, resumed.skipped) == (plain.without, plain.skipped)


def test_no_detection_is_reported(scenes):
    with pytest.raises(InputError, match=r"detects no 'person' with a score of 2 .* in 4 images"):
        find_subjects(read_unlabeled(scenes), BrightSquares(), Wanted(min_score=2))
    with pytest.raises(InputError, match="has no class 'persn'; it has person"):
        find_subjects(read_unlabeled(scenes), BrightSquares(), Wanted("persn"))


def test_predict_takes_the_boxes_of_a_detector(finished_run, scenes, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(detectors.FAMILIES, "stub", BrightSquares)
    out = tmp_path / "a.json"
    given = ["predict", str(finished_run), str(scenes), "--detector", "stub:squares"]
    assert main([*given, "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "3 subjects in 5 images" in said and "no subject in 2 images: b.png, c.png" in said
    # The console breaks a long path anywhere.
    assert "skipped" in said and "d.png" in said.replace(" ", "")
    content = json.loads(out.read_text())
    assert [row["bbox"] for row in content["annotations"]] == [
        [5, 10, 20, 20],
        [50, 20, 30, 30],
        [20, 30, 11, 11],
    ]
    assert [image["file_name"] for image in content["images"]] == ["a.png", "e.png"]
    # Equal to the boxes of a file.
    again = tmp_path / "again.json"
    rows = ["file_name,x,y,w,h", "a.png,5,10,20,20", "a.png,50,20,30,30", "e.png,20,30,11,11"]
    (tmp_path / "boxes.csv").write_text("\n".join(rows))
    given[2] = str(tmp_path / "boxes.csv")
    assert main([*given[:3], "--image-root", str(scenes), "--out", str(again)]) == 0
    points = [
        [row["keypoints"] for row in json.loads(file.read_text())["annotations"]]
        for file in (out, again)
    ]
    np.testing.assert_allclose(*points, atol=2e-3)


def test_a_camera_with_a_detector_leaves_out_empty_frames(
    finished_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(detectors.FAMILIES, "stub", BrightSquares)
    frames = np.zeros((4, 40, 60, 3), np.uint8)
    frames[1, 5:25, 8:28] = frames[3, 6:26, 30:50] = RED

    class Capture:
        def __init__(self):
            self.left = list(frames[..., ::-1])

        def isOpened(self):
            return True

        def read(self):
            return (True, self.left.pop(0)) if self.left else (False, None)

        def release(self):
            pass

    monkeypatch.setattr(camera, "open_capture", lambda _: Capture())
    out = tmp_path / "a.json"
    given = ["predict", str(finished_run), "camera:0", "--detector", "stub:squares", "--largest"]
    assert main([*given, "--smooth", "--out", str(out)]) == 0
    content = json.loads(out.read_text())
    assert [row["bbox"] for row in content["annotations"]] == [[8, 5, 20, 20], [30, 6, 20, 20]]
    names = [image["file_name"] for image in content["images"]]
    assert names == ["frame_00000001.jpg", "frame_00000003.jpg"]
    capsys.readouterr()
    assert main([*given[:-1], "--smooth", "--out", str(out)]) == 2
    assert "--largest" in capsys.readouterr().err


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Weights of a small detector that has learned nothing but that most things are persons."""
    from torchvision.models import get_model

    torch.manual_seed(0)
    network = get_model(MODEL, weights=None, weights_backbone=None)
    for name, values in network.named_parameters():
        if name.startswith("head.classification_head") and values.shape == (6 * 91,):
            values.data.view(6, 91)[:, 1] += 4
    file = tmp_path_factory.mktemp("detector") / "weights.pth"
    torch.save(network.state_dict(), file)
    return file


@pytest.fixture(scope="module")
def detector(weights) -> TorchvisionDetector:
    before = torch.hub.get_dir()
    made = load_detector(f"torchvision:{MODEL}", weights, "cpu")
    assert torch.hub.get_dir() == before
    assert isinstance(made, TorchvisionDetector)
    return made


def test_torchvision_boxes_are_in_pixels_of_each_image(detector, weights):
    from torchvision.models import get_model

    network = get_model(MODEL, weights=None, weights_backbone=None).eval()
    network.load_state_dict(torch.load(weights))
    drawn = np.random.default_rng(0).integers(0, 255, (6, 4, 3), np.uint8)
    small = cv2.resize(drawn, (200, 300), interpolation=cv2.INTER_CUBIC)
    large = cv2.resize(small, (400, 600), interpolation=cv2.INTER_LINEAR)
    both = detector.detect([small, large])
    for image, one in zip((small, large), both, strict=True):
        with torch.inference_mode():
            (answer,) = network([torch.from_numpy(image).permute(2, 0, 1) / 255])
        corners = np.concatenate([one.boxes[:, :2], one.boxes[:, :2] + one.boxes[:, 2:]], axis=1)
        np.testing.assert_allclose(corners, answer["boxes"], atol=0.05)
        np.testing.assert_allclose(one.scores, answer["scores"], atol=1e-4)
        np.testing.assert_array_equal(one.labels, answer["labels"])
    # The same picture at twice the size has its likeliest boxes at twice the place.
    persons = [Wanted(min_score=0.0).boxes(one, detector.classes) for one in both]
    assert min(map(len, persons)) > 3
    nearest = np.abs(persons[1][:3, None] / 2 - persons[0][None]).max(axis=2).min(axis=1)
    assert nearest.max() < 5
    assert persons[1].max() > 300


def test_weights_from_files_only(weights, detector, finished_run, scenes, tmp_path):
    from safetensors.torch import save_file

    file = tmp_path / "weights.safetensors"
    save_file(torch.load(weights), file)
    assert load_detector(f"torchvision:{MODEL}", file, "cpu").digest == detector.digest
    out = tmp_path / "a.json"
    given = [str(finished_run), str(scenes), "--detector", f"torchvision:{MODEL}"]
    given += ["--detector-weights", str(weights), "--min-score", "0", "--largest"]
    assert main(["predict", *given, "--out", str(out)]) == 0
    content = json.loads(out.read_text())
    assert [image["file_name"] for image in content["images"]] == list(SCENES)


class Harmful:
    def __reduce__(self):
        return (print, ("harm was done",))


def test_unknown_detector_and_bad_weights_are_reported(weights, tmp_path, monkeypatch, capsys):
    bad, other = tmp_path / "bad.pth", tmp_path / "other.pth"
    bad.write_bytes(pickle.dumps(Harmful()))
    torch.save({"a": torch.zeros(1)}, other)
    (tmp_path / "bad.safetensors").write_bytes(b"x")
    for name, file, words in (
        ("yolo:v8", None, "give FAMILY:MODEL, with torchvision"),
        ("torchvision", None, "give FAMILY:MODEL"),
        ("torchvision:resnet18", None, f"no detector 'resnet18'; it has .*{MODEL}"),
        (f"torchvision:{MODEL}", tmp_path / "none.pth", "do not exist"),
        (f"torchvision:{MODEL}", bad, "without running code"),
        (f"torchvision:{MODEL}", tmp_path / "bad.safetensors", "not a readable safetensors file"),
        (f"torchvision:{MODEL}", other, "does not hold the weights"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            load_detector(name, file)
        assert "\n" not in str(caught.value)
    assert "harm" not in capsys.readouterr().out

    def offline(url, *_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(InputError, match=r"no route to host\).*--detector-weights FILE"):
        load_detector(f"torchvision:{MODEL}")
