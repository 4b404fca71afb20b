"""Affine matrices by hand, drawn views, and rendered dots that move with their points."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from posebridge.ops import affine, heatmaps
from posebridge.ops.augmentation_config import AugmentationConfig

SEEDS = st.integers(0, 2**31 - 1)
STILL = {"rotation": 0.0, "shear": 0.0, "translation": 0.0, "scale": (1.0, 1.0), "flip": 0.0}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def matrices(seed: int, count: int = 3) -> Tensor:
    views = affine.draw_views(count, 64, AugmentationConfig(rotation=180), generator(seed))
    return views.matrix.double()


@pytest.mark.parametrize(
    ("matrix", "inverse"),
    [
        ([[1, 0, 5], [0, 1, -2]], [[1, 0, -5], [0, 1, 2]]),
        ([[2, 0, 0], [0, 4, 8]], [[0.5, 0, 0], [0, 0.25, -2]]),
        ([[0, -1, 3], [1, 0, 7]], [[0, 1, -7], [-1, 0, 3]]),
        ([[1, 2, 0], [0, 1, 1]], [[1, -2, 2], [0, 1, -1]]),
        ([[-1, 0, 63], [0, 1, 0]], [[-1, 0, 63], [0, 1, 0]]),
    ],
)
def test_inverses_by_hand(matrix, inverse):
    result = affine.invert(torch.tensor([matrix], dtype=torch.float32))
    torch.testing.assert_close(result, torch.tensor([inverse], dtype=torch.float32))


def test_singular_matrix_has_no_finite_inverse():
    assert not affine.invert(torch.tensor([[[1.0, 2, 0], [2, 4, 0]]])).isfinite().all()


def test_order_of_composition_by_hand():
    shift = torch.tensor([[[1.0, 0, 5], [0, 1, 0]]])
    double = torch.tensor([[[2.0, 0, 0], [0, 2, 0]]])
    assert affine.compose(shift, double).tolist() == [[[2, 0, 10], [0, 2, 0]]]
    assert affine.compose(double, shift).tolist() == [[[2, 0, 5], [0, 2, 0]]]


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_composition_is_associative_and_inverts(seed):
    one, two, three = matrices(seed), matrices(seed + 1), matrices(seed + 2)
    points = torch.rand(3, 5, 2, generator=generator(seed), dtype=torch.float64) * 64
    torch.testing.assert_close(
        affine.transform_points(points, affine.compose(one, two)),
        affine.transform_points(affine.transform_points(points, one), two),
    )
    torch.testing.assert_close(
        affine.compose(affine.compose(one, two), three),
        affine.compose(one, affine.compose(two, three)),
    )
    identity = torch.eye(2, 3, dtype=torch.float64).expand(3, 2, 3)
    for both in (
        affine.compose(one, affine.invert(one)),
        affine.compose(affine.invert(one), one),
    ):
        torch.testing.assert_close(both, identity, atol=1e-9, rtol=0)


def test_quarter_turn_about_the_center_by_hand():
    """Pixels 0 to 4: the center is 2. A point right of it moves below it, and 1 more by the shift."""
    quarter = affine.rotations(torch.tensor([torch.pi / 2]))
    points = torch.tensor([[[2.0, 2.0], [4.0, 2.0], [2.0, 0.0]]])
    turned = affine.transform_points(points, affine.about_center(quarter, 5))
    expected = torch.tensor([[[2.0, 2.0], [2.0, 4.0], [4.0, 2.0]]])
    torch.testing.assert_close(turned, expected, atol=1e-6, rtol=0)
    moved = affine.about_center(quarter, 5, torch.tensor([[0.0, 1.0]]))
    below = expected + torch.tensor([0.0, 1.0])
    torch.testing.assert_close(affine.transform_points(points, moved), below, atol=1e-6, rtol=0)


def test_gradients():
    matrix = matrices(0, 2).requires_grad_()
    points = torch.rand(2, 3, 2, dtype=torch.float64, requires_grad=True)
    images = torch.rand(2, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(affine.invert, (matrix,))
    assert torch.autograd.gradcheck(affine.compose, (matrix, matrices(1, 2).requires_grad_()))
    assert torch.autograd.gradcheck(affine.transform_points, (points, matrix))
    turn = matrices(0, 2) / 8
    assert torch.autograd.gradcheck(lambda i: affine.warp(i, turn, 4), (images,))


@pytest.mark.parametrize(
    ("matrix", "row"),
    [
        ([[1, 0, 0], [0, 1, 0]], [0, 0.1, 0.2, 0.3]),
        ([[1, 0, 1], [0, 1, 0]], [0.1, 0.2, 0.3, 0]),  # outside is 0
        # Halfway between pixels the cubic kernel (a = -3/4) has weights -3/32, 19/32, 19/32, -3/32.
        ([[1, 0, 0.5], [0, 1, 0]], [0.040625, 0.15, 0.2875, 0.159375]),
        ([[-1, 0, 3], [0, 1, 0]], [0.3, 0.2, 0.1, 0]),
        ([[0.5, 0, 0], [0, 1, 0]], [0, 0.040625, 0.1, 0.15]),
    ],
)
def test_warp_by_hand(matrix, row):
    image = torch.tensor([0.0, 0.1, 0.2, 0.3]).expand(1, 1, 4, 4)
    seen = affine.warp(image, torch.tensor([matrix], dtype=torch.float32), 4)
    torch.testing.assert_close(seen[0, 0, 1], torch.tensor(row, dtype=torch.float32))


def test_warp_of_an_oblong_image_to_another_size():
    image = torch.arange(15.0).view(1, 1, 3, 5) / 15
    seen = affine.warp(image, torch.tensor([[[1.0, 0, 2], [0, 1, 1]]]), 2)
    torch.testing.assert_close(seen[0, 0], torch.tensor([[7.0, 8.0], [12.0, 13.0]]) / 15)


def test_half_pixel_shift_keeps_contrast():
    """Shifted by half a pixel, noise keeps sqrt(2 (19^2 + 3^2)) / 32 = 0.85 of its contrast.

    Bilinear interpolation would keep 0.71.
    """
    noise = 0.4 + 0.2 * torch.rand(1, 1, 64, 64, generator=generator(0))
    half = affine.warp(noise, torch.tensor([[[1.0, 0, 0.5], [0, 1, 0]]]), 64)
    inside = slice(4, -4)
    kept = half[..., inside, inside].std() / noise[..., inside, inside].std()
    assert kept.item() == pytest.approx(0.85, abs=0.02)


def test_warped_images_stay_in_range():
    steps = (torch.arange(32) // 4 % 2).float().expand(1, 1, 32, 32)
    turned = affine.warp(steps, torch.tensor([[[0.8, 0.6, 0.3], [-0.6, 0.8, 9.0]]]), 32)
    assert turned.min() >= 0
    assert turned.max() <= 1


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_rendered_dots_move_with_their_points(seed):
    """For the whole range of views, with flips, the dot of a joint is at its point."""
    size, mirror = 96, torch.tensor([1, 0, 2])
    draw = generator(seed)
    views = affine.draw_views(4, size, AugmentationConfig(), draw)
    points = torch.rand(4, 3, 2, generator=draw) * 24 + 36
    dots = heatmaps.render(points, size, sigma=3.0)
    seen = affine.swap_sides(affine.warp(dots, views.matrix, size), views.flipped, mirror)
    where = affine.points_to_view(points, views, mirror)
    axis = torch.arange(size, dtype=torch.float32)
    mass = seen / seen.sum(dim=(2, 3), keepdim=True)
    centers = torch.stack([(mass.sum(2) * axis).sum(-1), (mass.sum(3) * axis).sum(-1)], dim=-1)
    # A dot that the border cuts has another center of mass.
    whole = ((where > 13) & (where < size - 14)).all(dim=-1)
    assert whole.any()
    assert (centers - where).norm(dim=-1)[whole].max() < 0.1


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_views_stay_in_range(seed):
    size, ranges = 128, AugmentationConfig()
    views = affine.draw_views(16, size, ranges, generator(seed))
    to_view = affine.invert(views.matrix)
    determinant = torch.linalg.det(to_view[:, :, :2])
    assert torch.equal(determinant < 0, views.flipped)
    low, high = ranges.scale  # shear keeps areas
    assert (determinant.abs().sqrt() > low - 1e-4).all()
    assert (determinant.abs().sqrt() < high + 1e-4).all()
    center = torch.full((16, 1, 2), (size - 1) / 2)
    moved = affine.transform_points(center, to_view) - center
    assert moved.abs().max() <= ranges.translation * size + 1e-3


def test_each_range_alone():
    def drawn(**more) -> Tensor:
        ranges = AugmentationConfig(**{**STILL, **more})
        views = affine.draw_views(64, 65, ranges, generator(0))
        return affine.invert(views.matrix)

    torch.testing.assert_close(drawn(), torch.eye(2, 3).expand(64, 2, 3))
    turned = drawn(rotation=20.0)[:, :, :2]
    torch.testing.assert_close(
        turned @ turned.transpose(1, 2), torch.eye(2).expand(64, 2, 2), atol=1e-5, rtol=0
    )
    angle = torch.rad2deg(torch.atan2(turned[:, 1, 0], turned[:, 0, 0]))
    assert angle.abs().max() <= 20 and angle.min() < -10 and angle.max() > 10
    larger = drawn(scale=(0.5, 2.0))[:, 0, 0].log2()
    assert larger.abs().max() <= 1 + 1e-5 and abs(larger.mean().item()) < 0.3
    slanted = drawn(shear=45.0)
    assert slanted[:, 0, 1].abs().max() <= 1 and (slanted[:, 1, 0] == 0).all()
    assert torch.equal(drawn(translation=0.1)[:, :, :2], torch.eye(2).expand(64, 2, 2))


def test_fraction_of_flips():
    for fraction, low, high in ((0.0, 0, 0), (0.5, 400, 600), (1.0, 1000, 1000)):
        ranges = AugmentationConfig(flip=fraction)
        assert low <= affine.draw_views(1000, 8, ranges, generator(0)).flipped.sum() <= high


def test_views_depend_on_the_generator_alone():
    torch.manual_seed(1)
    first = affine.draw_views(4, 64, AugmentationConfig(), generator(5))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = affine.draw_views(4, 64, AugmentationConfig(), generator(5))
    assert torch.equal(first.matrix, second.matrix) and torch.equal(first.flipped, second.flipped)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(
        first.matrix, affine.draw_views(4, 64, AugmentationConfig(), generator(6)).matrix
    )


def test_sides_are_swapped_only_in_flipped_samples():
    mirror, flipped = torch.tensor([1, 0, 2]), torch.tensor([True, False])
    names = torch.tensor([[0, 1, 2], [0, 1, 2]])
    assert affine.swap_sides(names, flipped, mirror).tolist() == [[1, 0, 2], [0, 1, 2]]
    maps = torch.rand(2, 3, 4, 4)
    swapped = affine.swap_sides(maps, flipped, mirror)
    assert torch.equal(swapped[0, 0], maps[0, 1]) and torch.equal(swapped[1], maps[1])
    assert torch.equal(affine.swap_sides(swapped, flipped, mirror), maps)


def test_identity_views_change_nothing():
    views = affine.identity_views(2)
    points, images = torch.rand(2, 3, 2), torch.rand(2, 3, 8, 8)
    mirror = torch.tensor([1, 0, 2])
    assert torch.equal(affine.points_to_view(points, views, mirror), points)
    torch.testing.assert_close(affine.warp(images, views.matrix, 8), images)


def test_inside_by_hand():
    points = torch.tensor([[[-0.5, 0], [9.5, 9.5], [-0.51, 5], [5, 9.6], [math.nan, 1]]])
    assert affine.inside(points, 10).tolist() == [[True, True, False, False, False]]


def test_mixed_precision_does_not_change_coordinates():
    """Products under autocast have 8 bits, which is half a pixel at pixel 200."""
    ranges = AugmentationConfig(rotation=60, shear=30, translation=0.05, scale=(0.6, 1.3), flip=0.5)

    def carried() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        views = affine.draw_views(8, 256, ranges, torch.Generator().manual_seed(0))
        points = 256 * torch.rand(8, 5, 2, generator=torch.Generator().manual_seed(1))
        there = affine.points_to_view(points, views, torch.arange(5))
        return views.matrix, there, affine.compose(views.matrix, affine.invert(views.matrix))

    exact = carried()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = carried()
    for one, other in zip(exact, mixed, strict=True):
        assert torch.equal(one, other)
