"""A run with damaged files: one sentence, or the rest is used; never other weights."""

from __future__ import annotations

import errno
import shutil
import threading
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from posebridge.app.run_monitor import RunWatch
from posebridge.app.training import sentence
from posebridge.checkpoints.model_folder import Checkpoint, load_checkpoint, save_checkpoint
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.errors import InputError
from posebridge.export.export import export
from posebridge.inference.predictor import load
from posebridge.inference.run_folder import get_step, read_course
from posebridge.training.diagnostics import NonFiniteLoss
from posebridge.training.lightning_logging import disk_errors_named
from posebridge.training.metrics_file import read_metrics
from posebridge.training.resume_file import save_content
from posebridge.training.run import train
from tests.conftest import ADAIN, tiny
from tests.run_folders import same, weights


@pytest.fixture(scope="module")
def data(figures):
    return read_labeled(figures.source), read_boxes(figures.target)


@pytest.fixture(scope="module")
def stopped(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped") / "run"
    train(tiny(), *data, folder, stop_after=5)
    return folder


@pytest.mark.parametrize("place", [0.001, 0.2, 0.5, 0.8, 0.9999])
def test_flipped_bit_in_the_resume_file_is_reported(place, data, stopped, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    content = bytearray((run / "resume.ckpt").read_bytes())
    content[int(place * len(content))] ^= 4
    (run / "resume.ckpt").write_bytes(content)
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match="resume.ckpt is damaged .* another --out"):
        train(tiny(), *data, run, resume=True)
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before


def test_resume_file_of_another_program_is_reported(data, stopped, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    torch.save({"weights": torch.zeros(2)}, run / "resume.ckpt")
    with pytest.raises(InputError, match="resume.ckpt is damaged"):
        train(tiny(), *data, run, resume=True)


@pytest.mark.parametrize("damage", ["flipped", "header", "columns", "nested", "empty", "folder"])
def test_damaged_metrics_do_not_stop_a_run(damage, data, stopped, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    file = run / "metrics.csv"
    lines = file.read_bytes().split(b"\r\n")
    good = len(lines) - 2
    if damage == "flipped":
        lines[2], lines[3] = b"\xff" + lines[2][1:], lines[3].replace(b",", b";")
        lines[5] = lines[5][:-1] + b"\x00"
        good -= 3
    elif damage == "header":
        lines[0] = b"step;name;value"
    elif damage == "columns":
        lines = [b"step,epoch,name,value", *(line.replace(b",", b",0,", 1) for line in lines[1:])]
        good = 0
    elif damage == "nested":
        lines[1] = b"[" * 100_000
        good -= 1
    file.write_bytes(b"" if damage == "empty" else b"\r\n".join(lines))
    if damage == "folder":
        file.unlink()
        file.mkdir()
    if damage not in ("empty", "folder"):
        found = read_metrics(run)
        assert len(found.rows) == good
        assert found.unreadable == {"flipped": 3, "header": 1, "nested": 1}.get(
            damage, len(lines) - 1
        )
        assert "metrics.csv is damaged: " in str(found.remark)
    read_course(run, ["loss/source"])
    look = RunWatch(run).look()
    told = {"flipped": 3, "header": 1, "nested": 1, "empty": 0, "folder": 0}
    assert look.unreadable == told.get(damage, len(lines) - 1)
    assert ("cannot be read and are left out" in sentence(look, 0.0)) == (look.unreadable > 0)
    said: list[str] = []
    if damage == "folder":
        with pytest.raises(InputError, match=r"metrics\.csv can't be written"):
            train(tiny(), *data, run, resume=True, say=said.append)
        return
    train(tiny(), *data, run, resume=True, say=said.append)
    assert len(said) == (damage != "empty")
    assert read_metrics(run).unreadable == 0


def test_half_a_row_at_the_end_is_left_out_silently(stopped, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    whole = read_metrics(run)
    content = (run / "metrics.csv").read_bytes()
    (run / "metrics.csv").write_bytes(content[:-4])
    cut = read_metrics(run)
    assert (len(cut.rows), cut.remark) == (len(whole.rows) - 1, None)


@pytest.mark.parametrize(
    "content", [b"[" * 5000, b"\xff", b"[]", b'{"step": "5"}', b'{"step": true}']
)
def test_damaged_results_of_a_checkpoint_have_no_step(content, stopped, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    assert get_step(run, "last") == 5
    (run / "checkpoints" / "last" / "results.json").write_bytes(content)
    assert get_step(run, "last") is None


class Overflow(pl.Callback):
    """Lets the gradients of one step overflow while the loss stays finite."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        if pl_module.step == self.step:
            pl_module.student.head.weight.grad.fill_(float("inf"))


def test_overflowing_gradient_is_not_stored(data, tmp_path):
    # A checkpoint after step 2, the end of the source stage after 3, validation and one after 5.
    config = tiny(optimizer__grad_clip_norm=0)
    whole = train(config, *data, tmp_path / "whole")
    for step in (2, 3, 5):
        run = tmp_path / str(step)
        with pytest.raises(NonFiniteLoss, match=f"after step {step} '.*' is not finite"):
            train(config, *data, run, callbacks=[Overflow(step)])
        for folder in (run / "checkpoints").glob("*"):
            assert all(torch.isfinite(v).all() for v in weights(run, folder.name).values())
        train(config, *data, run, resume=True)
        assert same(weights(run, "last"), weights(whole.folder, "last"))


def test_non_finite_weights_are_reported(stopped, tmp_path):
    good = load_checkpoint(stopped)
    with torch.no_grad():
        good.model.head.weight[0] = float("nan")
    folder = tmp_path / "model"
    save_checkpoint(folder, good.model, good.skeleton, dict(good.config), {"step": 5})
    with pytest.raises(
        InputError, match=r"model\.safetensors has weights that are not finite .* 'head.weight'"
    ):
        load(folder)
    assert isinstance(good, Checkpoint)
    with pytest.raises(InputError, match="not finite numbers"):
        export(good, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "other"])
def test_damaged_style_training_starts_again(damage, data, tmp_path, monkeypatch):
    monkeypatch.setattr("posebridge.training.style_training.CHECKPOINT_EVERY", 2)
    config = tiny(**ADAIN, steps__source=1, steps__adaptation=1)
    train(config, *data, tmp_path / "whole")
    resume = tmp_path / "run" / "style" / "decoder.safetensors.resume"

    def stop(step: int, *_: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, *data, tmp_path / "run", style_progress=stop)
    content = bytearray(resume.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    resume.write_bytes({"cut": content[:100], "empty": b""}.get(damage, bytes(content)))
    if damage == "other":
        torch.save([1], resume)
    said: list[str] = []
    train(config, *data, tmp_path / "run", resume=True, say=said.append)
    assert len(said) == 1 and "trained again from its beginning" in said[0]
    decoder = "style/decoder.safetensors"
    assert same(load_file(tmp_path / "run" / decoder), load_file(tmp_path / "whole" / decoder))
    assert same(weights(tmp_path / "run", "last"), weights(tmp_path / "whole", "last"))
    assert [file.name for file in resume.parent.iterdir()] == ["decoder.safetensors"]


def test_flipped_bit_in_a_style_decoder_is_reported(data, tmp_path):
    config = tiny(**ADAIN, steps__source=1, steps__adaptation=1)
    train(config, *data, tmp_path / "run", stop_after=2)
    file = tmp_path / "run" / "style" / "decoder.safetensors"
    content = np.frombuffer(file.read_bytes(), dtype=np.uint8).copy()
    content[-3] ^= 1
    file.write_bytes(content.tobytes())
    other = tiny(**ADAIN, steps__source=0, steps__adaptation=1, style__decoder=str(file))
    with pytest.raises(InputError, match=r"decoder\.safetensors is damaged .* remove it"):
        train(other, *data, tmp_path / "other")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_full_disk_during_a_resume_file_is_a_disk_error():
    with pytest.raises(OSError, match="No space left on device"):
        save_content({"weights": torch.zeros(2**20)}, Path("/dev/full"))


def test_full_disk_in_a_logger_thread_names_the_run(tmp_path, capsys):
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    told = pytest.raises(InputError, match="run can't be written: the disk is full")
    with told, disk_errors_named(tmp_path / "run"):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        fail()
    assert capsys.readouterr().err == ""
    with pytest.raises(FileNotFoundError), disk_errors_named(tmp_path / "run"):
        (tmp_path / "none").read_text()
