"""``origin.json``: the folder that a run started in, and a checksum of its data.

Paths of ``config.yaml`` are stored as given, often relative to the folder in which the run started.
The file names that folder. Its checksum of the subjects makes sure that a run resumes on the same data
where the data moved. Losing the file does no other harm.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.json_files import read_json
from posebridge.files.whole import write_text

ORIGIN = "origin.json"


@dataclass(frozen=True)
class Origin:
    """The folder that a run started in, and its data.

    Attributes:
        folder: the folder that relative paths of the configuration start from.
        from_run: that folder as a path from the run folder, for a project that moves as a whole.
        source, target: checksums of the subjects; None for a missing source.
        source_subjects, target_subjects: numbers of subjects.
    """

    folder: str
    from_run: str
    source: str | None
    target: str
    source_subjects: int
    target_subjects: int

    @classmethod
    def of(cls, run: Path, source: LabeledSamples | None, target: UnlabeledSamples) -> Origin:
        """Return the origin of a run that starts or resumes in the current folder."""
        here = os.getcwd()
        return cls(
            here,
            os.path.relpath(here, os.path.realpath(run)),
            None if source is None else _digest(source.images, source.points, source.labeled),
            _digest(target),
            0 if source is None else len(source),
            len(target),
        )

    def write(self, run: Path) -> None:
        """Write the file of a run folder."""
        write_text(run / ORIGIN, json.dumps(asdict(self), indent=2))


def read_origin(run: Path) -> Origin | None:
    """Return the origin that a run folder records; None without a file or with an invalid one."""
    file = run / ORIGIN
    if not file.is_file():
        return None
    try:
        content = read_json(file, "origin")
    except InputError:
        return None
    return Origin(**content) if _makes_sense(content) else None


def _makes_sense(content: Any) -> bool:
    if not isinstance(content, dict) or set(content) != {f.name for f in fields(Origin)}:
        return False
    texts = (content[name] for name in ("folder", "from_run", "target"))
    counts = (content[name] for name in ("source_subjects", "target_subjects"))
    return (
        all(isinstance(text, str) and "\0" not in text for text in texts)
        and isinstance(content["source"], (str, type(None)))
        and all(isinstance(count, int) and not isinstance(count, bool) for count in counts)
    )


def require_same_data(before: Origin | None, now: Origin, run: Path) -> None:
    """Raise InputError where a run would resume on other data than it started with."""
    if before is None:
        return
    for name in ("source", "target"):
        if getattr(before, name) == getattr(now, name):
            continue
        counts = tuple(getattr(origin, f"{name}_subjects") for origin in (before, now))
        what = (
            f"{counts[0]} subjects then, {counts[1]} now"
            if counts[0] != counts[1]
            else "other images, boxes or keypoints"
        )
        raise InputError(
            f"the {name} is not the one that the run {run} started with ({what}); give the data as it "
            f"was, with --{name} or --data-root where it moved, or start a new run."
        )


def _digest(samples: UnlabeledSamples, *arrays: np.ndarray) -> str:
    """Return a checksum of subjects in order: file names without folders, and all numbers."""
    files, which = np.unique(samples.files, return_inverse=True)
    names: Sequence[bytes] = [os.path.basename(bytes(name)) for name in files]
    content = hashlib.sha256(b"\n".join(names))
    for array in (which.reshape(-1).astype("<i8"), samples.boxes, *arrays):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()
