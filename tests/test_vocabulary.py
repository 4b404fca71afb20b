"""The project's pages, code and tests use the words of its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("src", "docs", "tests", "examples", "benchmarks")
SUFFIXES = {".py", ".md", ".yaml", ".toml", ".jinja", ".css", ".ipynb", ".cfg"}
KEPT = "dialect: ok"
"""A line that has to keep an old word ends in this comment."""

IDENTIFIERS = [
    *(r"\basked\b", r"\bAsked\b", r"\bsteady_and_sure\b", r"\btold_at_the_end\b"),
    *(r"\bchances?\b", r"\bbegun\b", r"\bjudging\b", r"\bleast_(score|size)\b"),
    *(r"\bheld_out_most\b", r"\bteacher_decay\b", r"\bfacing_share\b", r"\bkeep_first\b"),
    *(r"\bsource_held_out\b", r"\bmultilevel_plus\b", r"\bcolour", r"\bphotometry\b"),
    *(r"\bseveral_views\b", r"\bheartbeat\.presence\b", r"\bfigures_wrong\b"),
    *(r"\bkept_share\b", r"\bmined_share\b"),
    r"--least-",  # dialect: ok
    r"normalis",  # dialect: ok
]
PROSE = [
    *(r"\bgo(es)? on\b", r"\b(is|are|was|were) no (?!longer|more|less|t\b)", r"\bsome minutes\b"),
    *(r"\b(to be|can be|can't be|cannot be|could be) had\b", r"\bof the day\b", r"\bseldom\b"),
    *(r"\bthe commoner\b", r"\bso many (?!as)", r"\bbeside it\b", r"\basked alike\b"),
    *(r"\bare dear\b", r"\bis dear\b", r"\bsays? of (itself|them|it)\b", r"\bin words\b"),
    *(r"\bthe whole way\b", r"\bwhat (lies|stands)\b", r"\bmodels? (say|says|answer|answers)\b"),
    *(r"\bvalidator's word\b", r"\bnobody (can|should|has|else)\b", r"\bleft be\b"),
    r"\bhow the (finished )?model is asked\b",  # dialect: ok
]


def pages() -> Iterator[tuple[str, str]]:
    """Yield every page's path and text; of the changelog, only its newest section."""
    paths = [ROOT / name for name in FILES]
    for folder in FOLDERS:
        paths += sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in SUFFIXES)
    for path in paths:
        if path == Path(__file__) or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name == "CHANGELOG.md":
            text = "## ".join(re.split(r"(?m)^## ", text)[:2])
        yield str(path.relative_to(ROOT)), text


def uses(pattern: str) -> list[str]:
    """Return every line with a match, as ``file:line: text``."""
    return [
        f"{name}:{number}: {line.strip()[:110]}"
        for name, text in pages()
        if re.search(pattern, text)
        for number, line in enumerate(text.splitlines(), 1)
        if KEPT not in line and re.search(pattern, line)
    ]


@pytest.mark.parametrize("pattern", IDENTIFIERS + PROSE)
def test_old_word_is_gone(pattern):
    assert uses(pattern) == []
