"""The comparisons that the repository publishes: records, plans and pages say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.selection import VALIDATORS
from posebridge.bench import read_plan
from posebridge.bench.record import read_record

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "benchmarks" / "measured").glob("*.json"))


def test_published_tables_are_those_of_the_records():
    """Every figure was measured, with the settings that the plan has today."""
    command = [sys.executable, str(ROOT / "benchmarks" / "publish.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("record", RECORDS, ids=lambda file: file.stem)
def test_a_record_is_of_its_plan_and_of_no_machine(record):
    plan = read_plan(ROOT / "benchmarks" / f"{record.stem}.yaml")
    assert read_record(record).keys() <= {training.name for training in plan.trainings}
    assert not re.search(r'": "/|file://', record.read_text())


def test_the_default_validator_has_the_least_regret():
    """Within runs, of those by which a run can choose: that is what it is for."""
    page = (ROOT / "docs" / "selection.md").read_text()
    tables = re.findall(r"<!-- table: \S+ within -->\n.*?<!-- end -->", page, re.DOTALL)
    rows = [[row.split(" | ")[0].removeprefix("| ") for row in t.splitlines()] for t in tables]
    firsts = [next(name for name in names if name in VALIDATORS) for names in rows]
    assert firsts
    assert set(firsts) == {AdaptConfig().held_out.validator}
    assert f"`{AdaptConfig().held_out.validator}`" in page
