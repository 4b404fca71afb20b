"""Parity with the paper's released code on fixed inputs."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from posebridge.alignment.heatmap_loss import squared_error
from posebridge.alignment.information_maximization import information_maximization
from posebridge.alignment.pseudo_labels import most_confident
from posebridge.evaluation import published_pck
from posebridge.ops import heatmaps
from posebridge.ops.style import adain, channel_statistics

ROOT = Path(__file__).parent.parent
FILE = ROOT / os.environ.get("POSEBRIDGE_GOLDEN", "../shared/data/golden/released_code.npz")

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f"{FILE} is missing; name it in POSEBRIDGE_GOLDEN"
)
SIZE, STRIDE, SIGMA = 64, 4, 2.0


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    with np.load(FILE) as stored:
        return {name: torch.from_numpy(np.asarray(stored[name])) for name in stored.files}


def label_cells(golden: dict[str, Tensor]) -> Tensor:
    # int() of the released code truncates towards 0, which differs from floor left of the crop.
    return torch.trunc(golden["joints_px"] / STRIDE + 0.5)


def test_label_heatmaps(golden):
    cells = label_cells(golden)
    weight = golden["visible"] * ((cells >= 0) & (cells < SIZE)).all(dim=-1)
    torch.testing.assert_close(weight, golden["target_weight"])
    drawn = heatmaps.render(cells, SIZE, SIGMA, truncate=3) * weight[..., None, None]
    torch.testing.assert_close(drawn, golden["target_heatmaps"])


def test_argmax(golden):
    cells, value = heatmaps.argmax_cells(golden["pred_heatmaps"])
    torch.testing.assert_close(cells, golden["argmax_xy"])
    torch.testing.assert_close(value, golden["argmax_value"].squeeze(-1))


def test_published_pck(golden):
    result = published_pck(golden["pred_heatmaps"], golden["target_heatmaps"])
    np.testing.assert_allclose(result.per_keypoint, golden["pck_per_keypoint"].numpy())
    assert result.mean == pytest.approx(float(golden["pck_mean"]))
    assert result.count == int(golden["pck_count"])


def test_supervised_loss(golden):
    loss = 0.5 * squared_error(
        golden["pred_heatmaps"], golden["target_heatmaps"], golden["target_weight"]
    )
    assert float(loss) == pytest.approx(float(golden["supervised_loss"]), rel=1e-5)


def test_pseudo_label_heatmaps(golden):
    cells, _ = heatmaps.argmax_cells(golden["pred_heatmaps"])
    drawn = heatmaps.render(cells, SIZE, SIGMA, truncate=3)
    torch.testing.assert_close(drawn, golden["rectified_sigma2"])


def test_kept_half_of_the_joints(golden):
    _, confidence = heatmaps.argmax_cells(golden["pred_heatmaps"])
    kept, threshold = most_confident(confidence, keep=0.5)
    assert float(threshold) == pytest.approx(float(golden["keep_threshold_ratio50"]))
    assert torch.equal(kept, golden["keep_mask_ratio50"])


def test_consistency_loss(golden):
    loss = squared_error(
        golden["student_heatmaps"], golden["rectified_sigma2"], golden["keep_mask_ratio50"]
    )
    assert float(loss) == pytest.approx(float(golden["consistency_loss"]), rel=1e-5)


def test_adain(golden):
    style = channel_statistics(golden["adain_style"])
    torch.testing.assert_close(adain(golden["adain_content"], *style), golden["adain_out"])


def test_teacher_update(golden):
    class Weight(nn.Module):
        def __init__(self, value: Tensor) -> None:
            super().__init__()
            self.value = nn.Parameter(value.clone())

    teacher = ModelEmaV3(Weight(golden["ema_start"]), decay=0.999)
    teacher.update(Weight(golden["ema_student"]))
    torch.testing.assert_close(teacher.module.value.detach(), golden["ema_after_one_step"])


def released_information_maximization(maps: Tensor) -> Tensor:
    """Return the released formula: entropies of softmaxes of unscaled heatmaps, divided by H W."""

    def entropy(values: Tensor) -> Tensor:
        log_p = torch.log_softmax(values.double(), dim=-1)
        return -(log_p.exp() * log_p).sum(-1) / (maps.shape[-1] * maps.shape[-2])

    rows, columns = entropy(maps.mean(-1)).mean(), entropy(maps.mean(-2)).mean()
    return rows + columns - entropy(maps.mean(0).flatten(1)).mean()


def test_released_information_maximization_is_flat(golden):
    """The released value is reproduced by its formula, whose range shows that it has no effect."""
    maps = golden["student_heatmaps"]
    value = released_information_maximization(maps)
    # The golden value was computed in float32, whose steps near 2e-3 are 2e-10.
    assert float(value) == pytest.approx(float(golden["information_maximization_loss"]), abs=1e-9)

    torch.manual_seed(0)
    peaked = heatmaps.render(torch.rand(16, 14, 2) * SIZE, SIZE, SIGMA)
    flat = torch.zeros(16, 14, SIZE, SIZE)
    released = [float(released_information_maximization(m)) for m in (flat, peaked)]
    ours = [float(information_maximization(m).loss) for m in (flat, peaked)]
    assert abs(released[0] - released[1]) < 1e-6
    assert ours[0] == pytest.approx(0, abs=1e-5)
    assert ours[1] < -0.2
    assert ours[1] > -math.log(16) / math.log(SIZE**2) - 1e-5
