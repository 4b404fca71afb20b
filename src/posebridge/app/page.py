"""The page: both tabs, wired in gradio.

Handlers only translate between components and the functions of this room. No component takes a
path: the drop zone gives files that the server stored itself, the lists of runs and of steps are
looked up among those that it offered. Every event is private, so that gradio describes and offers
no interface to programs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes import Base, colors
from markupsafe import Markup, escape

from posebridge.app import overlay, training
from posebridge.app.answers import Answers, answer
from posebridge.app.shown import ShownModel
from posebridge.app.upload import Limits, take_upload
from posebridge.app.watching import RunWatch
from posebridge.data.crops import UnreadableImage
from posebridge.errors import InputError
from posebridge.version import __version__

CSS = Path(__file__).with_name("page.css")
REFRESH = 2.0
NEWEST = "newest"

# Hides what is less sure than the slider says; the server draws with the same rule.
_APPLY_THRESHOLD = """(t) => {
  document.querySelectorAll('.pb-results [data-c]').forEach(
    (e) => e.classList.toggle('off', Number(e.dataset.c) < t));
  document.querySelectorAll('.pb-results .pb-panel').forEach((p) => {
    p.querySelector('[data-shown]').textContent = p.querySelectorAll('circle.joint:not(.off)').length;
  });
}"""
_KEYS = (
    '<div class="pb-keys"><span class="left"><i></i>left</span>'
    '<span class="right"><i></i>right</span><span class="middle"><i></i>middle</span></div>'
)
_private: dict[str, Any] = {"api_visibility": "private"}
_quiet: dict[str, Any] = {"show_progress": "hidden", **_private}


def theme() -> Base:
    """Colours of the report, and fonts that the reader's machine has."""
    return Base(
        primary_hue=colors.blue,
        neutral_hue=colors.slate,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f6f6f3",
        body_background_fill_dark="#121418",
        block_background_fill_dark="#1a1d23",
        block_border_width="1px",
        border_color_primary_dark="#2d323b",
        input_background_fill_dark="#22262d",
        button_secondary_background_fill_dark="#2d323b",
        block_radius="12px",
        button_small_radius="8px",
        block_label_text_weight="500",
        slider_color="#2b5bd7",
        slider_color_dark="#8fb2ff",
    )


def build_page(
    models: Sequence[ShownModel],
    runs: Sequence[RunWatch],
    place: Path,
    limits: Limits,
    threshold: float = 0.2,
) -> gr.Blocks:
    """Both tabs.

    Args:
        models: shown side by side, in this order.
        runs: those that the second tab can show.
        place: a folder for what is temporary.
        threshold: confidence below which a joint is not drawn at first.
    """
    with gr.Blocks(
        title="posebridge", analytics_enabled=False, delete_cache=(600, 3600), fill_width=True
    ) as page:
        _html(
            '<header class="pb-head"><b>posebridge</b><span>Nothing on this page leaves this '
            f"machine.</span><em>{__version__}</em></header>"
        )
        with gr.Tabs(selected="predict" if models else "training", elem_classes="pb-tabs"):
            with gr.Tab("Predict", id="predict") as predict:
                _predict_tab(models, place, limits, threshold)
            with gr.Tab("Training", id="training") as watch:
                timer = _training_tab(page, runs, at_once=not models)
        if timer is not None:
            # Only the tab that is looked at asks for news.
            watch.select(lambda: gr.Timer(active=True), None, timer, **_quiet)
            predict.select(lambda: gr.Timer(active=False), None, timer, **_quiet)
    return page


def _predict_tab(
    models: Sequence[ShownModel], place: Path, limits: Limits, threshold: float
) -> None:
    if not models:
        _html(_empty("No model was given.", "posebridge app MODEL --runs RUN_FOLDER shows both."))
        return
    session = gr.State(None, delete_callback=_close)
    with gr.Row(elem_classes="pb-predict"):
        with gr.Column(scale=0, min_width=300, elem_classes="pb-side"):
            file = gr.File(
                label="An image or a short video",
                show_label=False,
                height=170,
                elem_classes="pb-drop",
            )
            notice = _html(_limits_words(limits))
            slider = gr.Slider(
                0,
                1,
                threshold,
                step=0.01,
                label="Least confidence",
                info="Joints below it are hidden; the files have all of them.",
                elem_classes="pb-threshold",
            )
            frame = gr.Slider(1, 2, 1, step=1, label="Frame", visible=False)
            with gr.Column(visible=False, elem_classes="pb-downloads") as downloads:
                _html('<div class="pb-label">Download the points</div>')
                buttons: list[gr.DownloadButton] = []
                for model in models:
                    _html(f'<div class="pb-which">{escape(model.name)}</div>')
                    with gr.Row():
                        buttons.append(gr.DownloadButton("COCO JSON", size="sm", min_width=80))
                        buttons.append(gr.DownloadButton("CSV", size="sm", min_width=80))
        with gr.Column(elem_classes="pb-results"):
            placeholder = _html(
                _empty(
                    "Drop a photograph to begin.",
                    f"{_count(models)} will be drawn on it. The whole picture is taken as one "
                    "subject, so cut it round the one that you mean.",
                )
            )
            with gr.Row(visible=False, elem_classes="pb-panels") as row:
                shown = [_html(min_width=300) for _ in models]
            table = _html(visible=False)
    pictures = [table, *shown]
    outputs = [
        *(file, notice, placeholder, row, downloads, frame, session),
        *pictures,
        *buttons,
    ]
    unchanged = [gr.skip()] * (len(outputs) - 2)

    def dropped(
        stored: str | None,
        least: float,
        before: Answers | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # gradio finds it by its default
    ) -> list[Any]:
        if stored is None:
            return [gr.skip(), gr.skip(), *unchanged]
        path = Path(stored)
        upload = None
        try:
            upload = take_upload(path, place, limits)
            made = answer(
                models,
                upload,
                lambda done, count, name: progress((done, count), desc=f"predicting: {name}"),
            )
            drawn = _drawn(made, models, 0, least)
        except BaseException as error:
            if upload is not None:
                upload.close()
            if not isinstance(error, (InputError, UnreadableImage)):
                raise
            return [None, _notice(str(error), "bad"), *unchanged]
        _close(before)
        count = len(made.upload.samples)
        files = [str(path) for both in made.files for path in both]
        return [
            None,
            _notice(made.upload.note or "", "plain", title=made.upload.name),
            gr.HTML(visible=False),
            *(gr.Row(visible=True), gr.Column(visible=True)),
            gr.Slider(1, max(2, count), 1, step=1, visible=count > 1, label=f"Frame of {count}"),
            made,
            *drawn,
            *(gr.DownloadButton(value=path) for path in files),
        ]

    def moved(number: float, least: float, made: Answers | None) -> list[Any]:
        if made is None or not 1 <= int(number) <= len(made.upload.samples):
            return [gr.skip()] * len(pictures)
        return _drawn(made, models, int(number) - 1, least)

    file.upload(dropped, [file, slider, session], outputs, show_progress_on=[notice], **_private)
    frame.input(
        moved,
        [frame, slider, session],
        pictures,
        trigger_mode="always_last",
        **_quiet,
    )
    slider.change(None, slider, None, js=_APPLY_THRESHOLD, **_private)


def _drawn(made: Answers, models: Sequence[ShownModel], picture: int, least: float) -> list[Any]:
    table = overlay.point_table(made, models, picture, least)
    panels = overlay.panels(made, models, picture, least)
    return [gr.HTML(Markup(_KEYS) + table, visible=True), *panels]


def _training_tab(page: gr.Blocks, runs: Sequence[RunWatch], at_once: bool) -> gr.Timer | None:
    if not runs:
        _html(_empty("No run was given.", "posebridge app --runs RUN_FOLDER watches one."))
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
    head, charts = _html(), _html()
    with gr.Column(elem_classes="pb-card-box"):
        with gr.Row():
            _html(
                '<h3 class="pb-h3">What a step looked at</h3><p class="pb-soft">source views with '
                "their labels, the same in the target's style, target views with the "
                "pseudo-labels that were kept</p>"
            )
            at = gr.Dropdown(
                [NEWEST], value=NEWEST, label="Step", scale=0, min_width=170, container=False
            )
        sheet = _html(training.no_picture())
    tables = _html()
    outputs = [head, charts, tables, sheet, at, seen]
    refresh = partial(_refreshed, runs)
    for event in (page.load, timer.tick, choice.input, at.input):
        event(refresh, [choice, at, seen], outputs, **_quiet)
    return timer


def _refreshed(
    runs: Sequence[RunWatch], number: int, at: int | str, seen: dict[str, Any] | None
) -> list[Any]:
    """What changed since the page last saw it; pictures are sent once."""
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
        drawn = training.no_picture()
    elif shown != seen.get("shown"):
        try:
            drawn = training.step_picture(wanted[0], overlay.file_uri(wanted[1]))
        except UnreadableImage:
            shown = seen.get("shown")  # half-written: the next look has it
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


def _html(value: str = "", **more: Any) -> gr.HTML:
    """HTML in the page's own style rather than gradio's for running text."""
    return gr.HTML(value, apply_default_css=False, **more)


def _close(answers: Answers | None) -> None:
    if answers is not None:
        answers.close()


def _count(models: Sequence[ShownModel]) -> str:
    return "The model's answer" if len(models) == 1 else f"The answers of {len(models)} models"


def _limits_words(limits: Limits) -> str:
    return _notice(
        f"Up to {limits.megabytes} MB; a video up to {limits.minutes} minutes, of which "
        f"{limits.frames} frames are looked at.",
        "plain",
    )


def _notice(text: str, tone: str, title: str = "") -> str:
    role = "alert" if tone == "bad" else "status"
    name = f"<b>{escape(title)}</b>" if title else ""
    return f'<div class="pb-notice {tone}" role="{role}">{name}{escape(text)}</div>'


def _empty(title: str, text: str) -> str:
    return f'<div class="pb-nothing"><b>{escape(title)}</b><p>{escape(text)}</p></div>'
