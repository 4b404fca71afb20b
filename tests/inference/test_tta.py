"""Several views of a crop: points go back to the crop, sides keep their names, votes are joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from posebridge.data.crops import CropConfig
from posebridge.errors import InputError
from posebridge.inference.network import Keypoints
from posebridge.inference.provenance import get_identity
from posebridge.inference.tta import ManyViews
from posebridge.skeleton import Skeleton

SIZE = 64
SPOTS = np.array([[[14.0, 40.0], [45.0, 22.0]], [[20.0, 30.0], [50.0, 51.0]]], np.float32)


class BySide:
    """Knows the spot in the left half as the left hand, as a model does that goes by appearance.

    ``shift`` is added to every x; ``wrong`` moves the answers of one call by 30 pixels; confidence
    is 0.8 in the first call and 0.4 in all others.
    """

    name, heatmap_size = "by side", 16
    notes: Mapping[str, Any] = {}
    skeleton = Skeleton.from_names("hands", ["left_hand", "right_hand"])
    crop = CropConfig(SIZE, 1.0)

    def __init__(self, shift: float = 0.0, wrong: int = -1) -> None:
        self.shift, self.wrong, self.calls = shift, wrong, 0

    def keypoints(self, crops: torch.Tensor) -> Keypoints:
        mass = crops.double().mean(dim=1)
        places = []
        for half in (slice(0, SIZE // 2), slice(SIZE // 2, SIZE)):
            part = torch.zeros_like(mass)
            part[..., half] = mass[..., half]
            part = part.square() / part.square().sum(dim=(1, 2), keepdim=True)
            axis = torch.arange(SIZE).double()
            x = (part.sum(dim=1) * axis).sum(dim=1)
            y = (part.sum(dim=2) * axis).sum(dim=1)
            places.append(torch.stack([x + self.shift, y], dim=1))
        points = torch.stack(places, dim=1).float().numpy()
        if self.calls == self.wrong:
            points = points + 30
        heights = np.full(points.shape[:2], 0.4 if self.calls else 0.8, np.float32)
        self.calls += 1
        return Keypoints(points, heights, points)


@pytest.fixture
def crops() -> torch.Tensor:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    away = (columns - SPOTS[..., 0, None, None]) ** 2 + (rows - SPOTS[..., 1, None, None]) ** 2
    images = (255 * np.exp(-away / (2 * 2.0**2))).sum(axis=1).round().astype(np.uint8)
    return torch.from_numpy(np.repeat(images[:, None], 3, axis=1))


def test_the_mirror_image_keeps_names_and_is_weighted_by_confidence(crops):
    found = ManyViews(BySide(), flip=True).keypoints(crops)
    np.testing.assert_allclose(found.points, SPOTS, atol=0.05)
    np.testing.assert_allclose(found.confidence, 0.6)
    # x + 3 in the crop, x - 3 in the mirror image: (0.8 * 3 - 0.4 * 3) / 1.2 = 1 is left.
    leaning = ManyViews(BySide(shift=3), flip=True).keypoints(crops)
    np.testing.assert_allclose(leaning.points - found.points, [[[1, 0]] * 2] * 2, atol=1e-3)
    # Cells of four pixels: pixel 14 lies in cell 3, pixel 40 in cell 10.
    assert found.cells[0, 0].tolist() == [3, 10]


@pytest.mark.parametrize("flip", [False, True])
def test_shifted_and_scaled_views_come_back_to_the_crop(crops, flip):
    network = BySide()
    several = ManyViews(network, views=5, flip=flip)
    found = several.keypoints(crops)
    assert network.calls == (10 if flip else 5)
    assert not torch.allclose(several.matrices[1], several.matrices[2], atol=1e-3)
    np.testing.assert_allclose(found.points, SPOTS, atol=0.25)
    again = ManyViews(BySide(), views=5, flip=flip).keypoints(crops[1:])
    np.testing.assert_allclose(again.points, found.points[1:], atol=1e-4)


@pytest.mark.parametrize(
    ("views", "rotation", "degrees"),
    [(4, 180, [0, 90, 180, -90]), (5, 20, [0, 8, 16, -16, -8]), (2, 0, [0, 0]), (1, 0, [0])],
)
def test_views_are_rotated_evenly_about_the_center(views, rotation, degrees):
    linear = ManyViews(BySide(), views=views, rotation=rotation).matrices[:, :, :2]
    turned = torch.rad2deg(torch.atan2(linear[:, 1, 0], linear[:, 0, 0]))
    assert (turned - torch.tensor(degrees)).abs().remainder(360).max() < 1e-3
    scale = torch.linalg.det(linear).sqrt()
    assert (scale > 0.89).all() and (scale < 1.12).all()


def test_turned_views_come_back_to_the_crop(crops):
    found = ManyViews(BySide(), views=6, flip=True, rotation=10).keypoints(crops)
    np.testing.assert_allclose(found.points, SPOTS, atol=0.25)
    with pytest.raises(InputError, match="give 0 to 180"):
        ManyViews(BySide(), views=2, rotation=200)
    with pytest.raises(InputError, match="give 2 views or more"):
        ManyViews(BySide(), rotation=20)


@pytest.mark.parametrize("change", [{"views": 3}, {"flip": True}, {"rotation": 20.0}])
def test_predictions_depend_on_every_part_of_how_a_network_is_asked(change):
    """A killed prediction resumes only its own batches."""
    tta = {"views": 2, "flip": False, "rotation": 0.0}
    first = get_identity(ManyViews(BySide(), **tta), {}, {})
    assert first == get_identity(ManyViews(BySide(), **tta), {}, {})
    assert first != get_identity(ManyViews(BySide(), **{**tta, **change}), {}, {})


def test_a_view_that_is_wrong_is_outvoted_and_costs_confidence(crops):
    found = ManyViews(BySide(wrong=3), views=4).keypoints(crops)
    np.testing.assert_allclose(found.points, SPOTS, atol=0.25)
    # (0.8 + 0.4 + 0.4 + 0) / 4; the three that agree are not on the very same spot.
    np.testing.assert_allclose(found.confidence, 0.4, atol=0.02)


def test_a_number_of_views_that_is_none():
    for views in (0, -1, 65):
        with pytest.raises(InputError, match="give 1 to 64"):
            ManyViews(BySide(), views=views)
