"""A comparison's scores as one results file without checkpoints, small enough for a repository.

A run of ten minutes leaves fifty megabytes of checkpoints and ten lines of metrics. The results file
keeps the metrics and the config behind them. Tables can be written from it elsewhere, and a comparison
can move to another machine: a run in the results file counts as done. Paths are stored as in the plan.

    {"trainings": {"people/multilevel/seed_0": {
        "settings": {...}, "source_stage": "source_stage/seed_0_97edbdab", "seconds": 660.2,
        "source_validation": null, "protocol": {...},
        "checkpoints": {"last": {"step": 4200, "metrics": {...}, "validators": {...}}}}}}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeGuard

from posebridge.bench.config_diff import changed_settings, get_stored_config, same_stage
from posebridge.bench.job import get_state
from posebridge.bench.plan import Plan, RunSpec
from posebridge.bench.run_results import (
    FINISHED,
    kept_checkpoints,
    read_finished,
    read_scores,
    read_validator_scores,
    score_file,
    write_validator_scores,
)
from posebridge.errors import InputError
from posebridge.evaluation import Results
from posebridge.files.json_files import read_json
from posebridge.files.whole import write_text
from posebridge.models.tta import TTAConfig

_LEFT_OUT = ("dataset", "model", "step", "weights", "selection")
"""Entries of a protocol that belong to a machine or a checkpoint; the plan's entries stay."""
_DECIMALS = 4
_CHECKPOINT = re.compile(r"last|selected|step_\d+", re.ASCII)

Metrics = Mapping[str, Mapping[str, float | None]]

Entries = dict[str, dict[str, Any]]
"""Name of a run -> its entry in the results file."""


def read_results_file(file: Path) -> Entries:
    """Return the entries of a results file, empty without a file.

    Raises:
        InputError: the file is not a results file.
    """
    if not file.exists():
        return {}
    content = read_json(file, "results file of a comparison")
    entries = content.get("trainings") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not all(map(_whole, entries.values())):
        raise InputError(
            f"{file} is not a results file of a comparison; give the file that an earlier 'posebridge "
            "bench --results-file' wrote, or a new name."
        )
    return entries


def _whole(entry: Any) -> bool:
    """Return whether :func:`restore_entries` can read an entry, and would write nothing outside the run."""
    parts = ("settings", "protocol", "checkpoints")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(p), dict) for p in parts):
        return False
    protocol = entry["protocol"]
    thresholds = protocol.get("thresholds", [])
    try:
        TTAConfig(**{f.name: protocol[f.name] for f in fields(TTAConfig) if f.name in protocol})
    except (InputError, TypeError):
        return False
    return (
        isinstance(thresholds, list)
        and all(map(_finite, thresholds))
        # The names become file names.
        and all(map(_CHECKPOINT.fullmatch, entry["checkpoints"]))
        and all(map(_whole_checkpoint, entry["checkpoints"].values()))
    )


def _whole_checkpoint(told: Any) -> bool:
    if not isinstance(told, dict):
        return False
    step, metrics, values = told.get("step"), told.get("metrics"), told.get("validators")
    return (
        (step is None or (type(step) is int and step >= 0))
        and (metrics is None or _numbers_by_name(metrics, 2))
        and (values is None or _numbers_by_name(values, 1))
    )


def _numbers_by_name(found: Any, levels: int) -> bool:
    """Return whether names, nested in ``levels``, map to finite numbers or null."""
    if not isinstance(found, dict) or (levels == 2 and not found):
        return False
    if levels > 1:
        return all(_numbers_by_name(row, levels - 1) for row in found.values())
    return all(value is None or _finite(value) for value in found.values())


def _finite(value: Any) -> TypeGuard[float]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) < math.inf


def restore_entries(entries: Entries, plan: Plan, out: Path) -> list[str]:
    """Write the scores of a results file into the folders of runs that were not started here.

    Returns:
        a line for each run of the plan that is left out because its recorded config differs.
    """
    refused = []
    for training in plan.trainings:
        entry = entries.get(training.name)
        if entry is None or (out / training.run / "config.yaml").is_file():
            continue
        changed = changed_settings(training.config, entry["settings"])
        if not same_stage(entry.get("source_stage"), training.source_stage):
            changed.append("source stage")
        if changed:
            refused.append(f"{training.name} was recorded with other {', '.join(changed)}")
            continue
        if training.taught_by is None:
            names = list(entry["checkpoints"])
            finished = {
                **{name: entry.get(name) for name in ("seconds", "settings", "source_stage")},
                "checkpoints": names,
            }
            write_text(out / training.name / FINISHED, json.dumps(finished, indent=2))
        for checkpoint, told in entry["checkpoints"].items():
            if told.get("metrics") is not None:
                own = {"step": told.get("step"), "weights": checkpoint, "selection": checkpoint}
                results = Results(told["metrics"], {**entry["protocol"], **own})
                results.write(score_file(training, out, checkpoint))
            same = entry.get("source_validation") == training.source_validation
            if told.get("validators") is not None and same:
                values = {name: v for name, v in told["validators"].items() if v is not None}
                write_validator_scores(training, out, checkpoint, values)
    return refused


def update_entries(entries: Entries, plan: Plan, out: Path) -> Entries:
    """Return the entries of a results file, with every run that is done by now replaced."""
    done = dict(entries)
    for training in plan.trainings:
        if training.method is None or not get_state(training, out).done:
            continue
        done[training.name] = _entry(training, out)
    return done


def write_results_file(entries: Entries, file: Path) -> None:
    """Write a results file, one line for each run."""
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(entries.items())]
    write_text(file, '{"trainings": {\n' + ",\n".join(lines) + "\n}}\n")


def _entry(training: RunSpec, out: Path) -> dict[str, Any]:
    protocol: dict[str, Any] = {}
    checkpoints: dict[str, Any] = {}
    for name in kept_checkpoints(training, out):
        results = read_scores(training, out, name)
        told = {} if results is None else results.protocol
        protocol = protocol or {n: v for n, v in told.items() if n not in _LEFT_OUT}
        checkpoints[name] = {
            "step": told.get("step"),
            "metrics": None if results is None else _rounded(results.metrics),
            "validators": None
            if training.taught_by
            else _known(read_validator_scores(training, out, name)),
        }
    return {
        "settings": get_stored_config(training.config),
        "source_stage": training.source_stage,
        "source_validation": training.source_validation,
        "seconds": read_finished(out / training.run).get("seconds"),
        "protocol": protocol,
        "checkpoints": checkpoints,
    }


def _known(values: Mapping[str, float] | None) -> dict[str, float | None] | None:
    """Return values with null for nan, which JSON has no number for."""
    if values is None:
        return None
    return {name: value if _finite(value) else None for name, value in values.items()}


def _rounded(metrics: Metrics) -> Metrics:
    return {
        name: {row: round(v, _DECIMALS) if _finite(v) else None for row, v in rows.items()}
        for name, rows in metrics.items()
    }
