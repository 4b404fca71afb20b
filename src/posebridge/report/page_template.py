"""HTML pages of the report: one file each, with its style and images inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from posebridge.report.charts import number
from posebridge.report.skeleton_svg import skeleton_css

_STYLE = Path(__file__).with_name("page") / "style.css"


def render_page(template: str, **values: Any) -> str:
    """Return a page made from a template in ``page/``; values are escaped unless they are Markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("posebridge.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    style = Markup(_STYLE.read_text(encoding="utf-8") + skeleton_css())
    return environment.get_template(template).render(style=style, **values)
