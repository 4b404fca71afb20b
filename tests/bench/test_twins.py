"""Runs that share weights: scored once, even where the scores came from a results file."""

from __future__ import annotations

import pytest

from posebridge.bench import gather, read_plan
from posebridge.bench.job import get_state
from posebridge.bench.results_file import restore_entries, update_entries, write_results_file
from posebridge.bench.sweep_curves import _changes
from posebridge.cli.main import main
from tests.bench.plans import write_plan, write_runs, write_scores

BOTH = {"last": (10, 20.0), "selected": (10, 20.0)}


def test_value_equal_to_the_methods_own_is_in_the_curve(tmp_path):
    """Find the point even in a results file from before the sweep."""
    methods = {"plus": {"config": {"feature.weight": 0.01}}}
    plan = read_plan(write_plan(tmp_path, methods=methods, baseline=None, seeds=[0]))
    write_runs(tmp_path / "trained", plan)
    record = update_entries({}, plan, tmp_path / "trained")
    sweeps = {"plus": {"feature.weight": [0.01, 0.1]}}
    file = write_plan(tmp_path, methods=methods, sweeps=sweeps, baseline=None, seeds=[0])
    swept, out = read_plan(file), tmp_path / "out"
    assert restore_entries(record, swept, out) == []
    own = swept.training("figures/plus_feature.weight_0.01/seed_0")
    assert own.twins == ("figures/plus/seed_0",)
    assert get_state(own, out).done
    write_scores(out, swept.training("figures/plus_feature.weight_0.1/seed_0"), BOTH)
    outcome = gather(swept, out)
    assert outcome.missing == []
    assert _changes(outcome, "figures", swept.sweeps[0])[0.01] == {
        "pck@0.05": [0.0],
        "pck@0.10": [0.0],
    }
    # The results file has it under its own name.
    entry = update_entries({}, swept, out)[own.name]
    assert entry["protocol"]["method"] == "plus_feature.weight_0.01"
    assert entry["checkpoints"]["last"]["metrics"]["pck@0.05"] == {"all": 20.0}


@pytest.mark.parametrize(
    "differs",
    [{"views": 2}, {"test": "other.json"}, {"test_image_root": "x"}, {"thresholds": [0.05]}],
)
def test_scores_with_another_tta_are_not_shared(differs, tmp_path):
    methods = {"one": None, "two": None}
    plan = read_plan(write_plan(tmp_path, methods=methods, baseline=None, seeds=[0]))
    one, two = (plan.training(f"figures/{name}/seed_0") for name in methods)
    assert two.taught_by == one.name
    write_scores(tmp_path, one, BOTH, **differs)
    assert gather(plan, tmp_path).missing == [one.name, two.name]


def test_missing_checkpoint_of_a_results_file_is_reported(tmp_path, capsys):
    methods = {"plain": None}
    plan = read_plan(write_plan(tmp_path, methods=methods, baseline=None, seeds=[0]))
    write_runs(tmp_path / "trained", plan)
    record = tmp_path / "record.json"
    write_results_file(update_entries({}, plan, tmp_path / "trained"), record)
    methods = {
        "plain": None,
        "voted": {"config": {"tta.views": 4}},
        "same": {"config": {"tta.views": 1}},
    }
    file = write_plan(tmp_path, methods=methods, baseline=None, seeds=[0])
    first = read_plan(file).trainings[0].name
    arguments = ["bench", str(file), "--out", str(tmp_path / "out"), "--results-file", str(record)]
    assert main([*arguments, "--run", "figures/same/seed_0"]) == 0
    assert main([*arguments, "--run", "figures/voted/seed_0"]) == 2
    told = capsys.readouterr().err
    assert "its checkpoints are not here" in told
    names = (first, "figures/plain/seed_0", "figures/voted/seed_0")
    assert f"({' and then '.join(f'--run {name}' for name in names)})" in told
