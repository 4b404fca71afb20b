"""``posebridge bench``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge bench comparison.yaml --out runs/comparison
  posebridge bench comparison.yaml --out runs/comparison --tables-only
  posebridge bench comparison.yaml --out runs/comparison --results-file comparison.json
  posebridge bench comparison.yaml --out runs/comparison --launcher slurm \\
      --cluster slurm_partition=gpu

a comparison.yaml:
  budget: {steps.source: 1000, steps.adaptation: 500, steps.keep_checkpoint_every: 100}
  seeds: [0, 1, 2]
  baseline: source_only
  pairs:
    people:
      settings: {source: renders/annotations.json, target: photographs/}
      test: test/annotations.json
  methods:
    source_only: {preset: source_only}
    multilevel: {preset: multilevel}
    no_feature: {preset: multilevel, settings: {feature.weight: 0}, seeds: [0]}
"""


def main(arguments: Sequence[str]) -> int:
    """Run a comparison; see ``posebridge bench --help``."""
    from posebridge.cli.arguments import add_data_root, add_out, make_parser

    parser = make_parser(
        "bench",
        "Compare methods over pairs of domains and seeds. Missing runs are made and stopped runs "
        "are resumed; runs with the same source stage share it. Tables (Markdown, CSV, LaTeX) and "
        "curves are written into the folder.",
        EXAMPLES,
    )
    parser.add_argument("plan", help="a YAML file: pairs, methods, seeds, budget")
    add_out(parser, "folder of all runs and of the tables", "FOLDER")
    add_data_root(parser, " and of the plan's relative paths")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="runs at the same time (default: 1)"
    )
    parser.add_argument(
        "--launcher",
        choices=("processes", "slurm"),
        default="processes",
        help="processes of this machine (default), or a cluster through submitit",
    )
    parser.add_argument(
        "--cluster",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of submitit, such as slurm_partition=gpu",
    )
    parser.add_argument(
        "--results-file",
        metavar="FILE",
        help="a JSON file of all scores: its runs count as done, and finished runs are added",
    )
    parser.add_argument(
        "--tables-only", action="store_true", help="train nothing, write the tables again"
    )
    parser.add_argument("--status", action="store_true", help="list the runs and their state")
    parser.add_argument("--run", metavar="RUN", help="make this run and no other")
    given = parser.parse_args(arguments)

    from posebridge.bench import gather, read_plan, run_plan, write_bench_results
    from posebridge.bench.config_diff import changed_since
    from posebridge.bench.job import do_training, get_state
    from posebridge.bench.launchers import cluster_options, own_command
    from posebridge.bench.results_file import (
        read_results_file,
        restore_entries,
        update_entries,
        write_results_file,
    )
    from posebridge.bench.sweep_curves import write_sweeps
    from posebridge.bench.validators import runs_with_checkpoints, write_validator_table
    from posebridge.cli.output_paths import require_file, require_folder
    from posebridge.errors import InputError
    from posebridge.files.whole import folder_written_whole
    from posebridge.report.console import plain_console

    console = plain_console()
    out = Path(given.out) if given.status else require_folder(given.out)
    if given.results_file is not None:
        require_file(given.results_file, "--results-file")
    plan = read_plan(given.plan, given.data_root)
    if given.jobs < 1:
        raise InputError(f"--jobs is {given.jobs}; give 1 or more.")
    record = None if given.results_file is None else Path(given.results_file)
    recorded = {} if record is None else read_results_file(record)
    for line in restore_entries(recorded, plan, out):
        console.print(
            f"{line}, which differs from this one: left out", style="yellow", highlight=False
        )
    if given.status:
        for training in plan.trainings:
            state = get_state(training, out)
            word = "done" if state.done else "trained" if state.trained else "to do"
            word = "differs" if state.changed else word
            why = f" (started with other {', '.join(state.changed)})" if state.changed else ""
            console.print(f"{word:<8} {training.name}{why}", highlight=False)
        return 0
    if given.run:
        do_training(plan.training(given.run), out, console)
        return 0
    failed: list[str] = []
    if not given.tables_only:
        failed = run_plan(
            plan,
            own_command(Path(given.plan), out, given.data_root),
            out,
            console,
            given.jobs,
            given.launcher,
            cluster_options(given.cluster),
        )
    outcome = gather(plan, out)
    if record is not None:
        write_results_file(update_entries(recorded, plan, out), record)
    judged = runs_with_checkpoints(outcome, out)
    with folder_written_whole(out, merge=True) as partial:
        files = write_bench_results(outcome, partial)
        files += write_sweeps(outcome, partial)
        files += write_validator_table(judged, outcome.metrics, partial)
    files = [out / file.relative_to(partial) for file in files]
    for file in files:
        if file.suffix == ".md":
            console.print(f"\n{file.stem}\n{file.read_text(encoding='utf-8')}", highlight=False)
    for name in outcome.missing:
        changed = changed_since(plan.training(name), out)
        why = f", started with other {', '.join(changed)}: left out" if changed else ""
        console.print(f"no scores yet: {name}{why}", style="yellow", highlight=False)
    files += [] if record is None else [record]
    console.print("written: " + ", ".join(map(str, files)), highlight=False)
    if failed:
        console.print(f"failed: {', '.join(failed)}", style="red", highlight=False)
    return 1 if failed else 0
