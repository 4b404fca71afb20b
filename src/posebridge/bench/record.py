"""A comparison's scores as one file without weights: small enough for a repository or a letter.

A run of ten minutes leaves fifty megabytes of weights and ten lines of figures. The file keeps the
figures, with the settings behind them, so that tables can be written anew elsewhere and a comparison
can move to another machine: what the file holds counts as done. Paths stand in it as the plan has them.

    {"trainings": {"people/multilevel/seed_0": {
        "settings": {...}, "first_stage": "people/first_stage/seed_0_97edbdab", "seconds": 660.2,
        "source_validation": null, "protocol": {...},
        "checkpoints": {"last": {"step": 4200, "metrics": {...}, "validators": {...}}}}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posebridge.bench.plan import Plan, Training
from posebridge.bench.scored import (
    FINISHED,
    judgement_of,
    kept_checkpoints,
    score_file,
    scores_of,
    told_at_the_end,
    write_judgement,
)
from posebridge.bench.work import changed_settings, settings_told, state_of
from posebridge.data.json_files import read_json, write_text
from posebridge.errors import InputError
from posebridge.evaluation import Results

_LEFT_OUT = ("dataset", "model", "step", "weights", "selection")
"""Entries of a protocol that are a machine's or a checkpoint's; the words of the plan stay."""
_DECIMALS = 4

Metrics = Mapping[str, Mapping[str, float | None]]

Entries = dict[str, dict[str, Any]]
"""Name of a training -> what the file holds of it."""


def read_record(file: Path) -> Entries:
    """What a record holds; nothing where there is no file yet.

    Raises:
        InputError: it is no record.
    """
    if not file.exists():
        return {}
    content = read_json(file, "record of a comparison")
    entries = content.get("trainings") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not all(map(_whole, entries.values())):
        raise InputError(
            f"{file} is no record of a comparison; give the file that an earlier 'posebridge bench "
            "--record' wrote, or a new name."
        )
    return entries


def _whole(entry: Any) -> bool:
    """Whether an entry has what :func:`lay_out` reads."""
    parts = ("settings", "protocol", "checkpoints")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(p), dict) for p in parts):
        return False
    told = list(entry["checkpoints"].values())
    scored = [one.get("metrics") for one in told if isinstance(one, dict)]
    rows = [r for metrics in scored if isinstance(metrics, dict) for r in metrics.values()]
    return len(scored) == len(told) and all(isinstance(r, dict) for r in rows)


def lay_out(entries: Entries, plan: Plan, out: Path) -> list[str]:
    """Put the scores of a record where those of trainings lie, for what was not begun there.

    Returns:
        a line for each training of the plan that the record has with other settings, which is left out.
    """
    refused = []
    for training in plan.trainings:
        entry = entries.get(training.name)
        if entry is None or (out / training.run / "config.yaml").is_file():
            continue
        changed = changed_settings(training.config, entry["settings"])
        if entry.get("first_stage") != training.first_stage:
            changed.append("first stage")
        if changed:
            refused.append(f"{training.name} was recorded with other {', '.join(changed)}")
            continue
        if training.taught_by is None:
            names = list(entry["checkpoints"])
            finished = {
                **{name: entry.get(name) for name in ("seconds", "settings", "first_stage")},
                "checkpoints": names,
            }
            write_text(out / training.name / FINISHED, json.dumps(finished, indent=2))
        for checkpoint, told in entry["checkpoints"].items():
            if told["metrics"] is not None:
                own = {"step": told.get("step"), "weights": checkpoint, "selection": checkpoint}
                results = Results(told["metrics"], {**entry["protocol"], **own})
                results.write(score_file(training, out, checkpoint))
            same = entry.get("source_validation") == training.source_validation
            if told.get("validators") is not None and same:
                write_judgement(training, out, checkpoint, told["validators"])
    return refused


def gather_record(entries: Entries, plan: Plan, out: Path) -> Entries:
    """The entries of a record, those replaced that were done by now."""
    done = dict(entries)
    for training in plan.trainings:
        if training.method is None or not state_of(training, out).done:
            continue
        done[training.name] = _entry(training, out)
    return done


def write_record(entries: Entries, file: Path) -> None:
    """Write a record, a line for each training."""
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(entries.items())]
    write_text(file, '{"trainings": {\n' + ",\n".join(lines) + "\n}}\n")


def _entry(training: Training, out: Path) -> dict[str, Any]:
    protocol: dict[str, Any] = {}
    checkpoints: dict[str, Any] = {}
    for name in kept_checkpoints(training, out):
        results = scores_of(training, out, name)
        told = {} if results is None else results.protocol
        protocol = protocol or {n: v for n, v in told.items() if n not in _LEFT_OUT}
        checkpoints[name] = {
            "step": told.get("step"),
            "metrics": None if results is None else _rounded(results.metrics),
            "validators": None if training.taught_by else judgement_of(training, out, name),
        }
    return {
        "settings": settings_told(training.config),
        "first_stage": training.first_stage,
        "source_validation": training.source_validation,
        "seconds": told_at_the_end(out / training.run).get("seconds"),
        "protocol": protocol,
        "checkpoints": checkpoints,
    }


def _rounded(metrics: Metrics) -> Metrics:
    return {
        name: {row: None if v is None else round(v, _DECIMALS) for row, v in rows.items()}
        for name, rows in metrics.items()
    }
