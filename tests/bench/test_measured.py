"""The published comparisons: results files, plans and pages agree."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from posebridge.bench import read_plan
from posebridge.bench.results_file import read_results_file
from posebridge.data.reading import read_labeled
from posebridge.inference.run_comparison import compare_run
from posebridge.inference.run_folder import open_run
from posebridge.training.config import AdaptConfig
from posebridge.validators.validators import VALIDATORS

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "benchmarks" / "measured").glob("*.json"))


def test_published_tables_match_the_results_files(monkeypatch, capsys):
    """Check that every metric was measured with the present config of the plan."""
    script = ROOT / "benchmarks" / "publish.py"
    monkeypatch.syspath_prepend(script.parent)  # it imports another script there
    monkeypatch.setattr(sys, "argv", [str(script), "--check"])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(script), run_name="__main__")
    assert (done.value.code, capsys.readouterr().out) == (0, "")


def test_readme_metrics_are_published():
    figures = re.findall(r"\d+\.\d / \d+\.\d", (ROOT / "README.md").read_text())
    page = (ROOT / "docs" / "background" / "results.md").read_text()
    for figure in figures:
        mean = figure.replace(" / ", r" \xb1 [\d.]+ / ")
        assert re.search(rf"\| 3 \|.* {mean} \xb1", page), figure
    assert len(figures) == 6


@pytest.mark.parametrize("record", RECORDS, ids=lambda file: file.stem)
def test_results_file_matches_its_plan_and_names_no_machine(record):
    plan = read_plan(ROOT / "benchmarks" / f"{record.stem}.yaml")
    assert read_results_file(record).keys() <= {training.name for training in plan.trainings}
    assert not re.search(r'": "/|file://', record.read_text())


def test_the_default_validator_has_the_least_regret():
    """In the runs of all comparisons, of those by which a run can choose: that is what it is for."""
    page = (ROOT / "docs" / "background" / "validators.md").read_text()
    tables = re.findall(r"<!-- table: \S+\+\S+ within -->\n.*?<!-- end -->", page, re.DOTALL)
    rows = [[row.split(" | ")[0].removeprefix("| ") for row in t.splitlines()] for t in tables]
    firsts = [next(name for name in names if name in VALIDATORS) for names in rows]
    assert firsts
    assert set(firsts) == {AdaptConfig().validation.validator}
    assert f"`{AdaptConfig().validation.validator}`" in page


def test_verdicts_are_counted_by_label_result():
    verdicts = runpy.run_path(str(ROOT / "benchmarks" / "verdicts.py"))
    runs = [
        {
            "without labels": without,
            "by labels": by,
            "changes": {"pck@0.05": [0, 0, a], "pck@0.10": [0, 0, b]},
        }
        for without, by, a, b in [
            ("probably_not", "hurt", -3.0, -5.04),
            ("probably", "helped", 2.0, 4.0),
            ("probably", "unclear", 0.0, -0.3),
            ("probably_not", "unclear", -0.5, -1.0),
        ]
    ]
    assert verdicts["verdict_table"](runs)[1:] == [
        ["Probably, yes.", "2", "1", "0", "0", "1", "+0.0 to +2.0, -0.3 to +4.0"],
        ["Probably not: it looks worse.", "2", "0", "1", "0", "1", "-3.0 to -0.5, -5.0 to -1.0"],
    ]


def test_verdict_without_labels_is_unchanged(finished_run, figures):
    """Check that the counted verdict is the verdict of a user without labels."""
    verdicts = runpy.run_path(str(ROOT / "benchmarks" / "verdicts.py"))
    run = open_run(finished_run)
    tta = compare_run(run, labels=read_labeled(figures.test)).judgment
    alone = compare_run(run).judgment
    assert tta.labels and not alone.labels
    assert verdicts["without_labels"](tta) == alone.verdict
