"""The same image twice."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

from posebridge.data.quality.duplicates import Duplicate, find_duplicates
from posebridge.data.quality.facts import THUMB, ImageFacts, perceptual_hash, read_image_facts
from posebridge.synthetic.figures import draw_figure


def look(folder):
    return read_image_facts(np.array(sorted(str(p).encode() for p in folder.iterdir())))


@pytest.fixture(scope="module")
def pictures():
    return [draw_figure("camera", 3, index, 96)[0] for index in range(6)]


def write(folder, images, ending=".png", options=()):
    folder.mkdir()
    for index, image in enumerate(images):
        cv2.imwrite(str(folder / f"{index}{ending}"), image[:, :, ::-1], list(options))


def test_copies_that_were_scaled_and_compressed_are_found(tmp_path, pictures):
    write(tmp_path / "a", pictures)
    small = [cv2.resize(pictures[4], (60, 60), interpolation=cv2.INTER_AREA), pictures[1]]
    write(tmp_path / "b", small, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 40))
    a, b = look(tmp_path / "a"), look(tmp_path / "b")
    assert find_duplicates(a, b) == [Duplicate(1, 1, False), Duplicate(4, 0, False)]
    assert find_duplicates(a) == []


def test_equal_files_are_identical_also_within_a_set(tmp_path, pictures):
    write(tmp_path / "a", [pictures[0], pictures[1], pictures[0]])
    a = look(tmp_path / "a")
    assert find_duplicates(a) == [Duplicate(0, 2, True)]


def test_other_images_are_not_duplicates(tmp_path, pictures):
    write(tmp_path / "a", pictures)
    flat = np.full((40, 40, 3), 90, np.uint8)
    mirrored = np.ascontiguousarray(pictures[2][:, ::-1])
    write(tmp_path / "b", [mirrored, 255 - pictures[3], flat, flat + 1])
    a, b = look(tmp_path / "a"), look(tmp_path / "b")
    assert find_duplicates(a, b) == []
    assert find_duplicates(b) == []  # two flat images have no features to be the same by


def test_many_similar_images_are_compared_in_bounded_memory(pictures):
    """300 equal images are 44,850 pairs, whose thumbnails as numbers are more than a gigabyte."""
    thumb = cv2.resize(pictures[0], (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    facts = ImageFacts(
        files=np.array([b"%d" % i for i in range(300)]),
        problems=[""] * 300,
        readable=np.ones(300, dtype=bool),
        sizes=np.full((300, 2), 96),
        thumbs=np.stack([thumb] * 300),
        digests=np.array([b"%d" % i for i in range(300)]),
        hashes=np.ones((300, 64), np.float32),
    )
    tracemalloc.start()
    found = find_duplicates(facts)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [Duplicate(i, i + 1, False) for i in range(299)]
    assert most < 200e6


def test_unreadable_files_have_no_duplicate(tmp_path):
    for name in ("0.jpg", "1.jpg"):
        (tmp_path / name).write_bytes(b"no image")
    facts = look(tmp_path)
    assert not facts.readable.any()
    assert all("truncated or not an image" in problem for problem in facts.problems)
    assert find_duplicates(facts) == []


def test_hash_ignores_brightness_and_is_balanced():
    rng = np.random.default_rng(0)
    luma = cv2.GaussianBlur(rng.uniform(60, 180, (32, 32)).astype(np.float32), (0, 0), 2)[None]
    signs = perceptual_hash(luma)
    assert signs.shape == (1, 64)
    assert signs.sum() == 0
    np.testing.assert_array_equal(signs, perceptual_hash(luma * 0.5 + 20))
    np.testing.assert_array_equal(signs, -perceptual_hash(-luma))


def test_colors_of_known_images(tmp_path):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    half = np.zeros((8, 8, 3), np.uint8)
    half[:, :4] = 255
    write(tmp_path / "a", [red, half])
    colors = look(tmp_path / "a").colors
    np.testing.assert_allclose(colors["brightness"], [29.9, 50], atol=0.1)
    np.testing.assert_allclose(colors["contrast"], [0, 50], atol=0.1)
    np.testing.assert_allclose(colors["saturation"], [100, 0], atol=0.1)
