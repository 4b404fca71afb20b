"""A plan: the meaning of its file, what its runs share, and what is refused."""

from __future__ import annotations

import math

import pytest

from posebridge.bench import read_plan
from posebridge.bench.config_diff import require_same_settings
from posebridge.cli.main import main
from tests.bench.plans import write_plan, write_runs
from tests.conftest import TINY


def test_runs_of_a_seed_share_their_source_stage(tmp_path):
    plan = read_plan(write_plan(tmp_path))
    first = [t for t in plan.trainings if t.method is None]
    others = [t for t in plan.trainings if t.method is not None]
    assert plan.trainings[:2] == first
    assert [t.config.steps.adaptation for t in first] == [0, 0]
    assert not any(t.config.uses_target for t in first)
    assert [t.name for t in others] == [
        *("figures/source_only/seed_0", "figures/source_only/seed_1"),
        *("figures/all_levels/seed_0", "figures/all_levels/seed_1"),
        "figures/no_feature/seed_0",
    ]
    assert {t.source_stage for t in others if t.seed == 0} == {first[0].name}
    assert others[-1].config.feature.weight == 0
    assert others[0].config.consistency.weight == 0 < others[2].config.consistency.weight


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({"ema_decay": 0.5, "student_view.rotation": 3, "steps.log_every": 2}, True),
        ({"optimizer.adaptation_lr": 0.1, "steps.adaptation": 8}, True),
        ({"optimizer.adaptation_encoder_lr_mult": 0.1, "tta.views": 2}, True),
        ({"facing.weight": 0.5, "batchnorm_stats": "both", "data.min_score": 0.5}, True),
        ({"data.category": "person"}, True),
        ({"source_view.rotation": 3}, False),
        ({"keypoint_mapping": "joints.yaml", "skeleton": "lsp-14"}, False),
        ({"optimizer.lr": 0.1}, False),
        ({"model.sigma": 1.5}, False),
        ({"steps.batch": 3}, False),
    ],
)
def test_source_stage_is_shared_where_its_config_is_equal(settings, shares, tmp_path):
    methods = {"one": None, "other": {"config": settings}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], baseline=None))
    assert len([t for t in plan.trainings if t.method is None]) == (1 if shares else 2)


def test_all_methods_share_a_source_stage(tmp_path):
    names = ("source_only", "multilevel", "regda", "ccssl", "uda_animal")
    methods = {name: {"preset": name} for name in names}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0]))
    (first,) = [t for t in plan.trainings if t.method is None]
    assert {t.source_stage for t in plan.trainings if t.method} == {first.name}
    assert not first.config.uses_target


def test_pairs_of_one_source_share_their_source_stages(tmp_path):
    one = {"preset": "demo", "test": "a.json", "config": {"source": "s.json", "target": "a"}}
    two = {**one, "config": {"source": "s.json", "target": "b", "target_image_root": "c"}}
    file = write_plan(tmp_path, pairs={"one": one, "two": two}, seeds=[0])
    plan = read_plan(file)
    (first,) = [t for t in plan.trainings if t.method is None]
    assert first.name.startswith("source_stage/seed_0_") and first.pair == "one"
    assert {t.source_stage for t in plan.trainings if t.method} == {first.name}
    assert {t.pair for t in plan.trainings if t.method} == {"one", "two"}
    # An existing source stage stays valid when the other pair comes first, or is the only one.
    write_runs(tmp_path / "out", plan)
    turned = write_plan(tmp_path, pairs={"two": two, "one": one}, seeds=[0])
    for training in read_plan(turned).trainings:
        require_same_settings(training, tmp_path / "out")


def test_one_path_below_two_data_roots_is_two_sources(tmp_path):
    settings = {"source": "s.json", "target": "a"}
    pairs = {
        name: {"preset": "demo", "test": "a.json", "config": {**settings, "data_root": root}}
        for name, root in {"one": "here", "two": "there", "three": "here"}.items()
    }
    plan = read_plan(
        write_plan(tmp_path, pairs=pairs, seeds=[0], methods={"m": None}, baseline=None)
    )
    first, other, *trainings = plan.trainings
    assert (first.method, other.method, other.name) == (None, None, f"{first.name}_two")
    assert [t.source_stage for t in trainings] == [first.name, other.name, first.name]
    moved = read_plan(tmp_path / "comparison.yaml", "elsewhere")
    assert [t.name for t in moved.trainings if t.method is None] == [first.name]


def test_source_stage_with_facing_depends_on_its_loss_weight(tmp_path):
    facing = {"model.left_right": "facing"}
    methods = {"one": {"config": facing}, "other": {"config": {**facing, "facing.weight": 0.5}}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], baseline=None))
    assert len([t for t in plan.trainings if t.method is None]) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pairs": None}, "names no pairs"),
        ({"methods": {}}, "names no methods"),
        ({"method": {}}, "'method' is unknown here"),
        ({"methods": {"a": {"presets": "demo"}}, "baseline": None}, "'presets' is unknown"),
        ({"methods": {"a": {"preset": "nothing"}}, "baseline": None}, "unknown preset 'nothing'"),
        ({"methods": {"../a": None}, "baseline": None}, "cannot name"),
        ({"methods": {"a": "demo"}, "baseline": None}, "give preset and config"),
        ({"methods": {"a": {"config": {"tta.views": 0}}}, "baseline": None}, "views is 0"),
        (
            {"methods": {"a": {"config": {"tta.rotation": 200}}}, "baseline": None},
            "rotation of views is 200",
        ),
        (
            {"methods": {"a": {"config": {"tta.flip": "maybe"}}}, "baseline": None},
            "tta.flip is 'maybe'",
        ),
        ({"methods": {"a": {"oracle": "yes"}}, "baseline": None}, "oracle is 'yes'"),
        ({"methods": {"a": {"checkpoints": 3}}, "baseline": None}, "checkpoints is 3; give all or"),
        ({"sweeps": {"dann": {"pose.weight": [0, 1]}}}, "'dann' is not among the methods"),
        ({"sweeps": {"all_levels": {"pose.weight": 1}}}, "pose.weight is 1; give a list"),
        ({"sweeps": {"all_levels": {"pose.weight": ["a"]}}}, "pose.weight is ['a']; give a list"),
        ({"sweeps": {"all_levels": {"pose.wait": [0, 1]}}}, "pose.weight"),
        ({"budget": {"steps.sauce": 3}}, "steps.source"),
        ({"budget": 3}, "budget is 3"),
        ({"seeds": 3}, "seeds is 3"),
        ({"seeds": []}, "give a list of numbers"),
        ({"baseline": "dann"}, "not among the methods"),
        ({"seeds": [True]}, "seeds is [True]"),
        ({"seeds": [-1]}, "seeds is [-1]"),
        ({"baseline": ["dann"]}, "baseline is ['dann']"),
        ({"thresholds": 0.1}, "thresholds is 0.1; give fractions"),
        ({"thresholds": []}, "thresholds is []"),
        ({"thresholds": [-0.05]}, "thresholds is [-0.05]"),
        ({"thresholds": [math.nan]}, "thresholds is [nan]"),
        ({"thresholds": [0.1, math.inf]}, "inf]; give fractions"),
        ({"pairs": {"figures": {"preset": "demo"}}}, "has no 'test'"),
        ({"pairs": {"a": {"test": None}}}, "'a' has no 'test'"),
        ({"pairs": {"a": {"test": 5}}}, "pair 'a': test is 5; give"),
        ({"pairs": {"a": {"test": ["x"]}}}, "pair 'a': test is ['x']"),
        ({"pairs": {"a": {"test": " "}}}, "pair 'a': test is ' '"),
        ({"pairs": {"a": {"test": "x", "test_image_root": 5}}}, "pair 'a': test_image_root is 5"),
        ({"pairs": {"a": {"test": "x", "source_validation": {"a": 1}}}}, "source_validation is {"),
        (
            {"methods": {"a": {"config": {"feature.wait": 1}}}, "baseline": None},
            "comparison.yaml: pair 'figures', method 'a': ",
        ),
    ],
)
def test_invalid_plan_is_refused(changes, words, tmp_path, capsys):
    file = write_plan(tmp_path, **changes)
    assert main(["bench", str(file), "--out", str(tmp_path / "out"), "--status"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_plans_are_refused(tmp_path, capsys):
    for text, words in (
        (None, "does not exist"),
        ("a: [", "not valid YAML"),
        ("seeds: 2024-13-45", "not valid YAML"),
        ("3", "no mapping"),
    ):
        file = tmp_path / "plan.yaml"
        if text is not None:
            file.write_text(text)
        assert main(["bench", str(file), "--out", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err


def test_methods_that_differ_in_tta_alone_are_trained_once(tmp_path):
    methods = {
        "plain": {"preset": "multilevel"},
        "voted": {"preset": "multilevel", "config": {"tta.views": 4}},
        "own_word": {"preset": "multilevel", "config": {"tta.views": 3, "tta.flip": True}},
        "once": {"config": {"tta.views": 1, "feature.weight": 0.7}},
        "again": {"config": {"feature.weight": 0.7, "tta.flip": True}},
    }
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0, 1], baseline=None))
    found = {(t.method, t.seed): t for t in plan.trainings if t.method}
    assert {n: found[n, 0].tta.times for n in methods} == {
        **{"plain": 1, "voted": 4, "own_word": 6, "once": 1, "again": 2}
    }
    for seed in (0, 1):
        runs = [found[name, seed].run for name in methods]
        assert runs == [f"figures/{n}/seed_{seed}" for n in ("plain",) * 3 + ("once",) * 2]
    assert len([t for t in plan.trainings if t.method is None]) == 2  # one for each seed


def test_source_free_method_starts_from_the_shared_source_stage(tmp_path):
    """Ignore a source in the pair's settings, and count its steps as done."""
    methods = {
        "source_only": {"preset": "source_only"},
        "free": {"preset": "source_free"},
        "named": {"preset": "source_free", "config": {"source": "other.json"}},
        "null": {"preset": "multilevel", "config": {"source": None}},
    }
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0]))
    found = {t.method: t for t in plan.trainings}
    only, free, named, null = (found[name] for name in methods)
    assert len([t for t in plan.trainings if t.method is None]) == 1 + 1  # 'named' has its own
    assert free.source_stage == null.source_stage == only.source_stage != named.source_stage
    assert (free.config.source, null.config.source) == (None, None)
    assert named.config.source == "other.json"
    assert free.config.steps.source == 4
    assert free.config.bone_prior.weight > 0 == plan.trainings[0].config.bone_prior.weight
    # Without source steps in the budget, the pair's are used.
    budget = {name: v for name, v in TINY.items() if name != "steps.source"}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], budget=budget))
    found = {t.method: t for t in plan.trainings}
    assert found["free"].config.steps.source == 400
    assert found["free"].source_stage == found["source_only"].source_stage
