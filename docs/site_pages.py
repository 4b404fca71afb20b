"""The pages of the site, gathered into one folder: ``python docs/site_pages.py build/docs``.

README, CONTRIBUTING and CHANGELOG are at the root of the repository, where people look for them; the
site needs all pages below one folder. They are copied with adapted links, next to the pages of ``docs``
and the reference pages that :mod:`api_pages` makes from the docstrings.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import api_pages

ROOT = Path(__file__).resolve().parents[1]
PLACES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def gather(folder: Path) -> None:
    """Write the pages into ``folder``, which is replaced."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for page in sorted((ROOT / "docs").rglob("*.md")):
        _write(page, folder / page.relative_to(ROOT / "docs"), folder)
    for name, place in PLACES.items():
        _write(ROOT / name, folder / place, folder)
    shutil.copy(ROOT / "docs" / "site.css", folder)
    shutil.copytree(ROOT / "docs" / "pictures", folder / "pictures")
    api_pages.write(folder / "reference")


def _write(page: Path, place: Path, folder: Path) -> None:
    text = page.read_text(encoding="utf-8")
    text = LINK.sub(lambda m: m[1] + _link(m[2], page.parent, place.parent, folder) + m[3], text)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def _link(link: str, base: Path, start: Path, folder: Path) -> str:
    """Return a link of a page in ``base`` as seen from ``start``; copy a file that is not a page."""
    if re.match(r"[a-z]+:|#", link):
        return link
    path, hash_, anchor = link.partition("#")
    within = (base / path).resolve().relative_to(ROOT).as_posix()
    place = PLACES.get(within, within.removeprefix("docs/"))
    if within not in PLACES and not within.startswith("docs/"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / within, folder / place)
    return Path(os.path.relpath(folder / place, start)).as_posix() + hash_ + anchor


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
