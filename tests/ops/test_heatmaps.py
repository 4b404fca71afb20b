"""Heatmaps: rendering by hand, and properties of decoding any heatmap."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.ops import heatmaps

SEEDS = st.integers(0, 2**31 - 1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("pixel", "stride", "cell"),
    [(-0.5, 4, -0.5), (1.5, 4, 0), (5.5, 4, 1), (255.5, 4, 63.5), (7, 1, 7), (0.5, 2, 0)],
)
def test_pixels_and_cells(pixel, stride, cell):
    assert heatmaps.pixels_to_cells(torch.tensor(float(pixel)), stride).item() == cell
    assert heatmaps.cells_to_pixels(torch.tensor(float(cell)), stride).item() == pixel


def test_gaussian_by_hand():
    drawn = heatmaps.render(torch.tensor([[[2.0, 1.0]]]), 5, 1.0)[0, 0]
    beside, across = math.exp(-0.5), math.exp(-1)
    assert drawn[1, 2].item() == 1  # rows are y
    for y, x, value in ((1, 1, beside), (0, 2, beside), (2, 3, across), (1, 4, math.exp(-2))):
        assert drawn[y, x].item() == pytest.approx(value, rel=1e-6)


def test_truncation_is_along_the_axes():
    whole = heatmaps.render(torch.tensor([[[8.0, 8.0]]]), 17, 2.0)[0, 0]
    cut = heatmaps.render(torch.tensor([[[8.0, 8.0]]]), 17, 2.0, truncate=3)[0, 0]
    assert torch.equal(cut[2:15, 2:15], whole[2:15, 2:15])  # the corners of the square too
    assert cut.sum() == cut[2:15, 2:15].sum()


def test_joint_off_the_heatmap_leaves_its_tail():
    drawn = heatmaps.render(torch.tensor([[[-1.0, 4.0], [-100.0, 4.0]]]), 9, 1.0)[0]
    assert drawn[0, 4, 0].item() == pytest.approx(math.exp(-0.5), rel=1e-6)
    assert drawn[1].max() == 0


def test_rendering_has_a_gradient():
    cells = torch.rand(1, 2, 2, dtype=torch.float64) * 4
    assert torch.autograd.gradcheck(lambda c: heatmaps.render(c, 5, 1.5), (cells.requires_grad_(),))


@given(SEEDS, st.floats(1.0, 4.0), st.sampled_from([2, 4, 8]), st.floats(0.05, 20))
@settings(max_examples=40, deadline=None)
def test_decoding_is_exact_for_any_width_and_height(seed, sigma, stride, height):
    size = 48
    # At least half a crop pixel inside the border, where the nearest cell center is on the heatmap.
    points = torch.rand(2, 4, 2, generator=generator(seed)) * (stride * size - 1)
    cells = heatmaps.pixels_to_cells(points, stride).clamp(-0.45, size - 0.55)
    read, value = heatmaps.decode(height * heatmaps.render(cells, size, sigma))
    apart = heatmaps.cells_to_pixels(read - cells, stride) - heatmaps.cells_to_pixels(
        torch.zeros(()), stride
    )
    assert apart.abs().max() < 0.0125 * stride  # 0.05 px at stride 4
    assert (value <= height * (1 + 1e-6)).all()


@given(SEEDS, st.sampled_from([1.0, 1.5, 2.0, 3.0]))
@settings(max_examples=20, deadline=None)
def test_matched_filter_locates_a_rendered_gaussian(seed, sigma):
    """Exact to 0.01 cells inside; to half a cell at the border, where part of it is missing."""
    cells = torch.rand(2, 6, 2, generator=generator(seed)) * 32 - 0.5
    read, _ = heatmaps.decode(heatmaps.fitted(0.3 * heatmaps.render(cells, 32, sigma), sigma))
    inside = ((cells > 4 * sigma) & (cells < 31 - 4 * sigma)).all(dim=-1)
    apart = (read - cells).norm(dim=-1)
    assert (apart[inside] < 0.01).all()
    assert (read - cells).abs().max() < 0.51


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_matched_filter_has_the_least_squared_error(seed):
    """Compare with a search of all cells, each with its best height, on heatmaps of noise."""
    maps = torch.rand(1, 3, 9, 7, generator=generator(seed)).double()
    down, across = torch.meshgrid(torch.arange(9.0), torch.arange(7.0), indexing="ij")
    errors = torch.full((3, 9, 7), torch.inf)
    for row in range(9):
        for column in range(7):
            bell = torch.exp(-((down - row) ** 2 + (across - column) ** 2) / (2 * 1.3**2)).double()
            heights = (maps[0] * bell).sum(dim=(1, 2)) / bell.square().sum()
            residual = maps[0] - heights[:, None, None] * bell
            errors[:, row, column] = residual.square().sum(dim=(1, 2))
    best = heatmaps.fitted(maps, 1.3)[0].flatten(1).argmax(dim=1)
    assert torch.equal(best, errors.flatten(1).argmin(dim=1))


def test_matched_filter_has_no_denormal_numbers():
    """Denormal numbers are many times slower; the tails of a Gaussian reach them on large heatmaps."""
    response = heatmaps.fitted(torch.eye(64)[None, None], 1.0)
    assert (response[response != 0].abs() > torch.finfo(torch.float32).tiny).all()
    exact = heatmaps.fitted(torch.eye(64, dtype=torch.float64)[None, None], 1.0)
    torch.testing.assert_close(response.double(), exact, atol=1e-6, rtol=0)


def test_matched_filter_ignores_a_single_high_cell():
    maps = 0.6 * heatmaps.render(torch.tensor([[[10.0, 12.0]]]), 24, 2.0)
    maps[0, 0, 3, 20] = 0.9
    assert heatmaps.argmax_cells(maps)[0].tolist() == [[[20, 3]]]
    read, _ = heatmaps.decode(heatmaps.fitted(maps, 2.0))
    torch.testing.assert_close(read, torch.tensor([[[10.0, 12.0]]]), atol=0.05, rtol=0)


def test_gaussian_of_two_widths_is_decoded_exactly():
    axis = torch.arange(32.0)
    across, down = (torch.exp(-((axis - c) ** 2) / (2 * s**2)) for c, s in ((9.3, 1.2), (20.8, 4)))
    read, _ = heatmaps.decode((down[:, None] * across)[None, None])
    torch.testing.assert_close(read[0, 0], torch.tensor([9.3, 20.8]), atol=1e-3, rtol=0)


@given(SEEDS, st.integers(1, 9), st.integers(1, 9), st.sampled_from([-3.0, -0.5, 0.0]))
@settings(max_examples=60, deadline=None)
def test_decoding_stays_within_half_a_cell_of_the_peak(seed, height, width, least):
    maps = torch.randn(2, 3, height, width, generator=generator(seed)).clamp_min(least)
    read, value = heatmaps.decode(maps)
    top, index = maps.flatten(2).max(dim=2)
    peak = torch.stack([index % width, index // width], dim=-1)
    assert torch.equal(value, top)
    assert (read - peak).abs().max() <= 0.5
    assert torch.equal(heatmaps.decode(maps[1:])[0], read[1:])  # samples are independent


@pytest.mark.parametrize("fill", [0.0, 1.0, -1.0, 1e30, -1e30])
def test_flat_heatmaps_are_decoded_to_finite_points(fill):
    read, value = heatmaps.decode(torch.full((1, 2, 5, 5), fill))
    assert read.isfinite().all() and (value == fill).all()


def test_oblong_heatmap_is_decoded():
    maps = torch.zeros(1, 1, 3, 7)
    maps[0, 0, 1, 5] = 1
    read, _ = heatmaps.decode(maps)
    assert read.tolist() == [[[5, 1]]]
    cells, value = heatmaps.argmax_cells(maps)
    assert cells.tolist() == [[[5, 1]]] and value.item() == 1


def test_argmax_cells_by_hand():
    maps = torch.tensor([[[[0.0, 2.0], [2.0, 1.0]], [[-1.0, -1.0], [-1.0, -0.5]], [[0.0] * 2] * 2]])
    cells, value = heatmaps.argmax_cells(maps)
    assert cells.tolist() == [
        [[1, 0], [0, 0], [0, 0]]
    ]  # the first maximum; (0, 0) if none is above 0
    assert value.tolist() == [[2, -0.5, 0]]


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_gaussian_energy(sigma):
    drawn = heatmaps.render(torch.tensor([[[20.3, 19.8]]]), 40, sigma)
    assert drawn.square().sum().item() == pytest.approx(heatmaps.gaussian_energy(sigma), rel=1e-3)
