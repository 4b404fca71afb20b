"""Tables: rows, differences, and results that cannot share a table."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from posebridge.errors import InputError
from posebridge.evaluation import Results, markdown_table, results_table


def results(everything, knee, toe=None, normalizer="crop", joints=30):
    rows = {"all": everything, "knee": knee, "toe": toe}
    return Results(
        metrics={"pck@0.05": rows, "pck@0.10": {**rows, "all": 2 * everything}, "epe": rows},
        protocol={
            "normalizer": normalizer,
            "joints": joints,
            "subjects": 10,
            "dataset": "people",
        },
    )


def shown(table):
    console = Console(file=io.StringIO(), width=160)
    console.print(table)
    return console.file.getvalue()


def test_two_results_have_difference_columns():
    text = markdown_table(
        {"source only": results(20.0, 15.04), "adapted": results(25.0, 15.0, 3.0)}
    )
    assert text.splitlines() == [
        "| joints | source only pck@0.05 | source only pck@0.10 | adapted pck@0.05 "
        "| adapted pck@0.10 | change pck@0.05 | change pck@0.10 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| knee | 15.0 | 15.0 | 15.0 | 15.0 | +0.0 | +0.0 |",
        "| toe | - | - | 3.0 | 3.0 | - | - |",
        "| all | 20.0 | 40.0 | 25.0 | 50.0 | +5.0 | +10.0 |",
        "",
        "percent; normalizer crop; pooled over 30 labeled joints of 10 subjects in people",
    ]


@pytest.mark.parametrize("names", [("one",), ("one", "two", "three")])
def test_one_or_three_results_have_no_difference_columns(names):
    text = markdown_table({name: results(20.0, 15.0) for name in names}, metrics=("pck@0.05",))
    header = text.splitlines()[0]
    assert header == "| joints | " + " | ".join(f"{name} pck@0.05" for name in names) + " |"


def test_terminal_table_has_the_cells_of_the_markdown_table():
    table = results_table(
        {"source [only]": results(20.0, 15.0), "adapted": results(25.0, 14.0)},
        metrics=("pck@0.05", "epe"),
        title="people",
    )
    assert table.columns[0].header == "joints"
    assert len(table.columns) == 7
    assert [str(cell) for cell in table.columns[0].cells] == ["knee", "toe", "all"]
    assert [str(cell) for cell in table.columns[5].cells] == ["-1.0", "-", "+5.0"]
    text = shown(table)
    assert "source [only]" in text
    assert "percent, epe in pixels; normalizer crop" in text


def test_different_datasets_are_named_in_the_caption():
    text = markdown_table({"a": results(1.0, 1.0), "b": results(1.0, 1.0, joints=31)})
    assert "a: 30 labeled joints of 10 subjects in people; b: 31 labeled joints" in text


def test_bars_in_names_are_escaped_in_markdown():
    assert "a\\|b pck@0.05" in markdown_table({"a|b": results(1.0, 1.0)})


def test_missing_metric_is_reported():
    with pytest.raises(InputError, match=r"'a' have no metric 'pck@0.20'.*pck@0.05, pck@0.10"):
        results_table({"a": results(1.0, 1.0)}, metrics=("pck@0.20",))


def test_different_normalizers_are_refused():
    with pytest.raises(InputError, match=r"normalizers differ \(a: crop, b: torso\)"):
        markdown_table({"a": results(1.0, 1.0), "b": results(1.0, 1.0, normalizer="torso")})


def test_empty_table_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        results_table({})
