"""Matplotlib figures as files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from posebridge.files.whole import write_bytes


def write_plot(figure: Any, path: Path, dpi: int, **options: Any) -> None:
    """Write a matplotlib figure whole or not at all, in the format of the ending.

    Raises:
        InputError: the path can't be written.
    """
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=dpi, **options)
    write_bytes(path, content.getvalue())
