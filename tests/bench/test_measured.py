"""The comparisons that the repository publishes: records, plans and pages say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from posebridge.adaptation.config import AdaptConfig
from posebridge.bench import gather, read_plan
from posebridge.bench.outcome import table
from posebridge.bench.record import lay_out, read_record
from posebridge.bench.validators import across_table, judged_runs, validator_table

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "benchmarks" / "measured").glob("*.json"))


def lines(rows):
    """Rows below their heading as they stand in a page."""
    return ["| " + " | ".join(row) + " |" for row in rows[1:]]


@pytest.mark.parametrize("record", RECORDS, ids=lambda file: file.stem)
def test_a_published_table_is_that_of_its_record(record, tmp_path):
    """Every figure of a page was measured by the plan as it stands."""
    plan = read_plan(ROOT / "benchmarks" / f"{record.stem}.yaml")
    entries = read_record(record)
    assert lay_out(entries, plan, tmp_path) == []
    assert entries.keys() <= {training.name for training in plan.trainings}
    outcome = gather(plan, tmp_path)
    page = (ROOT / "docs" / "benchmark.md").read_text()
    wanted = [line for pair in plan.pairs for line in lines(table(outcome, pair))]
    assert wanted
    assert [line for line in wanted if line not in page] == []


def test_the_page_about_validators_is_that_of_the_records(tmp_path):
    page = (ROOT / "docs" / "selection.md").read_text()
    for record in RECORDS:
        plan, out = read_plan(ROOT / "benchmarks" / f"{record.stem}.yaml"), tmp_path / record.stem
        lay_out(read_record(record), plan, out)
        outcome = gather(plan, out)
        runs = judged_runs(outcome, out)
        rows = [*validator_table(runs, outcome.metrics), *across_table(runs, outcome.metrics)]
        assert [line for line in lines(rows) if line not in page and "choice" not in line] == []
    assert f"`{AdaptConfig().held_out.validator}`" in page


def test_a_record_holds_no_path_of_a_machine():
    for record in RECORDS:
        assert not [word for word in ('"/', "file://") if word in record.read_text()]
