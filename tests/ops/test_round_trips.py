"""Round trips of points, matrices, heatmaps and rendered dots."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.ops import affine, color_augmentation, heatmaps
from posebridge.ops.augmentation_config import AugmentationConfig

SEEDS = st.integers(0, 2**31 - 1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_points_round_trip_through_a_view(seed):
    draw = generator(seed)
    views = affine.draw_views(4, 256, AugmentationConfig(rotation=180), draw)
    points = torch.rand(4, 6, 2, generator=draw) * 256
    mirror = torch.tensor([1, 0, 2, 4, 3, 5])
    there = affine.points_to_view(points, views, mirror)
    back = affine.points_to_crop(there, views, mirror)
    assert (back - points).abs().max() < 1e-3


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_rendered_gaussians_are_decoded_between_cells(seed):
    stride = 4
    points = torch.rand(3, 5, 2, generator=generator(seed)) * 254 + 0.5
    cells = heatmaps.pixels_to_cells(points, stride)
    read, peak = heatmaps.decode(heatmaps.render(cells, 64, 2.0))
    assert (heatmaps.cells_to_pixels(read, stride) - points).abs().max() < 0.05
    assert (peak > 0.9).all()


def test_warped_image_agrees_with_its_points():
    size = 128
    draw = generator(3)
    ranges = AugmentationConfig(rotation=40, shear=10, scale=(0.8, 1.2), flip=0.5)
    views = affine.draw_views(8, size, ranges, draw)
    points = torch.rand(8, 3, 2, generator=draw) * 40 + 44
    dots = heatmaps.render(points, size, sigma=3.0)  # an image with a channel for each dot
    moved = affine.transform_points(points, affine.invert(views.matrix))
    assert affine.inside(moved, size).all()
    # The center of mass moves with an affine map, whatever the shape of the dot becomes.
    seen = affine.warp(dots, views.matrix, size)
    mass = seen / seen.sum(dim=(2, 3), keepdim=True)
    axis = torch.arange(size, dtype=torch.float32)
    centers = torch.stack([(mass.sum(2) * axis).sum(-1), (mass.sum(3) * axis).sum(-1)], dim=-1)
    assert (centers - moved).norm(dim=-1).max() < 0.1


def test_matrices_by_hand():
    turn = torch.tensor([[[0.0, -1, 5], [1, 0, 0]]])  # (x, y) -> (5 - y, x)
    double = torch.tensor([[[2.0, 0, 1], [0, 2, 0]]])
    point = torch.tensor([[[3.0, 4.0]]])
    assert affine.transform_points(point, turn).tolist() == [[[1.0, 3.0]]]
    both = affine.compose(turn, double)
    assert affine.transform_points(point, both).tolist() == [[[3.0, 6.0]]]
    identity = affine.compose(turn, affine.invert(turn))
    torch.testing.assert_close(identity, torch.eye(2, 3)[None])


def test_flip_swaps_sides_and_columns():
    ranges = AugmentationConfig(rotation=0, shear=0, translation=0, scale=(1, 1), flip=1)
    views = affine.draw_views(1, 10, ranges, generator(0))
    mirror = torch.tensor([1, 0])
    points = torch.tensor([[[2.0, 3.0], [7.0, 5.0]]])
    seen = affine.points_to_view(points, views, mirror)
    torch.testing.assert_close(seen, torch.tensor([[[2.0, 5.0], [7.0, 3.0]]]))
    image = (torch.arange(10.0) / 10).expand(1, 1, 10, 10)
    torch.testing.assert_close(affine.warp(image, views.matrix, 10), image.flip(3))


def test_pixels_and_cells_by_hand():
    assert heatmaps.pixels_to_cells(torch.tensor(1.5), 4).item() == 0
    assert heatmaps.cells_to_pixels(torch.tensor(1.0), 4).item() == 5.5


def test_corner_peak_and_empty_heatmap_are_decoded():
    cells = torch.tensor([[[0.0, 0.0], [7.3, 6.9]]])
    read, _ = heatmaps.decode(heatmaps.render(cells, 8, 1.0))
    torch.testing.assert_close(read, cells.clamp(max=7.5), atol=1e-3, rtol=0)
    read, value = heatmaps.decode(torch.zeros(1, 1, 8, 8))
    assert torch.isfinite(read).all()
    assert value.item() == 0


def test_energy_of_a_gaussian():
    drawn = heatmaps.render(torch.tensor([[[32.0, 32.0]]]), 64, 2.0)
    assert drawn.square().sum().item() == pytest.approx(heatmaps.gaussian_energy(2.0), rel=1e-4)
    assert heatmaps.gaussian_energy(2.0) == pytest.approx(4 * math.pi)


def test_color_augmentation_depends_on_the_generator_alone():
    images = torch.rand(4, 3, 16, 16, generator=generator(1))
    ranges = AugmentationConfig(color=0.3, hue=20, blur=1.5, noise=0.1)
    first, second, other = (
        color_augmentation.jitter(images, ranges, generator(s)) for s in (5, 5, 6)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert first.min() >= 0
    assert first.max() <= 1
    off = AugmentationConfig(color=0, hue=0)
    assert torch.equal(color_augmentation.jitter(images, off, generator(0)), images)


def test_each_sample_has_its_own_colors():
    images = torch.full((6, 3, 4, 4), 0.5)
    ranges = AugmentationConfig(color=0.4, hue=0)
    jittered = color_augmentation.jitter(images, ranges, generator(0))
    assert len({round(v, 5) for v in jittered[:, 0, 0, 0].tolist()}) == 6


def test_only_eligible_joints_are_covered():
    images = torch.stack([torch.zeros(3, 32, 32), torch.ones(3, 32, 32)])
    points = torch.tensor([[[8.0, 8.0], [24.0, 24.0]]]).repeat(2, 1, 1)
    eligible = torch.tensor([[True, False], [False, False]])
    seen = color_augmentation.occlude(images, points, eligible, 1.0, 6, generator(0))
    assert (seen[0, :, 8, 8] == 1).all()  # the other image's pixels
    assert (seen[0, :, 24, 24] == 0).all()
    assert torch.equal(seen[1], images[1])
    assert torch.equal(
        color_augmentation.occlude(images, points, eligible, 0.0, 6, generator(0)), images
    )
