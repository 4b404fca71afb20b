"""The options of ``posebridge predict``: their help and their earlier names."""

from __future__ import annotations

import pytest

from posebridge.cli.main import main
from posebridge.cli.predict import RENAMED_OPTIONS


@pytest.mark.parametrize(("old", "new"), sorted(RENAMED_OPTIONS.items()))
def test_renamed_option_is_refused_with_its_new_name(old, new, capsys):
    for given in ([old, "1"], [f"{old}=1"]):
        assert main(["predict", "model", "images", *given]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and f"{old} is now {new};" in error


def test_help_fits_on_a_screen(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= 80
    assert "examples:" in lines
