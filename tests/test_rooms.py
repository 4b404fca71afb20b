"""A room's docstring is its map, and the tests mirror the rooms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "posebridge"
ROOMS = sorted(p.parent for p in ROOT.rglob("__init__.py") if p.parent != ROOT)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_rooms_map_names_every_file(room):
    map_ = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
    files = {p.name for p in room.glob("*.py") if p.name != "__init__.py"}
    folders = {f"{p.name}/" for p in room.iterdir() if p.is_dir() and p.name != "__pycache__"}
    named = set(re.findall(r"(?<![\w/])\w+\.py", map_)) | set(re.findall(r"(?<![\w/])\w+/", map_))
    assert files | folders <= named, f"not named: {sorted((files | folders) - named)}"
    assert {n for n in named if n.endswith(".py")} <= files, (
        "the map names a file that is not there"
    )


TESTS = Path(__file__).parent
WITHOUT_ROOM = {"docs", "examples"}


def test_test_folders_mirror_the_rooms():
    folders = {p.parent.relative_to(TESTS) for p in TESTS.rglob("test_*.py")} - {Path()}
    missing = {str(f) for f in folders if not (ROOT / f).is_dir()} - WITHOUT_ROOM
    assert not missing, f"no room of posebridge is called {sorted(missing)}"
