"""The last words of a run: what changed, by what is known without labels, and where to look."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from posebridge.adaptation.run import RunResult


def print_run_summary(console: Console, result: RunResult) -> None:
    """Print the validator's table, the skipped images and the places to look."""
    if result.validation:
        table = Table(title="agreement of two views of held-out target images (no labels)")
        table.add_column("weights")
        table.add_column("step", justify="right")
        table.add_column("agreement within 0.05", justify="right")
        looks = dict(result.validation)
        first, last = result.validation[0][0], result.validation[-1][0]
        for name, step in (("source", first), ("last", last), ("selected", result.selected)):
            table.add_row(name, str(step), f"{looks[step]:.1f} %")
        console.print(table)
        console.print(
            "Agreement says how steady the model is on the target, not how right it is.",
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
    console.print(
        f"run folder:  {result.folder}\n"
        f"pictures:    {result.folder / 'pictures'}\n"
        f"models:      {result.folder / 'checkpoints'} (source, last, selected)\n"
        f"curves:      tensorboard --logdir {result.folder}\n"
        f"next:        posebridge predict {result.folder} IMAGES --out predictions.json",
        highlight=False,
    )
