"""A run from end to end on tiny synthetic figures: its files, resuming, switches, bad input."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

import posebridge.training
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.data.loaders import PairedBatches
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.inference.predictor import load
from posebridge.training import adapter
from posebridge.training.adapter import Adapter
from posebridge.training.diagnostics import NonFiniteLoss
from posebridge.training.initialization import build_model
from posebridge.training.presets import configure
from posebridge.training.run import train
from posebridge.training.splits import split_target
from posebridge.validators import validators
from tests.conftest import ADAIN, TINY, tiny
from tests.run_folders import StopAfter, logged, same, weights


@pytest.fixture(scope="module")
def data(figures):
    return read_labeled(figures.source), read_boxes(figures.target)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return folder, train(tiny(), *data, folder)


def test_files_of_a_run(finished):
    folder, result = finished
    for name in ("source", "last", "selected"):
        results = json.loads((folder / "checkpoints" / name / "results.json").read_text())
        assert results["validator"]["value"] is not None
    assert [step for step, _ in result.validation] == [4, 6, 8, 10]
    assert result.selected in dict(result.validation)
    assert configure(config=folder / "config.yaml") == tiny()
    for term in ("source", "consistency", "feature", "pose"):
        assert {f"loss/{term}", f"weighted/{term}", f"gradient/{term}"} <= logged(folder)
    assert {"teacher/kept", "teacher/confidence", "discriminator/accuracy"} <= logged(folder)
    assert list((folder / "tensorboard").glob("events*"))


def test_run_killed_before_its_first_state_starts_again(finished, data, tmp_path):
    folder, whole = finished
    with pytest.raises(SystemExit):
        train(tiny(), *data, tmp_path / "run", callbacks=[StopAfter(2)])
    assert not (tmp_path / "run" / "resume.ckpt").exists()
    resumed = train(tiny(), *data, tmp_path / "run", resume=True)
    assert resumed.validation == whole.validation
    assert same(weights(folder, "last"), weights(tmp_path / "run", "last"))


def test_start_from_a_stored_source_model_is_bit_exact(finished, data, tmp_path):
    folder, whole = finished
    config = tiny(init_from=str(folder))
    result = train(config, *data, tmp_path / "run")
    assert result.validation == whole.validation
    assert same(weights(folder, "last"), weights(tmp_path / "run", "last"))
    # A stop after two steps counts its own steps, after those of the source stage.
    trial = train(config, *data, tmp_path / "trial", stop_after=2)
    assert (trial.steps, trial.planned, trial.finished) == (config.steps.source + 2, 10, False)
    train(config, *data, tmp_path / "trial", resume=True)
    assert same(weights(folder, "last"), weights(tmp_path / "trial", "last"))


def test_stored_model_with_another_config_is_refused(finished, data, tmp_path):
    """Refuse another config: it has to describe the output model."""
    config = tiny(init_from=str(finished[0]), model__decoder_channels=24)
    with pytest.raises(InputError, match="and model.decoder_channels is 24; set it to the model's"):
        train(config, *data, tmp_path / "run")


def test_weights_depend_on_seed_not_on_workers(finished, data, tmp_path):
    folder, _ = finished
    train(tiny(workers=1), *data, tmp_path / "workers")
    assert same(weights(folder, "last"), weights(tmp_path / "workers", "last"))
    train(tiny(seed=1), *data, tmp_path / "seed")
    assert not same(weights(folder, "last"), weights(tmp_path / "seed", "last"))


def test_target_labels_change_nothing(figures, data, finished, tmp_path):
    """Train equal weights from a target file with keypoints and one without."""
    content = json.loads(figures.target.read_text())
    for annotation in content["annotations"]:
        annotation["keypoints"] = [1.0, 2.0, 2] * 14
    labeled = tmp_path / "annotations.json"
    labeled.write_text(json.dumps(content))
    shutil.copytree(figures.target.parent / "images", tmp_path / "images")
    # The held-out fraction is drawn from sorted names, which are equal in both folders.
    train(tiny(), data[0], read_boxes(labeled), tmp_path / "run")
    assert same(weights(finished[0], "last"), weights(tmp_path / "run", "last"))


def test_training_has_no_input_for_target_keypoints():
    assert get_type_hints(train)["target"] is UnlabeledSamples
    assert not {"points", "labeled", "keypoints"} & set(UnlabeledSamples.__dataclass_fields__)
    assert set(inspect.signature(validators.ask).parameters) == {
        *("model", "crops", "mirror", "seed", "batch")
    }
    for validator in validators.VALIDATORS.values():
        first, *rest = inspect.signature(validator).parameters.values()
        assert get_type_hints(validator)[first.name] is validators.Answers
        assert all(parameter.annotation == "float" for parameter in rest)
    room = Path(posebridge.training.__file__).parent
    for file in room.glob("*.py"):
        imported = {
            alias.name
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not imported & {"read_labeled", "score", "evaluate_predictions"}, file


def test_the_split_shares_no_image(data):
    split = split_target(data[1], tiny(validation__fraction=0.25))
    assert len(split.held_out) == 6
    assert not set(split.training.files) & set(split.held_out.files)
    assert len(split.training) + len(split.held_out) == len(data[1])
    # Whatever the fraction, at least one image stays for training.
    assert len(split_target(data[1], tiny(validation__fraction=1.0)).training) == 1


@pytest.mark.parametrize(
    ("off", "gone"),
    [
        ({"consistency__weight": 0}, "loss/consistency"),
        ({"feature__weight": 0}, "loss/feature"),
        ({"pose__weight": 0}, "loss/pose"),
    ],
)
def test_a_weight_of_0_computes_nothing(data, tmp_path, off, gone):
    train(tiny(steps__source=0, steps__adaptation=1, **off), *data, tmp_path / "run")
    kept = {"loss/consistency", "loss/feature", "loss/pose"} - {gone}
    assert gone not in logged(tmp_path / "run")
    assert kept <= logged(tmp_path / "run")


def test_source_only_does_not_read_the_target(data, tmp_path):
    config = tiny(
        consistency__weight=0,
        feature__weight=0,
        pose__weight=0,
        style__method="none",
        batchnorm_stats="source",
        steps__adaptation=2,
    )
    seen = []

    class FiniteLossGuard(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, *_):
            seen.append(batch.target)

    train(config, *data, tmp_path / "run", callbacks=[FiniteLossGuard()])
    assert seen == [None] * 6
    assert not logged(tmp_path / "run") & {"loss/consistency", "loss/feature", "loss/pose"}


def test_student_trains_and_teacher_follows(data, tmp_path):
    """Check it from a stored model too: batch normalization must use the adaptation's batches."""
    states = []

    class FiniteLossGuard(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, *_):
            assert isinstance(pl_module, Adapter)
            assert pl_module.student.training
            assert not pl_module.teacher.module.training
            own, averaged = pl_module.student.state_dict(), pl_module.teacher.module.state_dict()
            states.append({k: (own[k].clone(), averaged[k].clone()) for k in own})

    first = tmp_path / "first"
    train(tiny(steps__source=1, steps__adaptation=1), *data, first)
    config = tiny(init_from=str(first), steps__source=1, steps__adaptation=2, ema_decay=0.5)
    train(config, *data, tmp_path / "run", callbacks=[FiniteLossGuard()])
    for name in ("head.weight", "decoder.1.running_mean"):
        (_, before), (student, after) = states[0][name], states[1][name]
        torch.testing.assert_close(after, 0.5 * before + 0.5 * student)


def test_resume_after_stop_after_is_bit_exact(finished, data, tmp_path):
    folder, whole = finished
    assert whole.finished and whole.steps == 10
    trial = train(tiny(), *data, tmp_path / "run", stop_after=7)
    assert (trial.steps, trial.planned, trial.finished) == (7, 10, False)
    rest = train(tiny(), *data, tmp_path / "run", resume=True)
    assert rest.finished
    for name in ("last", "selected"):
        assert same(weights(folder, name), weights(tmp_path / "run", name))


def test_facing_is_trained_and_restored(data, tmp_path):
    run = tmp_path / "run"
    train(tiny(model__left_right="facing", consistency__teacher_views=2), *data, run)
    assert {"loss/facing", "loss/target_facing"} <= logged(run)
    before, after = weights(run, "source"), weights(run, "last")
    assert not torch.equal(before["facing.layers.2.weight"], after["facing.layers.2.weight"])
    predictor = load(run, device="cpu")
    head = predictor.model.facing.layers[2]
    shown = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    points = []
    for logit in (-1.0, 1.0):  # forced to either direction: left and right swap
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.constant_(head.bias, logit)
        points.append(predictor.predict([shown]).points[0])
    assert np.array_equal(points[0], points[1][data[0].skeleton.mirror])
    assert not np.array_equal(points[0], points[1])


def test_label_shift_corrects_only_the_output_model(data, tmp_path):
    for share in ("target", "source"):
        train(tiny(model__left_right="facing", facing__prior=share), *data, tmp_path / share)
    corrected, plain = weights(tmp_path / "target", "last"), weights(tmp_path / "source", "last")
    changed = [name for name in plain if not torch.equal(plain[name], corrected[name])]
    assert changed == ["facing.layers.2.bias"]
    shift = corrected[changed[0]] - plain[changed[0]]
    assert shift[0] != 0 and shift[1] == 0


def test_a_loss_that_is_not_finite_stops_the_run(data, tmp_path, monkeypatch):
    normal, steps = adapter.supervised_loss, itertools.count()

    def broken(*given):
        return normal(*given) * (float("nan") if next(steps) >= 7 else 1.0)

    monkeypatch.setattr(adapter, "supervised_loss", broken)
    with pytest.raises(NonFiniteLoss, match="source loss was not finite at step 7"):
        train(tiny(), *data, tmp_path / "run")
    kept = weights(tmp_path / "run", "last")
    assert all(torch.isfinite(v).all() for v in kept.values())


def test_broken_images_are_skipped_and_reported(figures, data, tmp_path):
    shutil.copytree(figures.target.parent, tmp_path / "target")
    images = sorted((tmp_path / "target" / "images").iterdir())
    images[0].write_bytes(images[0].read_bytes()[:600])  # whole header, truncated pixels
    images[1].write_bytes(b"no image")
    target = read_boxes(tmp_path / "target")
    result = train(tiny(validation__fraction=0.05), data[0], target, tmp_path / "run")
    assert any(images[1].name in line for line in result.skipped)
    assert (tmp_path / "run" / "skipped.txt").read_text().count("\n") == len(result.skipped)
    for image in images:
        image.write_bytes(b"")
    with pytest.raises(InputError, match="no image of .* can be read"):
        train(tiny(), data[0], target, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_folder_with_a_run_is_refused(finished, data):
    with pytest.raises(InputError, match="already holds a run"):
        train(tiny(), *data, finished[0])


def test_precision(data, tmp_path):
    short = {"steps__source": 1, "steps__adaptation": 1}
    train(tiny(precision="bf16", **short), *data, tmp_path / "bf16")
    assert all(
        np.isfinite(v).all() for v in map(np.asarray, weights(tmp_path / "bf16", "last").values())
    )
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        train(tiny(precision="fp16", device="cpu", **short), *data, tmp_path / "fp16")


def test_style_network_is_trained_first_and_can_be_given(data, tmp_path):
    style = {**ADAIN, "steps__source": 1, "steps__adaptation": 1}
    train(tiny(**style), *data, tmp_path / "run")
    decoder = tmp_path / "run" / "style" / "decoder.safetensors"
    assert decoder.is_file()
    given = replace(tiny(**style), style=replace(tiny(**style).style, decoder=str(decoder)))
    train(given, *data, tmp_path / "given")
    assert not (tmp_path / "given" / "style").exists()
    assert same(weights(tmp_path / "run", "last"), weights(tmp_path / "given", "last"))


@pytest.mark.parametrize(("statistics", "follows"), [("target", False), ("both", True)])
def test_running_statistics_follow_the_target_alone(statistics, follows, data):
    """Take one step from one start with other source images, and compare the running means."""

    def running_mean(brightness: int) -> torch.Tensor:
        config = tiny(batchnorm_stats=statistics, steps__source=0, style__source_to_target=0)
        adapter = Adapter(config, data[0].skeleton, build_model(config, data[0].skeleton))
        batch = PairedBatches(data[0], data[1], config.crop, 4, 0, 0)[0]
        source = batch.source._replace(images=batch.source.images // brightness)
        adapter.training_step(batch._replace(source=source), 0)
        layers = [m for m in adapter.student.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert layers[0].running_mean is not None
        return layers[0].running_mean

    assert torch.equal(running_mean(1), running_mean(3)) != follows


def test_adabn_trains_like_source_only_with_target_statistics(data, tmp_path):
    """Get bit-exact parameters; only the running statistics differ."""
    for preset in ("source_only", "adabn"):
        train(configure(["demo", preset], overrides=TINY), *data, tmp_path / preset)
    one, other = (weights(tmp_path / preset, "last") for preset in ("source_only", "adabn"))
    differ = {name for name in one if not torch.equal(one[name], other[name])}
    assert any("running_mean" in name for name in differ)
    assert all("running_" in name or "num_batches" in name for name in differ)


def test_configured_validator_selects_and_all_are_logged(data, tmp_path):
    result = train(tiny(validation__validator="certainty"), *data, tmp_path / "run")
    tta = {*validators.VALIDATORS, "settled", "teacher_student"}
    assert {f"validator/{name}" for name in tta} <= logged(tmp_path / "run")
    assert all(-1 <= value <= 0 for _, value in result.validation)
    assert result.selected == max(result.validation, key=lambda look: look[1])[0]
    chosen = json.loads((tmp_path / "run/checkpoints/selected/results.json").read_text())
    assert chosen["step"] == result.selected
    assert chosen["validator"]["name"] == validators.MEASURES["certainty"]
    last = json.loads((tmp_path / "run/checkpoints/last/results.json").read_text())
    assert 0 <= last["teacher_student"] <= 100
    source = json.loads((tmp_path / "run/checkpoints/source/results.json").read_text())
    assert "teacher_student" not in source
