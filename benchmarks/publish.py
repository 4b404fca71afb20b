"""Writes the tables of benchmarks/measured into the pages of docs, between their markers.

    posebridge bench benchmarks/figures.yaml --data-root DATA --out runs/figures \\
        --results-file benchmarks/measured/figures.json
    python benchmarks/publish.py            # --check: write nothing, 1 if a page is not up to date

A page has `<!-- table: PLAN PAIR -->`, `<!-- table: PLAN within -->` (which checkpoint of a run),
`<!-- table: PLAN across -->` (which of all runs) or `<!-- table: PLAN verdicts -->` (did it help?, of
benchmarks/verdicts), and `<!-- end -->` after each; but for the first, PLAN may be several, joined by a
plus. Pictures of sweeps go to docs/pictures.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from verdicts import verdict_table

from posebridge.bench import BenchResults, gather, read_plan
from posebridge.bench.results import as_markdown, table
from posebridge.bench.results_file import read_results_file, restore_entries
from posebridge.bench.sweep_curves import write_sweeps
from posebridge.bench.validators import (
    RunCheckpoints,
    across_table,
    comparable,
    runs_with_checkpoints,
    validator_table,
)

ROOT = Path(__file__).parents[1]
PAGES = ("background/results", "background/validators", "how-to/report")
MARKED = re.compile(r"(<!-- table: (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, 1 if a page is old")
    check = parser.parse_args().check
    stale = 0
    outcomes: dict[str, BenchResults] = {}
    runs: dict[str, list[RunCheckpoints]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for record in sorted((ROOT / "benchmarks" / "measured").glob("*.json")):
            plan = read_plan(ROOT / "benchmarks" / f"{record.stem}.yaml")
            out = Path(folder, record.stem)
            for line in restore_entries(read_results_file(record), plan, out):
                print(f"{line}; train it again, or take it out of {record}")
                stale += 1
            outcomes[record.stem] = gather(plan, out)
            runs[record.stem] = runs_with_checkpoints(outcomes[record.stem], out)
            for picture in [] if check else write_sweeps(outcomes[record.stem], out):
                shutil.copy(picture, ROOT / "docs" / "pictures" / picture.name)
    metrics = next(iter(outcomes.values())).metrics

    def filled(found: re.Match[str]) -> str:
        begin, plan, what, end = found.groups()
        plans = plan.split("+")
        judged = [run for name in plans for run in runs[name]]
        if what == "verdicts":
            files = [ROOT / "benchmarks" / "verdicts" / f"{name}.json" for name in plans]
            rows = verdict_table(v for f in files for v in json.loads(f.read_text()).values())
        elif what == "within":
            rows = validator_table(judged, metrics)
        elif what == "across":
            rows = across_table(judged, metrics)
            judged = [run for group in comparable(judged) for run in group]
        else:
            rows = joined(table(outcomes[plan], what), len(metrics))
        count = f"\n\n{len(judged)} runs, {sum(len(r.steps) for r in judged)} checkpoints."
        return f"{begin}{as_markdown(rows)}{count if what in ('within', 'across') else ''}\n{end}"

    for page in (ROOT / "docs" / f"{name}.md" for name in PAGES):
        text = page.read_text(encoding="utf-8")
        new = MARKED.sub(filled, text)
        if new != text:
            print(f"{page} {'is not up to date' if check else 'written'}")
            stale += 1
        if not check:
            page.write_text(new, encoding="utf-8")
    return 1 if check and stale else 0


def joined(rows: list[list[str]], metrics: int) -> list[list[str]]:
    """Return rows with the metric columns of each choice joined: nine columns exceed a page.

    >>> joined([["method", "seeds", "last pck@0.05", "last pck@0.10"], ["a", "1", "2.0", "3.0"]], 2)
    [['method', 'seeds', 'last'], ['a', '1', '2.0 / 3.0']]
    """
    head, *body = rows
    first = range(2, len(head), metrics)
    names = [head[column].rpartition(" ")[0] for column in first]
    # A missing value is shown once.
    cells = [[" / ".join(c for c in r[i : i + metrics] if c) for i in first] for r in body]
    cells = [["-" if set(c) <= set("- /") else c for c in row] for row in cells]
    both = [[*row[:2], *joint] for row, joint in zip(body, cells, strict=True)]
    return [[*head[:2], *names], *both]


if __name__ == "__main__":
    sys.exit(main())
