"""The progress and metrics of a run while it trains, as HTML."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from posebridge.app.run_monitor import Curve, RunState, RunStatus
from posebridge.inference.run_folder import selected_step
from posebridge.report.charts import Line, line_chart, number
from posebridge.report.progress_bar import clock

_TITLES: dict[RunState, tuple[str, str]] = {
    "not started": ("Not started", "plain"),
    "preparing": ("Preparing", "plain"),
    "training": ("Training", "busy"),
    "killed": ("Killed", "bad"),
    "stopped": ("Stopped", "warn"),
    "failed": ("Failed", "bad"),
    "done": ("Done", "good"),
}
_MOST_POINTS = 160
_FIGURES = (
    ("loss/source", "source loss", "", 1.0),
    ("loss/consistency", "consistency loss", "", 1.0),
    ("loss/feature", "feature loss", "", 1.0),
    ("loss/pose", "pose loss", "", 1.0),
    ("loss/total", "total loss", "", 1.0),
    ("validator/agreement", "two views agree", "%", 1.0),
    ("validator/settled", "settled predictions", "%", 1.0),
    ("teacher/confidence", "teacher's confidence", "%", 100.0),
    ("teacher/kept", "pseudo-labels kept", "%", 100.0),
)


def status(look: RunStatus, now: float) -> str:
    """Return the state as a title and a sentence, and the progress bar."""
    title, tone = _TITLES[look.state]
    parts = [
        Markup('<div class="pb-state {}"><b>{}</b><span>{}</span></div>').format(
            tone, title, sentence(look, now)
        )
    ]
    if look.planned:
        share = min(1.0, look.step / look.planned)
        hand_over = look.source / look.planned
        stage = "adapting" if look.step >= look.source else "learning the source"
        parts.append(
            Markup(
                '<div class="pb-progress" role="progressbar" aria-valuemin="0" '
                'aria-valuemax="{planned}" aria-valuenow="{step}">'
                '<i style="width:{share:.2f}%"></i>{mark}</div>'
                '<div class="pb-steps"><span>step <b>{step:,}</b> of {planned:,}</span>'
                "<span>{stage}</span><span>{left}</span></div>"
            ).format(
                planned=look.planned,
                step=look.step,
                share=100 * share,
                mark=Markup('<u style="left:{:.2f}%" title="adaptation begins"></u>').format(
                    100 * hand_over
                )
                if 0 < hand_over < 1
                else "",
                stage="" if look.state == "done" else stage,
                left=f"{clock(look.left)} left" if look.left is not None else "",
            )
        )
    return Markup('<section class="pb-card">{}</section>').format(Markup("").join(parts))


def sentence(look: RunStatus, now: float) -> str:
    """Return a sentence on the state and on what to do."""
    ago = "" if look.heard is None else _ago(now - look.heard)
    resume = shlex.join(["posebridge", "adapt", "--resume", "--out", str(look.folder)])
    damaged = f" {look.unreadable} rows of metrics.csv cannot be read and are left out."
    text = {
        "not started": f"{look.folder} holds no run so far. This page shows the run when it starts.",
        "preparing": "The run is before its first step: images are read, the style network is "
        "trained.",
        "training": f"Updated {ago}.",
        "killed": f"Last sign of life: {ago}. Its process is gone, or silent. It resumes from its last "
        f"checkpoint with: {resume}",
        "stopped": f"Stopped {ago}, before its end. It resumes with: {resume}",
        "failed": f"Ended with an error {ago}; the terminal shows it. Its checkpoints are kept.",
        "done": f"Finished {ago}."
        + (f" Did it help? {look.report}" if look.report is not None else ""),
    }[look.state]
    return text + (damaged if look.unreadable else "")


def charts(look: RunStatus) -> str:
    """Return charts of losses, validator and pseudo-labels over the steps, two by two."""
    curves = look.curves
    mark = (float(look.source), "adaptation begins") if look.source else None

    def line(name: str, title: str, kind: str, scale: float = 1.0) -> Line:
        return Line(title, kind, thinned(curves.get(name, []), scale))

    cards = [
        (
            "Source loss",
            "half the squared error of labeled joints, in units of a Gaussian's energy",
            [line("loss/source", "source", "line-a")],
            "",
            "The first step has not been logged.",
        ),
        (
            "Adaptation losses",
            "as they add up, loss weights included",
            [
                line("weighted/consistency", "consistency", "line-a"),
                line("weighted/feature", "feature", "line-b"),
                line("weighted/pose", "pose", "line-c"),
            ],
            "",
            _later(look),
        ),
        (
            "Label-free validator",
            "on images kept out of training",
            [
                line("validator/agreement", "two views agree", "line-a"),
                line("validator/settled", "settled predictions", "line-b"),
            ],
            " %",
            _later(look),
        ),
        (
            "The teacher's pseudo-labels",
            "the fraction that is kept, and its confidence",
            [
                line("teacher/kept", "kept", "line-b", 100.0),
                line("teacher/confidence", "confidence", "line-a", 100.0),
                line("teacher/threshold", "weakest kept", "line-c", 100.0),
            ],
            " %",
            _later(look),
        ),
    ]
    made = []
    for title, about, lines, unit, empty in cards:
        chart = line_chart(lines, f"{title} over the steps", unit=unit, mark=mark)
        made.append(
            Markup(
                '<section class="pb-card"><h3>{}</h3><p class="pb-soft">{}</p>{}</section>'
            ).format(title, about, chart or Markup('<p class="pb-empty">{}</p>').format(empty))
        )
    return Markup('<div class="pb-charts">{}</div>').format(Markup("").join(made))


def tables(look: RunStatus) -> str:
    """Return tables of the checkpoints by validator score, and of the newest metrics."""
    looks = look.looks
    kept = [("source", looks[0]), ("last", looks[-1])] if looks else []
    # The checkpoint records the selected step, whichever validator selects.
    step = selected_step(look.folder)
    if looks and step in dict(looks):
        kept.insert(1, ("selected", (step, dict(looks)[step])))
    weights = Markup("").join(
        Markup('<tr><th>{}</th><td class="num">{:,}</td><td class="num">{} %</td></tr>').format(
            name, step, number(value, "%")
        )
        for name, (step, value) in kept
    )
    figures = Markup("").join(
        Markup(
            '<tr><th>{}</th><td class="num">{:,}</td><td class="num">{}</td>'
            '<td class="num">{}</td></tr>'
        ).format(title, rows[-1][0], *(_figure(v * scale, unit) for v in (rows[0][1], rows[-1][1])))
        for name, title, unit, scale in _FIGURES
        if (rows := look.curves.get(name))
    )
    nothing = Markup('<p class="pb-empty">{}</p>')
    first = (
        Markup(
            "<table><thead><tr><th>checkpoint</th><th class='num'>step</th>"
            "<th class='num'>two views agree</th></tr></thead><tbody>{}</tbody></table>"
        ).format(weights)
        if weights
        else nothing.format(_later(look))
    )
    second = (
        Markup(
            "<table><thead><tr><th>metric</th><th class='num'>step</th><th class='num'>first</th>"
            "<th class='num'>newest</th></tr></thead><tbody>{}</tbody></table>"
        ).format(figures)
        if figures
        else nothing.format("The first step has not been logged.")
    )
    return Markup(
        '<div class="pb-charts"><section class="pb-card"><h3>Checkpoints so far</h3>'
        '<p class="pb-soft">how stable the model is on the target, not how accurate</p>{}'
        '</section><section class="pb-card"><h3>Metrics</h3>'
        '<p class="pb-soft">as they were last logged</p>{}</section></div>'
    ).format(first, second)


def step_picture(step: int, uri: str) -> str:
    """Return the preview image of a training step."""
    return Markup(
        '<figure class="pb-sheet"><img src="{}" alt="preview of step {}"></figure>'
    ).format(uri, step)


def empty_picture() -> str:
    """Return the placeholder before the first preview image."""
    return Markup('<p class="pb-empty">{}</p>').format(
        "No preview so far. A run draws one every steps.preview_every steps and where its stages end."
    )


def thinned(
    curve: Curve, scale: float = 1.0, most: int = _MOST_POINTS
) -> list[tuple[float, float]]:
    """Return a curve of at most ``most`` points: means over equal groups of neighbors."""
    rows = np.array(curve, dtype=np.float64).reshape(-1, 2)
    if len(rows) > most:
        edges = np.linspace(0, len(rows), most + 1).astype(int)
        counts = np.diff(edges)[:, None]
        rows = np.add.reduceat(rows, edges[:-1]) / counts
    return [(float(x), float(y) * scale) for x, y in rows.tolist()]


def _figure(value: float, unit: str) -> str:
    return f"{number(value, unit)} {unit}".strip()


def _later(look: RunStatus) -> str:
    if look.state == "done":
        return "This run had none."
    return f"Begins with the adaptation, at step {look.source:,}." if look.source else "Not so far."


def _ago(seconds: float) -> str:
    if seconds < 10:
        return "just now"
    if seconds < 90:
        return f"{seconds:.0f} seconds ago"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes ago"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} hours ago"
    return f"on {time.strftime('%Y-%m-%d', time.localtime(time.time() - seconds))}"


def run_names(folders: Sequence[str]) -> list[str]:
    """Return the names of runs as they were typed, without repetition."""
    return [folder.rstrip("/") or folder for folder in dict.fromkeys(folders)]
