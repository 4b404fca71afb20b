"""The released code's protocol, against values of that code and by hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from posebridge.evaluation import PublishedPck, published_pck
from posebridge.skeleton import Skeleton

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / os.environ.get("POSEBRIDGE_GOLDEN", "../shared/data/golden/released_code.npz")


@pytest.fixture(scope="module")
def golden():
    if not GOLDEN.is_file():
        pytest.skip(f"the released code's values are not at {GOLDEN} (set POSEBRIDGE_GOLDEN)")
    with np.load(GOLDEN) as values:
        return {name: values[name] for name in values.files}


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_published_pck_matches_the_released_code(golden, convert):
    result = published_pck(convert(golden["pred_heatmaps"]), convert(golden["target_heatmaps"]))
    np.testing.assert_allclose(result.per_keypoint, golden["pck_per_keypoint"], rtol=1e-6)
    assert result.mean == pytest.approx(float(golden["pck_mean"]), rel=1e-6)
    assert result.count == int(golden["pck_count"])


def spots(*cells: list[tuple[int, int] | None], size: tuple[int, int] = (20, 20)) -> np.ndarray:
    """Return heatmaps (B, K, H, W) with one cell (x, y) of value 1 each, or none."""
    maps = np.zeros((len(cells), len(cells[0]), *size), dtype=np.float32)
    for sample, row in enumerate(cells):
        for joint, cell in enumerate(row):
            if cell is not None:
                maps[sample, joint, cell[1], cell[0]] = 1.0
    return maps


def test_published_pck_by_hand():
    # 20 cells: a tenth is 2 cells, so correct means less than 0.5 x 2 cells = 1 cell.
    target = spots(
        [(5, 5), (8, 8), (1, 9), None],
        [(5, 5), (9, 1), (0, 9), None],
        [(5, 5), (8, 8), (9, 1), None],
    )
    predicted = spots(
        [(5, 5), (8, 8), (1, 9), (3, 3)],  # right; right; not valid: x is not above 1
        [(5, 6), (9, 1), (0, 9), (3, 3)],  # wrong by 1 cell; not valid: y is not above 1
        [(7, 5), (8, 9), (9, 1), None],
    )
    result = published_pck(predicted, target)
    np.testing.assert_allclose(result.per_keypoint, [1 / 3, 1 / 2, np.nan, np.nan])
    assert result.mean == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert result.count == 2


def test_heatmap_without_a_positive_peak_is_decoded_as_the_corner():
    predicted = spots([(2, 2)]) - 1.5
    result = published_pck(predicted, spots([(2, 2)]))
    assert result.per_keypoint.tolist() == [0.0]


def test_each_axis_is_divided_by_its_own_side():
    # 20 wide, 40 high: 1 cell is half a tenth across and a quarter of a tenth down.
    target = spots([(5, 5), (5, 5)], size=(40, 20))
    predicted = spots([(6, 5), (5, 6)], size=(40, 20))
    assert published_pck(predicted, target).per_keypoint.tolist() == [0.0, 1.0]


def test_no_valid_target_counts_zero_keypoints():
    result = published_pck(spots([None]), spots([None]))
    assert (result.count, result.mean) == (0, 0.0)
    assert np.isnan(result.per_keypoint).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(B, K, H, W\)"):
        published_pck(np.zeros((1, 2, 4, 4)), np.zeros((1, 3, 4, 4)))


def test_percentages_by_group():
    skeleton = Skeleton.from_names("person", ["left_knee", "right_knee", "neck", "left_toe"])
    result = PublishedPck(np.array([1.0, 0.5, 0.0, np.nan]), mean=0.5, count=3)
    assert result.percentages(skeleton) == pytest.approx(
        {"all": 50, "knee": 75, "neck": 0, "toe": np.nan}, nan_ok=True
    )
    with pytest.raises(ValueError, match="skeleton of 1"):
        result.percentages(Skeleton("dot", ("dot",)))
