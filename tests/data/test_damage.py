"""Damaged files of every reader: read or refused in a sentence, never a crash or an empty set.

Together 200 files: bytes that are cut or flipped, and values of the parsed content that are dropped or
replaced by junk.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posebridge.data.formats.registry import format_named
from posebridge.data.reading import read_annotations, read_labeled, read_unlabeled
from posebridge.errors import InputError
from tests.data.annotated import annotated
from tests.data.formats.test_deeplabcut import CONFIG, TABLE, pandas_levels
from tests.data.formats.tool_files import text

JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 10**30, -(2**63), 1e308, float("nan"), float("inf"), 0.5),
    *("", "x", "\0", "9" * 20, "../" * 200 + "x", "é" * 300),
    *([], {}, [[]], [None], {"id": []}, [1, 2], ["a", "a", "a"]),
)
WORDS = ("nan", "inf", "-1", "1e400", "x", "", "9" * 30, "\0", "1e9", '"', ",", "\n", "[", "{", "é")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Return one file of each reader, with its images."""
    root = tmp_path_factory.mktemp("whole")
    labels = annotated(root / "images")
    for name, path in (
        ("coco", "coco/a.json"),
        ("yolo", "yolo"),
        ("deeplabcut", "table/a.csv"),
        ("deeplabcut-project", "project"),
        ("slp", "slp/a.slp"),
        ("label-studio", "studio/a.json"),
        ("nwb", "nwb/a.nwb"),
    ):
        format = format_named(name)
        assert format.write is not None
        (root / path).parent.mkdir(exist_ok=True)
        format.write(labels, root / path)
    clip = root / "h5/labeled-data/clip"
    text(root / "h5/config.yaml", CONFIG)
    text(clip / "CollectedData_ann.csv", TABLE)
    for name in ("img2.png", "img10.png", "img3.png"):
        shutil.copy(root / "images/a.png", clip / name)
    with h5py.File(clip / "CollectedData_ann.h5", "w") as h5:
        group = h5.create_group("df_with_missing")
        columns = [("ann", p, c) for p in ("snout", "left_ear") for c in ("x", "y")]
        pandas_levels(group, "axis0", columns)
        pandas_levels(group, "block0_items", columns)
        pandas_levels(group, "axis1", [("labeled-data", "clip", "img2.png")])
        group["block0_values"] = np.arange(4.0)[None]
    boxes = [{"file_name": str(f), "bbox": [1, 2, 3, 4], "score": 0.5} for f in labels.files]
    text(root / "boxes/a.json", json.dumps(boxes))
    rows = "".join(f"{f},1,2,3,4,0.5\n" for f in labels.files)
    text(root / "boxes/b.csv", "file_name,x,y,w,h,score\n" + rows)
    return root


# reader, the file that is damaged, what is read
PLACES = (
    ("coco", "coco/a.json", "coco/a.json"),
    ("yolo", "yolo/data.yaml", "yolo/data.yaml"),
    ("yolo", "yolo/labels/train/a.txt", "yolo"),
    ("deeplabcut", "table/a.csv", "table/a.csv"),
    ("deeplabcut-project", "project/config.yaml", "project"),
    ("deeplabcut", "h5/labeled-data/clip/CollectedData_ann.h5", None),
    ("slp", "slp/a.slp", "slp/a.slp"),
    ("nwb", "nwb/a.nwb", "nwb/a.nwb"),
    ("label-studio", "studio/a.json", "studio/a.json"),
    ("detections", "boxes/a.json", "boxes/a.json"),
    ("detections", "boxes/b.csv", "boxes/b.csv"),
)


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, (dict, list)) and inner:
            yield from places(inner, (*path, key))
        else:
            yield (*path, key)


def damaged_value(content: Any, luck: random.Random) -> Any:
    """Return a parsed file with one value dropped or replaced."""
    changed = copy.deepcopy(content)
    *way, last = luck.choice(list(places(changed)))
    inner = changed
    for key in way:
        inner = inner[key]
    if luck.random() < 0.25:
        del inner[last]
    else:
        inner[last] = luck.choice(JUNK)
    return changed


def damaged(content: bytes, ending: str, luck: random.Random) -> bytes:
    """Return the bytes of a file, damaged in one of several ways."""
    if ending in (".json", ".yaml") and luck.random() < 0.7:
        if ending == ".json":
            return json.dumps(damaged_value(json.loads(content), luck)).encode()
        return yaml.safe_dump(damaged_value(yaml.safe_load(content), luck)).encode()
    if ending in (".csv", ".txt") and luck.random() < 0.7:
        words = content.decode().split("," if ending == ".csv" else " ")
        words[luck.randrange(len(words))] = luck.choice(WORDS)
        return ("," if ending == ".csv" else " ").join(words).encode()
    kind, place = luck.randrange(3), luck.randrange(len(content))
    if kind == 0:
        return content[:place]
    harmed = bytearray(content)
    for _ in range(1 if kind == 1 else 20):
        harmed[luck.randrange(len(harmed))] = luck.randrange(256)
    return bytes(harmed)


def read_or_refused(path: Path, name: str | None) -> None:
    for read in (read_labeled, read_annotations, read_unlabeled):
        try:
            found = read(path, format=name)
        except InputError as error:
            assert str(error).strip() and "\n" not in str(error)
        else:
            assert len(found) > 0


@given(st.integers(0, 2**32 - 1))
@settings(
    max_examples=19,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize(("name", "file", "read"), PLACES, ids=str)
def test_damage(whole, tmp_path, name, file, read, seed):
    target = whole / file
    content = target.read_bytes()
    try:
        target.write_bytes(damaged(content, target.suffix, random.Random(seed)))
        read_or_refused(whole / (read or file), name if seed % 2 else None)
    finally:
        target.write_bytes(content)
