"""Style statistics: tables by hand, the published AdaIN, gradients and invariances."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from posebridge.ops.style import (
    adain,
    channel_statistics,
    low_frequency_amplitude,
    restatistics,
    swap_low_frequency,
)

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / os.environ.get("POSEBRIDGE_GOLDEN", "../shared/data/golden/released_code.npz")


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, -1, 1, 1)


@pytest.mark.parametrize(
    ("cells", "mean", "variance"),
    [
        ([1.0, 2.0, 3.0, 6.0], 3.0, 14 / 3),
        ([0.0, 0.0, 0.0, 0.0], 0.0, 0.0),
        ([-1.0, 1.0, -1.0, 1.0], 0.0, 4 / 3),
    ],
)
def test_statistics_by_hand(cells: list[float], mean: float, variance: float) -> None:
    x = torch.tensor(cells).view(1, 1, 2, 2)
    own_mean, own_std = channel_statistics(x, eps=1e-5)
    assert own_mean.shape == own_std.shape == (1, 1, 1, 1)
    assert own_mean.item() == pytest.approx(mean)
    assert own_std.item() == pytest.approx((variance + 1e-5) ** 0.5)


def test_statistics_of_one_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="two or more"):
        channel_statistics(torch.zeros(1, 3, 1, 1))


def test_adain_by_hand() -> None:
    content = torch.tensor([-1.0, 1.0, -1.0, 1.0]).view(1, 1, 2, 2)
    styled = adain(content, column(10.0), column((4 / 3) ** 0.5 * 3), eps=0.0)
    torch.testing.assert_close(styled.flatten(), torch.tensor([7.0, 13.0, 7.0, 13.0]))


@pytest.mark.skipif(not GOLDEN.is_file(), reason=f"the golden file {GOLDEN} is missing")
def test_adain_matches_the_released_code() -> None:
    with np.load(GOLDEN) as golden:
        content, style, expected = (
            torch.from_numpy(golden[f"adain_{part}"]) for part in ("content", "style", "out")
        )
    torch.testing.assert_close(adain(content, *channel_statistics(style)), expected)


def test_adain_gradient() -> None:
    content = images(2, 2, 3, 3).double().requires_grad_()
    mean = images(2, 2, 1, 1, seed=1).double().requires_grad_()
    std = images(2, 2, 1, 1, seed=2).double().requires_grad_()
    assert torch.autograd.gradcheck(adain, (content, mean, std))


def test_restatistics_sets_the_statistics() -> None:
    mean, std = column(0.3, 0.5, 0.6), column(0.05, 0.1, 0.02)
    restyled = restatistics(images(2, 3, 16, 16), mean, std)
    own_mean, own_std = channel_statistics(restyled)
    torch.testing.assert_close(own_mean, mean.expand(2, -1, -1, -1), atol=1e-5, rtol=0)
    torch.testing.assert_close(own_std, std.expand(2, -1, -1, -1), atol=1e-2, rtol=0)


def test_restatistics_stays_in_range() -> None:
    restyled = restatistics(images(1, 3, 8, 8), column(0.9, 0.9, 0.9), column(2.0, 2.0, 2.0))
    assert restyled.min() == 0 and restyled.max() == 1


@pytest.mark.parametrize(
    ("shape", "share", "block"),
    [
        ((16, 16), 0.0, (1, 1)),
        ((128, 128), 0.05, (13, 7)),
        ((20, 30), 0.1, (5, 4)),
        # A fraction above 0 changes more than the mean, also of small images.
        ((96, 96), 0.01, (3, 2)),
        ((128, 128), 0.01, (3, 2)),
        ((256, 96), 0.01, (5, 2)),
        ((2, 1), 0.01, (1, 1)),
    ],
)
def test_block_of_low_frequencies(
    shape: tuple[int, int], share: float, block: tuple[int, int]
) -> None:
    x = images(2, 3, *shape)
    amplitude = low_frequency_amplitude(x, share)
    assert amplitude.shape == (2, 3, *block)
    torch.testing.assert_close(amplitude[..., block[0] // 2, 0], x.mean((-2, -1)))


def test_amplitude_of_one_wave() -> None:
    """A vertical cosine of two periods has two frequencies, each with half of its amplitude."""
    wave = 0.5 + 0.2 * torch.cos(2 * torch.pi * 2 * torch.arange(16) / 16)
    x = wave.view(1, 1, 16, 1).expand(1, 1, 16, 16)
    amplitude = low_frequency_amplitude(x, 0.2)[0, 0]
    expected = torch.zeros(7, 4)
    expected[3, 0], expected[1, 0], expected[5, 0] = 0.5, 0.1, 0.1
    torch.testing.assert_close(amplitude, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.45])
@pytest.mark.parametrize("shape", [(16, 16), (15, 21), (32, 18)])
def test_own_amplitude_reproduces_the_image(share: float, shape: tuple[int, int]) -> None:
    x = images(2, 3, *shape)
    back = swap_low_frequency(x, low_frequency_amplitude(x, share))
    torch.testing.assert_close(back, x, atol=1e-5, rtol=0)


def test_fraction_zero_changes_only_the_mean() -> None:
    x = 0.4 + 0.1 * images(2, 3, 12, 12)
    other = 0.6 + 0.1 * images(2, 3, 12, 12, seed=1)
    swapped = swap_low_frequency(x, low_frequency_amplitude(other, 0.0))
    shift = other.mean((-2, -1), keepdim=True) - x.mean((-2, -1), keepdim=True)
    torch.testing.assert_close(swapped, x + shift, atol=1e-5, rtol=0)


def test_black_image_takes_the_style() -> None:
    style = torch.full((1, 3, 8, 8), 0.25)
    swapped = swap_low_frequency(torch.zeros(1, 3, 8, 8), low_frequency_amplitude(style, 0.2))
    torch.testing.assert_close(swapped, style)


def test_invalid_fractions_and_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        low_frequency_amplitude(images(1, 3, 8, 8), 0.5)
    with pytest.raises(ValueError, match="do not fit"):
        swap_low_frequency(images(1, 3, 8, 8), torch.zeros(1, 3, 13, 7))
