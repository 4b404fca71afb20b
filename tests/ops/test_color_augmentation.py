"""Color augmentation, blur, noise and patches: values by hand, ranges, a draw for each sample."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.ops.augmentation_config import AugmentationConfig
from posebridge.ops.color_augmentation import (
    blur,
    color_matrices,
    jitter,
    occlude,
)

SEEDS = st.integers(0, 2**31 - 1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(SEEDS, st.floats(0, 0.5), st.floats(0, 180))
@settings(max_examples=25, deadline=None)
def test_gray_stays_gray_and_is_scaled_by_brightness(seed, color, hue):
    matrix, contrast = color_matrices(8, AugmentationConfig(color=color, hue=hue), generator(seed))
    gray = matrix.sum(dim=2)  # the image of (1, 1, 1)
    torch.testing.assert_close(gray, gray[:, :1].expand(8, 3), atol=1e-3, rtol=0)
    for factor in (gray[:, 0], contrast):
        assert (factor - 1).abs().max() <= color + 1e-3


def test_hue_keeps_the_luma():
    matrix, contrast = color_matrices(8, AugmentationConfig(color=0, hue=90), generator(0))
    luma = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(luma @ matrix, luma.expand(8, 3), atol=1e-3, rtol=0)
    assert torch.equal(contrast, torch.ones(8))
    assert (matrix - torch.eye(3)).abs().amax(dim=(1, 2)).min() > 1e-3


def test_color_jitter_by_hand():
    """Hue 0: brightness b, saturation s and contrast c change a pixel by their matrix."""
    ranges = AugmentationConfig(color=0.2, hue=0)
    matrix, contrast = color_matrices(1, ranges, generator(3))
    image = torch.full((1, 3, 2, 2), 0.4)
    image[0, :, 0, 0] = torch.tensor([0.5, 0.4, 0.3])
    mean = image.mean(dim=(2, 3))[0]
    gray = mean @ torch.tensor([0.299, 0.587, 0.114])
    expected = contrast * (matrix[0] @ image[0, :, 0, 0]) + (1 - contrast) * gray
    jittered = jitter(image, ranges, generator(3))[0, :, 0, 0]
    torch.testing.assert_close(jittered, expected)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_jittered_image_is_in_range(seed):
    images = torch.rand(3, 3, 12, 9, generator=generator(seed))
    ranges = AugmentationConfig(color=0.9, hue=180, blur=2.0, noise=0.5)
    jittered = jitter(images, ranges, generator(seed))
    assert jittered.shape == images.shape and jittered.dtype == images.dtype
    assert jittered.isfinite().all() and jittered.min() >= 0 and jittered.max() <= 1


def test_draws_do_not_change_the_global_generator():
    images, ranges = (
        torch.rand(2, 3, 8, 8),
        AugmentationConfig(color=0.2, hue=10, blur=1.0, noise=0.1),
    )
    state = torch.get_rng_state()
    first = jitter(images, ranges, generator(1))
    occlude(images, torch.zeros(2, 1, 2), torch.ones(2, 1, dtype=torch.bool), 0.5, 3, generator(1))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(jitter(images, ranges, generator(1)), first)


def test_half_of_the_images_are_blurred_within_the_limit():
    impulse = torch.zeros(200, 3, 15, 15)
    impulse[:, :, 7, 7] = 1
    blurred = blur(impulse, 1.5, generator(0))
    torch.testing.assert_close(blurred.sum(dim=(2, 3)), torch.ones(200, 3))  # the sum is kept
    sharp = torch.isclose(blurred[:, 0, 7, 7], torch.ones(())).sum()
    assert 80 <= sharp <= 130  # half, and a few images with sigma below a third of a pixel
    offset = torch.arange(15.0) - 7
    variance = (blurred[:, 0].sum(dim=1) * offset**2).sum(dim=1)
    assert variance.max() <= 1.5**2 + 1e-4 and variance.max() > 1


def test_blur_keeps_a_constant_image():
    constant = torch.full((4, 3, 6, 10), 0.3)
    torch.testing.assert_close(blur(constant, 3.0, generator(0)), constant)


def test_blur_has_a_gradient():
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda i: blur(i, 1.0, generator(2)), (images,))


def test_each_image_has_its_own_noise_strength():
    images = torch.full((50, 3, 16, 16), 0.5)
    noisy = jitter(images, AugmentationConfig(color=0, hue=0, noise=0.1), generator(0))
    strength = (noisy - images).flatten(1).std(dim=1)
    assert strength.max() < 0.11 and strength.min() < 0.02 and strength.max() > 0.08
    assert (noisy - images).mean().abs() < 0.002


def test_occlusion_patch_by_hand():
    images = torch.stack([torch.zeros(3, 9, 9), torch.ones(3, 9, 9)])
    points = torch.tensor([[[2.0, 6.0]], [[2.0, 6.0]]])
    eligible = torch.tensor([[True], [True]])
    occluded = occlude(images, points, eligible, 1.0, 4, generator(0))
    expected = torch.zeros(9, 9)
    expected[4:9, 0:5] = 1  # columns 0 to 4, rows 4 to 8
    assert torch.equal(occluded[0], expected.expand(3, 9, 9))
    assert torch.equal(occluded[1], 1 - expected.expand(3, 9, 9))


def test_one_eligible_joint_is_covered_at_random():
    images = torch.stack([torch.zeros(3, 30, 30), torch.ones(3, 30, 30)])
    points = torch.tensor([[[5.0, 5.0], [15.0, 15.0], [25.0, 25.0]]]).repeat(2, 1, 1)
    eligible = torch.tensor([[True, False, True]] * 2)
    covered = torch.zeros(3)
    for seed in range(40):
        image = occlude(images, points, eligible, 1.0, 4, generator(seed))[0, 0]
        at_joints = torch.stack([image[5, 5], image[15, 15], image[25, 25]])
        assert at_joints.sum() == 1
        covered += at_joints
    assert covered[1] == 0 and covered[0] >= 10 and covered[2] >= 10


def test_fraction_of_covered_images():
    images = torch.arange(400.0)[:, None, None, None].expand(400, 3, 5, 5) / 400
    occluded = occlude(
        images, torch.full((400, 1, 2), 2.0), torch.ones(400, 1, dtype=torch.bool), 0.3, 2,
        generator(0),
    )  # fmt: skip
    assert 90 <= (occluded != images).flatten(1).any(dim=1).sum() <= 150


@pytest.mark.parametrize(("count", "probability"), [(1, 1.0), (3, 0.0)])
def test_single_image_or_probability_zero_is_unchanged(count, probability):
    images = torch.rand(count, 3, 5, 5)
    eligible = torch.ones(count, 1, dtype=torch.bool)
    occluded = occlude(images, torch.zeros(count, 1, 2), eligible, probability, 3, generator(0))
    assert torch.equal(occluded, images)
