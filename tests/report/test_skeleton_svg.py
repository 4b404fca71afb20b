"""Skeletons as SVG over images, checked against numbers worked out by hand."""

from __future__ import annotations

import numpy as np

from posebridge.report.side_colors import ON_IMAGES
from posebridge.report.skeleton_svg import skeleton_css, skeleton_svg
from posebridge.skeleton import Skeleton

ARMS = Skeleton.from_names("arms", ["left_hand", "right_hand", "nose"], [(0, 2), (0, 1)])
POINTS = np.array([[24.0, 9], [0, 0], [199, 99]])


def test_skeleton_lies_on_an_image_that_is_not_square():
    """The center of pixel (24, 9) is half a pixel further; a bone has its lower confidence."""
    confidence = np.array([0.9, 0.3, 0.5])
    drawn = skeleton_svg(POINTS, ARMS, (200, 100), confidence=confidence, threshold=0.4)
    assert 'viewBox="0 0 200 100"' in drawn
    assert '<circle class="joint left" data-c="0.9" cx="24.5" cy="9.5"' in drawn
    assert '<circle class="joint right off" data-c="0.3" cx="0.5" cy="0.5"' in drawn
    assert '<path class="bone left" data-c="0.5" d="M24.5 9.5L199.5 99.5"/>' in drawn
    assert '<path class="bone middle off" data-c="0.3" d="M24.5 9.5L0.5 0.5"/>' in drawn
    assert '<path class="halo off" data-c="0.3" d="M24.5 9.5L0.5 0.5"/>' in drawn
    assert "<title>nose, 0.50</title>" in drawn


def test_confidence_at_the_threshold_is_shown():
    one = Skeleton.from_names("one", ["nose"], [])
    values = np.array([0.2], np.float32)
    drawn = skeleton_svg(np.zeros((1, 2)), one, (9, 9), confidence=values, threshold=0.2)
    assert "off" not in drawn


def test_hollow_and_hidden_keypoints():
    hollow, shown = np.array([False, True, False]), np.array([True, True, False])
    drawn = skeleton_svg(POINTS, ARMS, (200, 100), hollow=hollow, shown=shown)
    assert '<circle class="joint left" cx="24.5" cy="9.5"' in drawn
    assert '<circle class="joint right hollow" cx="0.5" cy="0.5"' in drawn
    assert '<path class="bone middle" d="M24.5 9.5L0.5 0.5"/>' in drawn
    assert "nose" not in drawn
    assert drawn.count('class="bone') == 1
    assert "data-c" not in drawn


def test_names_are_escaped():
    drawn = skeleton_svg(np.zeros((1, 2)), Skeleton("x", ("<b>",)), (32, 32))
    assert "<title>&lt;b&gt;</title>" in drawn


def test_style_sheet_has_the_colors_of_the_sides():
    assert f"--left: {ON_IMAGES['left']};" in skeleton_css()
