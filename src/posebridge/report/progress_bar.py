"""Progress with the time left: a bar on a terminal, a line every 20 seconds in a log."""

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
    """Progress over the steps of one task; a context manager."""

    def __init__(self, console: Console, title: str, total: int, done: int = 0) -> None:
        self.console, self.title, self.total = console, title, total
        self._first = self._done = done
        self._start = self._printed = time.monotonic()
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
            self._print_line("")

    def rename(self, title: str) -> None:
        """Change the title of the task."""
        if self._bar is not None:
            self._bar.update(self._task, description=title)
        elif title != self.title:
            self.console.print(title)
        self.title = title

    def update(self, done: int, note: str = "") -> None:
        """Set the number of steps done, with a note."""
        self._done = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        elif time.monotonic() - self._printed >= SECONDS_BETWEEN_LINES:
            self._print_line(note)

    def _print_line(self, note: str) -> None:
        now = time.monotonic()
        self._printed = now
        rate = (self._done - self._first) / max(now - self._start, 1e-9)
        left = (self.total - self._done) / rate if rate > 0 else float("inf")
        self.console.print(
            f"{self.title}: {self._done}/{self.total}, {clock(now - self._start)} elapsed, "
            f"{clock(left)} left{'  ' + note if note else ''}",
            highlight=False,
        )


def clock(seconds: float) -> str:
    """Format seconds as m:ss or h:mm:ss."""
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
