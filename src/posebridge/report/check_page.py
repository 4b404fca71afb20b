"""The dataset page of ``posebridge check``: one HTML file with everything in it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from posebridge.data.quality import CheckedSet, Finding, summary_rows
from posebridge.data.quality.comparison import MEASURES
from posebridge.data.quality.findings import counted
from posebridge.files.whole import folder_written_whole, write_text
from posebridge.report.charts import SET_KINDS, histogram
from posebridge.report.check_pictures import (
    SIDE,
    SubjectCrop,
    example_crops,
    finding_crops,
    joint_maps,
)
from posebridge.report.data_uri import data_uri
from posebridge.report.overlays import sheet, write_picture
from posebridge.report.page_template import render_page

PAGE, FINDINGS = "index.html", "findings.json"
_EXAMPLES, _COLUMNS, _CROPS, _LISTED, _GROUPS = 12, 8, 12, 100, 16
_TONES = {"error": "bad", "warning": "warn", "note": "plain"}
_ORDER = {severity: order for order, severity in enumerate(_TONES)}


def write_check(
    out: Path,
    sets: Sequence[CheckedSet],
    between: Sequence[Finding],
    command: str,
    version: str,
) -> list[Path]:
    """Write the page, the findings as JSON, and a sheet of images for each set.

    Args:
        out: the folder, which is created where it does not exist.
        sets: the sets, in the order in which they are shown.
        between: the findings between two sets.
        command: the command line that made the page.
        version: the version of posebridge.

    Returns:
        The files that were written, the page first.
    """
    findings = sorted_findings(sets, between)
    examples = {s.name: example_crops(s, 2 * _EXAMPLES) for s in sets}
    names = [PAGE, FINDINGS]
    with folder_written_whole(out, merge=True) as partial:
        write_text(partial / PAGE, _render(sets, findings, examples, command, version))
        content = _as_json(sets, findings, command, version)
        write_text(partial / FINDINGS, json.dumps(content, indent=2))
        for looked in sets:
            if examples[looked.name]:
                names.append(_picture_name(looked.name, names))
                pictures = [crop.painted() for crop in examples[looked.name]]
                rows = [pictures[i : i + _COLUMNS] for i in range(0, len(pictures), _COLUMNS)]
                title = f"{looked.name}: {len(looked.samples):,} subjects"
                titles = [title] + [""] * (len(rows) - 1)
                write_picture(
                    str(partial / names[-1]), sheet(list(zip(titles, rows, strict=True)), SIDE)
                )
    return [out / name for name in names]


def sorted_findings(sets: Sequence[CheckedSet], between: Sequence[Finding]) -> list[Finding]:
    """Return all findings: errors, then warnings, then notes."""
    findings = [f for s in sets for f in s.findings] + list(between)
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def verdict(findings: Sequence[Finding]) -> str:
    """Return the number of findings of each severity in a few words."""
    parts = [
        counted(number, severity)
        for severity in _ORDER
        if (number := sum(f.severity == severity for f in findings))
    ]
    return ", ".join(parts) if parts else "nothing found"


def _render(
    sets: Sequence[CheckedSet],
    findings: Sequence[Finding],
    examples: Mapping[str, list[SubjectCrop]],
    command: str,
    version: str,
) -> str:
    by_name = {s.name: s for s in sets}
    subjects = sum(len(s.samples) for s in sets)
    return render_page(
        "check.html.jinja",
        tone=_TONES[findings[0].severity] if findings else "good",
        verdict=_sentence(verdict(findings)),
        subjects=f"{counted(len(sets), 'set')}, {counted(subjects, 'subject')}",
        sets=[_set(s, i, examples[s.name]) for i, s in enumerate(sets)],
        sided=any(s.labels is not None and s.labels.skeleton.pairs for s in sets),
        summary=summary_rows(sets),
        findings=[_finding(f, by_name) for f in findings],
        charts=_charts(sets),
        maps=_maps(sets),
        keypoints=_keypoints(sets),
        findings_file=FINDINGS,
        command=command,
        version=version,
    )


def _set(looked: CheckedSet, index: int, examples: Sequence[SubjectCrop]) -> dict[str, Any]:
    return {
        "name": looked.name,
        "data": str(looked.samples.name),
        "kind": _kind(index),
        "labeled": looked.labels is not None,
        "shots": [_shot(crop) for crop in examples[::2][:_EXAMPLES]],
    }


def _shot(crop: SubjectCrop, title: str = "") -> dict[str, Any]:
    return {"image": data_uri(crop.image, "jpeg"), "drawing": crop.svg(), "title": title}


def _finding(finding: Finding, sets: Mapping[str, CheckedSet]) -> dict[str, Any]:
    crops = finding_crops(finding, sets, _CROPS)
    more = len(finding.details) - _LISTED
    return {
        "severity": finding.severity,
        "tone": _TONES[finding.severity],
        "sets": " and ".join(dict.fromkeys(finding.sets)),
        "title": _sentence(finding.title),
        "advice": finding.advice,
        "rule": finding.rule,
        "groups": [
            [_shot(crop, finding.details[i]) for crop in group] for i, group in enumerate(crops)
        ],
        "entries": counted(len(finding.details), "entry", "entries"),
        "details": finding.details[:_LISTED],
        "more": f"{more:,}" if more > 0 else "",
    }


def _charts(sets: Sequence[CheckedSet]) -> list[tuple[str, Markup]]:
    drawn = [(name, histogram(name, unit, [f(s) for s in sets])) for name, f, unit in MEASURES]
    per_subject = [
        s.labels.labeled.sum(axis=1).astype(float) if s.labels is not None else np.zeros(0)
        for s in sets
    ]
    name = "labeled keypoints of a subject"
    drawn.append((name, histogram(name, "", per_subject)))
    return [(name, chart) for name, chart in drawn if chart]


def _maps(sets: Sequence[CheckedSet]) -> list[tuple[str, list[tuple[str, str]]]]:
    maps = []
    for looked in sets:
        groups = list(joint_maps(looked).items())[:_GROUPS]
        if groups:
            maps.append((looked.name, [(name, data_uri(image, "png")) for name, image in groups]))
    return maps


def _keypoints(
    sets: Sequence[CheckedSet],
) -> list[tuple[list[tuple[str, str]], list[tuple[str, list[float]]]]]:
    """Return columns (set, CSS class) and rows (keypoint, percents), for each list of keypoints."""
    groups: dict[tuple[str, ...], list[tuple[str, str, np.ndarray]]] = {}
    for index, looked in enumerate(sets):
        if looked.labels is not None:
            column = (looked.name, _kind(index), 100 * looked.labels.labeled.mean(axis=0))
            groups.setdefault(looked.labels.skeleton.keypoints, []).append(column)
    return [
        (
            [(name, kind) for name, kind, _ in columns],
            [(name, [float(p[k]) for _, _, p in columns]) for k, name in enumerate(names)],
        )
        for names, columns in groups.items()
    ]


def _kind(index: int) -> str:
    return SET_KINDS[index % len(SET_KINDS)]


def _as_json(
    sets: Sequence[CheckedSet], findings: Sequence[Finding], command: str, version: str
) -> dict[str, Any]:
    return {
        "command": command,
        "version": version,
        "sets": [
            {
                "name": s.name,
                "data": str(s.samples.name),
                "summary": {what: values[0] for what, values in summary_rows([s])},
            }
            for s in sets
        ],
        "findings": [
            {
                "kind": f.kind,
                "severity": f.severity,
                "sets": list(dict.fromkeys(f.sets)),
                "title": f.title,
                "advice": f.advice,
                "rule": f.rule,
                "details": list(f.details),
            }
            for f in findings
        ],
    }


def _picture_name(name: str, taken: Sequence[str]) -> str:
    """Return the file name of a set's sheet, numbered where another set has the same name."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    names = itertools.chain([safe], (f"{safe}_{number}" for number in itertools.count(2)))
    return next(f"{each}.jpg" for each in names if f"{each}.jpg" not in taken)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
