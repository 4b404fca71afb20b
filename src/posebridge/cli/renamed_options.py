"""Old names of commands and options, each with the name of today.

An old name is refused in one sentence that gives the new one. Old names of settings, such as
``--teacher-decay``, are refused where settings are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posebridge.errors import InputError

RENAMED_COMMANDS: Mapping[str, str] = {
    "figures": "synth",
    "style": "train-style",
    "data": "datasets",
}
"""Old command -> new command."""

_TTA = {"--views": "--tta-views", "--flip": "--tta-flip", "--turn": "--tta-rotation"}

RENAMED_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "app": {"--confidence": "--min-confidence", "--frames": "--max-frames"},
    "bench": {
        "--record": "--results-file",
        "--table": "--tables-only",
        "--list": "--status",
        "--only": "--run",
    },
    "check": {
        "--images": "--image-root",
        "--source-images": "--source-image-root",
        "--target-images": "--target-image-root",
        "--test-images": "--test-image-root",
    },
    "compare": {
        "--image-folder": "--image-root",
        "--weights-a": "--checkpoint-a",
        "--weights-b": "--checkpoint-b",
    },
    "convert": {"--images": "--image-root"},
    "datasets": {"--frames": "--frame-step"},
    "evaluate": {
        **_TTA,
        "--images": "--image-root",
        "--mapping": "--keypoint-mapping",
        "--normaliser": "--normalizer",  # dialect: ok
        "--record": "--update-card",
        "--weights": "--checkpoint",
    },
    "export": {"--weights": "--checkpoint"},
    "predict": {
        **_TTA,
        "--confidence": "--min-confidence",
        "--detect": "--detector-class",
        "--every": "--frame-step",
        "--frames": "--max-frames",
        "--image-folder": "--image-root",
        "--keep-frames": "--save-frames",
        "--least-score": "--min-score",  # dialect: ok
        "--least-size": "--min-box-size",  # dialect: ok
        "--weights": "--checkpoint",
    },
    "push": {"--weights": "--checkpoint"},
    "skeleton": {"--mapping": "--keypoint-mapping"},
    "report": {
        "--images": "--max-images",
        "--label-images": "--label-image-root",
        "--weights": "--checkpoint",
    },
}
"""Command -> old option -> new option."""


def refuse_renamed_options(command: str, arguments: Sequence[str]) -> None:
    """Raise InputError for an option that has another name today.

    >>> refuse_renamed_options("predict", ["runs/people", "--frame-step", "5"])
    """
    renamed = RENAMED_OPTIONS.get(command, {})
    for argument in arguments:
        option = argument.partition("=")[0]
        new = renamed.get(option.replace("_", "-")) if option.startswith("--") else None
        if new is not None:
            raise InputError(f"{option} is now {new}; give that instead.")
