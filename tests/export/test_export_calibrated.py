"""An exported file with the calibration gives the confidences of the run's own map."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.checkpoints.model_folder import load_checkpoint
from posebridge.cli.main import main
from posebridge.errors import InputError
from posebridge.evaluation.calibration import Calibration, Curve
from posebridge.export.runtimes import open_exported, read_notes
from posebridge.inference.calibrated_graph import ConfidenceCalibrator
from posebridge.inference.onnx_network import FileNotes
from posebridge.synthetic.figures import render_figure

MAP = Calibration(
    0.05,
    Curve((0.05, 0.1, 0.4), (0.0, 0.5, 0.9)),
    {1: Curve((0.2,), (0.3,)), 3: Curve((0.0, 0.5), (0.1, 0.6))},
    9,
)


def test_chances_of_a_table_worked_out_by_hand():
    peaks = torch.tensor([[0.075, 0.9, 0.25, 0.25], [0.0, 0.0, 1.0, 1.0]])
    expected = [[0.25, 0.3, 0.7, 0.35], [0.0, 0.3, 0.9, 0.6]]
    np.testing.assert_allclose(ConfidenceCalibrator(MAP, 4)(peaks), expected, atol=1e-6)


@st.composite
def curves(draw) -> Curve:
    knots = sorted(draw(st.sets(st.integers(0, 1000), min_size=1, max_size=30)))
    levels = draw(st.lists(st.floats(0, 1), min_size=len(knots), max_size=len(knots)))
    return Curve(tuple(k / 1000 for k in knots), tuple(sorted(levels)))


@settings(max_examples=50, deadline=None)
@given(curves(), st.dictionaries(st.integers(0, 4), curves()), st.integers(0, 2**31))
def test_chances_in_the_graph_are_those_of_the_map(shared, own, seed):
    calibration = Calibration(0.05, shared, own, 1)
    peaks = np.random.default_rng(seed).random((40, 5), dtype=np.float32)
    peaks[0], peaks[1], peaks[2] = 0, 1, shared.peak[0]
    found = ConfidenceCalibrator(calibration, 5)(torch.from_numpy(peaks)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, calibration(peaks), atol=1e-4)


@pytest.fixture(scope="module")
def run(finished_run, tmp_path_factory) -> Path:
    """A run with a report whose map is ``MAP``."""
    folder = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("calibrated") / "run"))
    (folder / "report").mkdir(exist_ok=True)
    content = {"adapted": [MAP.to_dict()]}
    (folder / "report" / "calibration.json").write_text(json.dumps(content))
    step = load_checkpoint(folder).results["step"]
    record = {"weights": "last", "steps": [None, step]}
    (folder / "report" / "report.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.stack([render_figure("camera", 5, i, 32).image for i in range(8)])


def test_the_onnx_file_has_chances_and_predicts_with_them(run, crops, figures, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="needs pip install 'posebridge[export]'")
    file = tmp_path / "people.onnx"
    assert main(["export", str(run), "--calibrated", "--out", str(file)]) == 0
    assert "below 0.05" in " ".join(capsys.readouterr().out.split())
    answer = open_exported(file)(crops)
    expected = MAP(answer["confidence"])
    assert expected.std() > 0.05
    np.testing.assert_allclose(answer["probability"], expected, atol=1e-5)
    assert read_notes(file).calibration == MAP

    found = {}
    for name, model in (("run", run), ("file", file)):
        out = tmp_path / f"{name}.json"
        given = [str(model), str(figures.test), "--calibrated", "--out", str(out)]
        assert main(["predict", *given]) == 0
        content = json.loads(out.read_text())
        assert "the probability of an error within 0.05" in content["info"]["description"]
        found[name] = np.array([row["keypoints"] for row in content["annotations"]])
    np.testing.assert_allclose(found["file"], found["run"], atol=0.02)
    calibrated = found["file"].reshape(len(found["file"]), -1, 3)[:, :, 2]
    np.testing.assert_allclose(calibrated[:, 1], 0.3)


def test_program_has_heatmaps_and_chance(run, crops, tmp_path):
    file = tmp_path / "people.pt2"
    given = ["export", str(run), "--to", "program", "--calibrated", "--out", str(file)]
    assert main(given) == 0
    answer = open_exported(file)(crops)
    assert list(answer) == ["points", "confidence", "cells", "probability"]
    np.testing.assert_allclose(answer["probability"], MAP(answer["confidence"]), atol=1e-5)
    assert main([*given, "--heatmaps"]) == 0
    both = open_exported(file)(crops)
    assert list(both) == ["points", "confidence", "cells", "heatmaps", "probability"]
    np.testing.assert_allclose(both["probability"], answer["probability"], atol=1e-6)
    assert both["heatmaps"].shape == (8, 14, 8, 8)


def test_without_a_map_there_is_a_sentence(finished_run, tmp_path, capsys):
    out = tmp_path / "people.pt2"
    given = ["export", str(finished_run), "--to", "program", "--calibrated", "--out", str(out)]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert "posebridge report" in said and said.count("\n") == 1 and not out.exists()
    notes = json.loads(
        FileNotes(
            load_checkpoint(finished_run).skeleton, load_checkpoint(finished_run).crop, 8
        ).to_json()
    )
    assert FileNotes.from_json(json.dumps(notes), "x.onnx").calibration is None
    for tta in ({"views": 65}, {"often": 2}, 3):
        with pytest.raises(InputError, match=r"x\.onnx"):
            FileNotes.from_json(json.dumps({**notes, "tta": tta}), "x.onnx")
    notes["calibration"] = {**MAP.to_dict(), "own": {"14": [[0.0], [0.5]]}}
    with pytest.raises(InputError, match=r"x\.onnx.*export the model again"):
        FileNotes.from_json(json.dumps(notes), "x.onnx")
