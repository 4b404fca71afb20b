"""The documentation: links and anchors resolve, and command lines are ones the commands take."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import jsonargparse
import pytest

from posebridge.cli.main import COMMANDS
from posebridge.errors import InputError
from posebridge.training.presets import known_presets

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
SETTINGS_BY_CONFIG = ("adapt", "train-style")


def anchors(page: str) -> set[str]:
    """The ids that GitHub and the site both give: lower case, parts joined by dashes.

    Where a sign stands between two spaces, GitHub writes two dashes and the site one, so no link to
    such a heading works in both: it has no id here.
    """
    titles = re.findall(r"^#{1,6} +(.+?) *$", without_code(page), re.M)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles]
    parts = [re.sub(r"[^\w\- ]", "", title).strip() for title in plain]
    return {title.replace(" ", "-") for title in parts if "  " not in title}


def without_code(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)


def broken_links(page: Path, root: Path = ROOT) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_file() or not file.is_relative_to(root):
            broken.append(f"{page.name}: {link}: no such file")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append(f"{page.name}: {link}: no such heading")
    return broken


def command_lines(page: str) -> Iterator[list[str]]:
    """Arguments of each ``posebridge`` command in an indented or fenced block, or between backticks.

    Three dots stand for what the reader fills in, and end the line; an ``--out`` that every training
    needs is filled in for them.
    """
    joined = re.sub(r"\\\n\s*", " ", page)
    blocks = re.findall(r"^(?:    |\$ )?posebridge +([^\n]*)$", joined, re.M)
    inline = re.findall(r"(?<!`)`posebridge\s([^`]+)`(?!`)", joined)
    for line in [*blocks, *inline]:
        parts = shlex.split(line.replace("\n", " "), comments=True)
        if "..." in parts:
            parts = parts[: parts.index("...")]
            if parts and parts[0] in SETTINGS_BY_CONFIG and "--out" not in parts:
                parts += ["--out", "OUT"]
        if parts:
            yield parts


class Parsed(Exception):
    """The command line was taken; nothing is to be run."""


def problem(parts: list[str], monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What the command's own parser says against a line; it is not run.

    A line without options, such as ``posebridge adapt``, names a command and no more.
    """
    if parts[0] not in COMMANDS:
        return f"unknown command '{parts[0]}'"
    if len(parts) == 1 or {"--help", "--help-all"} & set(parts):
        return None
    _write_settings(parts)
    with monkeypatch.context() as patch:
        for parser in (argparse.ArgumentParser, jsonargparse.ArgumentParser):
            patch.setattr(parser, "parse_args", _parse_only(parser.parse_args))
        patch.setattr(argparse.ArgumentParser, "error", _raise)
        try:
            importlib.import_module(f"posebridge.cli.{parts[0].replace('-', '_')}").main(parts[1:])
        except Parsed:
            return None
        except (InputError, SystemExit) as error:
            return str(error)
    return "ran"


def _parse_only(taken: Callable) -> Callable:
    def parse(self: argparse.ArgumentParser, *args: object, **kwargs: object) -> None:
        taken(self, *args, **kwargs)
        raise Parsed

    return parse


def _write_settings(parts: list[str]) -> None:
    """The files of settings that a line speaks of; ``adapt`` reads them while it parses."""
    named = [Path(after) for word, after in pairwise(parts) if word == "--config"]
    if "--resume" in parts and "--out" in parts:
        named.append(Path(parts[parts.index("--out") + 1]) / "config.yaml")
    for file in named:
        assert not file.is_absolute(), f"{file}: a path of the reader's is relative in the docs"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{seed: 0}\n", encoding="utf-8")


def _raise(self: argparse.ArgumentParser, message: str) -> None:
    raise InputError(message)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_anchors_resolve(page):
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# What `it` is: a page\n# 3 + 6\n[p](#3--6) [a](#what-it-is-a-page) [b](#other) [c](gone.md)\n"
        "```\n# no heading\n[d](x)\n```\n[e](https://example.org/x) [f](#no-heading)\n"
    )
    assert broken_links(page, tmp_path) == [
        "page.md: #3--6: no such heading",
        "page.md: #other: no such heading",
        "page.md: gone.md: no such file",
        "page.md: #no-heading: no such heading",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_command_lines_are_taken_by_their_commands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = list(command_lines(page.read_text(encoding="utf-8")))
    problems = [(parts, problem(parts, monkeypatch)) for parts in lines]
    assert [f"{shlex.join(parts)}: {what}" for parts, what in problems if what] == []


def test_command_lines_are_found_in_every_place():
    page = (
        "    posebridge check a.json \\\n        --out 'my page/'   # a comment\n"
        "Use `posebridge report RUN` or `posebridge adapt\n--resume`, `posebridge[video]`.\n"
        "```\nposebridge demo --set ...\n```\nThe package posebridge is small.\n"
    )
    assert list(command_lines(page)) == [
        ["check", "a.json", "--out", "my page/"],
        ["demo", "--set"],
        ["report", "RUN"],
        ["adapt", "--resume"],
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train x", "unknown command"),
        ("check a.json --strickt", "strickt"),
        ("export runs/people", "--out"),
        ("adapt --source a --target b --out c --feature.wait 0", "feature.wait"),
        ("adapt --preset nobody --out c", "nobody"),
        ("datasets prepare", "required"),
    ],
)
def test_a_wrong_command_line_is_found(line, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert says in (problem(line.split(), monkeypatch) or "taken")


def test_every_extra_that_is_spoken_of_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sources = [*PAGES, *sorted((ROOT / "src").rglob("*.py"))]
    named = {
        (file.name, extra.strip())
        for file in sources
        for extras in re.findall(r"posebridge\[([a-z,\s]+)\]", file.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    }
    assert ("export.md", "export") in named
    known = set(project["optional-dependencies"])
    assert sorted(place for place in named if place[1] not in known) == []


def test_every_preset_stands_in_the_settings_page():
    text = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
    assert [name for name in known_presets() if f"`{name}`" not in text] == []
