"""Damaged files of every layout: a sentence, and never anything else."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from posebridge.data.datasets import is_reference, parse_reference, read_benchmark
from posebridge.data.datasets.surreal_video import write_frames
from posebridge.errors import InputError
from tests.data.datasets.miniatures import MINIATURES
from tests.data.datasets.native_layouts import rhd_hands

FILES = [(name, file) for name, m in MINIATURES.items() for file in m.files]


@contextmanager
def replaced(path: Path, content: bytes | None) -> Iterator[None]:
    """Yield the file with another content, or none, and as it was afterwards."""
    before = path.read_bytes()
    try:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(before)


def refusal(reference: str, data: Path) -> str:
    with pytest.raises(InputError) as raised:
        read_benchmark(reference, data)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


@pytest.mark.parametrize(("name", "file"), FILES)
def test_truncated_files_are_refused_by_name(name, file, data):
    content = (data / file).read_bytes()
    with replaced(data / file, content[: len(content) // 2]):
        assert Path(file).name in refusal(MINIATURES[name].reference, data)
    with replaced(data / file, b""):
        assert Path(file).name in refusal(MINIATURES[name].reference, data)


# A shot without landmarks is passed over, so the file of one may be missing.
@pytest.mark.parametrize(("name", "file"), [f for f in FILES if "landmarks" not in f[1]])
def test_missing_files_are_named(name, file, data):
    with replaced(data / file, None):
        said = refusal(MINIATURES[name].reference, data)
        assert Path(file).name in said
        assert "does not exist" in said or "is missing" in said


@pytest.mark.parametrize("name", [n for n in MINIATURES if n != "surreal_video"])
def test_missing_images_are_counted_and_the_first_is_named(name, data):
    path = read_benchmark(MINIATURES[name].reference, data).images.path(0)
    with replaced(path, None):
        said = refusal(MINIATURES[name].reference, data)
    if name != "synthetic_animal":  # its images are found by listing, so the indices fit no more
        assert path.name in said
    if name not in ("ap10k", "synthetic_animal", "tigdog"):
        assert " 1 are missing" in said


class Trap:
    """A pickle that would write a file if it were believed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_forbidden_global_in_a_pickle_is_refused_and_never_runs(data, tmp_path):
    hands = {**rhd_hands(), 9: Trap(tmp_path / "trapped")}
    file = data / "RHD_published_v2" / "training" / "anno_training.pickle"
    for protocol in (2, 4):
        with replaced(file, pickle.dumps(hands, protocol=protocol)):
            assert "mkdir, which is not an array" in refusal("rhd:train", data)
    assert not (tmp_path / "trapped").exists()
    for protocol in range(6):
        with replaced(file, pickle.dumps(rhd_hands(), protocol=protocol)):
            assert len(read_benchmark("rhd:train", data)) == 4
    # As numpy 1 wrote it, which is how the set is distributed.
    old = pickle.dumps(rhd_hands(), protocol=2).replace(b"numpy._core.", b"numpy.core.")
    with replaced(file, old), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_benchmark("rhd:train", data)) == 4


def mat(tmp_path: Path, **content: object) -> bytes:
    savemat(tmp_path / "written.mat", content)
    return (tmp_path / "written.mat").read_bytes()


def test_files_of_the_sister_dataset_are_distinguished(data):
    lsp, lspet = (data / name / "joints.mat" for name in ("lsp", "lspet"))
    with replaced(lsp, lspet.read_bytes()):
        assert "layout of LSP extended" in refusal("lsp:train", data)
    with replaced(lspet, lsp.read_bytes()):
        assert "layout of LSP," in refusal("lspet:all", data)


@pytest.mark.parametrize(
    ("reference", "file", "content", "words"),
    [
        ("lsp:test", "lsp/joints.mat", {"joints": np.zeros((3, 15, 4))}, "expected (3, 14, N)"),
        ("lsp:test", "lsp/joints.mat", {"points": np.zeros(3)}, "no variable 'joints'"),
        (
            "tigdog:horse-train",
            "behaviorDiscovery2.0/ranges/horse/ranges.mat",
            {"ranges": np.array([[3, 9, 1]])},
            "goes from frame 9 to 1",
        ),
        (
            "tigdog:horse-train",
            "behaviorDiscovery2.0/landmarks/horse/3.mat",
            {"landmarks": np.array([[1.0]])},
            "landmarks of 1 frames and ranges.mat 3",
        ),
        (
            "surreal_video:train",
            "SURREAL/data/cmu/train/run0/01_01/01_01_c0000_info.mat",
            {"joints2D": np.zeros((2, 24, 3))},
            "has a frame that 01_01_c0000_info.mat (3 frames) does not describe",
        ),
    ],
)
def test_wrong_shapes_in_matlab_files(reference, file, content, words, data, tmp_path):
    with replaced(data / file, mat(tmp_path, **content)):
        assert words in refusal(reference, data)


@pytest.mark.parametrize(
    ("reference", "file", "change", "words"),
    [
        ("mpii:train", "mpii/annot/train.json", ("joints", [[0, 0]]), "no 'joints' of 16 x 2"),
        ("mpii:train", "mpii/annot/train.json", ("image", None), "no text 'image'"),
        ("mpii:train", "mpii/annot/train.json", ("scale", -1), "not finite or beyond"),
        ("h3d:all", "H3D_crop/annotation.json", ("keypoint2d", "x"), "no 'keypoint2d' of 21 x 2"),
        ("surreal:val", "surreal/val/run2.json", ("name", "../none.jpg"), "are missing"),
    ],
)
def test_wrong_entries_in_lists(reference, file, change, words, data):
    entries = json.loads((data / file).read_text())
    entries[0][change[0]] = change[1]
    with replaced(data / file, json.dumps(entries).encode()):
        assert words in refusal(reference, data)


def test_indices_of_another_release_are_refused(data, tmp_path):
    file = data / "synthetic_animal/horse_combineds5r5_texture/train_idxs.npy"
    for rows, words in (
        ([0, 5], "names row 5, but"),
        ([0, 0], "names a row twice"),
        ([-1, 2], "names row"),
    ):
        np.save(tmp_path / "rows.npy", np.array(rows))
        with replaced(file, (tmp_path / "rows.npy").read_bytes()):
            assert words in refusal("synthetic_animal:horse-train", data)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with replaced(file, (tmp_path / "objects.npy").read_bytes()):
        assert "not a numpy array" in refusal("synthetic_animal:horse-train", data)


def mutated(value: object, draw: st.DrawFn) -> object:
    """JSON with one value replaced, at any depth."""
    if isinstance(value, (list, dict)) and value and draw(st.integers(0, 5)):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = draw(st.sampled_from(keys))
        changed = value.copy()
        changed[key] = mutated(value[key], draw)
        return changed
    return draw(
        st.sampled_from(
            [None, True, -1, 10**400, 1e300, float("nan"), "", "x", "\0", [], {}, [[]], [1, "a"]]
        )
    )


@st.composite
def damaged(draw: st.DrawFn, file: str, content: bytes) -> bytes:
    kinds = ["cut", "noise", "other"] + (["value"] * 3 if file.endswith(".json") else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "cut":
        return content[: draw(st.integers(0, len(content) - 1))]
    if kind == "other":
        return draw(st.binary(max_size=200))
    if kind == "value":
        return json.dumps(mutated(json.loads(content), draw)).encode()
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 8))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(draw=st.data())
def test_mutated_json_is_read_or_refused(draw, data):
    name, file = draw.draw(st.sampled_from(FILES))
    content = draw.draw(damaged(file, (data / file).read_bytes()))
    with replaced(data / file, content):
        try:
            found = read_benchmark(MINIATURES[name].reference, data)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert np.isfinite(found.points).all()
            assert np.isfinite(found.images.boxes).all()
            assert found.labeled.any(axis=1).all()


def test_references():
    assert is_reference("lsp:test")
    assert is_reference("some/data/tigdog:horse-train+tiger-train@animal14")
    assert not is_reference("photographs")
    assert not is_reference("photographs/*.jpg")
    assert not is_reference("LSP:test")
    assert not is_reference(None)
    parts = parse_reference("/data/ab:b-c+d@e")
    assert (parts.root, parts.name, parts.splits, parts.joints) == (
        "/data",
        "ab",
        ("b-c", "d"),
        "e",
    )
    assert str(parts) == "ab:b-c+d@e"


def test_a_file_of_that_name_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lsp:test").mkdir()
    assert not is_reference("lsp:test")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("lps:test", "unknown dataset 'lps'; known are surreal"),
        ("lsp:tset", "lsp has no split 'tset'; it has train, test, transductive"),
        ("lsp:test@body13", "unknown joint set 'body13'; known are body12"),
        ("lsp:test@animal14", "are none of 'person'"),
        ("tigdog:horse-train+horse", "tigdog has no split 'horse'"),
        ("lsp", "is not a dataset reference"),
    ],
)
def test_malformed_references_are_refused(reference, words, data):
    assert words in refusal(reference, data)


def test_missing_root_and_missing_folder_are_reported(tmp_path):
    with pytest.raises(InputError, match="give it with --data-root"):
        read_benchmark("lsp:test")
    with pytest.raises(InputError, match=r"download it from http://sam\.johnson\.io"):
        read_benchmark("lsp:test", tmp_path)


def test_missing_scipy_is_reported_with_the_remedy(data, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "scipy.io", None)
    assert "pip install scipy" in refusal("lsp:test", data)


def test_missing_published_indices_are_reported_with_an_alternative_split(data, tmp_path):
    shutil.copytree(data / "behaviorDiscovery2.0", tmp_path / "behaviorDiscovery2.0")
    said = refusal("tigdog:tiger-test", tmp_path)
    assert "Learning-from-Synthetic-Animals" in said
    assert "'tiger-shots-test'" in said
    assert len(read_benchmark("tigdog:tiger-shots-train", tmp_path)) == 5


def test_unwritable_frame_is_reported(tmp_path, monkeypatch):
    clip = tmp_path / "clip.mp4"
    video = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 10, (32, 32))
    video.write(np.zeros((32, 32, 3), np.uint8))
    video.release()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="can't be written: the disk is full"):
        write_frames([clip], 1)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
