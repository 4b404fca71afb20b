"""The mean teacher: pseudo-labels through any two views, the kept joints, the error in its units."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.alignment.heatmap_loss import relative_error, squared_error
from posebridge.alignment.pseudo_labels import carry_points, consensus, most_confident
from posebridge.ops import affine, heatmaps
from posebridge.ops.augmentation_config import AugmentationConfig

SEEDS = st.integers(0, 2**31 - 1)
MIRROR = torch.tensor([1, 0, 2])


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_rendered_gaussians_are_mapped_exactly(seed):
    """For the whole range of views, with flips of either view, joints marked as inside are exact."""
    size, stride, draw = 128, 4, generator(seed)
    teacher, student = (affine.draw_views(4, size, AugmentationConfig(), draw) for _ in range(2))
    in_crop = torch.rand(4, 3, 2, generator=draw) * size
    in_teacher = affine.points_to_view(in_crop, teacher, MIRROR)
    maps = heatmaps.render(heatmaps.pixels_to_cells(in_teacher, stride), size // stride, 2.0)
    labels = carry_points(maps, teacher, student, MIRROR, stride)
    expected = affine.points_to_view(in_crop, student, MIRROR)
    assert labels.inside.any()
    assert (labels.points - expected).norm(dim=-1)[labels.inside].max() < 0.01
    assert affine.inside(labels.points, size)[labels.inside].all()


def test_confidence_moves_with_its_joint():
    """Left has a higher confidence than right; in a mirrored student view it is the right joint."""
    turned = affine.Views(
        torch.tensor([[[-1.0, 0, 63], [0, 1, 0]]]).repeat(2, 1, 1), torch.tensor([True, True])
    )
    straight = affine.identity_views(2)
    cells = torch.tensor([[[3.0, 8.0], [12.0, 8.0], [8.0, 4.0]]]).repeat(2, 1, 1)
    height = torch.tensor([0.9, 0.4, 0.7])[None, :, None, None]
    maps = height * heatmaps.render(cells, 16, 1.0)

    def labels(teacher, student):
        result = carry_points(maps, teacher, student, MIRROR, stride=4)
        return result.confidence[0].tolist(), heatmaps.pixels_to_cells(result.points, 4)[0]

    for teacher, student, confidence, x in (
        (straight, straight, [0.9, 0.4, 0.7], [3, 12, 8]),
        (straight, turned, [0.4, 0.9, 0.7], [3, 12, 7]),
        (turned, straight, [0.4, 0.9, 0.7], [3, 12, 7]),
        (turned, turned, [0.9, 0.4, 0.7], [3, 12, 8]),
    ):
        result, points = labels(teacher, student)
        assert result == pytest.approx(confidence)
        torch.testing.assert_close(points[:, 0], torch.tensor(x).float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("cell", "shift", "inside"),
    [
        (8.0, 0, True),
        (0.3, 0, False),  # at the teacher's border, perhaps beyond it
        (14.8, 0, False),
        (0.6, 0, True),
        (4.0, 17, True),  # 17.5 px in the teacher's view, 0.5 px in the student's
        (4.0, 19, False),  # -1.5 px in the student's view
        (12.0, -14, True),
        (12.0, -15, False),
    ],
)
def test_inside_both_views(cell, shift, inside):
    student = affine.Views(torch.tensor([[[1.0, 0, shift], [0, 1, 0]]]), torch.tensor([False]))
    maps = heatmaps.render(torch.tensor([[[cell, 8.0]]]), 16, 1.5)
    labels = carry_points(maps, affine.identity_views(1), student, torch.tensor([0]), stride=4)
    assert labels.inside.item() is inside


def test_squared_error_by_hand():
    predicted = torch.zeros(1, 2, 2, 2)
    target = torch.zeros(1, 2, 2, 2)
    target[0, 0, 0, 0] = 2  # 4 / 4 cells = 1
    target[0, 1] = 3  # 9
    for weight, value in (([[1, 1]], 5), ([[1, 0]], 0.5), ([[0, 1]], 4.5), ([[0, 0]], 0)):
        assert squared_error(predicted, target, torch.tensor(weight)).item() == value
        masked = torch.tensor(weight, dtype=torch.bool)
        assert squared_error(predicted, target, masked).item() == value
    assert squared_error(predicted, target, torch.tensor([[0.5, 0.0]])).item() == 0.25


def test_gradient_by_hand():
    """The gradient is 2 w (h - y) / (B K H W), and 0 for a masked joint."""
    torch.manual_seed(0)
    predicted = torch.rand(3, 2, 4, 4, requires_grad=True)
    target, weight = torch.rand(3, 2, 4, 4), torch.tensor([[1.0, 0.0], [0.0, 0.5], [1.0, 1.0]])
    squared_error(predicted, target, weight).backward()
    assert predicted.grad is not None
    expected = 2 * weight[..., None, None] * (predicted.detach() - target) / 96
    torch.testing.assert_close(predicted.grad, expected)


@pytest.mark.parametrize(("size", "sigma"), [(16, 1.0), (32, 2.0), (64, 2.0), (64, 4.0)])
def test_error_of_an_empty_prediction_is_the_kept_fraction_at_any_size(size, sigma):
    aim = heatmaps.render(torch.full((4, 2, 2), size / 2), size, sigma)
    for kept, fraction in (
        ([[True, True]] * 4, 1),
        ([[True, False]] * 4, 0.5),
        ([[False] * 2] * 4, 0),
    ):
        value = relative_error(torch.zeros_like(aim), aim, torch.tensor(kept), sigma)
        assert value.item() == pytest.approx(fraction, rel=1e-3)
    assert relative_error(aim, aim, torch.ones(4, 2), sigma).item() == 0


@given(SEEDS, st.integers(1, 6), st.integers(1, 5), st.floats(0.0, 1.0), st.booleans())
@settings(max_examples=60, deadline=None)
def test_kept_fraction(seed, batch, joints, keep, per_keypoint):
    order = torch.randperm(batch * joints, generator=generator(seed)).float()
    confidence = order.view(batch, joints) / 100  # all different
    kept, threshold = most_confident(confidence, keep, per_keypoint)
    count = batch if per_keypoint else batch * joints
    dropped = int((1 - keep) * count)
    assert torch.equal(kept, confidence > threshold if dropped else torch.ones_like(kept))
    assert (kept.sum(0) == count - dropped).all() if per_keypoint else kept.sum() == count - dropped
    for values, mask in zip(confidence.T, kept.T, strict=True) if per_keypoint else [
        (confidence.flatten(), kept.flatten())
    ]:  # fmt: skip
        if mask.any() and not mask.all():
            assert values[mask].min() > values[~mask].max()


def test_equal_confidences_are_dropped_together():
    kept, threshold = most_confident(torch.full((2, 2), 0.5), 0.5)
    assert not kept.any() and threshold.item() == 0.5


def test_consensus_is_the_mode():
    """Two views 2 px apart outvote a more confident view 50 px away; the result is between the two."""
    points = torch.tensor([[10.0, 20.0], [12.0, 20.0], [60.0, 20.0]]).view(3, 1, 1, 2)
    votes = torch.tensor([0.6, 0.6, 0.9]).view(3, 1, 1)
    merged, agreement = consensus(points, votes, spread=8.0)
    near = math.exp(-4 / 128)
    assert agreement.item() == pytest.approx((0.6 + 0.6 * near) / 3, rel=1e-5)
    # One mean-shift step from 10: 2 px times the weight of the other view, exp(-4/128).
    assert merged.flatten().tolist() == pytest.approx([10 + 2 * near / (1 + near), 20], rel=1e-5)


def test_consensus_of_one_view_is_its_prediction():
    points, votes = torch.rand(1, 4, 3, 2) * 100, torch.rand(1, 4, 3)
    result, agreement = consensus(points, votes, spread=8.0)
    torch.testing.assert_close(result, points[0], rtol=0, atol=0)
    torch.testing.assert_close(agreement, votes[0], rtol=0, atol=0)


def test_view_without_the_joint_has_no_vote():
    points = torch.tensor([[5.0, 5.0], [90.0, 90.0]]).view(2, 1, 1, 2)
    result, agreement = consensus(points, torch.tensor([0.0, 0.4]).view(2, 1, 1), spread=8.0)
    assert result.flatten().tolist() == [90, 90]
    assert agreement.item() == pytest.approx(0.2)
    _, none = consensus(points, torch.zeros(2, 1, 1), spread=8.0)
    assert none.item() == 0


@given(SEEDS, st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_range_of_the_agreement_of_views(seed, views):
    draw = generator(seed)
    points = torch.rand(views, 5, 3, 2, generator=draw) * 100
    votes = torch.rand(views, 5, 3, generator=draw)
    result, agreement = consensus(points, votes, spread=8.0)
    assert (agreement <= votes.mean(dim=0) + 1e-5).all()
    assert (agreement >= votes.amax(dim=0) / views - 1e-5).all()
    order = torch.randperm(views, generator=draw)
    same, _ = consensus(points[order], votes[order], spread=8.0)
    torch.testing.assert_close(same, result, rtol=0, atol=1e-3)
    moved, _ = consensus(points + 7, votes, spread=8.0)
    torch.testing.assert_close(moved, result + 7, rtol=0, atol=1e-3)


def test_views_are_merged_in_pixels_of_the_crop():
    """Four consistent views are exact, and have a higher confidence than with one wrong view."""
    size, stride, draw = 128, 4, generator(3)
    gentle = AugmentationConfig(rotation=30, shear=0, scale=(0.9, 1.1))
    teacher = affine.draw_views(8, size, gentle, draw)
    student = affine.draw_views(2, size, gentle, draw)
    in_crop = torch.rand(2, 3, 2, generator=draw) * 40 + 44
    in_views = affine.points_to_view(in_crop.repeat(4, 1, 1), teacher, MIRROR)
    in_views[5, 1] = 10.0
    maps = heatmaps.render(heatmaps.pixels_to_cells(in_views, stride), size // stride, 2.0)
    labels = carry_points(maps, teacher, student, MIRROR, stride)
    expected = affine.points_to_view(in_crop, student, MIRROR)
    assert labels.inside.all()
    assert (labels.points - expected).norm(dim=-1).max() < 0.05
    sides = affine.swap_sides(labels.confidence, student.flipped, MIRROR)
    outvoted = MIRROR[1] if teacher.flipped[5] else 1
    assert sides.flatten().argmin() == 3 + outvoted
