"""Methods under one protocol: pairs of domains, methods and seeds, run, scored and compared.

    plan.py           a YAML file as a list of runs; those that share a source stage train it once
    plan_file.py      the parts of that file, each read or refused with a sentence
    sweeps.py         one setting at a time in several values: methods of a plan
    sweep_curves.py   a curve for each setting that a plan sweeps
    source_stage.py   which settings the source stage alone has
    config_diff.py    whether a folder holds a run with the settings of the plan
    job.py            one run, or one scoring, as a job that can be killed and called again
    run_results.py    the scores of a run, and whether they are those that the plan wants
    launchers.py      jobs as processes of this machine, or through submitit on a cluster
    results.py        scores gathered over seeds; Markdown, CSV and LaTeX tables, curves
    results_file.py   scores, settings and protocol of a comparison in one JSON file
    validators.py     how well each validator chooses a checkpoint

Labels of a target are read by the scoring alone, after the training of that run has ended.
"""

from posebridge.bench.launchers import Launcher, run_plan
from posebridge.bench.plan import Plan, read_plan
from posebridge.bench.results import BenchResults, gather, write_bench_results

__all__ = [
    "BenchResults",
    "Launcher",
    "Plan",
    "gather",
    "read_plan",
    "run_plan",
    "write_bench_results",
]
