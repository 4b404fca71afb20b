"""Components that both tabs use."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import escape

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""For every event: gradio neither describes nor offers an interface to programs."""
QUIET: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}


def html(value: str = "", **more: Any) -> gr.HTML:
    """Return HTML in the page's own style rather than gradio's for running text."""
    return gr.HTML(value, apply_default_css=False, **more)


def nothing(title: str, text: str) -> str:
    """Return a placeholder where there is nothing to show, with what to do."""
    return f'<div class="pb-nothing"><b>{escape(title)}</b><p>{escape(text)}</p></div>'
