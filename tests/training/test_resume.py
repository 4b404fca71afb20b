"""A killed run of every preset resumes to the same weights and metrics, bit for bit."""

from __future__ import annotations

import pytest
import torch

from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.training.config import AdaptConfig
from posebridge.training.presets import configure, known_presets, preset_settings
from posebridge.training.run import train
from tests.conftest import TINY
from tests.run_folders import StopAfter, same, weights

PRESETS = [name for name in known_presets() if not preset_settings(name).get("source")]
"""Presets of methods; those of a dataset name its source."""
SOURCE_FREE = {"source_free"}
SOURCE_STEPS, STORED_EVERY = 4, 2


def resumable(preset: str, initial_model: object) -> AdaptConfig:
    """Return a tiny configuration of a preset that stores its state every second step."""
    own: dict[str, object] = {"model.left_right": "facing"}
    tiny = dict(TINY)
    if preset in SOURCE_FREE:
        # Crop, network and source steps are those of the model; a strong L2-SP has to be stored.
        own = {"init_from": initial_model, "l2sp.weight": 200}
        tiny = {n: v for n, v in TINY.items() if n.split(".")[0] not in ("crop", "model")}
        del tiny["steps.source"]
    return configure(
        ["demo", preset], overrides={**tiny, **own, "steps.checkpoint_every": STORED_EVERY}
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_resume_is_bit_exact(preset, figures, finished_run, tmp_path):
    """Kill one run in its source stage and again in its adaptation, each time past a stored step."""
    config = resumable(preset, finished_run)
    free = preset in SOURCE_FREE
    data = None if free else read_labeled(figures.source), read_boxes(figures.target)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    expected = train(config, *data, whole)
    for number, step in enumerate((3, 5) if free else (3, SOURCE_STEPS + 3)):
        with pytest.raises(SystemExit):
            train(config, *data, killed, resume=number > 0, callbacks=[StopAfter(step)])
        state = torch.load(killed / "resume.ckpt", weights_only=True)
        assert state["global_step"] == step - 1
    resumed = train(config, *data, killed, resume=True)
    assert resumed.validation == expected.validation
    for name in ("source", "last", "selected"):
        assert same(weights(whole, name), weights(killed, name))
    assert (whole / "metrics.csv").read_text() == (killed / "metrics.csv").read_text()
