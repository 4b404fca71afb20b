"""The tables and curves of a comparison, worked out by hand."""

from __future__ import annotations

import math

import pytest

from posebridge.bench import gather, read_plan
from posebridge.bench.results import latex, markdown, mean_and_deviation
from posebridge.bench.run_results import scored_checkpoints, without_validator_scores
from posebridge.bench.sweep_curves import write_sweeps
from posebridge.bench.validators import (
    RunCheckpoints,
    across_table,
    rank_correlation,
    regret,
    validator_table,
)
from tests.bench.plans import write_plan, write_scores


def test_table_values_by_hand(tmp_path):
    plan = read_plan(write_plan(tmp_path))
    for method, seed, last, selected, middle in (
        ("source_only", 0, 20.0, 21.0, 19.0),
        ("source_only", 1, 22.0, 22.0, 21.0),
        ("all_levels", 0, 25.0, 26.0, 28.0),
        ("all_levels", 1, 28.0, 28.0, 23.0),
    ):
        write_scores(
            tmp_path,
            plan.training(f"figures/{method}/seed_{seed}"),
            {"last": (10, last), "selected": (7, selected), "step_000008": (8, middle)},
            **({"views": 2, "flip": True, "rotation": 180} if method == "all_levels" else {}),
        )
    outcome = gather(plan, tmp_path)
    assert outcome.missing == ["figures/no_feature/seed_0"]
    lines = markdown(outcome, "figures").splitlines()
    # Deviations with n - 1: of (20, 22) and (26, 28) sqrt(2); gains 26 - 20 and 28 - 22.
    assert lines[2].split(" | ")[1:4] == ["2", "21.0 ± 1.4", "42.0 ± 2.8"]
    assert lines[3] == (
        "| all_levels | 2 | 26.5 ± 2.1 | 53.0 ± 4.2 | 27.0 ± 1.4 | 54.0 ± 2.8 "
        "| 28.0 ± 0.0 | 56.0 ± 0.0 | +6.0 ± 0.0 | +12.0 ± 0.0 |"
    )
    assert "cannot be chosen without labels" in lines[-1]
    assert r"all\_levels & 2 & 26.5 $\pm$ 2.1" in latex(outcome, "figures")


def test_method_with_final_checkpoints_has_no_oracle_choice(tmp_path):
    methods = {"voted": {"config": {"tta.views": 4}, "checkpoints": "final"}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], baseline=None))
    training = plan.training("figures/voted/seed_0")
    scores = dict.fromkeys(("last", "selected"), (10, 20.0))
    write_scores(tmp_path, training, scores, views=4)
    (tmp_path / training.name / "checkpoints" / "step_000008").mkdir()
    assert scored_checkpoints(training, tmp_path) == ["last", "selected"]
    assert "step_000008" in without_validator_scores(training, tmp_path)
    outcome = gather(plan, tmp_path)
    assert outcome.missing == []
    line = markdown(outcome, "figures").splitlines()[2]
    assert line == "| voted | 1 | 20.0 | 40.0 | 20.0 | 40.0 | - | - |"


def test_rank_correlation_and_regret_by_hand():
    assert rank_correlation([1, 2, 3], [10, 30, 20]) == pytest.approx(0.5)
    assert rank_correlation([1, 2, 2], [5, 6, 6]) == pytest.approx(1)
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]))
    assert regret([0.1, 0.9, 0.9], [40.0, 37.0, 41.0]) == 4


def test_validators_are_sorted_by_regret():
    runs = [
        RunCheckpoints(
            "a", [1, 2, 3], {"good": [1, 3, 2], "bad": [3, 1, 2]}, {"pck": [10.0, 14.0, 12.0]}
        ),
        RunCheckpoints(
            "b", [1, 2, 3], {"good": [1, 2, 3], "bad": [3, 2, 1]}, {"pck": [10.0, 11.0, 13.0]}
        ),
    ]
    head, *rows = validator_table(runs, ["pck"])
    assert head == ["choice", "runs", "rank correlation pck", "regret pck", "worst regret pck"]
    assert rows[0] == ["good", "2", "1.00", "0.0 ± 0.0", "0.0"]
    # The last checkpoint: 2 points short in run a, right in run b.
    assert ["the last checkpoint", "2", "0.75", "1.0 ± 1.4", "2.0"] in rows
    # The two contradict each other: their mean rank is constant and takes the first.
    assert rows[-2:] == [
        ["bad", "2", "-1.00", "3.5 ± 0.7", "4.0"],
        ["mean rank of all", "2", "-", "3.5 ± 0.7", "4.0"],
    ]


def test_method_choice_compares_all_runs_of_a_seed():
    """Use a validator that orders checkpoints rightly and methods wrongly; leave out a run with TTA."""
    place = ("people", 0)
    runs = [
        RunCheckpoints("a", [1, 2], {"sure": [8, 9], "new": [1, 2]}, {"pck": [10.0, 12.0]}, place),
        RunCheckpoints("b", [1, 2], {"sure": [1, 2]}, {"pck": [20.0, 21.0]}, place),
        RunCheckpoints("c", [1, 2], {"sure": [1, 99]}, {"pck": [70.0, 80.0]}, place, once=False),
        RunCheckpoints("d", [1, 2], {"sure": [1, 2]}, {"pck": [5.0, 6.0]}, ("people", 1)),
    ]
    head, *rows = across_table(runs, ["pck"])
    assert head[:2] == ["choice", "seeds"]
    # Ranks 2 3 0 1 against 0 1 2 3: -0.6. The checkpoint with 9 is chosen; it scores 12 of 21.
    assert rows == [
        ["sure", "1", "-0.60", "9.0", "9.0"],
        ["mean rank of all", "1", "-0.60", "9.0", "9.0"],
    ]
    assert across_table(runs[2:], ["pck"]) == []


def test_a_sweep_adds_a_method_for_each_value_and_draws_a_curve(tmp_path):
    """Do not train a value again that is the method's own."""
    sweeps = {"all_levels": {"feature.weight": [0.1, 0, 0.01], "pose.weight": [0.1, 1]}}
    methods = {"all_levels": {"config": {"feature.weight": 0.01, "pose.weight": 0.1}}}
    file = write_plan(tmp_path, methods=methods, sweeps=sweeps, baseline=None, seeds=[0])
    plan = read_plan(file)
    names = ["0", "0.01", "0.1"]
    assert plan.methods[1:4] == [f"all_levels_feature.weight_{value}" for value in names]
    swept = plan.training("figures/all_levels_feature.weight_0.1/seed_0")
    assert (swept.config.feature.weight, swept.config.pose.weight) == (0.1, 0.1)
    same = plan.training("figures/all_levels_pose.weight_0.1/seed_0")
    assert same.taught_by == "figures/all_levels/seed_0"
    for number, method in enumerate(plan.methods[:4]):
        training = plan.training(f"figures/{method}/seed_0")
        write_scores(tmp_path, training, dict.fromkeys(("last", "selected"), (10, 20.0 + number)))
    outcome = gather(plan, tmp_path)
    assert "| all_levels | 1 |" in markdown(outcome, "figures")
    assert "feature" not in markdown(outcome, "figures")
    # The other setting has no scores, and so no panel.
    assert write_sweeps(outcome, tmp_path) == [tmp_path / "figures_sweeps.png"]
    assert (tmp_path / "figures_sweeps.png").stat().st_size > 5000


def test_oracle_methods_are_marked(tmp_path):
    methods = {"source_only": None, "with_labels": {"oracle": True, "config": {"source": "t"}}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0]))
    for method in methods:
        training = plan.training(f"figures/{method}/seed_0")
        write_scores(tmp_path, training, {"last": (10, 20.0), "selected": (10, 20.0)})
    outcome = gather(plan, tmp_path)
    text, tex = markdown(outcome, "figures"), latex(outcome, "figures")
    assert "| with_labels † | 1 | 20.0" in text and "| source_only | 1 | 20.0" in text
    assert "† an oracle: it learned from labels of the target" in text
    assert r"with\_labels $\dagger$ &" in tex and "% † an oracle: it learned" in tex


def test_one_seed_has_no_deviation():
    assert mean_and_deviation([22.26]) == "22.3"
    assert mean_and_deviation([-1.0, -1.0], sign=True) == "-1.0 ± 0.0"
