"""The second tab: a run while it trains, refreshed by a timer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from posebridge.app import overlay, training
from posebridge.app.components import QUIET, html, nothing
from posebridge.app.run_monitor import RunWatch
from posebridge.data.crops import UnreadableImage

REFRESH = 2.0
NEWEST = "newest"


def training_tab(page: gr.Blocks, runs: Sequence[RunWatch], at_once: bool) -> gr.Timer | None:
    """Build the view of one run; return the timer that polls for changes, None without runs.

    Args:
        at_once: whether this is the page's first tab.
    """
    if not runs:
        html(nothing("No run was given.", "posebridge app --runs RUN_FOLDER monitors one."))
        return None
    seen = gr.State(None)
    timer = gr.Timer(REFRESH, active=at_once)
    names = training.run_names([str(watch.folder) for watch in runs])
    choice = gr.Dropdown(
        [(name, number) for number, name in enumerate(names)],
        value=0,
        label="Run",
        visible=len(names) > 1,
        container=False,
        elem_classes="pb-choice",
    )
    head, charts = html(), html()
    with gr.Column(elem_classes="pb-card-box"):
        with gr.Row():
            html(
                '<h3 class="pb-h3">Preview of a step</h3><p class="pb-soft">source views with '
                "their labels, source views in the target's style, target views with the "
                "pseudo-labels that were kept</p>"
            )
            at = gr.Dropdown(
                [NEWEST], value=NEWEST, label="Step", scale=0, min_width=170, container=False
            )
        sheet = html(training.empty_picture())
    tables = html()
    outputs = [head, charts, tables, sheet, at, seen]
    refresh = partial(_refreshed, runs)
    for event in (page.load, timer.tick, choice.input, at.input):
        event(refresh, [choice, at, seen], outputs, **QUIET)
    return timer


def _refreshed(
    runs: Sequence[RunWatch], number: int, at: int | str, seen: dict[str, Any] | None
) -> list[Any]:
    """Return the updates since the page's last refresh; preview images are sent once."""
    look, now = runs[number].look(), time.time()
    seen = seen or {}
    head = training.status(look, now)
    charts, tables = training.charts(look), training.tables(look)
    steps = [step for step, _ in look.pictures]
    if seen.get("run") != number or (at != NEWEST and at not in steps):
        at = NEWEST
    wanted = look.pictures[-1] if at == NEWEST and steps else None
    if at != NEWEST:
        wanted = look.pictures[steps.index(int(at))]
    drawn: Any = gr.skip()
    shown = (number, wanted)
    if wanted is None:
        drawn = training.empty_picture()
    elif shown != seen.get("shown"):
        try:
            drawn = training.step_picture(wanted[0], overlay.file_uri(wanted[1]))
        except UnreadableImage:
            shown = seen.get("shown")  # half-written: the next refresh has it
    offered: Any = gr.skip()
    if (number, steps) != (seen.get("run"), seen.get("steps")):
        offered = gr.Dropdown(
            [NEWEST, *((f"step {step:,}", step) for step in reversed(steps))], value=at
        )
    fresh = {"run": number, "steps": steps, "shown": shown, "charts": charts, "tables": tables}
    return [
        head,
        gr.skip() if charts == seen.get("charts") else charts,
        gr.skip() if tables == seen.get("tables") else tables,
        drawn,
        offered,
        fresh,
    ]
