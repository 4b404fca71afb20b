"""The console of the commands, on a terminal and into a file."""

from __future__ import annotations

import io

from posebridge.report.console import PlainConsole

PATH = "/a long/way/to/" + "a_folder/" * 12 + "report.html"


def printed(**options) -> str:
    text = io.StringIO()
    PlainConsole(file=text, width=80, **options).print(f"report: {PATH} [red] :smile:", style="dim")
    return text.getvalue()


def test_lines_in_a_file_are_not_wrapped():
    assert printed() == f"report: {PATH} [red] :smile:\n"


def test_lines_on_a_terminal_are_wrapped():
    shown = printed(force_terminal=True, color_system=None).splitlines()
    assert len(shown) > 1
    assert max(map(len, shown)) <= 80
    assert "".join(shown).replace(" ", "") == f"report:{PATH}[red]:smile:".replace(" ", "")
