"""Painted skeletons, sheets and progress."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from posebridge.report import progress_bar as bars
from posebridge.report.overlays import draw_poses, sheet
from posebridge.report.progress_bar import ProgressBar, clock
from posebridge.skeleton import Skeleton

SKELETON = Skeleton.from_names("arm", ["left_hand", "right_hand", "elbow"], [(0, 2), (1, 2)])


def test_sides_have_colors_and_hidden_joints_are_left_out():
    image = np.zeros((64, 64, 3), np.uint8)
    points = np.array([[[10, 10], [50, 10], [30, 50]]], float)
    drawn = draw_poses(image, points, SKELETON)
    assert image.max() == 0
    assert drawn[10, 10, 2] > drawn[10, 10, 0]  # left is blue
    assert drawn[10, 50, 0] > drawn[10, 50, 2]  # right is red
    hidden = draw_poses(image, points, SKELETON, np.array([[False, True, True]]))
    assert hidden[10, 10].max() == 0
    assert hidden[10, 50].max() > 0


def test_joint_in_the_corner_is_drawn():
    image = np.zeros((32, 32, 3), np.uint8)
    points = np.array([[[0, 0], [20, 20], [10, 20]]], float)
    assert draw_poses(image, points, SKELETON)[0, 0].max() > 0


def test_sheet_has_a_row_for_each_title():
    pictures = [np.full((8, 8, 3), 100, np.uint8)] * 3
    whole = sheet([("one", pictures), ("two", pictures[:1])], side=32)
    assert whole.shape == (2 * (32 + 24 + 4) + 4, 3 * 36 + 4, 3)
    assert (whole[28:60, 4:36] == 100).all()


def test_progress_lines_show_the_time_left(monkeypatch):
    monkeypatch.setattr(bars, "SECONDS_BETWEEN_LINES", 0.0)
    text = io.StringIO()
    with ProgressBar(Console(file=text, width=120), "working", 10) as bar:
        bar.update(5, "loss 0.1")
    assert "working: 5/10" in text.getvalue()
    assert "left  loss 0.1" in text.getvalue()
    assert (clock(65), clock(3661), clock(float("inf"))) == ("1:05", "1:01:01", "?")
