"""From a reference to a score: every dataset trains a step, and scores record their protocol."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

import posebridge.api as api
from posebridge.cli.main import main
from posebridge.data.datasets import benchmark_protocol, read_benchmark
from tests.command_line import posebridge_here
from tests.conftest import TINY
from tests.data.datasets.miniatures import MINIATURES

STEP = {"steps.source": 1, "steps.adaptation": 1, "style.method": "none", "steps.batch": 2}
ONE_STEP = {**TINY, **STEP}
TRIAL = {**ONE_STEP, "steps.adaptation": 2}


@pytest.mark.parametrize("name", MINIATURES)
def test_every_dataset_is_listed_and_trains_a_step(name, data, tmp_path):
    reference = MINIATURES[name].reference
    result = api.adapt(
        reference,
        reference,
        tmp_path / "run",
        preset="demo",
        overrides={**TRIAL, "data_root": data},
        stop_after=2,
        console=Console(quiet=True),
    )
    assert (result.steps, result.finished) == (2, False)
    assert not result.skipped
    assert (result.folder / "checkpoints" / "last" / "model.safetensors").is_file()
    stored = (result.folder / "config.yaml").read_text()
    assert f"{data}/{reference}" in stored
    assert main(["check", f"{data}/{reference}", "--out", str(tmp_path / "check")]) == 0


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> Path:
    """Run the whole command with a preset."""
    out = tmp_path_factory.mktemp("runs") / "surreal_lsp"
    settings = [
        f"--{name}={value}" for name, value in {**ONE_STEP, "model.encoder_weights": "none"}.items()
    ]
    done = posebridge_here(
        *("adapt", "--preset", "surreal_lsp"),
        *("--data-root", str(data), "--out", str(out), *settings),
    )
    assert done.returncode == 0, done.stderr
    assert "source: 10 labeled subjects of surreal:train" in done.stdout
    assert "target: 3 unlabeled subjects of lsp:train" in done.stdout
    return out


def scores(run: Path, labels: str, data: Path, out: Path) -> dict:
    arguments = ["evaluate", str(run), labels, "--data-root", str(data), "--out", str(out)]
    assert main(arguments) == 0
    return json.loads(out.read_text())


def test_a_score_on_unseen_images_is_not_transductive(run, data, tmp_path, capsys):
    results = scores(run, "lsp:test", data, tmp_path / "r.json")
    protocol = results["protocol"]
    assert protocol["benchmark"] == protocol["dataset"] == "lsp:test"
    assert protocol["transductive"] is False
    assert protocol["images_adapted_to"] == 0
    assert protocol["boxes"] == "the whole image"
    assert protocol["subjects"] == 3
    assert "limbs" in results["metrics"]["pck@0.05"]
    assert "transductive" not in capsys.readouterr().out


@pytest.mark.parametrize(("labels", "common"), [("lsp:train", 3), ("lsp:transductive", 3)])
def test_score_on_adapted_images_is_marked_transductive(
    labels, common, run, data, tmp_path, capsys
):
    protocol = scores(run, labels, data, tmp_path / "r.json")["protocol"]
    assert protocol["transductive"] is True
    assert protocol["images_adapted_to"] == common
    assert "transductive: the model was adapted to these images" in capsys.readouterr().out


def test_python_interface_marks_the_same_scores(run, data):
    results = api.evaluate(run, "lsp:transductive", data_root=data)
    assert results.protocol["transductive"] is True
    assert results.protocol["images_adapted_to"] == 3


def test_target_is_found_under_another_name_and_after_a_move(data, tmp_path):
    other = tmp_path / "other"
    other.symlink_to(data)
    for root, target in (
        (other, f"{data}/lsp:train"),
        (data, f"{other}/lsp:train"),
        (data, f"{tmp_path}/gone/lsp:train"),
    ):
        whole = read_benchmark("lsp:transductive", root)
        assert benchmark_protocol("lsp:transductive", whole, root, target)["images_adapted_to"] == 3
    unknown = benchmark_protocol("lsp:test", read_benchmark("lsp:test", data), data, "photographs")
    assert (unknown["images_adapted_to"], unknown["transductive"]) == (None, False)


def test_scenes_shared_by_training_and_scoring_are_reported(data):
    for reference, said in (
        ("freihand:test-released", "the same hands"),
        ("h3d:test", "frames of the same recordings"),
    ):
        protocol = benchmark_protocol(reference, read_benchmark(reference, data), data)
        assert protocol["shared_scenes"].startswith(said)
        assert protocol["images_adapted_to"] is None
    assert "shared_scenes" not in benchmark_protocol(
        "freihand:test", read_benchmark("freihand:test", data), data
    )


def test_predict_takes_a_benchmark(run, data, tmp_path, capsys):
    out = tmp_path / "predictions.json"
    assert main(["predict", str(run), "lsp:test", "--data-root", str(data), "--out", str(out)]) == 0
    names = [image["file_name"] for image in json.loads(out.read_text())["images"]]
    assert names == [f"lsp/images/im000{i}.jpg" for i in (4, 5, 6)]


def test_evaluate_without_a_root_is_refused(run, capsys):
    assert main(["evaluate", str(run), "lsp:test"]) == 2
    assert "give it with --data-root" in capsys.readouterr().err
