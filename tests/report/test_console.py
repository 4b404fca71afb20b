"""What commands print, on a terminal and into a file."""

from __future__ import annotations

import io

from posebridge.report.console import PlainConsole

PATH = "/a long/way/to/" + "a_folder/" * 12 + "report.html"


def printed(**options) -> str:
    text = io.StringIO()
    PlainConsole(file=text, width=80, **options).print(f"report: {PATH} [red] :smile:", style="dim")
    return text.getvalue()


def test_a_file_gets_whole_lines_as_they_are():
    assert printed() == f"report: {PATH} [red] :smile:\n"


def test_a_terminal_gets_lines_that_fit():
    shown = printed(force_terminal=True, color_system=None).splitlines()
    assert len(shown) > 1
    assert max(map(len, shown)) <= 80
    assert "".join(shown).replace(" ", "") == f"report:{PATH}[red]:smile:".replace(" ", "")
