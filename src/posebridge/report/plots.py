"""Plots of matplotlib as files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from posebridge.files.whole import write_bytes


def write_plot(figure: Any, path: Path, dpi: int, **options: Any) -> None:
    """Write a matplotlib figure whole or not at all; the ending says the format.

    Raises:
        InputError: the place can't be written.
    """
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=dpi, **options)
    write_bytes(path, content.getvalue())
