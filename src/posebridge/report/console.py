"""Where commands print."""

from __future__ import annotations

from rich.console import Console


def plain_console() -> Console:
    """A console that prints text as it is: paths and names may hold brackets and colons.

    What wants rich's markup asks for it with ``markup=True``, its names escaped.
    """
    return Console(markup=False, emoji=False)
