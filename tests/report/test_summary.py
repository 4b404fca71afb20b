"""The verdict on the terminal and the advice about labels."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from posebridge.evaluation.verdict import Verdict
from posebridge.report.console import PlainConsole
from posebridge.report.run_page import RunReport
from posebridge.report.summary import print_verdict


@pytest.mark.parametrize(
    ("verdict", "labels", "advised"),
    [
        (Verdict("probably", False, "Steadier.", ()), {}, True),
        (Verdict("probably", False, "7 photographs are too few.", ()), {"0.05": None}, False),
        (Verdict("unclear", True, "Nothing changed.", ()), {"0.05": None}, False),
        (Verdict("same", False, "No step.", ()), {}, False),
    ],
)
def test_labels_are_advised_where_none_were_given(verdict, labels, advised):
    judgment: object = SimpleNamespace(verdict=verdict, labels=labels)
    text = io.StringIO()
    print_verdict(PlainConsole(file=text), RunReport(judgment, Path("r.html")))  # pyright: ignore[reportArgumentType]
    assert ("No label was used" in text.getvalue()) == advised
    assert verdict.because in text.getvalue()
