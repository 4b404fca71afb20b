"""The help of every command is one screen, and shared options mean the same everywhere."""

from __future__ import annotations

import re

import pytest

from posebridge.cli.adapt import SHORT_HELP
from posebridge.cli.main import COMMANDS, main
from posebridge.training.merged_settings import known_settings
from tests.cli.parsers import get_options

SHARED = (
    *("--checkpoint", "--data-root", "--format", "--image-root", "--max-frames"),
    *("--frame-step", "--min-confidence", "--overwrite", "--seed"),
    *("--tta-flip", "--tta-rotation", "--tta-views"),
)
"""Options whose text is the same in every command, but for additions and defaults at the end."""
WITH_SETTINGS = ("adapt", "train-style")
"""Commands whose options are config fields, described where the fields are."""


def help_of(arguments, capsys):
    try:
        assert main(arguments) == 0
    except SystemExit as done:
        assert done.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_is_one_screen_with_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    lines = help_of([*command, "--help"], capsys).splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    assert "examples:" in lines


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_spelled_with_dashes(command, capsys):
    shown = help_of([command, "--help"], capsys)
    assert not re.findall(r"--[\w.-]*_[\w.-]*", shown)


@pytest.mark.parametrize("option", SHARED)
def test_a_shared_option_has_one_text(option):
    commands = [name for name in COMMANDS if name not in WITH_SETTINGS]
    found = {name: get_options(name).get(option) for name in commands}
    texts = [str(action.help).partition(" (default")[0] for action in found.values() if action]
    assert texts
    assert all(text.startswith(min(texts, key=len)) for text in texts), texts


@pytest.mark.parametrize("command", WITH_SETTINGS)
def test_all_options_are_shown_with_type_range_and_default(command, capsys):
    shown = help_of([command, "--help-all"], capsys)
    for name, hint in known_settings().items():
        if not hasattr(hint, "__dataclass_fields__"):
            assert f"--{name.replace('_', '-')} " in shown
    assert max(map(len, shown.splitlines())) <= 100
    joined = " ".join(shown.split())
    assert "from 0 to 2147483648, default: 0)" in joined
    assert "default: 0.1" in joined


def test_the_short_help_of_adapt_lists_about_twenty_options(capsys):
    shown = help_of(["adapt", "-h"], capsys)
    names = [name for group in SHORT_HELP.values() for name in group]
    assert 20 <= len(names) <= 30
    for name in names:
        assert f"  --{name.replace('_', '-')}" in shown
    assert "--ema-decay" not in shown
    assert all(f"{group}:" in shown for group in SHORT_HELP)
