"""The last words of a run: what changed, by what is known without labels, and where to look."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.table import Table

from posebridge.report.run_page import RunReport
from posebridge.training.run import RunResult

_STYLES = {"good": "bold green", "bad": "bold red", "warn": "bold yellow", "plain": "bold"}


def print_run_summary(console: Console, result: RunResult, report: RunReport | None = None) -> None:
    """Print the validator's table, the verdict, the skipped images and the places to look."""
    if not result.finished:
        console.print(
            f"stopped after {result.steps} of {result.planned} steps; go on with\n"
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
        looks = dict(result.validation)
        first, last = result.validation[0][0], result.validation[-1][0]
        for name, step in (("source", first), ("last", last), ("selected", result.selected)):
            table.add_row(name, str(step), f"{looks[step]:.4g}")
        console.print(table)
        console.print(
            "A validator says how steady or sure the model is on the target, not how right it is.",
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
    """The answer, what to do about it, and where the page is."""
    verdict = report.judgement.verdict
    console.print("Did the adaptation help?", end=" ", highlight=False)
    console.print(verdict.headline, style=_STYLES[report.colour], highlight=False)
    console.print(verdict.because, highlight=False)
    if verdict.prefers_source:
        console.print(
            "The weights from before the adaptation are the better choice: --checkpoint source",
            highlight=False,
        )
    elif not report.judgement.labels and verdict.answer != "same":
        console.print(
            "No label was used: steady is not right. Some labelled photographs settle it: "
            "posebridge report RUN --labels FILE",
            style="dim",
            highlight=False,
        )
    console.print(f"report:      {report.page}", highlight=False)
