"""Empty arguments and pipes are a sentence in every command, before it does anything."""

from __future__ import annotations

import os

import pytest

from posebridge.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_argument_is_a_sentence(command, empty, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([command, "runs/people", empty, "--out", "x.json"]) == 2
    error = capsys.readouterr().err
    assert "argument 2 is empty" in error and "no images" in error and error.count("\n") == 1
    for given in (["--out", empty], [f"--out={empty}"]):
        assert main([command, "runs/people", *given]) == 2
        assert "--out is empty" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["adapt", "predict", "convert", "check", "bench", "skeleton"])
def test_a_pipe_is_a_sentence(command, capsys, tmp_path):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for given in ([str(pipe)], ["--config", str(pipe)], [f"--config={pipe}"]):
        assert main([command, *given]) == 2
        assert "is a pipe, not a file" in capsys.readouterr().err
