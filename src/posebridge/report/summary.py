"""The summary at the end of a run: the label-free metrics, the verdict and the files."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.table import Table

from posebridge.report.run_page import RunReport
from posebridge.training.run import RunResult

_STYLES = {"good": "bold green", "bad": "bold red", "warn": "bold yellow", "plain": "bold"}


def print_run_summary(console: Console, result: RunResult, report: RunReport | None = None) -> None:
    """Print the validator's table, the verdict, the skipped images and the output files."""
    if not result.finished:
        console.print(
            f"stopped after {result.steps} of {result.planned} steps; resume with\n"
            f"    posebridge adapt --resume --out {shlex.quote(str(result.folder))}",
            style="bold",
            highlight=False,
            soft_wrap=True,
        )
    if result.validation:
        table = Table(title=f"{result.measure} (no labels)")
        table.add_column("weights")
        table.add_column("step", justify="right")
        table.add_column("validator", justify="right")
        values = dict(result.validation)
        first, last = result.validation[0][0], result.validation[-1][0]
        for name, step in (("source", first), ("last", last), ("selected", result.selected)):
            table.add_row(name, str(step), f"{values[step]:.4g}")
        console.print(table)
        console.print(
            "A validator measures steadiness or confidence on the target, not accuracy.",
            style="dim",
            highlight=False,
        )
    if result.skipped:
        console.print(
            f"{len(result.skipped)} images could not be read and were skipped: "
            f"{result.folder / 'skipped.txt'}",
            style="yellow",
            highlight=False,
        )
    if report is not None:
        print_verdict(console, report)
    folder = shlex.quote(str(result.folder))
    console.print(
        f"run folder:  {result.folder}\n"
        f"pictures:    {result.folder / 'pictures'}\n"
        f"models:      {result.folder / 'checkpoints'} (source, last, selected)\n"
        f"curves:      tensorboard --logdir {folder}\n"
        f"next:        posebridge predict {folder} IMAGES --out predictions.json",
        highlight=False,
    )


def print_verdict(console: Console, report: RunReport) -> None:
    """Print the verdict, the advice that follows from it, and the path of the page."""
    verdict = report.judgment.verdict
    console.print("Did the adaptation help?", end=" ", highlight=False)
    console.print(verdict.headline, style=_STYLES[report.tone], highlight=False)
    console.print(verdict.because, highlight=False)
    if verdict.prefers_source:
        console.print(
            "The checkpoint from before the adaptation is the better choice: --checkpoint source",
            highlight=False,
        )
    elif not report.judgment.labels and verdict.answer != "same":
        console.print(
            "No label was used: steady is not right. Some labeled photographs settle it: "
            "posebridge report RUN --labels FILE",
            style="dim",
            highlight=False,
        )
    console.print(f"report:      {report.page}", highlight=False)
