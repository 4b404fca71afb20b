"""Batches as functions of seed and step, and unreadable images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from posebridge.data.crops import CropConfig
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.data.loaders import (
    Batch,
    PairedBatches,
    UnpairedBatches,
    crop_loader,
    read_crops,
    step_loader,
    stream_rows,
    to_tensor,
)
from posebridge.data.reading import read_unlabeled
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

CROPS = CropConfig(16)


def paired(figures, seed: int = 0, target_from: int = 0, batch: int = 4) -> PairedBatches:
    source, target = read_labeled(figures.source), read_boxes(figures.target)
    return PairedBatches(source, target, CROPS, batch, seed, target_from)


def assert_same(one: Batch, two: Batch) -> None:
    assert one.step == two.step
    # DataLoader turns tuples of strings into lists.
    assert tuple(one.unreadable) == tuple(two.unreadable)
    assert all(map(torch.equal, one.source, two.source))
    assert (one.target is None) == (two.target is None)
    if one.target is not None:
        assert torch.equal(one.target, two.target)


def test_passes_domains_and_seeds_have_orders_of_their_own():
    first, second = stream_rows(0, 0, 50, 0, 100).reshape(2, 50)
    others = [second, stream_rows(0, 1, 50, 0, 50), stream_rows(1, 0, 50, 0, 50)]
    assert sorted(first) == sorted(second) == list(range(50))
    assert not any(np.array_equal(first, other) for other in others)


def test_a_stream_can_begin_far_out_at_no_cost():
    rows = stream_rows(7, 1, 1000, 10**12, 5)
    assert rows.tolist() == stream_rows(7, 1, 1000, 10**12 - 3, 8)[3:].tolist()


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("first", [0, 3])
def test_loader_returns_the_items_of_the_steps(figures, workers, first):
    steps = paired(figures, target_from=2)
    batches = list(step_loader(steps, first, 5, workers))
    assert [batch.step for batch in batches] == list(range(first, 5))
    for batch in batches:
        assert_same(batch, steps[batch.step])


def test_the_whole_pass_is_seen_once(figures):
    """24 figures, 4 a step: 6 steps show each of them."""
    steps = paired(figures)
    crops = torch.cat([steps[s].source.images for s in range(6)])
    assert len({c.numpy().tobytes() for c in crops}) == 24


def test_the_target_stream_begins_where_the_target_does(figures):
    """However long the source stage was, the adaptation sees the same target images."""
    for step in range(3):
        early, late = paired(figures)[step].target, paired(figures, target_from=7)[step + 7].target
        assert early is not None and late is not None and torch.equal(early, late)
    assert paired(figures, target_from=7)[6].target is None


def test_a_batch_by_hand(figures):
    source = read_labeled(figures.source)
    batch = paired(figures)[2]
    rows = stream_rows(0, 0, 24, 8, 4)
    images, regions, used, _ = read_crops(source.images, rows, CROPS)
    assert np.array_equal(used, rows)
    assert torch.equal(batch.source.images, torch.from_numpy(images).permute(0, 3, 1, 2))
    scale = 16 / regions[:, 2, None, None]
    points = (source.points[rows] - regions[:, None, :2] + 0.5) * scale - 0.5
    np.testing.assert_allclose(batch.source.points, points, atol=1e-4)
    assert batch.source.images.dtype == torch.uint8 and batch.source.visible.dtype == torch.bool


def test_joints_off_the_crop_or_without_a_label_are_not_visible(tmp_path):
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    images = UnlabeledSamples.from_lists("x", [tmp_path / "a.png"], [[10, 10, 20, 20]], [1], [1])
    points = np.array([[[15, 15], [10, 29], [9, 15], [15, 15]]], np.float32)
    samples = LabeledSamples(
        images,
        Skeleton.from_names("x", ["a", "b", "c", "d"]),
        points,
        np.array([[True, True, True, False]]),
    )
    steps = PairedBatches(samples, None, CropConfig(20, padding=1.0), 1, 0, 0)
    assert steps[0].source.visible.tolist() == [[True, True, False, False]]
    assert steps[0].source.points[0, :2].tolist() == [[5, 5], [0, 19]]
    assert steps[0].target is None


def gallery(folder: Path, broken: set[int], count: int = 6) -> UnlabeledSamples:
    """Images of one gray each, 20 times their number; the broken ones are cut off."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        file = folder / f"{number}.jpg"
        Image.new("RGB", (16, 16), (20 * number,) * 3).save(file)
        if number in broken:
            file.write_bytes(file.read_bytes()[:-40])
    return read_unlabeled(folder)


def test_replacement_image_brings_its_own_labels(tmp_path):
    images = gallery(tmp_path / "g", {1, 2})
    points = np.repeat(np.arange(6, dtype=np.float32), 2).reshape(6, 1, 2)
    samples = LabeledSamples(images, Skeleton.from_names("x", ["a"]), points, np.ones((6, 1), bool))
    batch = PairedBatches(samples, images, CROPS, 6, 0, 0)[0]
    number = (batch.source.images.float().mean(dim=(1, 2, 3)) / 20).round()
    assert torch.equal(batch.source.points[:, 0, 0], number)
    assert sorted(number.tolist()) == [0, 3, 3, 3, 4, 5]
    # Each domain reports what it met; 1 is skipped for 2, which is skipped for 3.
    assert len(batch.unreadable) == 6
    assert {Path(line.split(":")[0]).name for line in batch.unreadable} == {"1.jpg", "2.jpg"}


def test_missing_disk_is_an_error(tmp_path):
    samples = gallery(tmp_path / "g", set(range(6)))
    with pytest.raises(
        InputError, match=r"50 images of .* in a row can't be read, the last: .*jpg"
    ):
        read_crops(samples, np.array([0]), CROPS)


def test_worker_error_is_one_sentence(tmp_path):
    gone = gallery(tmp_path / "g", set(range(6)))
    with pytest.raises(InputError, match=r"^50 images of .* in a row can't be read") as caught:
        next(iter(step_loader(PairedBatches(None, gone, CROPS, 2, 0, 0), 0, 2, workers=1)))
    assert "\n" not in str(caught.value)


def test_every_subject_once_for_prediction(tmp_path):
    samples = gallery(tmp_path / "g", {4})
    samples = dataclasses.replace(samples, boxes=samples.boxes + np.float32([2, 2, 8, 8]))
    batches = list(crop_loader(samples, CropConfig(8, padding=1.0), 4, workers=0))
    images, places = (torch.cat([batch[i] for batch in batches]) for i in (0, 1))
    errors = [line for batch in batches for line in batch[2]]
    assert images.shape == (6, 3, 8, 8) and len(batches) == 2
    assert (images.float().mean(dim=(1, 2, 3)) / 20).round().tolist() == [0, 1, 2, 3, 0, 5]
    assert [line is None for line in errors] == [True, True, True, True, False, True]
    assert "4.jpg" in str(errors[4])
    assert places[0].tolist() == [2, 2, 8, 16, 16]  # x, y, side, width and height of the image


def test_two_domains_without_labels(figures):
    source = read_labeled(figures.source).images
    steps = UnpairedBatches(source, read_boxes(figures.target), CROPS, 3, seed=1)
    first, second = steps[5], steps[5]
    assert all(map(torch.equal, first, second))
    assert [tuple(images.shape) for images in first] == [(3, 3, 16, 16)] * 2
    assert not torch.equal(first[0], first[1])


def test_pixels_are_not_copied():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    tensor = to_tensor(images)
    images[1, 2, 3] = (1, 2, 3)
    assert tensor[1, :, 2, 3].tolist() == [1, 2, 3]
    assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_workers_start_although_opencv_has_threads(figures):
    """A forked worker that meets OpenCV's pool without its threads waits for ever."""
    for _ in range(5):
        # Large enough to make OpenCV start its threads.
        cv2.warpAffine(np.ones((1500, 1500, 3), np.float32), np.eye(2, 3), (1500, 1500))
        assert len(list(step_loader(paired(figures), 0, 1, workers=1))) == 1
