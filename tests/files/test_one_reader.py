"""YAML and JSON are parsed in one room, and configs are never made into objects by name."""

from __future__ import annotations

import re
from pathlib import Path

import posebridge

SOURCE = Path(posebridge.__file__).parent
PARSERS = re.compile(
    r"\bjson\.loads?\(|\bjson\.JSONDecoder|\byaml\.\w*(?<!safe_)(load|parse|compose)\w*\(|"
    r"\byaml\.safe_load|\.instantiate\w*\(|ActionConfigFile"
)


# The first entry of a long list, without reading the rest: what a file is recognized by.
ALLOWED = {"data/formats/registry.py: entry, _ = json.JSONDecoder().raw_decode(text, place)"}


def test_no_other_room_parses_yaml_or_json():
    found = [
        f"{file.relative_to(SOURCE)}: {line.strip()}"
        for file in sorted(SOURCE.rglob("*.py"))
        if file.parent.name != "files" or file.parent.parent != SOURCE
        for line in file.read_text(encoding="utf-8").splitlines()
        if PARSERS.search(line)
    ]
    assert set(found) <= ALLOWED
