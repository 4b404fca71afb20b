"""The notebook runs from top to bottom, and what is stored of it is fit to be looked at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from posebridge.evaluation.verdict import HEADLINES

nbformat = pytest.importorskip("nbformat", reason="needs pip install 'posebridge[dev]'")
nbclient = pytest.importorskip("nbclient", reason="needs pip install 'posebridge[dev]'")

NOTEBOOK = Path(__file__).parents[2] / "examples" / "own_data_to_export.ipynb"
SMALL = "figures_of_each_look, steps_on_source, steps_of_adaptation = 60, 12, 6"


def code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook) -> str:
    """What all of its cells print."""
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


def pictures(notebook) -> int:
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return sum("image/jpeg" in output.get("data", {}) for output in outputs)


def assert_whole(notebook) -> None:
    """What the reader is told is there: an answer, pictures, and files that agree."""
    text = printed(notebook)
    assert sum(headline in text for headline in HEADLINES.values()) == 1
    assert pictures(notebook) == 3
    assert "labeled photographs, PCK in percent" in text
    (exported,) = re.findall(r"at most ([\d.]+) px from PyTorch", text)
    (ran,) = re.findall(r"at most ([\d.]+) px from posebridge\.load", text)
    assert float(exported) < 0.01 and float(ran) < 0.01


@pytest.mark.slow
@pytest.mark.timeout(900)  # half a minute of work, on a machine that may be busy
def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch):
    pytest.importorskip("ipykernel", reason="needs pip install 'posebridge[dev]'")
    pytest.importorskip("onnxruntime", reason="needs pip install 'posebridge[export]'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in code(notebook):
        cell.outputs = []
    (size,) = (cell for cell in code(notebook) if "size" in cell.metadata.get("tags", []))
    size.source += f"\n{SMALL}"
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=800, resources=resources).execute()
    assert_whole(notebook)
    assert (tmp_path / "runs/notebook/people.onnx").is_file()
    assert (tmp_path / "runs/notebook/run/report/index.html").is_file()


def test_it_is_stored_with_small_outputs_of_a_whole_run():
    assert NOTEBOOK.stat().st_size < 1_000_000
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code(notebook)] == [
        number + 1 for number in range(len(code(notebook)))
    ]
    assert_whole(notebook)
    content = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work)/|Traceback|Warning", content)
