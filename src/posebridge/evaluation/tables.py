"""Results side by side, in the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from posebridge.errors import InputError
from posebridge.evaluation.metrics import ALL
from posebridge.evaluation.scores import Results

METRICS = ("pck@0.05", "pck@0.10")
_ABSENT = "-"


@dataclass(frozen=True)
class _Grid:
    """A table as text: (name, metric) of each column, and rows that start with the group's name."""

    headers: list[tuple[str, str]]
    rows: list[list[str]]
    caption: str


def results_table(
    columns: Mapping[str, Results], metrics: Sequence[str] = METRICS, title: str | None = None
) -> Table:
    """Return a table with a row for each group, ``all`` last, and a column for each result and metric.

    Two results get one more column for each metric: the change from the first to the second.

    Args:
        columns: heading -> results, such as ``{"source only": ..., "adapted": ...}``.
        metrics: keys of :attr:`Results.metrics`.
        title: above the table.

    Raises:
        InputError: a result lacks a metric, or the results differ in normalizer.
    """
    grid = _grid(columns, metrics)
    # Text objects, because a plain string may be read as markup: a dataset's name can be anything.
    # Without vertical lines three pairs of columns fit in 80 characters.
    table = Table(
        title=Text(title, style="table.title") if title else None,
        caption=Text(grid.caption, style="table.caption"),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    # A group's name is never cut; the headings of the number columns wrap instead.
    width = max(len(row[0]) for row in grid.rows)
    table.add_column("joints", no_wrap=True, min_width=width)
    for name, metric in grid.headers:
        table.add_column(Text(f"{name}\n{metric}"), justify="right")
    for number, row in enumerate(grid.rows):
        before_last = number == len(grid.rows) - 2
        table.add_row(*(Text(cell) for cell in row), end_section=before_last)
    return table


def markdown_table(columns: Mapping[str, Results], metrics: Sequence[str] = METRICS) -> str:
    """Return the table of :func:`results_table` as Markdown, with its caption below."""
    grid = _grid(columns, metrics)
    lines = [
        ["joints", *(f"{name} {metric}" for name, metric in grid.headers)],
        ["---", *("---:" for _ in grid.headers)],
        *grid.rows,
    ]
    body = "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
    return f"{body}\n\n{grid.caption}\n"


def _grid(columns: Mapping[str, Results], metrics: Sequence[str]) -> _Grid:
    if not columns or not metrics:
        raise ValueError("a table needs at least one result and one metric")
    _require_comparable(columns, metrics)
    headers = [(name, metric) for name in columns for metric in metrics]
    names = list(columns)
    compared = len(names) == 2
    if compared:
        headers += [("change", metric) for metric in metrics]

    rows = []
    for group in _groups(columns, metrics):
        values = [columns[name].metrics[metric].get(group) for name in names for metric in metrics]
        cells = [_ABSENT if value is None else f"{value:.1f}" for value in values]
        if compared:
            first, second = values[: len(metrics)], values[len(metrics) :]
            cells += [_difference(a, b) for a, b in zip(first, second, strict=True)]
        rows.append([group, *cells])
    return _Grid(headers=headers, rows=rows, caption=_caption(columns, metrics))


def _require_comparable(columns: Mapping[str, Results], metrics: Sequence[str]) -> None:
    for name, results in columns.items():
        for metric in metrics:
            if metric not in results.metrics:
                raise InputError(
                    f"the results '{name}' have no metric '{metric}'; "
                    f"they have: {', '.join(results.metrics)}."
                )
    used = {name: str(results.protocol.get("normalizer")) for name, results in columns.items()}
    if len(set(used.values())) > 1:
        raise InputError(
            "the results cannot share a table because their normalizers differ ("
            + ", ".join(f"{name}: {kind}" for name, kind in used.items())
            + "); score them with the same normalizer."
        )


def _groups(columns: Mapping[str, Results], metrics: Sequence[str]) -> list[str]:
    """Return the rows of all results, in the order of the first result, ``all`` last."""
    seen = dict.fromkeys(
        group
        for results in columns.values()
        for metric in metrics
        for group in results.metrics[metric]
    )
    return [group for group in seen if group != ALL] + [group for group in seen if group == ALL]


def _difference(first: float | None, second: float | None) -> str:
    if first is None or second is None:
        return _ABSENT
    # Adding zero turns a rounded -0.0 into +0.0.
    return f"{round(second - first, 1) + 0.0:+.1f}"


def _caption(columns: Mapping[str, Results], metrics: Sequence[str]) -> str:
    """Return the protocol in a line; counts appear once if all results share them."""
    units = ["percent"] if any(not metric.startswith("epe") for metric in metrics) else []
    units += ["epe in pixels"] if any(metric.startswith("epe") for metric in metrics) else []
    sets = {}
    for name, results in columns.items():
        protocol = results.protocol
        sets[name] = (
            f"{protocol.get('joints', '?')} labeled joints of "
            f"{protocol.get('subjects', '?')} subjects in {protocol.get('dataset', '?')}"
        )
    shared = set(sets.values())
    counts = (
        shared.pop() if len(shared) == 1 else "; ".join(f"{k}: {text}" for k, text in sets.items())
    )
    kind = next(iter(columns.values())).protocol.get("normalizer", "?")
    return f"{', '.join(units)}; normalizer {kind}; pooled over {counts}"
