"""A bar with the time left on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SECONDS_BETWEEN_LINES = 20.0


class ProgressBar:
    """Steps of one piece of work; use as a context manager."""

    def __init__(self, console: Console, title: str, total: int, done: int = 0) -> None:
        self.console, self.title, self.total = console, title, total
        self._first = self._done = done
        self._start = self._spoken = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(elapsed_when_finished=False),
                TextColumn("{task.fields[note]}", style="dim", markup=False),
                console=console,
            )
            self._task = self._bar.add_task(title, total=total, completed=done, note="")

    def __enter__(self) -> ProgressBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._done > self._first:
            self._speak("")

    def rename(self, title: str) -> None:
        """Say what the work is from now on."""
        if self._bar is not None:
            self._bar.update(self._task, description=title)
        elif title != self.title:
            self.console.print(title)
        self.title = title

    def update(self, done: int, note: str = "") -> None:
        """Say how far the work is."""
        self._done = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        elif time.monotonic() - self._spoken >= SECONDS_BETWEEN_LINES:
            self._speak(note)

    def _speak(self, note: str) -> None:
        now = time.monotonic()
        self._spoken = now
        rate = (self._done - self._first) / max(now - self._start, 1e-9)
        left = (self.total - self._done) / rate if rate > 0 else float("inf")
        self.console.print(
            f"{self.title}: {self._done}/{self.total}, {clock(now - self._start)} elapsed, "
            f"{clock(left)} left{'  ' + note if note else ''}",
            highlight=False,
        )


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
