"""The page: both tabs, wired in gradio.

Handlers only translate between components and the functions of this room. No component takes a
path: the drop zone gives files that the server itself stored, and choices of runs and steps are
checked against the offered lists. Every event is private, so that gradio neither describes nor
offers an interface to programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from gradio.themes import Base, colors

from posebridge.app.components import QUIET, html
from posebridge.app.loaded_models import ShownModel
from posebridge.app.predict_tab import predict_tab
from posebridge.app.run_monitor import RunWatch
from posebridge.app.training_tab import training_tab
from posebridge.app.upload import Limits
from posebridge.version import __version__

CSS = Path(__file__).with_name("page.css")


def theme() -> Base:
    """Return a theme with the report's colors and with fonts of the reader's machine."""
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
    """Return the page with both tabs.

    Args:
        models: shown side by side, in this order.
        runs: the runs of the second tab.
        place: a folder for temporary files.
        threshold: initial confidence below which a joint is not drawn.
    """
    # gradio's own removal of old files (delete_cache) fails at a folder; the server has its own.
    with gr.Blocks(title="posebridge", analytics_enabled=False, fill_width=True) as page:
        html(
            '<header class="pb-head"><b>posebridge</b><span>Nothing on this page leaves this '
            f"machine.</span><em>{__version__}</em></header>"
        )
        with gr.Tabs(selected="predict" if models else "training", elem_classes="pb-tabs"):
            with gr.Tab("Predict", id="predict") as predict:
                predict_tab(models, place, limits, threshold)
            with gr.Tab("Training", id="training") as watch:
                timer = training_tab(page, runs, at_once=not models)
        if timer is not None:
            # Only the visible tab polls for changes.
            watch.select(lambda: gr.Timer(active=True), None, timer, **QUIET)
            predict.select(lambda: gr.Timer(active=False), None, timer, **QUIET)
    return page
