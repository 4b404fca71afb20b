"""Folders and zips of models: round trips, and damaged and hostile ones are refused."""

from __future__ import annotations

import json
import pickle
import shutil
import stat
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posebridge.checkpoints.archive import (
    CARD,
    CONFIG,
    FILES,
    RESULTS,
    SKELETON,
    WEIGHTS,
    read_files,
    sealed,
)
from posebridge.checkpoints.model_folder import load_checkpoint, record_scores, save_checkpoint
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton

MODEL = ModelConfig("resnet10t", "none", {}, feature_level=1, decoder_channels=4, heatmap_size=8)
ARM = Skeleton.from_names("arm", ["left_hand", "right_hand", "elbow"], [(0, 2), (1, 2)])
NOTES = {"step": 7, "shape": (1, 2), 3: 0.1}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "arm"
    config = {"model": vars(MODEL), "crop": {"size": 32, "padding": 1.5}}
    save_checkpoint(folder, PoseModel(MODEL, 3, 32), ARM, config, NOTES)
    return folder


def packed(folder: Path, file: Path, below: str = "") -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (*FILES, CARD):
            archive.write(folder / name, below + name)
    return file


@pytest.mark.parametrize("below", ["", "last/", "a/b/"])
def test_a_zip_is_the_folder_and_nothing_is_unpacked(model, tmp_path, below, monkeypatch):
    file = packed(model, tmp_path / "arm.zip", below)
    monkeypatch.chdir(tmp_path)
    loaded, original = load_checkpoint(file), load_checkpoint(model)
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded.model(images).heatmaps, original.model(images).heatmaps)
    assert loaded.results == original.results == {"step": 7, "shape": [1, 2], "3": 0.1}
    assert [p.name for p in tmp_path.iterdir()] == ["arm.zip"]


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory) -> tuple[bytes, dict[str, bytes], Path]:
    """Return a model with small weights; a zip of it, its files, and the folder above both."""
    place = tmp_path_factory.mktemp("fuzz")
    (place / "folder").mkdir()
    files = {name: (model / name).read_bytes() for name in FILES}
    files[WEIGHTS] = files[WEIGHTS][-2000:]
    files = sealed(files, NOTES)
    for name, content in {**files, CARD: b"card"}.items():
        (place / "folder" / name).write_bytes(content)
    return packed(place / "folder", place / "whole.zip").read_bytes(), files, place


def damaged(content: bytes, where: float, flip: int) -> bytes:
    """Change a byte by XOR with ``flip``; cut there for a flip of 0."""
    place = min(int(where * len(content)), len(content) - 1)
    if flip == 0:
        return content[:place]
    return content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]


def refused_or_same(place: Path, files: dict[str, bytes]) -> bool:
    """Return whether it was refused; otherwise check that the content is equal."""
    try:
        read, results = read_files(place)
    except InputError as error:
        assert "\n" not in str(error)
        assert str(place) in str(error)
        return True
    assert {**read, RESULTS: b""} == {**files, RESULTS: b""}
    assert results == {"step": 7, "shape": [1, 2], "3": 0.1}
    return False


PLACES = st.floats(0, 1, exclude_max=True)
FLIPS = st.integers(0, 255)
FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(st.sampled_from(FILES), PLACES, FLIPS)
def test_any_damage_to_a_folder_is_refused(whole, name, where, flip):
    _, files, place = whole
    (place / "folder" / name).write_bytes(damaged(files[name], where, flip))
    try:
        refused = refused_or_same(place / "folder", files)
        # White space in the results may differ, nothing else.
        assert refused or name == RESULTS
    finally:
        (place / "folder" / name).write_bytes(files[name])


@FUZZ
@given(PLACES, FLIPS)
def test_any_damage_to_a_zip_is_refused_or_harmless(whole, where, flip):
    zipped, files, place = whole
    (place / "damaged.zip").write_bytes(damaged(zipped, where, flip))
    refused = refused_or_same(place / "damaged.zip", files)
    assert refused or flip != 0


def test_any_change_of_the_results_is_refused(whole):
    """Check that the checksum file is covered itself: a wrong bit in each byte, and cuts."""
    _, files, place = whole
    content, file = files[RESULTS], place / "folder" / RESULTS
    try:
        for at in range(len(content)):
            changed = content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :]
            file.write_bytes(changed)
            assert refused_or_same(place / "folder", files) or content[at : at + 1].isspace()
            if at % 5 == 0:
                file.write_bytes(content[:at])
                assert refused_or_same(place / "folder", files)
    finally:
        file.write_bytes(content)


def member(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = 0) -> None:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = mode << 16
    archive.writestr(info, content)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../model.safetensors", "points out of the archive"),
        ("a/../../x", "points out of the archive"),
        ("/etc/passwd", "points out of the archive"),
        ("..\\x", "points out of the archive"),
        ("C:/x", "points out of the archive"),
        (WEIGHTS, "twice"),
        (f"other/{WEIGHTS}", "holds 2 model.safetensors; zip one model folder"),
    ],
)
def test_a_hostile_name(model, tmp_path, name, words):
    file = packed(model, tmp_path / "m.zip")
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there already
        member(archive, name, b"x")
    with pytest.raises(InputError, match=words):
        load_checkpoint(file)
    assert [p.name for p in tmp_path.iterdir()] == ["m.zip"]


def with_member(model: Path, file: Path, name: str, content: bytes, mode: int = 0) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for other in FILES:
            if other != name:
                archive.write(model / other, other)
        member(archive, name, content, mode)
    return file


def test_other_ways_of_packing(model, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w", zipfile.ZIP_LZMA) as archive:
        for name in FILES:
            archive.write(model / name, name)
    with pytest.raises(InputError, match="packed in an unusual way"):
        load_checkpoint(tmp_path / "m.zip")


@pytest.mark.parametrize(
    ("name", "words"),
    [(WEIGHTS, "would grow from"), (CONFIG, "too many for the config.yaml of a model")],
)
def test_a_bomb_is_not_unpacked(model, tmp_path, name, words):
    file = with_member(model, tmp_path / "bomb.zip", name, bytes(60_000_000))
    assert file.stat().st_size < 500_000
    tracemalloc.start()
    with pytest.raises(InputError, match=words):
        load_checkpoint(file)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_bomb_with_a_false_size_is_refused(model, tmp_path):
    """Declare 100 bytes: reading stops there, and the checksum of the zip is wrong."""
    file = with_member(model, tmp_path / "bomb.zip", CONFIG, bytes(60_000_000))
    content = file.read_bytes()
    size = (60_000_000).to_bytes(4, "little")
    assert content.count(size) == 2
    file.write_bytes(content.replace(size, (100).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(InputError, match="damaged zip"):
        load_checkpoint(file)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_links_and_strange_archives(model, tmp_path):
    link = with_member(model, tmp_path / "l.zip", SKELETON, b"/etc/passwd", stat.S_IFLNK | 0o777)
    with pytest.raises(InputError, match="skeleton.json is a link"):
        load_checkpoint(link)
    (tmp_path / "no.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="is a damaged zip"):
        load_checkpoint(tmp_path / "no.zip")
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(1001):
            archive.writestr(str(number), b"")
    with pytest.raises(InputError, match="holds 1001 files"):
        load_checkpoint(tmp_path / "many.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("photo.jpg", b"")
    with pytest.raises(InputError, match="holds no model.safetensors"):
        load_checkpoint(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "part.zip", "w") as archive:
        archive.write(model / WEIGHTS, WEIGHTS)
    with pytest.raises(InputError, match=r"part.zip has no skeleton.json"):
        load_checkpoint(tmp_path / "part.zip")


def test_a_configuration_names_no_further_files(model, tmp_path):
    """Refuse 'checkpoint_path', which timm would read while it builds the encoder."""
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    trap = tmp_path / "trap.pth"
    trap.write_bytes(pickle.dumps("not opened"))
    config = yaml.safe_load((folder / CONFIG).read_text())
    config["model"]["encoder_args"] = {"checkpoint_path": str(trap)}
    files = {name: (folder / name).read_bytes() for name in FILES}
    files[CONFIG] = yaml.safe_dump(config).encode()
    for name, content in sealed(files, {"step": 7}).items():
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match="config.yaml: .*encoder_args has 'checkpoint_path'"):
        load_checkpoint(folder)


def test_a_folder_of_the_format_without_checksums(model, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    (folder / RESULTS).write_text('{"step": 3}')
    with pytest.raises(InputError, match="results.json has no checksums"):
        load_checkpoint(folder)
    weights = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(weights.replace(b"pose model 2", b"pose model 1"))
    assert load_checkpoint(folder).results == {"step": 3}


def scores(name: str, value: float) -> dict[str, object]:
    return {
        "metrics": {"pck@0.05": {"all": value, "hand": None}, "oks": {"AP": 3.0}},
        "protocol": {"dataset": f"/home/ann/{name}/annotations.json", "joints": 30, "subjects": 10},
    }


def test_recorded_scores_are_in_results_and_card(model, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    assert record_scores(folder, scores("photographs", 12.25))
    assert record_scores(folder, scores("others", 50.0))
    assert record_scores(folder, scores("photographs", 13.25))
    loaded = load_checkpoint(folder)
    values = [s["metrics"]["pck@0.05"]["all"] for s in loaded.results["scores"]]
    assert values == [50.0, 13.25]
    card = (folder / CARD).read_text()
    assert "| all | 13.2 |" in card
    assert "| hand | - |" in card
    assert "12.2" not in card
    (folder / CARD).write_text(card + "Licence: ours.\n")
    assert not record_scores(folder, scores("photographs", 14.0))
    assert (folder / CARD).read_text() == card + "Licence: ours.\n"
    assert load_checkpoint(folder).results["scores"][-1]["metrics"]["pck@0.05"]["all"] == 14.0
    assert {p.name for p in folder.iterdir()} == {*FILES, CARD}
    assert json.loads((folder / RESULTS).read_text())["checksums"].keys() == set(FILES)
