"""Names of keypoints as other tools spell them."""

from __future__ import annotations

import pytest

from posebridge.skeleton import canonical_name


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("left_knee", "left_knee"),
        ("L_Knee", "left_knee"),
        ("kneeRight", "right_knee"),
        ("knee-r", "right_knee"),
        ("head_top", "head_top"),
        ("Nose", "nose"),
    ],
)
def test_canonical_names(spelled, canonical):
    assert canonical_name(spelled) == canonical
