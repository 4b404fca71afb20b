"""What both tabs are made of."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import escape

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""For every event: gradio describes and offers no interface to programs."""
QUIET: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}


def html(value: str = "", **more: Any) -> gr.HTML:
    """HTML in the page's own style rather than gradio's for running text."""
    return gr.HTML(value, apply_default_css=False, **more)


def nothing(title: str, text: str) -> str:
    """What stands where there is nothing to show, and what to do."""
    return f'<div class="pb-nothing"><b>{escape(title)}</b><p>{escape(text)}</p></div>'
