"""``posebridge.adapt`` from Python: which settings apply."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from posebridge.api import adapt
from posebridge.errors import InputError
from tests.conftest import TINY, tiny
from tests.run_folders import same, weights

QUIET: dict[str, Any] = {"page": False, "console": Console(quiet=True)}


@pytest.fixture(scope="module")
def call(figures) -> dict[str, Any]:
    return {
        "source": figures.source,
        "target": figures.target,
        "preset": "demo",
        "overrides": dict(TINY),
    } | QUIET


@pytest.fixture(scope="module")
def stopped(call, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("python") / "stopped"
    adapt(**call, out=out, stop_after=5)
    return out


def test_resumed_run_keeps_its_config(call, stopped, tmp_path):
    whole = adapt(**call, out=tmp_path / "whole")
    for number, given in enumerate(
        (QUIET, call, {**QUIET, "overrides": {"steps.batch": 4}}, {**QUIET, "preset": []})
    ):
        out = shutil.copytree(stopped, tmp_path / str(number))
        before = (out / "config.yaml").read_bytes()
        assert adapt(**given, out=out, resume=True).finished
        assert (out / "config.yaml").read_bytes() == before
        assert same(weights(out, "last"), weights(whole.folder, "last"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"overrides": {"seed": 1}}, "seed is 1, and 0 in the run"),
        ({"preset": "source_only"}, "style.method is none, and color in the run"),
        ({"source": "other.json"}, "source is other.json, and "),
        ({"target": "photographs"}, "target is photographs, and "),
        (
            {"overrides": {"model.encoder_args": "{bn_eps: 0.1}"}},
            "model.encoder_args is None, and {} in",
        ),
        ({"config": tiny(steps__batch=3)}, "is None, and .*annotations.json in the run"),
    ],
)
def test_resume_refuses_another_config(stopped, given, words):
    before = {file: file.read_bytes() for file in stopped.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match=words):
        adapt(**QUIET, **given, out=stopped, resume=True)
    assert {file: file.read_bytes() for file in stopped.rglob("*") if file.is_file()} == before


def test_resume_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no run to resume"):
        adapt(**QUIET, out=tmp_path / "nothing", resume=True)


@pytest.mark.parametrize("more", [{"preset": "source_only"}, {"overrides": {"seed": 3}}])
def test_ready_config_refuses_further_settings(figures, tmp_path, more):
    with pytest.raises(InputError, match="ready configuration, to which no preset or overrides"):
        adapt(figures.source, figures.target, tmp_path / "run", config=tiny(), **more, **QUIET)
    assert not (tmp_path / "run").exists()
