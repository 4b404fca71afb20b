"""Optional libraries: a sentence with the pip command where one is missing."""

from __future__ import annotations

import importlib
from typing import Any

from posebridge.errors import InputError


def need(module: str, extra: str, purpose: str) -> Any:
    """Import an optional library.

    Args:
        module: the module to import. extra: the extra of posebridge that installs it.
        purpose: its use, such as ``"reading a .slp file"``.

    Raises:
        InputError: the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{purpose} needs {module.partition('.')[0]} ({error}); install it with "
            f"pip install 'posebridge[{extra}]'."
        ) from error
