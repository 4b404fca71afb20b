"""Exported files answer as the PyTorch model does, in their own runtimes and on the command line."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import posebridge
from posebridge.checkpoints.model_folder import Checkpoint, load_checkpoint, save_checkpoint
from posebridge.cli.main import main
from posebridge.data.formats.coco import read_labeled
from posebridge.data.loaders import to_tensor
from posebridge.data.reading import read_unlabeled
from posebridge.errors import InputError
from posebridge.export.export import Export, export
from posebridge.export.requirements import ENDINGS
from posebridge.export.runtimes import open_exported, read_notes
from posebridge.inference.network import Keypoints, TorchNetwork
from posebridge.inference.onnx_network import OnnxNetwork
from posebridge.inference.predictor import load
from posebridge.inference.scoring import score
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.ops import heatmaps
from posebridge.synthetic.figures import FIGURE_SKELETON, render_figure, write_synthetic_figures

SIZE = 64
MODEL = ModelConfig(
    "resnet10t",
    "none",
    {},
    feature_level=1,
    decoder_channels=8,
    heatmap_size=16,
    sigma=1.5,
    left_right="facing",
)
EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx_predict.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model folder: a tiny network that has learned a little, so that its heatmaps have peaks."""
    torch.manual_seed(0)
    network = PoseModel(MODEL, len(FIGURE_SKELETON), SIZE).train()
    drawn = [render_figure("rendered", 0, i, SIZE) for i in range(32)]
    images = torch.stack([torch.from_numpy(d.image) for d in drawn]).permute(0, 3, 1, 2) / 255
    points = torch.stack([torch.from_numpy(d.points) for d in drawn])
    maps = heatmaps.render(heatmaps.pixels_to_cells(points, network.stride), 16, MODEL.sigma)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(40):
        rows = torch.arange(8) + 8 * (step % 4)
        loss = (network(images[rows]).heatmaps - maps[rows]).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("model") / "people"
    config = {"model": vars(MODEL), "crop": {"size": SIZE, "padding": 1.25}, "seed": 3}
    results = {"step": 40, "weights": "last"}
    save_checkpoint(folder, network.eval(), FIGURE_SKELETON, config, results)
    return folder


@pytest.fixture(scope="module")
def checkpoint(model) -> Checkpoint:
    return load_checkpoint(model)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """100 figures as (100, 64, 64, 3) uint8."""
    return np.stack([render_figure("camera", 5, i, SIZE).image for i in range(100)])


@pytest.fixture(scope="module")
def expected(checkpoint, crops) -> Keypoints:
    return TorchNetwork(checkpoint, "cpu").keypoints(to_tensor(crops))


@pytest.fixture(scope="module")
def labeled(tmp_path_factory) -> Path:
    return write_synthetic_figures(
        tmp_path_factory.mktemp("test") / "f", "camera", 12, seed=1, size=80
    )


@pytest.fixture(scope="module")
def onnx(checkpoint, tmp_path_factory) -> Path:
    pytest.importorskip("onnxruntime", reason="needs pip install 'posebridge[export]'")
    file = tmp_path_factory.mktemp("onnx") / "people.onnx"
    done = export(checkpoint, file)
    assert done.distances.shape == (16, 14)
    assert done.distances.max() < 0.01
    return file


@pytest.fixture
def translated(onnx, monkeypatch) -> None:
    """The translation to ONNX takes seconds; what is made from its result takes that of ``onnx``."""
    import onnx as package

    model = package.load(onnx)
    del model.metadata_props[:]
    content = model.SerializeToString()
    monkeypatch.setattr("posebridge.export.export._translated", lambda _: content)


def exported(checkpoint: Checkpoint, folder: Path, to: str, **options) -> Export:
    if to == "openvino" and importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    return export(checkpoint, folder / f"people{ENDINGS[to]}", to, **options)


def assert_same(file: Path, crops: np.ndarray, expected: Keypoints) -> None:
    """Within 0.01 px on all of the crops, whatever the size of the batch."""
    answer = open_exported(file)
    parts = [answer(crops[:1]), answer(crops[1:34]), answer(crops[34:])]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert found["points"].dtype == np.float32
    assert np.abs(found["points"] - expected.points).max() < 0.01
    assert np.abs(found["confidence"] - expected.confidence).max() < 1e-4
    np.testing.assert_array_equal(found["cells"], expected.cells)


def test_the_figures_move_the_points(expected):
    """Parity would say little of a model that answers the same to every image."""
    assert np.linalg.norm(expected.points.std(axis=0), axis=-1).mean() > 3
    assert expected.confidence.mean() > 0.1


def test_onnx(onnx, crops, expected):
    assert_same(onnx, crops, expected)
    assert read_notes(onnx).precision == "float32"
    assert [p.name for p in onnx.parent.iterdir()] == ["people.onnx"]


@pytest.mark.parametrize("to", ["program", "openvino"])
def test_the_other_formats(to, checkpoint, crops, expected, translated, tmp_path):
    done = exported(checkpoint, tmp_path, to, heatmaps=to == "program")
    assert_same(done.files[0], crops, expected)
    notes = read_notes(done.files[0])
    assert notes.skeleton == FIGURE_SKELETON
    assert notes.crop == checkpoint.crop
    assert notes.heatmap_size == 16
    assert notes.notes["step"] == 40
    assert notes.notes["seed"] == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f.name for f in done.files)
    answer = open_exported(done.files[0])(crops[:3])
    if to == "program":
        assert answer["heatmaps"].shape == (3, 14, 16, 16)
        highest = answer["heatmaps"].reshape(3, 14, -1).max(axis=2).clip(0, 1)
        np.testing.assert_allclose(highest, answer["confidence"], atol=1e-6)
    else:
        assert answer.keys() == {"points", "confidence", "cells"}


def test_half_precision(checkpoint, crops, expected, onnx, tmp_path):
    done = exported(checkpoint, tmp_path, "onnx", half=True)
    assert done.files[0].stat().st_size < 0.75 * onnx.stat().st_size
    assert read_notes(done.files[0]).precision == "float16"
    points = open_exported(done.files[0])(crops)["points"]
    assert np.quantile(np.abs(points - expected.points), 0.95) < 0.2
    # The exported copy was halved, not the model itself.
    assert checkpoint.model.head.weight.dtype == torch.float32


def test_8_bits_are_calibrated_on_images(
    checkpoint, crops, expected, labeled, onnx, translated, tmp_path
):
    images = labeled.parent / "images"
    (images / "broken.jpg").write_bytes(b"no image")
    try:
        done = exported(checkpoint, tmp_path, "onnx", int8=read_unlabeled(images))
    finally:
        (images / "broken.jpg").unlink()
    assert len(done.distances) == 12
    assert len(done.skipped) == 1
    assert read_notes(done.files[0]).precision == "int8"
    assert b"QuantizeLinear" in done.files[0].read_bytes()
    points = open_exported(done.files[0])(crops)["points"]
    assert np.median(np.linalg.norm(points - expected.points, axis=-1)) < 1.0
    assert np.abs(points - expected.points).max() > 0.01


def test_the_file_predicts_and_is_scored_as_the_model_is(onnx, model, labeled, tmp_path, capsys):
    for name, which in (("a", model), ("b", onnx)):
        images, file = str(labeled.parent / "images"), str(tmp_path / f"{name}.json")
        assert main(["predict", str(which), images, "--out", file]) == 0
        assert main(["evaluate", str(which), str(labeled), "--out", file + ".scores"]) == 0
    first, second = (json.loads((tmp_path / f"{n}.json").read_text()) for n in "ab")
    for one, other in zip(first["annotations"], second["annotations"], strict=True):
        np.testing.assert_allclose(one["keypoints"], other["keypoints"], atol=0.02)
    one, other = (json.loads((tmp_path / f"{n}.json.scores").read_text()) for n in "ab")
    assert one["metrics"]["pck@0.10"] == other["metrics"]["pck@0.10"]
    assert one["metrics"]["pck_published@0.05"] == other["metrics"]["pck_published@0.05"]
    assert {k: other["protocol"][k] for k in ("step", "weights", "seed")} == {
        **{"step": 40, "weights": "last", "seed": 3}
    }
    labels = read_labeled(labeled)
    results, found = score(posebridge.load(onnx), labels)
    assert results.metrics["epe"] == pytest.approx(other["metrics"]["epe"])
    assert found.cells.shape == (12, 14, 2)


def test_the_example_needs_no_posebridge(onnx, model, labeled):
    photo = sorted((labeled.parent / "images").iterdir())[0]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_POSEBRIDGE, EXAMPLE, onnx, photo, *["10", "5", "50", "62"]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == list(FIGURE_SKELETON.keypoints)
    samples = read_unlabeled(photo)
    samples.boxes[:] = (10, 5, 50, 62)
    found = load(model, device="cpu").predict(samples)
    values = np.array([row[1:] for row in rows], dtype=float)
    np.testing.assert_allclose(values[:, :2], found.points[0], atol=0.02)
    np.testing.assert_allclose(values[:, 2], found.confidence[0], atol=1e-3)


_WITHOUT_POSEBRIDGE = """
import runpy, sys
sys.modules["torch"] = sys.modules["posebridge"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_what_needs_pytorch_says_so(onnx):
    predictor = load(onnx)
    with pytest.raises(InputError, match=r"people.onnx is an exported file"):
        predictor.checkpoint
    with pytest.raises(InputError, match="exported file"):
        predictor.model


def changed(entry, **values) -> None:
    """Change values in an entry of metadata."""
    entry.value = json.dumps({**json.loads(entry.value), **values})


def test_damaged_and_foreign_files(onnx, tmp_path):
    import onnx as package

    content, file = onnx.read_bytes(), tmp_path / "x.onnx"
    for part in (b"", content[:1000], content[: len(content) // 2], b"\0" * 100):
        file.write_bytes(part)
        with pytest.raises(InputError, match="not an ONNX file that runs") as caught:
            load(file)
        assert "\n" not in str(caught.value)
    graph = package.load_from_string(content)
    for change, words in (
        (lambda entry: setattr(entry, "key", "other"), "was not written by posebridge"),
        (lambda entry: setattr(entry, "value", "{"), "are not as posebridge writes them"),
        (lambda entry: setattr(entry, "value", '{"skeleton": 3}'), "is not a skeleton|are not as"),
        (lambda entry: setattr(entry, "value", entry.value.replace(" 64", " 32")), "does not fit"),
        (lambda entry: changed(entry, padding=True), "padding is True; give a finite number"),
        (lambda entry: changed(entry, padding=math.nan), "padding is nan; give a finite number"),
        (
            lambda entry: changed(entry, heatmap_size=1.5),
            "heatmap_size is 1.5; give a whole number",
        ),
        (lambda entry: changed(entry, least_confidence=math.inf), "least_confidence is inf"),
        (lambda entry: changed(entry, precision=[1]), "precision is .1.; give a text"),
    ):
        model = package.ModelProto()
        model.CopyFrom(graph)
        change(model.metadata_props[0])
        file.write_bytes(model.SerializeToString())
        with pytest.raises(InputError, match=words):
            OnnxNetwork(file)
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "x.pt"], "does not end in .onnx"),
        (["--out", "x.onnx", "--half", "--int8", "{images}"], "exclude each other"),
        (["--out", "x.pt2", "--to", "program", "--int8", "{images}"], "not for program"),
        (["--out", "x.pt", "--to", "torchscript"], "--to onnx (.onnx) or --to program"),
        (["--out", "x.tflite", "--to", "tflite"], "choose one of onnx, openvino, program"),
        (["--out", "x.onnx", "--int8", "nowhere"], "nowhere does not exist"),
    ],
)
def test_options_that_cannot_be(arguments, words, model, labeled, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [a.format(images=labeled.parent / "images") for a in arguments]
    assert main(["export", str(model), *given]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("to", "package", "extra"),
    [("onnx", "onnxscript", "export"), ("openvino", "openvino", "openvino")],
)
def test_a_missing_package(to, package, extra, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs {package}; .*posebridge\[{extra}\]"):
        export(checkpoint, tmp_path / f"x{ENDINGS[to]}", to)


def test_export_on_the_command_line(model, tmp_path, capsys):
    out = tmp_path / "new" / "people.pt2"
    assert main(["export", str(model), "--to", "program", "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "on 16 built-in figures: keypoints differ by 0.0000 px" in said
    assert f"written: {out}" in said
