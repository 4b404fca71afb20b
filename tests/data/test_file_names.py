"""Image names in what is written: their own, not those of a link's target, whatever their bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posebridge.data.conversion import convert
from posebridge.data.file_names import name_below, printable
from posebridge.data.reading import read_annotations
from posebridge.errors import InputError

LATIN = os.fsdecode(b"caf\xe9 .png")


def _set(folder: Path, name: str, link_to: Path | None = None) -> Path:
    image = folder / name
    image.parent.mkdir(parents=True, exist_ok=True)
    if link_to is not None:
        link_to.parent.mkdir(parents=True)
        Image.new("RGB", (40, 30)).save(link_to, "PNG")
        image.symlink_to(link_to)
    else:
        Image.new("RGB", (40, 30)).save(image)
    file = folder / "labels.json"
    row = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 20, 20]}
    document = {
        "images": [{"id": 1, "file_name": name, "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "x", "keypoints": ["a", "b"]}],
        "annotations": [{**row, "keypoints": [5, 6, 2, 7, 8, 2]}],
    }
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize(
    ("out", "format"),
    [
        *(("out.json", "coco"), ("out.csv", "deeplabcut"), ("out.h5", "deeplabcut")),
        *(("tasks.json", "label-studio"), ("out.slp", "slp"), ("yolo", "yolo")),
        ("project", "deeplabcut-project"),
    ],
)
def test_a_linked_image_keeps_its_own_name(tmp_path, out, format):
    file = _set(tmp_path / "set", "images/photo_1.png", tmp_path / "store" / "ab" / "cdef0123")
    convert(file, tmp_path / "set" / out, target_format=format)
    written = read_annotations(tmp_path / "set" / out, format=format)
    assert written.files[0].name == "photo_1.png"
    assert np.allclose(written.points[0], [[5, 6], [7, 8]])
    if format in ("coco", "deeplabcut", "label-studio") and out != "out.h5":
        content = (tmp_path / "set" / out).read_text()
        assert "images/photo_1.png" in content and "cdef0123" not in content


def test_a_name_is_relative_below_the_folder_whatever_links_lead_there(tmp_path):
    (tmp_path / "real" / "images").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("real")
    for file in (tmp_path / "real/images/a.png", tmp_path / "linked/images/../images/a.png"):
        for folder in (tmp_path / "real", tmp_path / "linked"):
            assert name_below(file, folder) == Path("images/a.png")
    assert name_below(tmp_path / "b.png", tmp_path / "real") == tmp_path / "b.png"


@pytest.mark.parametrize(
    ("out", "format"), [("out.json", "coco"), ("tasks.json", "label-studio"), ("yolo", "yolo")]
)
def test_a_name_that_is_not_utf_8_survives_where_the_format_can_hold_it(tmp_path, out, format):
    file = _set(tmp_path, LATIN)
    convert(file, tmp_path / out, target_format=format)
    written = read_annotations(tmp_path / out, format=format)
    assert os.fsencode(written.files[0].name) == b"caf\xe9 .png"
    assert np.allclose(written.points[0], [[5, 6], [7, 8]])


@pytest.mark.parametrize("out", ["out.csv", "out.h5", "out.slp", "out.nwb", "project"])
def test_name_that_is_not_utf_8_is_refused_elsewhere(tmp_path, out):
    file = _set(tmp_path, LATIN)
    format = "deeplabcut-project" if out == "project" else None
    with pytest.raises(InputError, match=r"caf\\xe9 \.png is not UTF-8, .* rename the file"):
        convert(file, tmp_path / out, target_format=format)
    assert not (tmp_path / out).exists()


def test_half_of_a_surrogate_pair_is_printed_escaped():
    assert printable("a\ud800.png") == "a\\ud800.png"
