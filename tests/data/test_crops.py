"""Crops: where they lie, what they show, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from posebridge.data.crops import (
    CropConfig,
    Region,
    UnreadableImage,
    cut,
    decode_image,
    get_region,
    read_crop,
    to_crop,
    to_image,
)
from posebridge.data.reading import read_unlabeled

EXIF_ORIENTATION = 0x0112


@pytest.mark.parametrize(
    ("box", "padding", "region"),
    [
        ((10, 20, 40, 20), 1.5, (0, 0, 60)),
        ((10, 20, 40, 20), 1.0, (10, 10, 40)),
        ((0, 0, 0, 0), 2.0, (0, -10, 80)),  # the whole 80 x 60 image, not padded
        ((-5, -5, 10, 10), 1.0, (-5, -5, 10)),
        ((30, 30, 0.5, 0.5), 1.0, (29, 29, 2)),  # never less than two pixels
    ],
)
def test_regions(box, padding, region):
    assert get_region(np.array(box), 80, 60, padding) == region


@given(st.tuples(*[st.floats(-100, 500)] * 2, *[st.floats(1, 400)] * 2), st.floats(1.0, 2.0))
def test_a_region_is_of_whole_pixels_round_the_box(box, padding):
    region = get_region(np.array(box), 640, 480, padding)
    assert all(isinstance(value, int) for value in region)
    x, y, w, h = box
    assert abs(region.side - max(2, max(w, h) * padding)) <= 0.5
    assert abs(region.x + region.side / 2 - (x + w / 2)) <= 0.5 + 1e-9
    assert abs(region.y + region.side / 2 - (y + h / 2)) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("region", "size", "image", "crop"),
    [
        ((0, 0, 8), 8, 3, 3),
        ((10, 10, 8), 8, 13, 3),
        ((0, 0, 8), 4, 0.5, 0),  # the middle of the first two pixels is the first cell
        ((0, 0, 8), 4, -0.5, -0.5),
        ((-4, -4, 8), 16, 0, 8.5),
    ],
)
def test_pixels_of_the_image_and_of_the_crop(region, size, image, crop):
    regions = np.array([region])
    there = to_crop(np.full((1, 1, 2), float(image)), regions, size)
    assert (there == crop).all()
    assert (to_image(there, regions, size) == image).all()


@given(
    st.tuples(st.floats(20, 620), st.floats(20, 460)),
    st.tuples(st.floats(-150, 150), st.floats(-150, 150)),
    st.integers(60, 600),
    st.sampled_from([32, 64, 256]),
)
@settings(max_examples=40, deadline=None)
def test_dot_in_a_large_image_is_at_its_point(point, offset, side, size):
    """Cut small or large, over the border or not: within 0.6 px of the crop."""
    where = np.array(point)
    rows, columns = np.mgrid[:480, :640]
    sigma = max(3.0, side / size)
    dot = np.exp(-((columns - where[0]) ** 2 + (rows - where[1]) ** 2) / (2 * sigma**2))
    image = np.repeat(np.round(255 * dot)[..., None], 3, axis=2).astype(np.uint8)
    center = where + np.array(offset)
    region = get_region(np.array([*(center - side / 2), side, side]), 640, 480, 1.0)
    expected = to_crop(where[None, None], np.array([region]), size)[0, 0]
    reach = 4 * sigma * size / side
    crop = cut(image, region, size)[..., 0].astype(float)
    assert crop.shape == (size, size)
    inside = (expected > reach).all() and (expected < size - 1 - reach).all()
    in_image = (where > 4 * sigma).all() and (where < np.array([639, 479]) - 4 * sigma).all()
    assume(inside and in_image)
    rows, columns = np.mgrid[:size, :size]
    found = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    assert np.abs(found - expected).max() < 0.6


@given(st.integers(-30, 30), st.integers(-30, 30), st.integers(2, 40))
def test_outside_the_image_is_black_and_inside_it_is_the_image(x, y, side):
    image = np.random.default_rng(0).integers(1, 255, (12, 17, 3), dtype=np.uint8)
    crop = cut(image, Region(x, y, side), side)
    rows, columns = np.mgrid[y : y + side, x : x + side]
    seen = (rows >= 0) & (rows < 12) & (columns >= 0) & (columns < 17)
    assert (crop[~seen] == 0).all()
    assert np.array_equal(crop[seen], image[rows[seen], columns[seen]])


def test_a_box_far_larger_than_the_image_takes_no_memory():
    image = np.full((480, 640, 3), 255, np.uint8)
    region = get_region(np.array([0, 0, 900_000, 900_000]), 640, 480, 1.25)
    assert cut(image, region, 64).shape == (64, 64, 3)
    assert not cut(image, region, 64).any()  # 640 x 480 of 17,578 x 17,578 pixels are 0.4 of 255
    assert not cut(image, Region(900_000, 0, 900_000), 64).any()
    # 2 x 2 white pixels in squares of 6 x 6: one square has all of them, or each of four has one.
    white = image[:2, :2]
    assert cut(white, Region(-2, -6, 12), 2)[..., 0].tolist() == [[0, 0], [28, 0]]
    assert cut(white, Region(-5, -5, 12), 2)[..., 0].tolist() == [[7, 7], [7, 7]]


def test_a_box_far_larger_than_the_image_is_cut_as_others_are():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    x, y, side, size = -33, -61, 150, 60
    black = np.zeros((side, side, 3), np.uint8)
    black[-y : 30 - y, -x : 40 - x] = image
    expected = cv2.resize(black, (size, size), interpolation=cv2.INTER_AREA)
    found = cut(image, Region(x, y, side), size)
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_every_way_to_hold_a_camera(tmp_path, orientation, ending):
    """The upright picture has a white corner at the top left; the file stores it turned."""
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8] = 255
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    tag = Image.Exif()
    tag[EXIF_ORIENTATION] = orientation
    file = tmp_path / f"held.{ending}"
    Image.fromarray(np.ascontiguousarray(stored)).save(file, exif=tag)
    seen = decode_image(file)
    assert seen.shape == upright.shape
    assert np.abs(seen.astype(int) - upright).max() < 60  # JPEG


def test_colors_are_in_rgb_order(tmp_path):
    Image.new("RGB", (8, 8), (200, 100, 10)).save(tmp_path / "a.png")
    assert decode_image(tmp_path / "a.png")[0, 0].tolist() == [200, 100, 10]


def textured(file: Path) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (8, 10, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((160, 120)).save(file)
    return file.read_bytes()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_truncated_image_is_not_half_an_image(tmp_path, share, ending):
    file = tmp_path / f"a.{ending}"
    content = textured(file)
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnreadableImage, match=f"a.{ending}: "):
        decode_image(file)


def test_file_that_is_not_an_image_is_named(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "folder.jpg").mkdir()
    for name in ("empty.jpg", "text.jpg", "folder.jpg", "missing.jpg"):
        with pytest.raises(UnreadableImage, match=name):
            decode_image(tmp_path / name)


def test_a_name_that_is_not_ascii(tmp_path):
    Image.new("RGB", (4, 4), (7, 8, 9)).save(tmp_path / "Übung 3 — 写真.png")
    samples = read_unlabeled(tmp_path)
    crop, region, size = read_crop(samples, 0, CropConfig(4))
    assert (crop == [7, 8, 9]).all() and region == (0, 0, 4) and size == (4, 4)
