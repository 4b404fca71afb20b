"""Where commands print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console


class PlainConsole(Console):
    """Prints text as it is: paths and names may hold brackets and colons.

    What wants rich's markup asks for it with ``markup=True``, its names escaped. Where nobody looks on,
    in a file or a pipe, a line is a line: what reads it must find paths whole.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def print(self, *objects: Any, **options: Any) -> None:
        if not self.is_terminal and all(isinstance(part, str) for part in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


def remarks(console: Console) -> Callable[[str], None]:
    """Prints what a reader says: what takes long, what it leaves out."""
    return lambda text: console.print(text, highlight=False)


def plain_console() -> Console:
    """The console of a command."""
    return PlainConsole()
