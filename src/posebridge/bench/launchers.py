"""The missing runs of a comparison, run on this machine or on a cluster.

Source stages come before the runs that start from them, and runs before those that score their models
with another test-time augmentation. All other runs are independent. On a cluster these are three waves.
A run that fails does not stop the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from posebridge.bench.config_diff import require_same_settings
from posebridge.bench.job import get_state, require_labels
from posebridge.bench.plan import Plan, RunSpec
from posebridge.errors import InputError
from posebridge.termination import terminated_by_sigterm

Launcher = Literal["processes", "slurm"]
_PATIENCE = 30.0
"""Seconds that a run has to end by itself; it ends after its current step."""


def run_plan(
    plan: Plan,
    command: Sequence[str],
    out: Path,
    console: Console,
    jobs: int = 1,
    launcher: Launcher = "processes",
    cluster_options: dict[str, Any] | None = None,
) -> list[str]:
    """Run every run of a plan that is not done.

    Args:
        command: the command line of one run; the run's name is appended.
        jobs: processes at a time on this machine; with one, its progress is shown, with several
            each writes into the ``log.txt`` of its folder.
        cluster_options: parameters of submitit, such as ``{"slurm_partition": "gpu"}``.

    Returns:
        the names of the runs that failed.

    Raises:
        InputError: a folder holds a run with another config, or the labels that score a pending run
            are missing; nothing was started.
    """
    for training in plan.trainings:
        require_same_settings(training, out)
    waves: dict[str, list[RunSpec]] = {
        kind: [] for kind in ("source stages", "runs", "runs with other test-time augmentation")
    }
    for training in plan.trainings:
        kind = "runs" if training.taught_by is None else "runs with other test-time augmentation"
        waves["source stages" if training.method is None else kind].append(training)
    states = {training.name: get_state(training, out) for training in plan.trainings}
    # A source stage is not trained where every run that starts from it is trained, here or elsewhere.
    starting: dict[str | None, list[bool]] = {}
    for training in plan.trainings:
        starting.setdefault(training.source_stage, []).append(states[training.name].trained)
    spare = {stage for stage, trained in starting.items() if all(trained)}
    left: list[list[RunSpec]] = []
    for kind, wave in waves.items():
        left.append([t for t in wave if not states[t.name].done and t.name not in spare])
        if wave:
            done = len(wave) - len(left[-1])
            word = "done" if kind != "source stages" else "done or not needed"
            console.print(f"{kind}: {done} of {len(wave)} are {word}", highlight=False)
    pending = [training for wave in left for training in wave]
    for training in pending:
        require_labels(training)
    if launcher == "slurm":
        return _on_cluster(left, command, out, console, cluster_options or {})
    with terminated_by_sigterm():
        if jobs == 1:
            return _one_by_one(pending, command, console)
        return _side_by_side(pending, command, out, console, jobs)


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """End runs and wait for their processes: the next session may resume from their folders."""
    left = [process for process in processes if process.poll() is None]
    for process in left:
        process.terminate()
    until = time.monotonic() + _PATIENCE
    for process in left:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _needs(training: RunSpec) -> set[str]:
    """Return the names of the runs that have to finish before a run."""
    return {name for name in (training.source_stage, training.taught_by) if name is not None}


def cluster_options(given: Sequence[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` entries as parameters of submitit, whole numbers as integers.

    >>> cluster_options(["slurm_partition=gpu", "timeout_min=600"])
    {'slurm_partition': 'gpu', 'timeout_min': 600}

    Raises:
        InputError: an entry without a name, or without an equals sign.
    """
    options: dict[str, Any] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not name or not equals:
            raise InputError(f"--cluster is '{entry}'; give NAME=VALUE, such as timeout_min=600.")
        options[name] = int(value) if value.isascii() and value.isdigit() else value
    return options


def _one_by_one(pending: Sequence[RunSpec], command: Sequence[str], console: Console) -> list[str]:
    failed: list[str] = []
    for number, training in enumerate(pending, start=1):
        if _needs(training) & set(failed):
            failed.append(training.name)
            continue
        console.rule(f"{number} of {len(pending)}: {training.name}", align="left")
        # A process for each run: it inherits no memory, threads or randomness.
        process = subprocess.Popen([*command, training.name])
        try:
            code = process.wait()
        finally:
            _end([process])
        if code != 0:
            failed.append(training.name)
    return failed


def _side_by_side(
    pending: Sequence[RunSpec], command: Sequence[str], out: Path, console: Console, jobs: int
) -> list[str]:
    """Start each run as soon as the runs it needs are finished and a process is free."""
    waiting = list(pending)
    running: dict[str, subprocess.Popen[bytes]] = {}
    failed: list[str] = []
    # Threads that compete for cores slow each other down: each process gets its part of the cores.
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))}
    try:
        while waiting or running:
            hopeless = [t.name for t in waiting if _needs(t) & set(failed)]
            failed += hopeless
            waiting = [t for t in waiting if t.name not in hopeless]
            unfinished = {*hopeless, *running, *(t.name for t in waiting)}
            ready = [t.name for t in waiting if not _needs(t) & unfinished]
            for name in ready[: jobs - len(running)]:
                log = out / name / "log.txt"
                log.parent.mkdir(parents=True, exist_ok=True)
                with log.open("ab") as stream:
                    running[name] = subprocess.Popen(
                        [*command, name],
                        stdout=stream,
                        stderr=subprocess.STDOUT,
                        env=threads | os.environ,
                    )
                console.print(f"{name}: started, see {log}", highlight=False)
            waiting = [t for t in waiting if t.name not in running]
            time.sleep(0.2)
            for name, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[name]
                word = "done" if process.returncode == 0 else "failed"
                console.print(f"{name}: {word}", highlight=False)
                failed += [name] if process.returncode else []
    finally:
        _end(running.values())
    return failed


def _on_cluster(
    waves: Sequence[Sequence[RunSpec]],
    command: Sequence[str],
    out: Path,
    console: Console,
    options: dict[str, Any],
) -> list[str]:
    if not any(waves):
        return []
    try:
        import submitit
    except ImportError as error:
        raise InputError(
            "the launcher 'slurm' needs submitit; install it with pip install 'posebridge[slurm]'."
        ) from error
    options = {"cluster": "slurm", "timeout_min": 24 * 60, "slurm_gpus_per_node": 1, **options}
    try:
        executor = submitit.AutoExecutor(folder=out / "slurm", cluster=options.pop("cluster"))
        executor.update_parameters(**options)
    except (RuntimeError, NameError) as error:
        raise InputError(f"the launcher 'slurm' cannot be used here: {error}.") from error
    failed: list[str] = []
    for wave in waves:
        hopeless = [t.name for t in wave if _needs(t) & set(failed)]
        names = [t.name for t in wave if t.name not in hopeless]
        failed += hopeless
        handed_in = [(n, executor.submit(subprocess.call, [*command, n])) for n in names]
        for name, job in handed_in:
            console.print(f"{name}: job {job.job_id}, logs in {out / 'slurm'}", highlight=False)
        for name, job in handed_in:
            try:
                code = job.result()
            except Exception as error:  # any failure of the cluster
                console.print(f"{name}: {type(error).__name__}: {error}", highlight=False)
                code = 1
            failed += [name] if code else []
    return failed


def own_command(plan_file: Path, out: Path, data_root: str | None) -> list[str]:
    """Return the command line that runs one run of a plan.

    ``-P`` keeps the current folder off the path of Python: a file there would be imported.
    """
    root = [] if data_root is None else ["--data-root", data_root]
    return [
        *(sys.executable, "-P", "-m", "posebridge.cli.main", "bench", str(plan_file)),
        *("--out", str(out), *root, "--run"),
    ]
