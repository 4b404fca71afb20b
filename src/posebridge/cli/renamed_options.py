"""Old names of commands and options. Each is refused in one sentence that gives the name of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posebridge.errors import InputError

COMMANDS: Mapping[str, str] = {"data": "datasets", "figures": "synth", "style": "train-style"}

_TTA = {"--views": "--tta-views", "--flip": "--tta-flip", "--turn": "--tta-rotation"}

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "app": {"--confidence": "--min-confidence", "--frames": "--max-frames"},
    "bench": {
        "--list": "--status",
        "--only": "--run",
        "--record": "--results-file",
        "--table": "--tables-only",
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
    "report": {
        "--images": "--max-images",
        "--label-images": "--label-image-root",
        "--weights": "--checkpoint",
    },
    "skeleton": {"--mapping": "--keypoint-mapping"},
}
"""Command of today -> old option -> option of today. Options that are config fields: posebridge.renamed."""


def require_new_names(command: str, arguments: Sequence[str]) -> None:
    """Raise InputError at the first option of a command that has another name today.

    >>> require_new_names("export", ["runs/people", "--checkpoint", "selected"])
    """
    renamed = OPTIONS.get(command, {})
    for argument in arguments:
        old = argument.partition("=")[0]
        new = renamed.get(old.replace("_", "-"))
        if new is not None:
            raise InputError(f"the option {old} is called {new} now.")


def require_new_command(name: str) -> None:
    """Raise InputError where a command has another name today."""
    if name in COMMANDS:
        raise InputError(f"the command '{name}' is called '{COMMANDS[name]}' now.")
