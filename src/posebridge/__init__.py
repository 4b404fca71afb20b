"""posebridge: adapt a pose model from labeled rendered images to unlabeled photographs.

import posebridge
posebridge.adapt("renders/annotations.json", "photographs/", "runs/people")
found = posebridge.load("runs/people").predict("photographs/")
posebridge.evaluate("runs/people", "test/annotations.json").metrics
posebridge.make_report("runs/people").judgment.verdict.headline
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from posebridge.errors import InputError
from posebridge.version import __version__

# Before OpenCV is loaded: an image of more pixels than this is a bomb, as Pillow counts it.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2 * 89_478_485))

if TYPE_CHECKING:
    from posebridge.api import adapt, evaluate, load, make_report

__all__ = ["InputError", "__version__", "adapt", "evaluate", "load", "make_report"]


def __getattr__(name: str) -> Any:
    # torch and its company take seconds to import; `posebridge --help` should not.
    if name in __all__:
        return getattr(importlib.import_module("posebridge.api"), name)
    raise AttributeError(f"module 'posebridge' has no attribute '{name}'")
