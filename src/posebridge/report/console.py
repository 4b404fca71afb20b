"""The console of the commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console


class PlainConsole(Console):
    """A console that prints text unchanged: paths and names may contain brackets and colons.

    A caller that uses rich's markup passes ``markup=True`` and escapes the names. Lines are not
    wrapped in a file or a pipe, so that a program that reads them finds whole paths.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def print(self, *objects: Any, **options: Any) -> None:
        if not self.is_terminal and all(isinstance(part, str) for part in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


def remarks(console: Console) -> Callable[[str], None]:
    """Return a function that prints the remarks of a data reader on a console."""
    return lambda text: console.print(text, highlight=False)


def plain_console() -> Console:
    """Return the console of a command."""
    return PlainConsole()
