"""The hub, with the network replaced: requests, uploads, and messages for failures."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors

from posebridge.checkpoints import hub
from posebridge.checkpoints.archive import CARD, FILES, SKELETON
from posebridge.checkpoints.model_folder import find_checkpoint, save_checkpoint
from posebridge.cli.main import main
from posebridge.errors import InputError
from posebridge.inference.predictor import load
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton

MODEL = ModelConfig("resnet10t", "none", {}, feature_level=1, decoder_channels=4, heatmap_size=8)
ARM = Skeleton.from_names("arm", ["left_hand", "right_hand", "elbow"])
CONFIG = {
    "model": vars(MODEL),
    "crop": {"size": 32, "padding": 1.5},
    "source": "/home/ann/renders",
    "target": "photographs",
    "style": {"network": {"encoder_weights": "styles/mine.pt"}},
}

RESULTS = {"step": 1, "labels": {"file": "C:/mine.json", "name": "arm.json"}}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "arm"
    save_checkpoint(folder, PoseModel(MODEL, 3, 32), ARM, CONFIG, RESULTS)
    return folder


def failure(kind: type[Exception]) -> Exception:
    """Return an error of the hub's library, without the server response that it needs."""
    error = kind.__new__(kind)
    Exception.__init__(error, "no")
    return error


@pytest.fixture
def served(model, monkeypatch, tmp_path) -> dict[str, Any]:
    """Serve the model from a cache; the dictionary records the requests."""
    tta: dict[str, Any] = {"answer": None}
    cache = tmp_path / "cache"
    shutil.copytree(model, cache)

    def snapshot_download(repository: str, **options: Any) -> str:
        tta.update(options, repository=repository)
        if isinstance(tta["answer"], Exception):
            raise tta["answer"]
        return str(cache)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    tta["cache"] = cache
    return tta


def test_an_id_is_downloaded_five_files_at_most(served):
    predictor = load("ann/arm-1.0@v2", device="cpu")
    assert predictor.skeleton == ARM
    assert served["repository"] == "ann/arm-1.0"
    assert served["revision"] == "v2"
    assert sorted(served["allow_patterns"]) == sorted((*FILES, CARD))
    load("ann/arm", device="cpu")
    assert served["revision"] is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (errors.RepositoryNotFoundError, "neither a folder here nor a model on the Hugging Face"),
        (errors.GatedRepoError, "restricts access to ann/arm"),
        (errors.RevisionNotFoundError, "ann/arm has no revision 'v9'"),
        (errors.LocalEntryNotFoundError, "hub cannot be reached"),
        (errors.OfflineModeIsEnabled, "hub cannot be reached"),
        (TimeoutError, "hub cannot be reached"),
        (RuntimeError, "hub cannot be reached"),
    ],
)
def test_hub_failures_are_input_errors(served, kind, words):
    served["answer"] = failure(kind)
    with pytest.raises(InputError, match=words):
        load("ann/arm@v9")


def test_downloaded_model_is_checked(served):
    text = (served["cache"] / SKELETON).read_text()
    (served["cache"] / SKELETON).write_text(text.replace("elbow", "ankle"))
    with pytest.raises(InputError, match="skeleton.json differs from the saved model"):
        load("ann/arm")
    (served["cache"] / SKELETON).unlink()
    with pytest.raises(InputError, match="ann/arm on the hub is not a model of posebridge"):
        load("ann/arm")


def test_paths_are_not_looked_up_on_the_hub(served, tmp_path):
    (tmp_path / "runs").mkdir()
    for path in ("runs/peple", "a/b/c", "model.onnx", "../x", str(tmp_path / "x"), "~/x"):
        with pytest.raises(InputError, match="neither a model folder nor a run folder"):
            find_checkpoint(path)
    assert "repository" not in served


def test_offline_hub_is_reported(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    arguments = ["predict", "posebridge-nobody/nothing", str(tmp_path), "--out", "x.json"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "hub cannot be reached" in said
    assert said.count("\n") == 1


class Api:
    """Records what is sent; ``public`` repositories exist already."""

    sent: ClassVar[list[Any]] = []
    public = False
    fails: Exception | None = None

    def __init__(self, **options: Any) -> None:
        pass

    def create_repo(self, name: str, private: bool, exist_ok: bool) -> str:
        if self.fails is not None:
            raise self.fails
        self.sent.append(("create", name, private, exist_ok))
        return f"https://huggingface.co/{name}"

    def model_info(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(private=not self.public)

    def create_commit(self, name: str, operations: list[Any], commit_message: str) -> None:
        files = {o.path_in_repo: o.path_or_fileobj for o in operations}
        self.sent.append(("commit", name, files, commit_message))


@pytest.fixture
def api(monkeypatch) -> type[Api]:
    Api.sent, Api.public, Api.fails = [], False, None
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return Api


def test_push_shows_and_sends_the_five_files(model, api, capsys):
    assert main(["push", str(model), "ann/arm", "--private", "--yes"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in (*FILES, CARD))
    assert "source: /home/ann/renders" in said
    # Whatever the folder and the setting are called.
    assert "config.yaml: target: photographs" in said
    assert "config.yaml: style.network.encoder_weights: styles/mine.pt" in said
    assert "results.json: labels.file: C:/mine.json" in said and "arm.json" not in said
    assert "private" in said
    assert "https://huggingface.co/ann/arm" in said
    create, commit = api.sent
    assert create == ("create", "ann/arm", True, True)
    assert commit[2] == {name: (model / name).read_bytes() for name in (*FILES, CARD)}


@pytest.mark.parametrize(("answer", "count"), [("y", 2), ("n", 0), ("", 0)])
def test_push_needs_confirmation(model, api, capsys, monkeypatch, answer, count):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda *_: answer)
    assert main(["push", str(model), "ann/arm"]) == 0
    assert len(api.sent) == count
    assert ("nothing was uploaded" in capsys.readouterr().out) == (count == 0)


def test_push_sends_nothing_on_bad_input(model, api, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    damaged = tmp_path / "damaged"
    shutil.copytree(model, damaged)
    (damaged / SKELETON).write_text("{}")
    for arguments, words in (
        ([str(model), "ann/arm"], "--yes"),
        ([str(model), "arm", "--yes"], "not an id of the Hugging Face hub"),
        ([str(model), "ann/arm@v1", "--yes"], "not an id of the Hugging Face hub"),
        ([str(damaged), "ann/arm", "--yes"], "from the saved model"),
        ([str(tmp_path / "none"), "ann/arm", "--yes"], "neither a model folder"),
    ):
        assert main(["push", *arguments]) == 2
        assert words in capsys.readouterr().err
    api.public = True
    assert main(["push", str(model), "ann/arm", "--private", "--yes"]) == 2
    assert "exists and is public" in capsys.readouterr().err
    assert [kind for kind, *_ in api.sent] == ["create"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (errors.LocalTokenNotFoundError, "not logged in"),
        (errors.HfHubHTTPError, "refused ann/arm"),
        (ConnectionError, "cannot be reached"),
        (RuntimeError, "cannot be reached"),
    ],
)
def test_push_failures_are_input_errors(model, api, capsys, kind, words):
    api.fails = failure(kind)
    assert main(["push", str(model), "ann/arm", "--yes"]) == 2
    assert words in capsys.readouterr().err
    assert hub.plan_upload(model, "ann/arm", private=False).files.keys() == {*FILES, CARD}
