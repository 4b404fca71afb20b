"""Old names of commands and options are refused with the new name, which exists."""

from __future__ import annotations

import pytest

from posebridge.cli.main import COMMANDS, main
from posebridge.cli.renamed_options import RENAMED_COMMANDS, RENAMED_OPTIONS
from tests.cli.parsers import get_options

OPTIONS = [(c, old, new) for c, table in RENAMED_OPTIONS.items() for old, new in table.items()]


@pytest.mark.parametrize(("old", "new"), RENAMED_COMMANDS.items())
def test_an_old_command_is_refused_with_its_new_name(old, new, capsys):
    assert main([old, "--help"]) == 2
    error = capsys.readouterr().err
    assert f"the command {old} is now {new}" in error
    assert error.count("\n") == 1
    assert old not in COMMANDS
    assert new in COMMANDS


@pytest.mark.parametrize(("command", "old", "new"), OPTIONS)
def test_an_old_option_is_refused_with_its_new_name(command, old, new, capsys):
    for given in ([old, "x"], [f"{old}=x"], [old.replace("-", "_").replace("__", "--", 1), "x"]):
        assert main([command, "a", *given, "--out", "x"]) == 2
        error = capsys.readouterr().err
        assert f"is now {new}" in error
        assert error.count("\n") == 1
    options = get_options(command)
    assert new in options
    assert old not in options
