"""A run opened again: from the data that it names, and with the photographs that it held out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from posebridge.data.formats.coco import read_boxes
from posebridge.errors import InputError
from posebridge.inference.run_folder import FinishedRun, open_run
from posebridge.training.splits import split_target
from tests.conftest import tiny


@pytest.fixture
def data(figures, tmp_path) -> Path:
    """A copy of the figures, which can be moved."""
    return Path(shutil.copytree(figures.source.parents[1], tmp_path / "data"))


@pytest.fixture
def run(data, figures, tmp_path) -> Path:
    """What a run leaves, but for its weights."""
    root = figures.source.parents[1]
    source, target = (data / file.relative_to(root) for file in (figures.source, figures.target))
    config = tiny(source=str(source), target=str(target), validation__fraction=0.5)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(config.to_dict()))
    held_out = np.unique(split_target(read_boxes(target), config).held_out.files)
    # Two others than the seed would draw again.
    kept = [bytes(name) for name in np.unique(read_boxes(target).files) if name not in held_out][:2]
    (folder / "held_out.txt").write_bytes(b"".join(name + b"\n" for name in kept))
    return folder


def names(run: FinishedRun) -> set[str]:
    return {run.held_out.path(row).name for row in range(len(run.held_out))}


def test_what_did_not_move_is_not_looked_for_below_a_root(run, data, figures, tmp_path):
    """Another data set below the root has a file of the same name."""
    config = open_run(run).config
    other = tmp_path / "other"
    shutil.copytree(figures.target.parent, other)
    again = open_run(run, data_root=other).config
    assert (again.source, again.target) == (config.source, config.target)


def test_held_out_photographs_are_found_where_the_data_moved(run, data, tmp_path):
    before = names(open_run(run))
    assert len(before) == 2
    moved = data.rename(tmp_path / "elsewhere")
    after = open_run(run, data_root=moved)
    assert names(after) == before
    assert all(str(after.held_out.path(row)).startswith(str(moved)) for row in range(2))


def test_photographs_that_none_held_out_is_among_are_refused(run):
    (run / "held_out.txt").write_bytes(b"/gone/one.png\n/gone/two.png\n")
    with pytest.raises(InputError, match="none of the 2 photographs that .*held_out.txt lists"):
        open_run(run)
    # Older runs have no list: the seed draws what it drew.
    (run / "held_out.txt").unlink()
    assert len(names(open_run(run))) == 12


@pytest.mark.parametrize(("step", "stopped"), [(9, (9, 10)), (10, None), (None, None), ("9", None)])
def test_a_run_that_did_not_reach_its_end_says_so(step, stopped, run):
    last = run / "checkpoints" / "last"
    last.mkdir(parents=True)
    (last / "results.json").write_text(json.dumps({"step": step}))
    assert open_run(run).stopped == stopped
    shutil.rmtree(last)
    assert open_run(run).stopped is None
