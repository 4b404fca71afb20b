"""A damaged results file: one sentence, and nothing is written."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest

from posebridge.bench import gather, read_plan
from posebridge.bench.results_file import read_results_file, update_entries, write_results_file
from posebridge.bench.run_results import score_file, validator_scores_file
from posebridge.cli.main import main
from tests.bench.plans import write_plan, write_runs

NAME = "figures/one/seed_0"


@pytest.fixture
def recorded(tmp_path):
    file = write_plan(tmp_path, methods={"one": None}, baseline=None, seeds=[0])
    write_runs(tmp_path / "trained", read_plan(file))
    return file, update_entries({}, read_plan(file), tmp_path / "trained")


DAMAGE: list[tuple[tuple[str, ...], Any]] = [
    (("checkpoints", "../../../stolen"), {"step": 1, "metrics": {"a": {"all": 1.0}}}),
    (("checkpoints", "step_"), {"step": 1, "metrics": None}),
    (("checkpoints", "last\n"), {"step": 1, "metrics": None}),
    (("checkpoints", "last"), None),
    (("checkpoints", "last", "step"), "ten"),
    (("checkpoints", "last", "step"), 1.5),
    (("checkpoints", "last", "metrics"), {}),
    (("checkpoints", "last", "metrics"), [1]),
    (("checkpoints", "last", "metrics", "pck@0.05"), {"all": "high"}),
    (("checkpoints", "last", "metrics", "pck@0.05"), {"all": math.nan}),
    (("checkpoints", "last", "validators"), ["agreement"]),
    (("checkpoints", "last", "validators"), {"agreement": "high"}),
    (("checkpoints", "last", "validators"), {"agreement": math.inf}),
    (("protocol", "thresholds"), 0.05),
    (("protocol", "thresholds"), [[0.05]]),
    (("protocol", "views"), "many"),
    (("protocol", "rotation"), [3]),
]


@pytest.mark.parametrize(("place", "value"), DAMAGE, ids=str)
@pytest.mark.parametrize("option", ["--tables-only", "--status"])
def test_damaged_results_file_is_refused(place, value, option, recorded, tmp_path, capsys):
    file, entries = recorded
    entries = copy.deepcopy(entries)
    *outer, last = place
    inner = entries[NAME]
    for name in outer:
        inner = inner[name]
    inner[last] = value
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"runs": entries}))
    before = set(tmp_path.rglob("*"))
    out = tmp_path / "out"
    assert main(["bench", str(file), "--out", str(out), "--results-file", str(record), option]) == 2
    assert f"{record} is not a results file of a comparison" in capsys.readouterr().err
    assert set(tmp_path.rglob("*")) == before


def test_missing_metric_is_not_a_score(recorded, tmp_path, capsys):
    """Leave a run with a null or missing metric out of the table."""
    file, entries = recorded
    for row in ({"pck@0.05": {"all": None}}, {"pck@0.10": {"all": 3.0}}):
        entries[NAME]["checkpoints"]["last"]["metrics"] = row
        record = tmp_path / "record.json"
        record.write_text(json.dumps({"runs": entries}))
        arguments = [
            "bench",
            str(file),
            "--out",
            str(tmp_path / "out"),
            "--results-file",
            str(record),
        ]
        assert main([*arguments, "--tables-only"]) == 0
        assert f"no scores yet: {NAME}" in capsys.readouterr().out
        assert gather(read_plan(file), tmp_path / "out").missing == [NAME]


def test_undefined_validator_score_is_stored_as_null(recorded, tmp_path):
    file, _ = recorded
    plan, trained = read_plan(file), tmp_path / "trained"
    training = plan.training(NAME)
    judged = validator_scores_file(training, trained, "last")
    said = {"agreement": 0.5, "pose_prior": -math.inf}
    judged.write_text(json.dumps({**json.loads(judged.read_text()), "values": said}))
    scored = score_file(training, trained, "last")
    content = json.loads(scored.read_text())
    content["metrics"]["pck@0.05"]["wrist"] = math.nan
    scored.write_text(json.dumps(content))
    record, out = tmp_path / "record.json", tmp_path / "out"
    write_results_file(update_entries({}, plan, trained), record)
    last = read_results_file(record)[NAME]["checkpoints"]["last"]
    assert last["validators"] == {"agreement": 0.5, "pose_prior": None}
    assert last["metrics"]["pck@0.05"]["wrist"] is None
    assert (
        main(
            ["bench", str(file), "--out", str(out), "--results-file", str(record), "--tables-only"]
        )
        == 0
    )
    told = json.loads(validator_scores_file(training, out, "last").read_text())
    assert told["values"] == {"agreement": 0.5}
