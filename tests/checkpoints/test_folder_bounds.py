"""Untrusted model folders: refused at once and without the memory that they claim."""

from __future__ import annotations

import json
import os
import time
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from posebridge.checkpoints.archive import CONFIG, FILES, RESULTS, SKELETON, WEIGHTS, sealed
from posebridge.checkpoints.card import model_card
from posebridge.checkpoints.model_folder import load_checkpoint, save_checkpoint
from posebridge.data.crops import CropConfig
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.models.tta import TTAConfig
from posebridge.skeleton import Skeleton

MODEL = ModelConfig("resnet10t", "none", {}, feature_level=2, decoder_channels=4, heatmap_size=8)
ARM = Skeleton.from_names("arm", ["left_hand", "right_hand", "elbow"])
RECORD = {
    "steps": {"source": 1, "adaptation": 2, "batch": 3},
    "style": {"source_to_target": 0.5, "target_to_source": 0.0, "method": "adain"},
    "feature": {"weight": 0.1},
    "seed": 1,
}
NOTES = {
    "step": 3,
    "data": {"target": {"name": "photographs", "subjects": 4, "held_out": 1}},
    "validator": {"name": "agreement", "value": 1.5},
    "levels": ["domain discriminator"],
    "scores": [{"metrics": {"pck@0.05": {"all": 50.0}}, "protocol": {"dataset": "test.json"}}],
}


@pytest.fixture
def folder(tmp_path) -> Path:
    torch.manual_seed(0)
    config = {"model": dict(vars(MODEL)), "crop": {"size": 32, "padding": 1.5}, **RECORD}
    save_checkpoint(tmp_path / "m", PoseModel(MODEL, len(ARM), 32), ARM, config, NOTES)
    return tmp_path / "m"


def replace_file(folder: Path, name: str, content: Any) -> None:
    """Put other content into the folder, with matching checksums."""
    files = {n: (folder / n).read_bytes() for n in FILES}
    results = json.loads(files[RESULTS])
    if name == RESULTS:
        results = content
    else:
        text = yaml.safe_dump(content) if name == CONFIG else json.dumps(content)
        files[name] = text.encode()
    for n, data in sealed(files, results).items():
        (folder / n).write_bytes(data)


def refused(folder: Path, words: str) -> None:
    started = time.perf_counter()
    with pytest.raises(InputError, match=words) as caught:
        load_checkpoint(folder)
    assert time.perf_counter() - started < 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("model.decoder_depth", 10**6, "decoder_depth is 1000000; give"),
        ("model.decoder_channels", 10**6, "decoder_channels is 1000000; give"),
        ("model.decoder_channels", 2**63, "'model.decoder_channels' is"),
        ("model.heatmap_size", 2**20, "heatmap_size is 1048576; give"),
        ("model.feature_level", -(10**9), "level is -1000000000; give"),
        ("model.encoder", "hf-hub:user/model", "is not the name of a timm model"),
        ("model.encoder", "local-dir:/tmp", "is not the name of a timm model"),
        ("model.encoder", "vit_giant_patch14_clip_224", "."),
        ("model.encoder_args", {"pretrained_cfg": {"file": "x"}}, "has 'pretrained_cfg'"),
        ("model.encoder_args", {"img_size": 10**9}, "img_size is 1000000000"),
        ("crop.size", 10**9, "crop.size is 1000000000; give"),
        ("crop.size", 4096, "."),
        ("steps.source", "many", "'steps.source' is 'many'"),
        ("style.target_to_source", "-1", "'style.target_to_source' is '-1'"),
        ("style.target_to_source", "1e5", "'style.target_to_source' is '1e5'"),
        ("feature.weight", None, "'feature.weight' is None"),
    ],
)
def test_a_network_beyond_bounds_is_refused_at_once(folder, place, value, words):
    config = yaml.safe_load((folder / CONFIG).read_text())
    section, name = place.split(".")
    config[section][name] = value
    replace_file(folder, CONFIG, config)
    refused(folder, words)


def test_a_hundred_thousand_keypoints_are_refused_at_once(folder):
    names = [f"k{i}" for i in range(100_000)]
    content = {"name": "arm", "keypoints": names, "edges": [], "pairs": [], "groups": {}}
    replace_file(folder, SKELETON, content)
    refused(folder, "100000 keypoints")


def sparse(file: Path, size: int, start: bytes = b"") -> None:
    with file.open("wb") as stream:
        stream.write(start)
        os.truncate(stream.fileno(), size)


def test_gigabytes_of_zeros_are_not_read(folder):
    sparse(folder / WEIGHTS, 2 * 2**30)
    refused(folder, "is damaged or not a safetensors file")


def test_gigabytes_of_another_network_are_not_read(folder):
    count = 2 * 2**30
    entry = {"big": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}
    header = json.dumps(entry).encode()
    start = len(header).to_bytes(8, "little") + header
    sparse(folder / WEIGHTS, len(start) + count, start)
    refused(folder, "does not fit .*config.yaml")


def test_a_text_that_unpacks_to_gigabytes_is_not_read(folder, tmp_path):
    file = tmp_path / "m.zip"
    block = b"\0" * 2**20
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (WEIGHTS, SKELETON, RESULTS):
            archive.write(folder / name, name)
        with archive.open(CONFIG, "w", force_zip64=True) as stream:
            for _ in range(256):
                stream.write(block)
    refused(file, "config.yaml has 268435456 bytes")


def entries(content: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content)
    found = [place] if place else []
    for key, value in inner:
        here = (*place, key)
        found += entries(value, here) if isinstance(value, dict | list) else [here]
    return found


@pytest.mark.parametrize("place", entries(NOTES), ids=str)
@pytest.mark.parametrize(
    "value",
    [None, [], {}, "x", "1e5", -1, 2**80, True, [[1]], {"class_path": "os.system"}],
    ids=repr,
)
def test_damaged_results_are_refused(folder, place, value):
    results = json.loads(json.dumps(NOTES))
    inner: Any = results
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    replace_file(folder, RESULTS, results)
    try:
        found = load_checkpoint(folder)
    except InputError as error:
        assert "results.json" in str(error)
        return
    model_card(found.skeleton, found.config, found.results)


@pytest.mark.parametrize(
    "place",
    [
        *(f"model.{f.name}" for f in fields(ModelConfig)),
        *(f"crop.{f.name}" for f in fields(CropConfig)),
        *(f"tta.{f.name}" for f in fields(TTAConfig)),
        *(
            f"{section}.{name}"
            for section in ("steps", "style", "feature")
            for name in RECORD[section]
        ),
    ],
)
def test_no_entry_of_a_configuration_names_code(folder, place, tmp_path):
    trap = tmp_path / "trap"
    code = {"class_path": "os.system", "init_args": {"command": f"touch {trap}"}}
    for value in (code, {"n": code}, [code]):
        config = yaml.safe_load((folder / CONFIG).read_text())
        section, name = place.split(".")
        config.setdefault(section, {})[name] = value
        replace_file(folder, CONFIG, config)
        refused(folder, "config.yaml")
    assert not trap.exists()
