"""The first tab: every model's prediction, drawn on a dropped image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup, escape

from posebridge.app import overlay
from posebridge.app.components import PRIVATE, QUIET, html, nothing
from posebridge.app.loaded_models import ShownModel
from posebridge.app.predictions import Answers, answer
from posebridge.app.upload import Limits, take_upload
from posebridge.data.crops import UnreadableImage
from posebridge.errors import InputError

# Hides what is below the slider's confidence; the server draws with an equal rule.
_APPLY_THRESHOLD = """(t) => {
  document.querySelectorAll('.pb-results [data-c]').forEach(
    (e) => e.classList.toggle('off', Number(e.dataset.c) < t));
  document.querySelectorAll('.pb-results .pb-panel').forEach((p) => {
    p.querySelector('[data-shown]').textContent = p.querySelectorAll('circle.joint:not(.off)').length;
  });
}"""
_KEYS = (
    '<div class="pb-keys"><span class="side left"><i></i><em>left</em></span>'
    '<span class="side right"><i></i><em>right</em></span>'
    '<span class="side middle"><i></i><em>middle</em></span></div>'
)


def predict_tab(
    models: Sequence[ShownModel], place: Path, limits: Limits, threshold: float
) -> None:
    """Build the drop zone, the slider and the results; see :func:`posebridge.app.page.build_page`."""
    if not models:
        html(nothing("No model was given.", "posebridge app MODEL --runs RUN_FOLDER shows both."))
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
            notice = html(_limits_words(limits))
            slider = gr.Slider(
                0,
                1,
                threshold,
                step=0.01,
                label="Minimum confidence",
                info="Joints below it are hidden; the files have all joints.",
                elem_classes="pb-threshold",
            )
            frame = gr.Slider(1, 2, 1, step=1, label="Frame", visible=False)
            with gr.Column(visible=False, elem_classes="pb-downloads") as downloads:
                html('<div class="pb-label">Download the points</div>')
                buttons: list[gr.DownloadButton] = []
                for model in models:
                    html(f'<div class="pb-which">{escape(model.name)}</div>')
                    with gr.Row():
                        buttons.append(gr.DownloadButton("COCO JSON", size="sm", min_width=80))
                        buttons.append(gr.DownloadButton("CSV", size="sm", min_width=80))
        with gr.Column(elem_classes="pb-results"):
            placeholder = html(
                nothing(
                    "Drop an image to begin.",
                    f"{_count(models)} will be drawn on it. The whole image is taken as one "
                    "subject, so crop it to one subject.",
                )
            )
            with gr.Row(visible=False, elem_classes="pb-panels") as row:
                shown = [html(min_width=300) for _ in models]
            table = html(visible=False)
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

    file.upload(dropped, [file, slider, session], outputs, show_progress_on=[notice], **PRIVATE)
    frame.input(
        moved,
        [frame, slider, session],
        pictures,
        trigger_mode="always_last",
        **QUIET,
    )
    slider.change(None, slider, None, js=_APPLY_THRESHOLD, **PRIVATE)


def _drawn(made: Answers, models: Sequence[ShownModel], picture: int, least: float) -> list[Any]:
    table = overlay.point_table(made, models, picture, least)
    panels = overlay.panels(made, models, picture, least)
    return [gr.HTML(Markup(_KEYS) + table, visible=True), *panels]


def _close(answers: Answers | None) -> None:
    if answers is not None:
        answers.close()


def _count(models: Sequence[ShownModel]) -> str:
    return (
        "The model's prediction" if len(models) == 1 else f"The predictions of {len(models)} models"
    )


def _limits_words(limits: Limits) -> str:
    return _notice(
        f"Up to {limits.megabytes} MB; a video up to {limits.minutes} minutes, of which "
        f"{limits.frames} frames are used.",
        "plain",
    )


def _notice(text: str, tone: str, title: str = "") -> str:
    role = "alert" if tone == "bad" else "status"
    name = f"<b>{escape(title)}</b>" if title else ""
    return f'<div class="pb-notice {tone}" role="{role}">{name}{escape(text)}</div>'
