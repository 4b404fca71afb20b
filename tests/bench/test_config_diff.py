"""A run's folder counts only where its config equals the plan's."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from posebridge.bench import gather, read_plan
from posebridge.bench.config_diff import changed_since, require_same_settings
from posebridge.bench.job import get_state
from posebridge.bench.results_file import update_entries, write_results_file
from posebridge.cli.main import main
from posebridge.errors import InputError
from tests.bench.plans import write_plan, write_runs

METHODS = {"source_only": {"preset": "source_only"}, "all_levels": None}
HEAVIER = {**METHODS, "all_levels": {"config": {"feature.weight": 0.5}}}
NAME = "figures/all_levels/seed_0"


def plan_with(folder: Path, methods: dict[str, object], root: Path | None = None):
    folder.mkdir(exist_ok=True)
    file = write_plan(folder, methods=methods, seeds=[0])
    return file, read_plan(file, root)


@pytest.mark.parametrize("from_a_record", [True, False])
def test_tables_leave_out_runs_with_another_config(from_a_record, tmp_path, capsys):
    """Leave the scores of plan A out of plan B's table, status and results file."""
    file, plan = plan_with(tmp_path / "a", METHODS)
    other, changed = plan_with(tmp_path / "b", HEAVIER)
    record, out = tmp_path / "record.json", tmp_path / "out"
    write_runs(out, plan)
    before = update_entries({}, plan, out)
    assert before.keys() == {NAME, "figures/source_only/seed_0"}
    write_results_file(before, record)
    if from_a_record:
        out = tmp_path / "laid_out"
        arguments = [
            "bench",
            str(file),
            "--out",
            str(out),
            "--results-file",
            str(record),
            "--tables-only",
        ]
        assert main(arguments) == 0
    assert gather(plan, out).missing == []
    assert gather(changed, out).missing == [NAME]
    state = get_state(changed.training(NAME), out)
    assert (state.trained, state.scored, state.changed) == (False, False, ["feature"])
    arguments = ["bench", str(other), "--out", str(out), "--results-file", str(record)]
    capsys.readouterr()
    assert main([*arguments, "--tables-only"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"no scores yet: {NAME}, started with other feature: left out" in told
    assert "all_levels" not in (out / "scores.csv").read_text()
    assert json.loads(record.read_text())["runs"] == before
    assert main([*arguments, "--status"]) == 0
    assert f"differs {NAME} (started with other feature)" in " ".join(
        capsys.readouterr().out.split()
    )


def test_moved_data_counts_as_unchanged(tmp_path, monkeypatch):
    """Accept another root or path of the data; refuse another file."""
    _, plan = plan_with(tmp_path / "plan", METHODS, tmp_path / "new")
    training = plan.training(NAME)
    for number, (source, same) in enumerate(
        (
            ("/old/root/s.json", True),
            ("new/s.json", True),
            (str(tmp_path / "new" / "s.json"), True),
            ("/old/root/other_s.json", False),
            (None, False),
        )
    ):
        out = tmp_path / f"out_{number}"
        write_runs(out, plan, source=source)
        monkeypatch.chdir(tmp_path)
        assert changed_since(training, out) == ([] if same else ["source"])
        assert get_state(training, out).done == same
    with pytest.raises(InputError, match=r"another config \(source\)"):
        require_same_settings(training, out)
    absolute = dataclasses.replace(training.config, source="/new/root/s.json")
    write_runs(tmp_path / "out", plan, source="/old/root/s.json")
    moved = dataclasses.replace(training, config=absolute)
    assert changed_since(moved, tmp_path / "out") == ["source"]


def test_unreadable_config_is_named(tmp_path):
    _, plan = plan_with(tmp_path / "plan", METHODS)
    write_runs(tmp_path / "out", plan)
    stored = tmp_path / "out" / NAME / "config.yaml"
    for text, words in (("a: [", "not valid YAML"), ("3", "holds no config")):
        stored.write_text(text)
        with pytest.raises(InputError, match=words):
            get_state(plan.training(NAME), tmp_path / "out")
