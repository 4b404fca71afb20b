"""Model folders: round trips, and content that is refused instead of run or guessed."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from posebridge.checkpoints.archive import CONFIG, FILES, RESULTS, SKELETON, WEIGHTS, sealed
from posebridge.checkpoints.model_folder import find_checkpoint, load_checkpoint, save_checkpoint
from posebridge.data.crops import CropConfig
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton

MODEL = ModelConfig("resnet10t", "none", {}, feature_level=2, decoder_channels=4, heatmap_size=8)
ARM = Skeleton.from_names("arm", ["left_hand", "right_hand", "elbow"], [(0, 2), (1, 2)])


def write(folder: Path, seed: int = 0, **model: Any) -> PoseModel:
    torch.manual_seed(seed)
    network = PoseModel(MODEL, len(ARM), 32)
    # Statistics that differ from those of a fresh network: buffers are stored too.
    network.train()(torch.rand(4, 3, 32, 32))
    config = {"model": {**vars(MODEL), **model}, "crop": {"size": 32, "padding": 1.5}}
    save_checkpoint(folder, network, ARM, config, {"step": seed})
    return network.eval()


@pytest.fixture
def folder(tmp_path) -> Path:
    write(tmp_path / "m")
    return tmp_path / "m"


def reseal(folder: Path) -> None:
    """Return matching checksums, as someone who tampers on purpose would write them."""
    files = {name: (folder / name).read_bytes() for name in FILES}
    (folder / RESULTS).write_bytes(sealed(files, json.loads(files[RESULTS]))[RESULTS])


def load_tampered(folder: Path) -> None:
    """Load it as it is, which the checksums refuse, and with matching checksums."""
    with pytest.raises(InputError, match="from the saved model"):
        load_checkpoint(folder)
    reseal(folder)
    load_checkpoint(folder)


def test_loaded_outputs_are_bit_exact(tmp_path):
    torch.manual_seed(1)
    images = torch.rand(2, 3, 32, 32)
    original = write(tmp_path / "m")
    loaded = load_checkpoint(tmp_path / "m")
    assert not loaded.model.training
    assert torch.equal(loaded.model(images).heatmaps, original(images).heatmaps)
    assert loaded.skeleton == ARM
    assert loaded.crop == CropConfig(32, 1.5)
    assert loaded.results == {"step": 0}


def test_earlier_folder_is_replaced_without_leftovers(tmp_path):
    for seed in range(3):
        original = write(tmp_path / "m", seed)
    loaded = load_checkpoint(tmp_path / "m")
    assert loaded.results == {"step": 2}
    assert torch.equal(loaded.model.head.weight, original.head.weight)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_stop_in_the_middle_leaves_the_earlier_folder(tmp_path):
    write(tmp_path / "m", 0)
    unwritable = {"step": object()}  # fails at results.json, the last file
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "m", PoseModel(MODEL, 3, 32), ARM, {}, unwritable)
    assert load_checkpoint(tmp_path / "m").results == {"step": 0}
    write(tmp_path / "m", 1)  # the leftovers do not get in the way
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_no_weights_are_downloaded_to_load_a_model(tmp_path, monkeypatch):
    create = timm.create_model

    def offline(*arguments, **options):
        assert not options.get("pretrained")
        return create(*arguments, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    write(tmp_path / "m", encoder_weights="pretrained")
    write(tmp_path / "n", encoder_weights="/no/longer/there.pth")
    for name in "mn":
        assert load_checkpoint(tmp_path / name).skeleton == ARM


@pytest.mark.parametrize("name", [SKELETON, CONFIG, RESULTS])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"has no {name}; a model folder needs it"):
        load_checkpoint(folder)


def test_folder_without_weights_is_refused(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(InputError, match="neither a model folder nor a run folder"):
        load_checkpoint(folder)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights(folder, share):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="is damaged or not a safetensors file"):
        load_tampered(folder)


def with_header(change: Callable[[dict[str, Any]], None], whole: bytes) -> bytes:
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + whole[8 + length :]


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["head.bias"].update(data_offsets=[0, 2**40]),
        lambda header: header["head.bias"].update(data_offsets=[12, 0]),
        lambda header: header["head.bias"].update(shape=[2**62, 2**62]),
        lambda header: header["head.bias"].update(dtype="object"),
        lambda header: header.pop("head.bias"),
    ],
    ids=["beyond the file", "backwards", "huge", "no dtype", "hole"],
)
def test_false_header_is_refused(folder, change):
    file = folder / WEIGHTS
    file.write_bytes(with_header(change, file.read_bytes()))
    with pytest.raises(InputError, match="is damaged or not a safetensors file"):
        load_tampered(folder)


def test_oversized_header_is_refused(folder):
    (folder / WEIGHTS).write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(InputError, match="is damaged or not a safetensors file"):
        load_tampered(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: state.pop("head.bias"), "'head.bias'"),
        (lambda state: state.update(extra=torch.zeros(1)), "'extra'"),
        (lambda state: state.update({"head.weight": torch.zeros(3, 4)}), "'head.weight'"),
        (lambda state: state.update({"head.bias": torch.zeros(4)}), "'head.bias'"),
    ],
    ids=["missing", "surplus", "other dimensions", "other keypoints"],
)
def test_weights_of_another_network(folder, change, named):
    state = load_file(folder / WEIGHTS)
    change(state)
    save_file(state, folder / WEIGHTS)
    with pytest.raises(InputError, match=f"does not fit .*1 of its tensors.*{named}"):
        load_tampered(folder)


def test_a_skeleton_with_another_number_of_keypoints(folder):
    (folder / SKELETON).write_text(Skeleton.from_names("x", ["a", "b"]).to_json())
    with pytest.raises(InputError, match="does not fit .*'head.bias'"):
        load_tampered(folder)


class Touch:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def zipped(pickled: bytes) -> bytes:
    """Write a pickle in the layout of torch.save."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3")
    return buffer.getvalue()


@pytest.mark.parametrize("wrap", [bytes, zipped], ids=["pickle", "torch.save"])
def test_a_pickle_is_never_executed(folder, tmp_path, wrap):
    trap = tmp_path / "ran"
    content = pickle.dumps({"head.bias": Touch(trap)})
    pickle.loads(content)  # the trap works
    trap.unlink()
    (folder / WEIGHTS).write_bytes(wrap(content))
    with pytest.raises(InputError, match="is damaged or not a safetensors file"):
        load_tampered(folder)
    assert not trap.exists()


@pytest.mark.parametrize("tag", ["object/apply:pathlib.Path.touch", "object/new:pathlib.Path"])
def test_yaml_is_never_executed(folder, tmp_path, tag):
    trap = tmp_path / "ran"
    (folder / CONFIG).write_text(f"model: !!python/{tag} [!!python/name:pathlib.Path '{trap}']")
    with pytest.raises(InputError, match="is not valid YAML"):
        load_tampered(folder)
    assert not trap.exists()


@pytest.mark.parametrize("name", [SKELETON, CONFIG, WEIGHTS])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0\0", b"[]", b"3", b"\x80\x04."])
def test_a_file_with_other_content(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        load_tampered(folder)


def set_config(folder: Path, place: str, value: Any) -> None:
    config = yaml.safe_load((folder / CONFIG).read_text())
    section, name = place.split(".")
    config.setdefault(section, {})[name] = value
    (folder / CONFIG).write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("model.encoder", "resnet1O", "timm has no encoder 'resnet1O'"),
        ("model.encoder", 3, r"'model.encoder' is 3, which is of the wrong type"),
        ("model.encoder_args", [1], "'model.encoder_args' is"),
        ("model.feature_level", "last", "'model.feature_level' is 'last'"),
        ("model.feature_level", 99, "no such levels"),
        ("model.decoder_channels", -1, "model.decoder_channels is -1; give a number from 1 to"),
        ("model.decoder_channels", 8, "does not fit"),
        ("model.decoder_depth", True, "'model.decoder_depth' is True"),
        ("model.heatmap_size", "8", "'model.heatmap_size' is '8'"),
        ("model.heatmap_size", 12, "model.heatmap_size is 12.*choose one of these"),
        ("model.sigma", "wide", "'model.sigma' is 'wide'"),
        ("model.sigma", float("nan"), "'model.sigma' is nan"),
        ("model.shape", 1, "'model.shape' is unknown to this version"),
        ("crop.size", 32.0, "'crop.size' is 32.0"),
        ("crop.size", None, "'crop.size' is None"),
        ("crop.size", -32, "crop.size is -32; give a number from 4 to"),
        ("crop.padding", "x", "'crop.padding' is 'x'"),
        ("tta.views", 0, "config.yaml: 'tta': the number of views is 0"),
        ("tta.views", "many", "'tta.views' is 'many'"),
        ("tta.rotation", 9.0, "config.yaml: 'tta': a single view"),
        ("tta.often", 3, "'tta.often' is unknown"),
    ],
)
def test_tampered_config_is_refused(folder, place, value, words):
    set_config(folder, place, value)
    with pytest.raises(InputError, match=words) as caught:
        load_tampered(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("section", ["model", "crop"])
def test_a_missing_section(folder, section):
    config = yaml.safe_load((folder / CONFIG).read_text())
    del config[section]
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    with pytest.raises(InputError, match=f"has no section '{section}'"):
        load_tampered(folder)


PLACES = [f"model.{name}" for name in vars(MODEL)] + ["crop.size", "crop.padding"]
PLACES += ["tta.views", "tta.flip", "tta.rotation"]
JUNK = (
    st.none()
    | st.booleans()
    | st.integers(-4, 40)
    | st.floats()
    | st.sampled_from(["", "none", "32", "../x"])
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.sampled_from(["pretrained", "x"]), st.integers(0, 3), max_size=2)
)


@given(st.sampled_from(PLACES), JUNK)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_any_setting_is_read_or_refused(folder, place, value):
    before = (folder / CONFIG).read_text()
    try:
        set_config(folder, place, value)
        reseal(folder)
        load_checkpoint(folder)
    except InputError as error:
        assert str(error)
    finally:
        (folder / CONFIG).write_text(before)
        reseal(folder)


def test_checkpoint_choice_in_a_run_folder(folder, tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    with pytest.raises(InputError, match=r"has no checkpoint 'last' \(it has: none\)"):
        find_checkpoint(run)
    folder.rename(run / "checkpoints" / "selected")
    assert find_checkpoint(run, "selected").name == "selected"
    assert find_checkpoint(run / "checkpoints" / "selected", "last").name == "selected"
    assert load_checkpoint(run, "selected").skeleton == ARM
    with pytest.raises(InputError, match=r"has no checkpoint 'source' \(it has: selected\)"):
        find_checkpoint(run, "source")
    with pytest.raises(InputError, match="'best'; known are last, selected, source"):
        find_checkpoint(run, "best")
    for nothing in (tmp_path / "gone", run / "checkpoints" / "selected" / CONFIG):
        with pytest.raises(InputError, match="neither a model folder nor a run folder"):
            find_checkpoint(nothing)
