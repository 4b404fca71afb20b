"""A level needs only its registration, and is not computed where it is off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from posebridge.alignment.level import LEVELS, Level, register
from posebridge.checkpoints.model_folder import load_checkpoint
from posebridge.cli.main import main
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.errors import InputError
from posebridge.training.presets import configure
from posebridge.training.run import train
from tests.conftest import tiny
from tests.run_folders import logged, same, weights


@dataclass(frozen=True)
class ToyConfig:
    """Attributes: weight: of the loss; 0 turns it off."""

    weight: float = 0.0


@pytest.fixture
def toy():
    """Register a level for one test; return the log of its calls."""
    calls: list[str] = []

    @register
    class Toy(Level):
        name = "toy"
        config_type = ToyConfig
        needs = frozenset({"target"})
        terms = ("toy",)
        learns_from_target = True
        pushes = frozenset({"certainty"})
        description = "a toy that keeps heatmaps small"

        def build(self, model, channels):
            calls.append("build")

        def losses(self, step):
            calls.append("losses")
            step.log("toy/largest", step.target.heatmaps.max())
            return {"toy": step.target.heatmaps.square().mean()}

    yield calls
    del LEVELS["toy"]


@pytest.fixture(scope="module")
def data(figures):
    return read_labeled(figures.source), read_boxes(figures.target)


def with_toy(weight, **more):
    return replace(tiny(**more), further_levels={"toy": ToyConfig(weight)})


def test_registered_level_is_in_loss_log_card_and_report(toy, data, tmp_path):
    config = with_toy(3.0)
    train(config, *data, tmp_path / "run")
    assert toy[0] == "build" and toy.count("losses") == config.steps.adaptation
    assert {"loss/toy", "weighted/toy", "gradient/toy", "toy/largest"} <= logged(tmp_path / "run")
    rows = [r.split(",") for r in (tmp_path / "run" / "metrics.csv").read_text().splitlines()[1:]]
    value = {name: float(v) for step, name, v in rows if step == str(config.steps.source)}
    assert value["weighted/toy"] == pytest.approx(3 * value["loss/toy"], rel=1e-4)
    parts = sum(v for name, v in value.items() if name.startswith("weighted/"))
    assert value["loss/total"] == pytest.approx(parts, rel=1e-4)
    folder = tmp_path / "run" / "checkpoints" / "last"
    assert "a toy that keeps heatmaps small" in load_checkpoint(folder).results["levels"]
    assert "a toy that keeps heatmaps small" in (folder / "README.md").read_text()
    assert "certainty" in config.pushed_validators()
    assert config.to_dict()["toy"] == {"weight": 3.0}


def test_level_with_weight_0_is_neither_built_nor_computed(toy, data, tmp_path):
    train(with_toy(0.0), *data, tmp_path / "off")
    train(tiny(), *data, tmp_path / "plain")
    assert toy == []
    assert same(weights(tmp_path / "off", "last"), weights(tmp_path / "plain", "last"))
    assert "toy" not in tiny().level_lines()


def test_registered_level_is_in_config_and_help(toy, tmp_path, capsys):
    assert configure(overrides={"toy.weight": 2}).levels()["toy"] == ToyConfig(2.0)
    file = tmp_path / "toy.yaml"
    file.write_text("toy: {weight: 0.5}\n")
    assert configure(config=file).levels()["toy"].weight == 0.5
    with pytest.raises(InputError, match=r"toy\.weight is 'x'"):
        configure(overrides={"toy.weight": "x"})
    with pytest.raises(SystemExit):
        main(["adapt", "--help-all"])
    assert "--toy.weight" in capsys.readouterr().out


def test_unregistered_level_is_refused_in_a_config():
    for name in ("toy.weight", "further_levels", "further_levels.toy"):
        with pytest.raises(InputError, match="does not exist"):
            configure(overrides={name: 1})


def test_duplicate_level_name_is_refused(toy):
    with pytest.raises(ValueError, match="a level 'toy' is registered already"):
        register(LEVELS["toy"])


def test_every_level_is_complete():
    terms = [term for level in LEVELS.values() for term in level.terms]
    assert len(terms) == len(set(terms))
    for name, level in LEVELS.items():
        assert level.name == name
        assert not level.is_on(level.turned_off())
        assert set(level.supervised) <= set(level.terms)
        assert level.takes_over <= set(terms)
        on = [own for own in (tiny().levels()[name],) if level.is_on(own)]
        assert all(level.describe(own) for own in on)


def test_loss_reaches_the_student(toy, data, tmp_path):
    train(with_toy(0.0), *data, tmp_path / "off")
    train(with_toy(50.0), *data, tmp_path / "on")
    off, on = (weights(tmp_path / run, "last") for run in ("off", "on"))
    assert not same(off, on)
    assert all(torch.isfinite(value).all() for value in on.values())
