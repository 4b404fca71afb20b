"""Normalizers, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.errors import InputError
from posebridge.evaluation.normalizers import normalizer_sizes

from .people import COCO, LEEDS, labels_of, scattered

NAN = float("nan")


def leeds(**joints: tuple[float, float]):
    """Return one person with the named joints labeled at the given points."""
    points, labeled = np.zeros((1, 14, 2)), np.zeros((1, 14), bool)
    for name, point in joints.items():
        points[0, LEEDS.index(name)], labeled[0, LEEDS.index(name)] = point, True
    return labels_of(LEEDS, points, labeled)


@pytest.mark.parametrize(
    ("kind", "labels", "size"),
    [
        ("crop", leeds(), 160),
        ("box", leeds(), 200),
        ("torso", leeds(left_shoulder=(0, 0), right_hip=(30, 40)), 50),
        ("torso", leeds(left_shoulder=(0, 0), left_hip=(30, 40)), NAN),
        ("torso", leeds(left_shoulder=(30, 40), right_hip=(30, 40)), NAN),
        ("head", leeds(head_top=(10, 10), neck=(10, 22)), 12),
        ("head", leeds(head_top=(10, 10)), NAN),
    ],
)
def test_normalizer_sizes_by_hand(kind, labels, size):
    np.testing.assert_allclose(normalizer_sizes(kind, labels, np.array([160.0])), [size])


def test_torso_without_shoulders_is_neck_to_mid_hip():
    points = np.array([[[10, 0], [0, 30], [20, 30]]], dtype=float)
    labels = labels_of(["neck", "L_Hip", "R_Hip"], points)
    np.testing.assert_allclose(normalizer_sizes("torso", labels), [30])


def test_box_of_unknown_size_is_left_out():
    labels = labels_of(LEEDS, np.zeros((2, 14, 2)), boxes=np.array([[0, 0, 0, 0], [5, 5, 30, 20]]))
    np.testing.assert_array_equal(normalizer_sizes("box", labels), [NAN, 30])


def test_missing_keypoint_names_are_reported():
    labels = labels_of(["left_wing", "right_wing"], np.zeros((1, 2, 2)))
    with pytest.raises(InputError, match=r"'left_shoulder' and 'right_hip'.*one of: crop, box\."):
        normalizer_sizes("torso", labels)
    with pytest.raises(InputError, match=r"'head_top' and 'neck'.*one of: crop, box\."):
        normalizer_sizes("head", labels)


def test_unknown_normalizer_is_reported():
    with pytest.raises(InputError, match=r"unknown normalizer 'tail'.*crop, box, torso\."):
        normalizer_sizes("tail", scattered(COCO, 1))


def test_crop_normalizer_requires_crop_sides():
    with pytest.raises(ValueError, match="crop_sides"):
        normalizer_sizes("crop", scattered(COCO, 1))
    with pytest.raises(ValueError, match="crop_sides"):
        normalizer_sizes("crop", scattered(COCO, 2), np.array([100.0]))
