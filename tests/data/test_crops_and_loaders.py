"""Crops on whole pixels, batches that are a function of seed and step, bad images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from posebridge.data.crops import (
    CropConfig,
    Region,
    UnreadableImage,
    cut,
    decode_image,
    drop_unreadable,
    get_region,
    to_crop,
    to_image,
)
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.data.loaders import PairedBatches, read_crops, step_loader, stream_rows
from posebridge.data.reading import read_unlabeled
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError


def test_regions_by_hand():
    assert get_region(np.array([10, 20, 40, 20]), 100, 100, 1.5) == Region(0, 0, 60)
    assert get_region(np.zeros(4), 40, 30, 1.5) == Region(0, -5, 40)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(2, 400), st.integers(16, 300))
def test_points_to_the_crop_and_back(x, y, side, size):
    points = np.array([[[0.0, 0.0], [12.5, 7.25]]])
    regions = np.array([[x, y, side]])
    back = to_image(to_crop(points, regions, size), regions, size)
    np.testing.assert_allclose(back, points, atol=1e-9)


def test_drawn_dot_is_at_its_point():
    image = np.zeros((300, 400, 3), np.uint8)
    point = np.array([[[211.0, 133.0]]])
    cv2.circle(image, (211, 133), 9, (255, 255, 255), -1)
    region = get_region(np.array([120, 60, 180, 150]), 400, 300, 1.25)
    crop = cut(image, region, 64)[..., 0].astype(float)
    where = to_crop(point, np.array([region]), 64)[0, 0]
    rows, columns = np.mgrid[:64, :64]
    seen = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    assert np.abs(seen - where).max() < 0.1


def test_outside_the_image_is_black():
    image = np.full((10, 10, 3), 200, np.uint8)
    crop = cut(image, Region(-10, -10, 20), 20)
    assert crop[:10].max() == crop[:, :10].max() == 0
    assert crop[10:, 10:].min() == 200
    assert cut(image, Region(100, 100, 8), 8).max() == 0


def test_photographs_are_turned_upright(tmp_path):
    picture = Image.new("RGB", (40, 20), (0, 0, 0))
    tag = Image.Exif()
    tag[0x0112] = 6  # turned a quarter
    picture.save(tmp_path / "phone.jpg", exif=tag)
    assert decode_image(tmp_path / "phone.jpg").shape == (40, 20, 3)


def test_gray_and_transparent_images_are_rgb(tmp_path):
    Image.new("L", (8, 8), 100).save(tmp_path / "gray.png")
    Image.new("RGBA", (8, 8), (1, 2, 3, 4)).save(tmp_path / "clear.png")
    for name in ("gray.png", "clear.png"):
        assert decode_image(tmp_path / name).shape == (8, 8, 3)


@given(st.integers(1, 30), st.integers(0, 100), st.integers(1, 40))
def test_streams_are_passes_of_permutations(count, start, length):
    whole = stream_rows(3, 0, count, 0, start + length)
    assert np.array_equal(stream_rows(3, 0, count, start, length), whole[start:])
    for turn in range((start + length) // count):
        assert sorted(whole[turn * count : (turn + 1) * count]) == list(range(count))


def test_batches_depend_on_seed_and_step_alone(figures):
    source, target = read_labeled(figures.source), read_boxes(figures.target)

    def batches(seed: int, first: int, workers: int):
        steps = PairedBatches(source, target, CropConfig(32), 4, seed, target_from=2)
        return {b.step: b for b in step_loader(steps, first, 6, workers)}

    whole = batches(0, 0, 0)
    assert [b.target is None for b in whole.values()] == [True, True, False, False, False, False]
    for other in (batches(0, 3, 0), batches(0, 3, 2)):
        assert list(other) == [3, 4, 5]
        for step, batch in other.items():
            assert torch.equal(batch.target, whole[step].target)
            assert all(map(torch.equal, batch.source, whole[step].source))
    assert not torch.equal(batches(1, 3, 0)[3].target, whole[3].target)
    points, visible = whole[0].source.points, whole[0].source.visible
    assert ((points >= -0.5) & (points <= 31.5)).all(-1)[visible].all()


def test_an_unreadable_image_is_replaced_and_reported(tmp_path):
    for number in range(3):
        Image.new("RGB", (16, 16), (number * 80,) * 3).save(tmp_path / f"{number}.jpg")
    whole = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(whole[: len(whole) // 2])
    samples = read_unlabeled(tmp_path)
    images, _, rows, unreadable = read_crops(samples, np.array([0, 1, 2]), CropConfig(8))
    assert rows.tolist() == [0, 2, 2]
    assert len(unreadable) == 1
    assert "1.jpg" in unreadable[0]
    assert images[1].mean() == pytest.approx(160, abs=3)
    with pytest.raises(UnreadableImage):
        decode_image(tmp_path / "1.jpg")


def test_headers_are_checked_before_training(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    (tmp_path / "c.png").write_bytes(b"")
    kept, broken = drop_unreadable(read_unlabeled(tmp_path))
    assert kept.tolist() == [0]
    assert len(broken) == 2
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match="no image of"):
        drop_unreadable(read_unlabeled(tmp_path))


def test_only_unlabeled_samples_can_be_a_target(figures, tmp_path):
    images = figures.target.parent / "images"
    assert len(read_unlabeled(images)) == 24
    assert len(read_unlabeled(f"{images}/figure_000000[0-4].jpg")) == 5
    assert len(read_unlabeled(next(images.iterdir()))) == 1
    assert (read_unlabeled(images).boxes == 0).all()
    assert (read_unlabeled(figures.source).boxes[:, 2] > 0).all()
    assert isinstance(read_unlabeled(figures.source), UnlabeledSamples)
    (tmp_path / "note.txt").write_text("no image")
    for nothing in (tmp_path, tmp_path / "note.txt", tmp_path / "missing"):
        with pytest.raises(InputError, match=str(nothing)):
            read_unlabeled(nothing)
