"""The page of a look at data: one HTML file with everything in it."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from posebridge.data.quality import CheckedSet, Finding, summary_rows
from posebridge.data.quality.comparison import MEASURES
from posebridge.data.quality.findings import counted
from posebridge.files.whole import folder_written_whole, write_text
from posebridge.report.check_charts import COLOURS, histogram, keypoint_bars
from posebridge.report.check_pictures import (
    SIDE,
    example_pictures,
    finding_pictures,
    joint_maps,
)
from posebridge.report.overlays import sheet, write_picture

_STYLE = Path(__file__).with_name("check.css")
PAGE, FINDINGS = "index.html", "findings.json"
_EXAMPLES, _COLUMNS, _PICTURES, _LISTED, _GROUPS = 12, 8, 12, 100, 16
_ORDER = {"error": 0, "warning": 1, "note": 2}


def write_check(
    out: Path,
    sets: Sequence[CheckedSet],
    between: Sequence[Finding],
    command: str,
    version: str,
) -> list[Path]:
    """Write the page, the findings as JSON, and a sheet of pictures for each set.

    Args:
        out: the folder; made where it does not exist.
        sets: in the order in which they are shown.
        between: what was found between them.
        command: the line that made the page.
        version: of the package.

    Returns:
        The files written, the page first.
    """
    findings = sorted_findings(sets, between)
    examples = {s.name: example_pictures(s, 2 * _EXAMPLES) for s in sets}
    names = [PAGE, FINDINGS]
    with folder_written_whole(out, merge=True) as partial:
        write_text(partial / PAGE, _page(sets, findings, examples, command, version))
        content = _as_json(sets, findings, command, version)
        write_text(partial / FINDINGS, json.dumps(content, indent=2))
        for looked in sets:
            if examples[looked.name]:
                names.append(_picture_name(looked.name, names))
                pictures = examples[looked.name]
                rows = [pictures[i : i + _COLUMNS] for i in range(0, len(pictures), _COLUMNS)]
                title = f"{looked.name}: {len(looked.samples):,} subjects"
                titles = [title] + [""] * (len(rows) - 1)
                write_picture(
                    str(partial / names[-1]), sheet(list(zip(titles, rows, strict=True)), SIDE)
                )
    return [out / name for name in names]


def sorted_findings(sets: Sequence[CheckedSet], between: Sequence[Finding]) -> list[Finding]:
    """Everything that was found: errors, then warnings, then notes."""
    found = [f for s in sets for f in s.findings] + list(between)
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


def verdict(findings: Sequence[Finding]) -> str:
    """What was found, in a few words."""
    parts = [
        counted(number, severity)
        for severity in _ORDER
        if (number := sum(f.severity == severity for f in findings))
    ]
    return ", ".join(parts) if parts else "nothing found"


def _page(
    sets: Sequence[CheckedSet],
    findings: Sequence[Finding],
    examples: Mapping[str, list[np.ndarray]],
    command: str,
    version: str,
) -> str:
    worst = findings[0].severity if findings else "clean"
    by_name = {s.name: s for s in sets}
    told = [_finding(f, by_name, number) for number, f in enumerate(findings, 1)]
    nothing = '<p class="quiet">No fault was found by any check.</p>'
    parts = [
        f'<header><h1>Data check</h1><p class="verdict {worst}">{escape(verdict(findings))}</p>'
        "</header>",
        f"<section><h2>{'The sets side by side' if len(sets) > 1 else 'The set'}</h2>"
        f"{_legend(sets)}{_summary(sets)}</section>",
        f"<section><h2>Findings</h2>{''.join(told) or nothing}</section>",
        f"<section><h2>Pictures</h2>{_strips(sets, examples)}</section>",
        f"<section><h2>Sizes, shapes and colours</h2>{_legend(sets)}{_charts(sets)}</section>",
        _poses(sets),
        _keypoints(sets),
        f"<footer>posebridge {escape(version)} &middot; <code>{escape(command)}</code></footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Data check: {escape(', '.join(s.name for s in sets))}</title>"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _legend(sets: Sequence[CheckedSet]) -> str:
    return (
        '<p class="legend">'
        + "".join(
            f'<span><i style="background:{_colour(i)}"></i><b>{escape(s.name)}</b> '
            f"{escape(str(s.samples.name))}</span>"
            for i, s in enumerate(sets)
        )
        + "</p>"
    )


def _summary(sets: Sequence[CheckedSet]) -> str:
    heads = "".join(f"<th>{escape(s.name)}</th>" for s in sets)
    rows = "".join(
        f"<tr><th>{escape(what)}</th>{''.join(f'<td>{escape(v)}</td>' for v in values)}</tr>"
        for what, values in summary_rows(sets)
    )
    return (
        f'<div class="wide"><table class="summary"><tr><th></th>{heads}</tr>{rows}</table></div>'
        '<p class="quiet">Medians, with the middle half of the values in brackets.</p>'
    )


def _finding(finding: Finding, sets: Mapping[str, CheckedSet], number: int) -> str:
    pictures = finding_pictures(finding, dict(sets), _PICTURES)
    shown = "".join(
        f'<img src="{_data_uri(picture)}" alt="{escape(finding.details[i])}" '
        f'title="{escape(finding.details[i])}">'
        for i, picture in enumerate(pictures)
    )
    listed = "".join(f"<li>{escape(line)}</li>" for line in finding.details[:_LISTED])
    more = len(finding.details) - _LISTED
    if more > 0:
        listed += f"<li>and {more:,} more in {FINDINGS}</li>"
    names = " and ".join(dict.fromkeys(finding.sets))
    entries = f"<details><summary>{counted(len(finding.details), 'entry', 'entries')}</summary>"
    return (
        f'<article class="{finding.severity}" id="finding-{number}"><p class="tags">'
        f'<span class="pill">{finding.severity}</span> <span>{escape(names)}</span></p>'
        f"<h3>{escape(_sentence(finding.title))}</h3><p>{escape(finding.advice)}</p>"
        + (f'<div class="row">{shown}</div>' if shown else "")
        + (f"{entries}<ul>{listed}</ul></details>" if listed else "")
        + f'<p class="rule">Rule: {escape(finding.rule)}</p></article>'
    )


def _strips(sets: Sequence[CheckedSet], examples: Mapping[str, list[np.ndarray]]) -> str:
    parts = []
    for looked in sets:
        images = "".join(
            f'<img src="{_data_uri(picture)}" alt="">'
            for picture in examples[looked.name][::2][:_EXAMPLES]
        )
        what = "labels drawn" if looked.labels is not None else "no labels"
        parts.append(
            f"<h3>{escape(looked.name)} <small>{what}</small></h3>"
            f'<div class="grid">{images or "no image can be read"}</div>'
        )
    sided = any(s.labels is not None and s.labels.skeleton.pairs for s in sets)
    note = "Blue is the subject's left, red its right, green the middle; the box is white."
    return "".join(parts) + (f'<p class="quiet">{note}</p>' if sided else "")


def _charts(sets: Sequence[CheckedSet]) -> str:
    drawn = [histogram(what, unit, [measure(s) for s in sets]) for what, measure, unit in MEASURES]
    per_subject = [
        s.labels.labelled.sum(axis=1).astype(float) if s.labels is not None else np.zeros(0)
        for s in sets
    ]
    drawn.append(histogram("labelled keypoints of a subject", "", per_subject))
    return f'<div class="charts">{"".join(drawn)}</div>'


def _poses(sets: Sequence[CheckedSet]) -> str:
    parts = []
    for looked in sets:
        figures = "".join(
            f'<figure><img src="{_data_uri(picture, ".png")}" alt="{escape(group)} of '
            f'{escape(looked.name)}"><figcaption>{escape(group)}</figcaption></figure>'
            for group, picture in list(joint_maps(looked).items())[:_GROUPS]
        )
        if figures:
            parts.append(f'<h3>{escape(looked.name)}</h3><div class="maps">{figures}</div>')
    if not parts:
        return ""
    return (
        f'<section><h2>Where the joints lie</h2>{"".join(parts)}<p class="quiet">Centred on the box '
        "and over its longer side, darker is more often: blue is left, red is right, green the "
        "middle.</p></section>"
    )


def _keypoints(sets: Sequence[CheckedSet]) -> str:
    groups: dict[tuple[str, ...], list[tuple[str, str, np.ndarray]]] = {}
    for place, looked in enumerate(sets):
        if looked.labels is not None:
            column = (looked.name, _colour(place), looked.labels.labelled.mean(axis=0))
            groups.setdefault(looked.labels.skeleton.keypoints, []).append(column)
    if not groups:
        return ""
    tables = "".join(keypoint_bars(names, columns) for names, columns in groups.items())
    return (
        f'<section><h2>Keypoints</h2><div class="wide">{tables}</div>'
        '<p class="quiet">In how many of the subjects each is labelled.</p></section>'
    )


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


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


def _data_uri(picture: np.ndarray, ending: str = ".jpg") -> str:
    options = [cv2.IMWRITE_JPEG_QUALITY, 86] if ending == ".jpg" else []
    _, content = cv2.imencode(ending, np.ascontiguousarray(picture[:, :, ::-1]), options)
    kind = "jpeg" if ending == ".jpg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content.tobytes()).decode()}"


def _picture_name(name: str, taken: Sequence[str]) -> str:
    """The file of a set's pictures, with a number where another set has that name already."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    names = itertools.chain([safe], (f"{safe}_{number}" for number in itertools.count(2)))
    return next(f"{each}.jpg" for each in names if f"{each}.jpg" not in taken)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
