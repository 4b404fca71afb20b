"""The pose model on several encoders, and its folder."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
import yaml

from posebridge.checkpoints.model_folder import find_checkpoint, load_checkpoint, save_checkpoint
from posebridge.errors import InputError
from posebridge.models.discriminator import PatchDiscriminator
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton
from posebridge.training.config import AdaptConfig

ENCODERS = [  # timm's name, level, input, heatmaps
    ("resnet18", -1, 64, 16),
    ("hrnet_w18_small", 2, 64, 16),
    ("convnext_atto", 2, 64, 16),
    ("mobilenetv3_small_050", -1, 64, 16),
    ("vit_tiny_patch16_224", -1, 64, 16),
    ("vit_small_patch14_dinov2", -1, 56, 16),
]


@pytest.mark.parametrize(("name", "level", "size", "cells"), ENCODERS)
def test_heatmaps_have_the_configured_size(name, level, size, cells):
    config = ModelConfig(name, "none", {}, level, decoder_channels=8, heatmap_size=cells)
    model = PoseModel(config, 3, size).eval()
    output = model(torch.rand(2, 3, size, size))
    assert output.heatmaps.shape == (2, 3, cells, cells)
    assert output.features.shape == (2, 8, cells, cells)
    assert model.stride == size / cells


def small(**more) -> ModelConfig:
    return ModelConfig(**{"encoder": "resnet10t", "encoder_weights": "none", "feature_level": 2,
                          "decoder_channels": 8, "heatmap_size": 16, **more})  # fmt: skip


def test_mismatched_sizes_are_refused():
    with pytest.raises(InputError, match="has 8 cells a side.*8, 16, 32"):
        PoseModel(small(heatmap_size=24), 3, 64)
    with pytest.raises(InputError, match="decoder_depth is 0, but 1 deconvolutions"):
        PoseModel(small(decoder_depth=0), 3, 64)
    deeper = PoseModel(small(decoder_depth=3), 3, 64).eval()
    assert deeper(torch.rand(1, 3, 64, 64)).heatmaps.shape[-1] == 16
    with pytest.raises(ValueError, match="crops of 64 px"):
        deeper(torch.rand(1, 3, 32, 32))


def test_discriminator_outputs_patches():
    judged = PatchDiscriminator(8, 4)(torch.rand(2, 8, 64, 64))
    assert judged.shape == (2, 1, 8, 8)


@pytest.fixture
def folder(tmp_path) -> Path:
    torch.manual_seed(0)
    skeleton = Skeleton.from_names("arm", ["left_hand", "right_hand", "elbow"])
    config = AdaptConfig(model=small()).to_dict()
    config["crop"]["size"] = 64
    save_checkpoint(tmp_path / "m", PoseModel(small(), 3, 64), skeleton, config, {"step": 4})
    return tmp_path / "m"


def test_model_round_trips_through_its_folder(folder):
    torch.manual_seed(0)
    original = PoseModel(small(), 3, 64).eval()
    loaded = load_checkpoint(folder)
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(loaded.model(images).heatmaps, original(images).heatmaps)
    assert loaded.skeleton.pairs == ((0, 1),)
    assert loaded.results["step"] == 4
    assert {p.name for p in folder.iterdir()} == {
        *("model.safetensors", "skeleton.json", "config.yaml", "results.json", "README.md")
    }


class Bomb:
    def __reduce__(self):
        return (Path("/tmp/posebridge-was-executed").touch, ())


def damage(folder: Path, kind: str) -> None:
    weights, config = folder / "model.safetensors", folder / "config.yaml"
    if kind == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif kind == "pickle":
        weights.write_bytes(pickle.dumps(Bomb()))
    elif kind == "yaml object":
        config.write_text("model: !!python/object/apply:os.system ['true']")
    elif kind == "no skeleton":
        (folder / "skeleton.json").unlink()
    elif kind == "other width":
        settings = yaml.safe_load(config.read_text())
        settings["model"]["decoder_channels"] = 16
        config.write_text(yaml.safe_dump(settings))
    elif kind == "unknown field":
        settings = yaml.safe_load(config.read_text())
        settings["model"]["color"] = "red"
        config.write_text(yaml.safe_dump(settings))
    elif kind == "half a skeleton":
        (folder / "skeleton.json").write_text('{"name": "arm"}')


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated", "model.safetensors differs from the saved model"),
        ("pickle", "model.safetensors differs from the saved model"),
        ("yaml object", "config.yaml differs from the saved model"),
        ("no skeleton", "has no skeleton.json"),
        ("other width", "config.yaml differs from"),
        ("unknown field", "config.yaml differs from"),
        ("half a skeleton", "skeleton.json differs from"),
    ],
)
def test_a_tampered_folder_is_refused_and_nothing_runs(folder, kind, words):
    damage(folder, kind)
    with pytest.raises(InputError, match=words):
        load_checkpoint(folder)
    assert not Path("/tmp/posebridge-was-executed").exists()


def test_checkpoint_choice_in_a_run_folder(folder, tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    folder.rename(run / "checkpoints" / "source")
    assert find_checkpoint(run, "source") == run / "checkpoints" / "source"
    with pytest.raises(InputError, match=r"has no checkpoint 'last' \(it has: source\)"):
        find_checkpoint(run)
    with pytest.raises(InputError, match="neither a model folder"):
        find_checkpoint(tmp_path / "nowhere")
