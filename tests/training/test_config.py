"""Configuration, presets and schedules."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

import pytest
import torch
from jsonargparse import ArgumentParser

from posebridge.errors import InputError
from posebridge.models.pose import PoseModel
from posebridge.training.config import AdaptConfig
from posebridge.training.optimizer import make_optimizer, set_rates
from posebridge.training.presets import add_settings, configure, known_presets, parse_settings
from posebridge.training.schedule import learning_rate, ramp, step_generator
from tests.conftest import tiny


@pytest.mark.parametrize("name", known_presets())
def test_presets_parse(name):
    assert configure([name]) is not None


def test_method_presets():
    assert not configure(["source_only"]).uses_target
    uniframe = configure(["uniframe"])
    assert uniframe.style.target_to_source > 0
    assert uniframe.feature.weight == uniframe.pose.weight == 0
    multilevel = configure(["multilevel"])
    assert (
        min(multilevel.feature.weight, multilevel.pose.weight, multilevel.style.source_to_target)
        > 0
    )


def test_data_reading_is_configurable():
    config = configure(overrides={"data.frame_step": 5, "data.target_format": "yolo"})
    assert (config.data.frame_step, config.data.target_format) == (5, "yolo")
    with pytest.raises(InputError, match="data.max_frames is 0; give a number from 1 to"):
        configure(overrides={"data.max_frames": 0})


def test_later_settings_win(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("feature: {weight: 0.7}\nseed: 5\n")
    config = configure(["multilevel"], file, {"seed": 6})
    assert (config.feature.weight, config.seed) == (0.7, 6)
    parser = ArgumentParser(exit_on_error=False)
    add_settings(parser)
    given = ["--config", str(file), "--preset", "source_only", "--data-root=there"]
    config, _ = parse_settings(parser, given)
    assert (config.feature.weight, config.seed, config.data_root) == (0.0, 5, "there")


@pytest.mark.parametrize(
    ("presets", "overrides", "words"),
    [
        (["nothing"], {}, "unknown preset 'nothing'.*multilevel"),
        (["../demo"], {}, "unknown preset"),
        ([], {"feature.wieght": 1}, r"feature\.wieght.*feature\.weight"),
        ([], {"seed": "many"}, "seed"),
        ([], {"feature.weight": -1}, "feature.weight is -1"),
        ([], {"consistency.keep_ratio": 1.5}, "consistency.keep_ratio is 1.5"),
        ([], {"style.method": "oil"}, "oil"),
        ([], {"source_view.scale": [2.0, 1.0]}, "source_view.scale"),
        ([], {"steps.batch": 0}, "steps.batch is 0"),
        ([], {"optimizer.warmup": -5}, "optimizer.warmup is -5"),
        ([], {"optimizer.adaptation_lr": 0.0}, "optimizer.adaptation_lr is 0"),
        (
            [],
            {"optimizer.adaptation_encoder_lr_mult": 0.0},
            "optimizer.adaptation_encoder_lr_mult is 0",
        ),
        ([], {"optimizer.weight_decay": -1}, "optimizer.weight_decay is -1"),
        ([], {"steps.loss_ramp": -5}, "steps.loss_ramp is -5"),
        ([], {"workers": -1}, "workers is -1"),
        ([], {"seed": 10**14}, "seed is 100000000000000"),
    ],
)
def test_bad_settings_are_refused(presets, overrides, words):
    with pytest.raises(InputError, match=re.compile(words, re.DOTALL)) as caught:
        configure(presets, overrides=overrides)
    assert "\n" not in str(caught.value)


def test_broken_yaml_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("feature: [")
    with pytest.raises(InputError):
        configure(config=file)
    with pytest.raises(InputError, match="missing.yaml"):
        configure(config=tmp_path / "missing.yaml")


def test_help_explains_every_field():
    parser = ArgumentParser()
    add_settings(parser)
    unexplained = [
        action.dest
        for action in parser._actions
        if action.option_strings
        and "CONFIG" not in str(action.metavar)
        # jsonargparse's own switch for reading one group of fields from a file
        and not type(action).__name__.startswith("_ActionConfigLoad")
        and not (action.help or "").replace("%(default)s", "").strip()
    ]
    assert unexplained == []
    with redirect_stdout(io.StringIO()) as text:
        parser.print_help()
    assert "fraction of the keypoints, the most confident ones" in " ".join(text.getvalue().split())


def test_learning_rates_by_hand():
    rates = {"optimizer__lr": 1.0, "optimizer__adaptation_lr": 0.5}
    # As released: 40 + 30 epochs of 500 steps, times 0.1 after epochs 45 and 60 of both stages.
    released = {"steps__source": 20_000, "steps__adaptation": 15_000}
    drops = {20_000: 0.5, 22_499: 0.5, 22_500: 0.05, 29_999: 0.05, 30_000: 0.005, 34_999: 0.005}
    # The rate does not drop in a source stage, and a short adaptation starts at the full rate.
    short = {"steps__source": 20_000, "steps__adaptation": 60}
    early = {20_009: 0.5, 20_010: 0.05, 20_039: 0.05, 20_040: 0.005}
    # Without a source stage the adaptation is the whole schedule.
    alone = {"steps__source": 0, "steps__adaptation": 70}
    table = {0: 0.5, 44: 0.5, 45: 0.05, 59: 0.05, 60: 0.005, 69: 0.005}
    first = {0: 1.0, 12_857: 1.0, 19_999: 1.0}
    for steps, wanted in ((released, first | drops), (short, first | early), (alone, table)):
        stepped = tiny(**steps, **rates, optimizer__schedule="step")
        for step, rate in wanted.items():
            assert learning_rate(stepped, step) == pytest.approx(rate), (steps, step)
    steps = {"steps__source": 100, "steps__adaptation": 70}
    cosine = tiny(**steps, **rates, optimizer__schedule="cosine", optimizer__warmup=10)
    for step, rate in {0: 0.1, 50: 0.5, 100: 0.05, 135: 0.25}.items():
        assert learning_rate(cosine, step) == pytest.approx(rate, rel=1e-6)


def test_encoder_learning_rate_in_both_stages():
    steps = {"steps__source": 10, "steps__adaptation": 10, "optimizer__schedule": "constant"}
    rates = {
        "optimizer__lr": 1.0,
        "optimizer__adaptation_lr": 0.5,
        "optimizer__encoder_lr_mult": 0.2,
    }
    student = PoseModel(tiny().model, 14, tiny().crop.size)
    encoder = {id(p) for p in student.encoder.parameters()}
    beside = torch.nn.Parameter(torch.zeros(1))
    for adapting, encoder_rate in ((None, 0.1), (2.0, 1.0)):
        config = tiny(**steps, **rates, optimizer__adaptation_encoder_lr_mult=adapting)
        groups = make_optimizer(config, 0, student, [([beside], 3.0)]).param_groups
        theirs = [{id(p) for p in group["params"]} for group in groups]
        assert theirs[1] == encoder
        assert theirs[0].isdisjoint(encoder)
        for step, wanted in {0: [1.0, 0.2, 3.0], 9: [1.0, 0.2, 3.0], 10: [0.5, None, 1.5]}.items():
            set_rates(groups, config, step)
            found = [group["lr"] for group in groups]
            assert found == pytest.approx([encoder_rate if w is None else w for w in wanted])
            # A run from a stored model has the rates of the adaptation that it replaces.
            fresh = make_optimizer(config, step, student, [([beside], 3.0)]).param_groups
            assert [group["lr"] for group in fresh] == pytest.approx(found)


def test_the_benchmarks_have_the_released_schedule_and_styles():
    """Expect drops at epochs 45 and 60 of 70, 40 of them source; one-way styles for people, hands."""
    steps = AdaptConfig().steps
    assert (steps.source, steps.adaptation, steps.batch) == (20_000, 15_000, 32)
    people = ("surreal_lsp", "surreal_human36m", "rhd_h3d", "rhd_freihand")
    animals = ("synthetic_animal_tigdog", "synthetic_animal_animalpose")
    for name in (*people, *animals):
        config = configure([name])
        assert (config.steps.source, config.steps.adaptation) == (20_000, 15_000)
        assert (config.optimizer.schedule, config.optimizer.lr) == ("step", 1e-4)
        assert config.style.target_to_source == (0.0 if name in people else 0.5)
        rates = [learning_rate(config, step) for step in (22_499, 22_500, 30_000)]
        assert rates == pytest.approx([1e-4, 1e-5, 1e-6])


def test_ramp_by_hand():
    config = tiny(steps__source=10, steps__loss_ramp=4)
    assert [ramp(config, step) for step in (10, 11, 13, 20)] == [0.25, 0.5, 1.0, 1.0]
    assert ramp(tiny(steps__source=10), 10) == 1.0


def test_randomness_is_a_function_of_seed_and_step():
    def draw(seed: int, step: int) -> list[float]:
        return torch.rand(3, generator=step_generator(seed, step)).tolist()

    assert draw(0, 7) == draw(0, 7)
    assert len({tuple(draw(seed, step)) for seed in range(3) for step in range(3)}) == 9
