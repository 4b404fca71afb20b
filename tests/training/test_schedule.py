"""Lengths of a run: what is skipped before the adaptation, and what is refused."""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import pytest
from safetensors.torch import load_file

from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.errors import InputError
from posebridge.training.run import train
from tests.conftest import ADAIN, tiny
from tests.run_folders import same, weights


@pytest.fixture(scope="module")
def data(figures):
    return read_labeled(figures.source), read_boxes(figures.target)


def test_initial_model_without_adaptation_is_refused(finished_run, data, tmp_path):
    config = tiny(init_from=str(finished_run), steps__adaptation=0)
    for source in (data[0], None):
        with pytest.raises(InputError, match="nothing to train, give 1 or more"):
            train(config, source, data[1], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_style_network_is_trained_for_the_adaptation_only(data, tmp_path):
    """Get equal weights from a stop within the source stage, at its end or none."""
    train(tiny(**ADAIN), *data, tmp_path / "whole")

    def decoder(run: Path) -> Path:
        return run / "style" / "decoder.safetensors"

    for stop in (2, 4):
        run = tmp_path / f"stopped_{stop}"
        train(tiny(**ADAIN), *data, run, stop_after=stop)
        assert not decoder(run).exists()
        train(tiny(**ADAIN), *data, run, resume=True)
        assert same(load_file(decoder(run)), load_file(decoder(tmp_path / "whole")))
        for name in ("source", "last"):
            assert same(weights(run, name), weights(tmp_path / "whole", name))
    # One step into the adaptation needs them.
    train(tiny(**ADAIN), *data, tmp_path / "further", stop_after=5)
    assert decoder(tmp_path / "further").exists()


def test_the_source_stage_alone_trains_no_style_network(data, tmp_path):
    train(tiny(**ADAIN, steps__adaptation=0), *data, tmp_path / "run")
    assert not (tmp_path / "run" / "style").exists()
    train(tiny(steps__adaptation=0), *data, tmp_path / "plain")
    assert same(weights(tmp_path / "run", "last"), weights(tmp_path / "plain", "last"))


@pytest.mark.parametrize("style", ["color", "fourier"])
def test_style_transfer_alone_reads_no_target_batch(data, tmp_path, style):
    """Take styles from the bank, which is filled before the first step."""
    off = {"consistency__weight": 0, "feature__weight": 0, "pose__weight": 0}
    config = tiny(style__method=style, style__source_to_target=1, batchnorm_stats="source", **off)
    assert config.uses_target and not config.uses_target_view
    seen = []

    class FiniteLossGuard(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, *_):
            seen.append((batch.target, len(pl_module.setup_of_levels.style_bank.target)))

    train(config, *data, tmp_path / "run", callbacks=[FiniteLossGuard()])
    assert [target for target, _ in seen] == [None] * 10
    assert all(rows > 0 for _, rows in seen)
