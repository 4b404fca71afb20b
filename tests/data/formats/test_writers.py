"""Every writer: places in the image that is there, names that its reader finds, time."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posebridge.data.conversion import convert
from posebridge.data.formats.registry import FORMATS, format_named
from posebridge.data.reading import read_annotations
from posebridge.errors import InputError
from tests.data.annotated import annotated

WRITTEN = [f.name for f in FORMATS if f.write is not None]
ENDINGS = {
    "coco": ".json",
    "label-studio": ".tasks.json",
    "slp": ".slp",
    "nwb": ".nwb",
    "deeplabcut": ".csv",
}


def coco_of_two_sizes(folder: Path, turned: bool) -> Path:
    """Return one image of 100 x 80 whose file states twice that, or that it is turned."""
    folder.mkdir()
    Image.new("RGB", (100, 80)).save(folder / "a.png")
    size = {"width": 80, "height": 100} if turned else {"width": 200, "height": 160}
    content = {
        "images": [{"id": 1, "file_name": "a.png", **size}],
        "categories": [{"id": 1, "name": "p", "keypoints": ["a", "b"]}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "keypoints": [10, 20, 2, 60, 70, 2],
                "bbox": [5, 10, 60, 65],
            }
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder / "annotations.json"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", WRITTEN)
def test_places_are_those_of_the_image_and_not_of_the_stated_size(tmp_path, name, turned):
    file = coco_of_two_sizes(tmp_path / "in", turned)
    out = tmp_path / f"out{ENDINGS.get(name, '')}"
    convert(file, out, target_format=name)
    found = read_annotations(out)
    np.testing.assert_allclose(found.points, [[[10, 20], [60, 70]]], atol=1e-6)
    if found.boxes[0, 2]:
        np.testing.assert_allclose(found.boxes, [[5, 10, 60, 65]], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "image", "reason"),
    [
        ("yolo", ".a.png", "begins with a dot"),
        ("deeplabcut", "a.png ", "begins or ends in a blank"),
        ("deeplabcut-project", "a.png ", "begins or ends in a blank"),
        ("slp", "a\\b.png", "has a backslash"),
        ("nwb", "a\\b.png", "has a backslash"),
    ],
)
def test_names_that_are_not_read_again_are_refused(tmp_path, name, image, reason):
    labels = annotated(tmp_path / "in")
    file = labels.files[0].rename(labels.files[0].with_name(image))
    write = format_named(name).write
    assert write is not None
    with pytest.raises(InputError, match=reason):
        write(
            replace(labels, files=[file, *labels.files[1:]]), tmp_path / f"o{ENDINGS.get(name, '')}"
        )


@pytest.mark.parametrize("name", [n for n in WRITTEN if n != "nwb"])
def test_time_grows_with_the_subjects_and_not_with_their_square(tmp_path, name):
    labels = annotated(tmp_path / "in")
    count = 3000
    rows = np.arange(count) % 2
    many = replace(
        labels,
        image=np.zeros(count, np.int64),
        ids=np.arange(count),
        boxes=labels.boxes[rows],
        points=labels.points[rows],
        visibility=labels.visibility[rows],
        individuals=None,
    )
    write = format_named(name).write
    assert write is not None
    start = time.process_time()
    write(many, tmp_path / f"out{ENDINGS.get(name, '')}")
    assert time.process_time() - start < 2
