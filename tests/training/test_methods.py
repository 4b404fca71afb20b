"""Other methods as presets: their schedules by hand, and a few steps of each."""

from __future__ import annotations

import math

import lightning.pytorch as pl
import pytest
import torch

from posebridge.alignment.coarse_to_fine import CoarseToFine, falling, rising
from posebridge.alignment.level import levels_on
from posebridge.alignment.mean_teacher import MeanTeacher
from posebridge.alignment.pseudo_labels import make_labels
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.errors import InputError
from posebridge.models.pose import PoseOutput
from posebridge.ops import affine, heatmaps
from posebridge.training.adapter import Adapter, make_setup
from posebridge.training.initialization import build_model
from posebridge.training.presets import configure
from posebridge.training.run import train
from posebridge.training.schedule import loss_weight, step_generator
from tests.conftest import TINY, tiny
from tests.run_folders import logged, same, weights

METHODS = {
    "regda": {"loss/regressor", "loss/disparity"},
    "ccssl": {"loss/consistency", "teacher/kept"},
    "uda_animal": {
        *("loss/consistency", "loss/refined_source", "loss/inner", "loss/outer"),
        *("loss/feature", "discriminator/accuracy"),
    },
}


def method(name: str, **more):
    overrides = {**TINY, **{key.replace("__", "."): value for key, value in more.items()}}
    return configure(["demo", name], overrides=overrides)


def mean_teacher(config):
    return MeanTeacher(config.consistency, make_setup(config, None, None))


def round_begins(config, step):
    return mean_teacher(config).round_begins(step)


def keep_ratio(config, step):
    return mean_teacher(config).keep_ratio(step)


def weight(config, term, step):
    setup = make_setup(config, None, None)
    levels = [level(own, setup) for level, own in levels_on(config.levels())]
    return loss_weight(config, levels, term, step)


@pytest.fixture(scope="module")
def data(figures):
    return read_labeled(figures.source), read_boxes(figures.target)


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Return a finished run of each method, all with a facing model."""
    root = tmp_path_factory.mktemp("methods")
    for name in METHODS:
        train(method(name, model__left_right="facing"), *data, root / name)
    return root


# -- schedules -----------------------------------------------------------------------------------


def test_self_training_curriculum_is_as_published():
    """Keep 0.2 of the labels in the first of six rounds, 0.2 more in each, never above 0.8."""
    config = method("ccssl", steps__source=10, steps__adaptation=60)
    begins = [step for step in range(80) if round_begins(config, step)]
    assert begins[:6] == [10, 20, 30, 40, 50, 60]
    shares = [keep_ratio(config, step) for step in (10, 19, 20, 30, 40, 50, 69)]
    assert shares == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


def test_rounds_that_do_not_divide_the_steps():
    config = method(
        "ccssl", steps__source=4, steps__adaptation=7, consistency__self_training_rounds=3
    )
    # Step a of the adaptation is in round floor(3 a / 7): 0 0 0 1 1 2 2.
    assert [step for step in range(11) if round_begins(config, step)] == [4, 7, 9]
    one = method("uda_animal", steps__source=4, steps__adaptation=7)
    assert [step for step in range(11) if round_begins(one, step)] == [4]
    assert not any(round_begins(tiny(), step) for step in range(10))


def test_keep_ratio_is_linear_without_rounds():
    line = {"consistency__keep_ratio_start": 1.0, "consistency__keep_ratio": 0.5}
    config = tiny(steps__source=10, steps__adaptation=40, **line)  # within the first half
    shares = [keep_ratio(config, step) for step in (10, 15, 20, 30, 49)]
    assert shares == pytest.approx([1, 0.875, 0.75, 0.5, 0.5])
    assert keep_ratio(tiny(), 4) == keep_ratio(tiny(), 9) == tiny().consistency.keep_ratio
    at_once = tiny(consistency__keep_ratio_ramp=0, **line)
    assert keep_ratio(at_once, 4) == 0.5


def test_pseudo_label_weights_in_transition():
    assert rising(0, 0.5) == pytest.approx(math.exp(-5))
    assert rising(0.25, 0.5) == pytest.approx(math.exp(-5 / 4))
    assert rising(0.5, 0.5) == rising(1, 0.5) == rising(0, 0) == 1
    assert falling(0, 0.4, 0.3) == 1
    assert falling(0.2, 0.4, 0.3) == pytest.approx(0.5)
    assert falling(0.4, 0.4, 0.3) == falling(1, 0.4, 0.3) == 0.3
    settings = {
        "coarse_to_fine__weight": 2,
        "coarse_to_fine__ramp": 0.5,
        "coarse_to_fine__min_initial_weight": 0.1,
    }
    config = method(
        "uda_animal", steps__source=10, steps__adaptation=40, consistency__weight=3, **settings
    )
    assert weight(config, "consistency", 20) == pytest.approx(3 * 0.5)
    assert weight(config, "inner", 20) == weight(config, "outer", 20)
    assert weight(config, "inner", 20) == pytest.approx(2 * math.exp(-5 / 4))
    block = CoarseToFine(config.coarse_to_fine, make_setup(config, None, None))
    assert [block.mined(p) for p in (0, 0.25, 0.5, 0.75)] == [1, 0.75, 0.5, 0.5]


def test_regda_feature_weight_rises():
    config = method(
        "regda", steps__source=10, steps__adaptation=100, regda__weight=3, regda__ramp=0.2
    )
    assert weight(config, "regressor", 10) == weight(config, "regressor", 90) == 3
    assert weight(config, "disparity", 10) == 0
    wanted = 3 * 0.1 * (2 / (1 + math.exp(-1)) - 1)
    assert weight(config, "disparity", 30) == pytest.approx(wanted)
    assert weight(config, "disparity", 109) == pytest.approx(0.3, rel=0.02)


# -- labels --------------------------------------------------------------------------------------


def test_joints_are_weighted_by_confidence():
    config = tiny(
        *(), teacher_view__rotation=0, teacher_view__translation=0,
        teacher_view__scale=[1.0, 1.0], teacher_view__flip=0,
    )  # fmt: skip
    cells = torch.tensor([[[2.0, 3.0], [5.0, 4.0], [3.0, 5.0], [4.0, 2.0]]])
    height = torch.tensor([0.9, 0.2, 1.3, 0.6])[None, :, None, None]
    maps = height * heatmaps.render(cells, 8, config.model.sigma)
    found = make_labels(
        lambda images: PoseOutput(maps, maps),
        torch.rand(1, 3, 32, 32),
        1,
        affine.identity_views(1),
        torch.arange(4),
        config.teacher_view,
        step_generator(0, 0),
        keep_ratio=0.75,
        radius=config.consistency.consensus_radius,
        confidence_weighted=True,
    )
    assert found.kept.tolist() == [[True, False, True, True]]
    torch.testing.assert_close(found.weight, torch.tensor([[0.9, 0.0, 1.0, 0.6]]))


# -- runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_method_outputs_an_ordinary_model(name, runs, finished_run):
    assert METHODS[name] <= logged(runs / name)
    others = set().union(*METHODS.values()) - METHODS[name]
    assert not {term for term in others if term.startswith("loss/")} & logged(runs / name)
    values = weights(runs / name, "last")
    assert all(torch.isfinite(value).all() for value in values.values())
    plain = weights(finished_run, "last")
    assert {key for key in values if not key.startswith("facing.")} == set(plain)
    assert not same(weights(runs / name, "source"), values)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_starts_from_a_stored_source_model(name, runs, data, tmp_path):
    # All three share the source stage, whatever follows it.
    config = method(name, model__left_right="facing", init_from=str(runs / "regda"))
    train(config, *data, tmp_path / "run")
    assert same(weights(runs / name, "last"), weights(tmp_path / "run", "last"))


def test_labeling_model_is_fixed_within_a_round(data, tmp_path):
    """Use three rounds of two steps; each copies the student before its first step."""
    students, labelers = [], []

    def copy(module):
        return {k: v.clone() for k, v in module.state_dict().items()}

    class FiniteLossGuard(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, *_):
            assert isinstance(pl_module, Adapter)
            level = pl_module.levels["consistency"]
            assert isinstance(level, MeanTeacher) and level.labeler is not None
            students.append(copy(pl_module.student))
            labelers.append(copy(level.labeler.module))

    config = method("ccssl", consistency__self_training_rounds=3, steps__source=1)
    train(config, *data, tmp_path / "run", callbacks=[FiniteLossGuard()])
    for first in (1, 3, 5):
        assert same(labelers[first], students[first - 1])
        assert same(labelers[first], labelers[first + 1])
    assert not same(labelers[1], labelers[3])


def test_methods_are_off_by_default(data):
    config = tiny()
    model = build_model(config, data[0].skeleton)
    adapter = Adapter(config, data[0].skeleton, model)
    assert not {"disparity", "refine", "prior", "anchor"} & set(adapter.levels)
    assert not [key for key in adapter.state_dict() if "regressor" in key or "refine" in key]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            {"coarse_to_fine.weight": 1, "consistency.weight": 0},
            "refinement block refines the labels of consistency",
        ),
        ({"regda.ramp": 0}, "regda.ramp is 0; give a number above 0"),
        (
            {"consistency.self_training_rounds": -1},
            "consistency.self_training_rounds is -1; give a number from 0 to 10000",
        ),
        ({"consistency.keep_ratio_start": 1.2}, "consistency.keep_ratio_start is 1.2"),
        ({"regda.source_weight": -1}, "regda.source_weight is -1"),
    ],
)
def test_invalid_settings_are_refused(overrides, words):
    with pytest.raises(InputError, match=words):
        configure(overrides=overrides)
