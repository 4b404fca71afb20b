"""A run folder read incrementally while it grows.

Each look reads what was added to ``metrics.csv`` since the last one. A resumed run writes that file
anew, without the rows after its checkpoint; changed bytes before the last position reveal that.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from posebridge.errors import InputError
from posebridge.files.yaml_files import read_yaml_mapping
from posebridge.training.heartbeat import presence, read_progress
from posebridge.training.metrics_file import HEADER, METRICS, parse_metric_row

RunState = Literal["not started", "preparing", "training", "killed", "stopped", "failed", "done"]
_SILENCE = 120.0
_MEMORY = 64

Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class RunStatus:
    """A run at one moment.

    Attributes:
        state: see :class:`RunWatch`.
        step: steps done. source: of the source stage. planned: of the whole run; 0 where unknown.
        heard: seconds since 1970 of the last sign of life. left: seconds to go.
        curves: metric -> (steps done, value), ascending.
        pictures: (step, file), ascending.
        report: the run's report, where there is one.
        unreadable: the number of damaged rows of ``metrics.csv`` that are left out.
    """

    folder: Path
    state: RunState
    step: int
    source: int
    planned: int
    heard: float | None
    left: float | None
    curves: Mapping[str, Curve]
    pictures: Sequence[tuple[int, Path]]
    report: Path | None
    unreadable: int = 0

    @property
    def looks(self) -> Curve:
        """(step, agreement in percent) of each validation."""
        return self.curves.get("validator/agreement", [])


class RunWatch:
    """Monitors one run folder, which need not exist.

    Its state: *not started* without a configuration; *preparing* before the first step; *training*,
    *stopped*, *failed*, *done* as the run records (:mod:`posebridge.training.heartbeat`); *killed*
    where it records training and its process is gone or silent. A run of a version without that file
    is done when its last step is logged, and training while something was written in the last two
    minutes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._forget()

    def look(self, now: float | None = None) -> RunStatus:
        """Return the present state of the run; ``now`` in seconds since 1970."""
        now = time.time() if now is None else now
        with self._lock:
            self._read_metrics()
            curves = {name: list(rows) for name, rows in self._curves.items()}
        word = read_progress(self.folder)
        logged = max((rows[-1][0] for rows in curves.values()), default=0)
        if word is not None:
            state, step = presence(word, now), word.step
            source, planned, heard = word.source, word.planned, word.updated
        else:
            source, planned = _planned_steps(self.folder)
            step, heard = logged, _modified(self.folder / METRICS)
            state = _state_without_word(self.folder, step, planned, heard, now)
        left = word.seconds_left if word is not None and state == "training" else None
        if left is not None and word is not None:
            left = max(0.0, left - (now - word.updated))
        page = self.folder / "report" / "index.html"
        return RunStatus(
            self.folder,
            *(state, step, source, planned, heard, left, curves, _pictures(self.folder)),
            page if page.is_file() else None,
            self._unreadable,
        )

    def _forget(self) -> None:
        self._curves: dict[str, Curve] = {}
        self._unreadable = 0
        self._place, self._before, self._rest = 0, b"", b""

    def _read_metrics(self) -> None:
        try:
            with (self.folder / METRICS).open("rb") as stream:
                start = max(0, self._place - _MEMORY)
                stream.seek(start)
                if stream.read(self._place - start) != self._before:
                    self._forget()
                    stream.seek(0)
                added = stream.read()
        except OSError:
            self._forget()
            return
        self._place += len(added)
        self._before = (self._before + added)[-_MEMORY:]
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            row = parse_metric_row(line.removesuffix(b"\r"))
            if row is None:
                self._unreadable += line.removesuffix(b"\r") not in (b"", HEADER)
            elif math.isfinite(row.value):
                # Steps are logged by their number from 0.
                self._curves.setdefault(row.name, []).append((row.step + 1, row.value))


def _state_without_word(
    folder: Path, step: int, planned: int, heard: float | None, now: float
) -> RunState:
    if not (folder / "config.yaml").is_file():
        return "not started"
    if heard is None or step == 0:
        return "preparing"
    if planned and step >= planned:
        return "done"
    return "training" if now - heard <= _SILENCE else "killed"


def _planned_steps(folder: Path) -> tuple[int, int]:
    """Return the steps of the source stage, and of both; (0, 0) where the config has none."""
    try:
        steps = read_yaml_mapping(folder / "config.yaml", "configuration").get("steps")
    except InputError:
        return 0, 0
    source, adaptation = (
        steps.get(name) if isinstance(steps, dict) else None for name in ("source", "adaptation")
    )
    if not isinstance(source, int) or not isinstance(adaptation, int):
        return 0, 0
    return (source, source + adaptation) if min(source, adaptation) >= 0 else (0, 0)


def _pictures(folder: Path) -> list[tuple[int, Path]]:
    found = []
    for file in (folder / "pictures").glob("step_*.png"):
        number = re.fullmatch(r"step_(\d+)", file.stem)
        if number:
            found.append((int(number[1]), file))
    return sorted(found)


def _modified(file: Path) -> float | None:
    try:
        return file.stat().st_mtime
    except OSError:
        return None
