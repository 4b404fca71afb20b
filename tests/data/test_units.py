"""Pixels where pixels are expected, fractions where fractions are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from posebridge.data.reading import read_annotations, read_labeled, read_unlabeled
from posebridge.errors import InputError


def coco(folder: Path, subjects: list[tuple[list, list]], size=(100, 50)) -> Path:
    """Return a COCO file of keypoints a, b and boxes."""
    Image.new("RGB", size).save(folder / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "p", "keypoints": ["a", "b"]}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "keypoints": points, "bbox": box}
            for n, (points, box) in enumerate(subjects)
        ],
    }
    file = folder / "annotations.json"
    file.write_text(json.dumps(content))
    return file


PIXELS = ([10, 20, 2, 30, 40, 2], [5, 10, 60, 40])
SHARES = ([0.1, 0.2, 2, 0.3, 0.4, 2], [0.05, 0.1, 0.6, 0.4])


def test_fractions_in_place_of_pixels_are_refused(tmp_path):
    file = coco(tmp_path, [SHARES, SHARES])
    for read in (read_labeled, read_annotations):
        with pytest.raises(
            InputError, match="look like fractions of the image, where pixels are expected"
        ):
            read(file)
    with pytest.raises(InputError, match=r"2 of 2 boxes are smaller than a pixel.* box 0;.*pixels"):
        read_unlabeled(file)


def test_boxes_in_fractions_with_points_in_pixels_are_refused(tmp_path):
    file = coco(tmp_path, [(PIXELS[0], SHARES[1]), (PIXELS[0], SHARES[1])])
    with pytest.raises(InputError, match="2 of 2 boxes are smaller than a pixel"):
        read_labeled(file)


def test_pixels_of_another_image_are_refused(tmp_path):
    far = ([1500, 900, 2, 1600, 950, 2], [1400, 800, 300, 300])
    file = coco(tmp_path, [far])
    with pytest.raises(InputError, match=r"\(1500, 900\) in .*a.png, an image of 100 x 50 pixels"):
        read_labeled(file)
    with pytest.raises(InputError, match="1 of 1 boxes checked are far outside of their images"):
        read_unlabeled(file)


@pytest.mark.parametrize(
    "subjects",
    [
        [PIXELS],
        [PIXELS, PIXELS, SHARES],  # one odd subject is for check
        [([0, 0, 2, 1, 1, 2], [0, 0, 1, 1])],  # whole numbers at the corner
        [([0.5, 0.5, 2, 0, 0, 0], [0, 0, 60, 40])],  # one point
        [([-8, 20, 2, 130, 40, 2], [5, 10, 60, 40])],  # a little outside
        [PIXELS, ([1500, 900, 2, 0, 0, 0], [5, 10, 60, 40])],
    ],
)
def test_good_files_raise_no_false_alarm(tmp_path, subjects):
    file = coco(tmp_path, subjects)
    assert len(read_labeled(file)) == len(subjects)
    assert len(read_unlabeled(file)) == len(subjects)


def test_tiny_images_raise_no_false_alarm(tmp_path):
    file = coco(tmp_path, [([0.2, 0.4, 2, 1.2, 1.1, 2], [0.1, 0.1, 0.9, 0.8])], size=(2, 2))
    assert len(read_labeled(file)) == len(read_unlabeled(file)) == 1
