"""Errors by joint, and the joints with the smallest errors, by hand."""

from __future__ import annotations

import pytest
import torch

from posebridge.alignment.coarse_to_fine import easiest
from posebridge.alignment.heatmap_loss import joint_errors, relative_error
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.models.refinement_block import Refiner
from posebridge.ops import heatmaps


def test_joint_errors_are_in_units_of_a_gaussian():
    drawn = heatmaps.render(torch.tensor([[[16.0, 15.0], [10.0, 20.0]]]), 32, 2.0)
    errors = joint_errors(torch.stack([0 * drawn[:, 0], 0.5 * drawn[:, 1]], 1), drawn, 2.0)
    torch.testing.assert_close(errors, torch.tensor([[1.0, 0.25]]), atol=1e-4, rtol=0)
    torch.manual_seed(0)
    noise, weight = torch.randn_like(drawn), torch.tensor([[0.3, 1.0]])
    torch.testing.assert_close(
        (joint_errors(noise, drawn, 2.0) * weight).mean(),
        relative_error(noise, drawn, weight, 2.0),
    )


@pytest.mark.parametrize(
    ("share", "chosen"),
    [
        (1.0, [[1, 1, 1, 1], [0, 1, 1, 0]]),
        (0.5, [[0, 1, 0, 1], [0, 1, 1, 0]]),
        (0.25, [[0, 0, 0, 1], [0, 0, 1, 0]]),
        (0.0, [[0, 0, 0, 1], [0, 0, 1, 0]]),  # at least one joint
    ],
)
def test_easiest_joints_by_hand(share, chosen):
    errors = torch.tensor([[0.9, 0.2, 0.4, 0.1], [0.1, 0.5, 0.3, 0.2]])
    valid = torch.tensor([[True] * 4, [False, True, True, False]])
    assert easiest(errors, valid, share).int().tolist() == chosen


def test_refined_heatmaps_start_equal_to_the_models():
    torch.manual_seed(0)
    config = ModelConfig("resnet10t", "none", feature_level=2, decoder_channels=8, heatmap_size=16)
    model = PoseModel(config, 3, 64)
    torch.nn.init.normal_(model.head.weight)
    refiner = Refiner(model, width=6)
    refiner.begin(model)
    output = model(torch.rand(2, 3, 64, 64))
    refined = refiner(output)
    torch.testing.assert_close(refined.heatmaps, output.heatmaps)
    assert refined.features.shape == (2, refiner.channels, 16, 16) == (2, 12, 16, 16)
    refined.heatmaps.square().sum().backward()
    torch.optim.SGD(refiner.parameters(), 0.01).step()
    assert not torch.allclose(refiner(output).heatmaps, output.heatmaps, atol=1e-3)
