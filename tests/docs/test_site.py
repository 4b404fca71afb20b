"""The site: every page is there, nothing loads from elsewhere, the API pages say what is true."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from posebridge.training.config import AdaptConfig

ROOT = Path(__file__).resolve().parents[2]
SITE = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """A project of its own, as ``make docs`` gathers it, so that no build here is touched."""
    project = tmp_path_factory.mktemp("project")
    folder = project / SITE["docs_dir"]
    command = [sys.executable, str(ROOT / "docs/site_pages.py"), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    shutil.copy(ROOT / "zensical.toml", project)
    return folder


def in_navigation(entries: list) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        for value in entry.values():
            found |= in_navigation(value) if isinstance(value, list) else {value}
    return found


def test_every_page_stands_in_the_navigation_and_every_link_leads_somewhere(pages):
    written = {page.relative_to(pages).as_posix() for page in pages.rglob("*.md")}
    assert written == in_navigation(SITE["nav"])
    links = [
        (page, link)
        for page in pages.rglob("*.md")
        for link in re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", link)
    ]
    assert len(links) > 20
    assert [(page.name, link) for page, link in links if not (page.parent / link).is_file()] == []


def test_the_settings_page_has_every_field_and_its_default(pages):
    text = (pages / "reference/fields.md").read_text(encoding="utf-8")

    def names(config: object, prefix: str = "") -> list[str]:
        found = []
        for field in fields(config):  # pyright: ignore[reportArgumentType]
            value = getattr(config, field.name)
            inner = names(value, f"{prefix}{field.name}.") if is_dataclass(value) else None
            found += [prefix + field.name] if inner is None else inner
        return found

    rows = re.findall(r"^\| `([\w.]+)` \| `.*?` \| \S.*\|$", text, re.M)
    assert sorted(rows) == sorted(names(AdaptConfig())) and len(rows) > 60
    assert "| `consistency.weight` | `1.0` | loss weight, in units of a Gaussian" in text


def test_the_python_page_has_signatures_texts_and_errors(pages):
    text = (pages / "reference/python.md").read_text(encoding="utf-8")
    adapt = text.partition("## posebridge.adapt\n")[2].partition("\n## ")[0]
    assert "    preset: str | Sequence[str] = (),\n" in adapt and ") -> RunResult" in adapt
    assert '- `overrides`: dotted settings, such as `{"feature.weight": 0}`.' in adapt
    assert "**Raises**\n\n- `InputError`: an input that cannot be used." in adapt
    assert "### Predictor.predict\n" in text and "(N, K, 2) float32" in text
    assert ":func:" not in text and "``" not in text.replace("```", "")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("zensical") is None,
    reason="zensical is not installed: pip install 'posebridge[docs]'",
)
def test_the_site_builds_without_warnings_and_loads_nothing_from_elsewhere(pages):
    project = pages.parents[len(Path(SITE["docs_dir"]).parts) - 1]
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "No issues found" in done.stdout + done.stderr
    built = list((project / SITE["site_dir"]).rglob("*.html"))
    assert len(built) == len(list(pages.rglob("*.md"))) + 1  # the page for what is not found
    loaded = re.compile(
        r"<(?:script|img|iframe|source|link)\b[^>]*?(?:src|href)=\"?((?:https?:)?//[^\">\s]+)"
    )
    assert [
        (page.name, found) for page in built for found in loaded.findall(page.read_text())
    ] == []
    for sheet in (project / SITE["site_dir"]).rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", sheet.read_text()), sheet.name
