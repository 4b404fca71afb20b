"""Skeletons on whole images and the table of points, checked against numbers set by hand."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from posebridge.app.loaded_models import ShownModel
from posebridge.app.overlay import panels, picture_uri, point_table
from posebridge.app.predictions import Answers
from posebridge.app.upload import Upload
from posebridge.data.samples import UnlabeledSamples
from posebridge.inference.predictor import PosePredictions
from posebridge.skeleton import Skeleton

ARMS = Skeleton.from_names("arms", ["left_hand", "right_hand", "nose"], [(0, 2), (0, 1)])


def model(name: str, skeleton: Skeleton = ARMS) -> ShownModel:
    return ShownModel(name, "step 3", name, cast(Any, SimpleNamespace(skeleton=skeleton)))


def answers(folder: Path, *points: np.ndarray, confidence: float = 0.5) -> Answers:
    """Return one white image of 200 x 100, and a prediction of each model."""
    cv2.imwrite(str(folder / "a.png"), np.full((100, 200, 3), 255, np.uint8))
    order = np.arange(1)
    samples = UnlabeledSamples.from_lists("x", [folder / "a.png"], np.zeros((1, 4)), order, order)
    found = [
        PosePredictions(
            points=p[None].astype(np.float32),
            confidence=np.linspace(confidence, 0.9, len(p), dtype=np.float32)[None],
            regions=np.array([[0, -50, 200]]),
            sizes=np.array([[200, 100]]),
            cells=p[None],
            rows=order,
            samples=samples,
            skipped=(),
        )
        for p in points
    ]
    return Answers(Upload("a.png", folder, samples, ["<b>.png"]), found, [])


def test_panels_count_the_joints_they_show_and_names_are_text(tmp_path):
    points = np.array([[10.0, 20], [30, 40], [50, 60]])
    made = panels(answers(tmp_path, points), [model("<i>x")], 0, 0.6)
    # Confidences are 0.5, 0.7 and 0.9.
    assert "<i data-shown>2</i> of 3 joints" in made[0]
    assert "<b>&lt;i&gt;x</b>" in made[0]
    assert 'alt="&lt;b&gt;.png with' in made[0]
    assert "--w:200;--h:100" in made[0]


def cells(row: str) -> list[str]:
    return [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[dh][ >].*?</t[dh]>", row)]


def test_table_holds_points_and_distances(tmp_path):
    first = np.array([[10.0, 20], [30, 40], [50, 60]])
    made = answers(tmp_path, first, first + np.array([3, 4]))
    table = point_table(made, [model("before"), model("after")], 0, 0.6)
    rows = re.findall(r"<tr>(.*?)</tr>", table)[2:]
    assert cells(rows[0]) == ["left hand", "10.0", "20.0", "0.50", "13.0", "24.0", "0.50", "5.0"]
    assert cells(rows[2])[-1] == "5.0"
    assert [row.count(" off") for row in rows] == [6, 0, 0]


def test_models_with_different_keypoints_share_common_rows(tmp_path):
    face = Skeleton.from_names("face", ["nose", "ear"], [])
    made = answers(tmp_path, np.zeros((3, 2)), np.ones((2, 2)))
    rows = re.findall(r"<tr>(.*?)</tr>", point_table(made, [model("a"), model("b", face)], 0, 0))
    found = {cells(row)[0]: cells(row)[1:] for row in rows[2:]}
    assert list(found) == ["left hand", "right hand", "nose", "ear"]
    assert found["ear"] == ["\u2013", "1.0", "1.0", "0.90", "\u2013"]
    assert found["nose"][-1] == "1.4"


@pytest.mark.parametrize(("shape", "sent"), [((3000, 1500), (1280, 640)), ((96, 48), (640, 320))])
def test_large_images_are_reduced_and_small_ones_enlarged(shape, sent):
    import base64

    content = base64.b64decode(picture_uri(np.zeros((*shape, 3), np.uint8)).partition(",")[2])
    assert cv2.imdecode(np.frombuffer(content, np.uint8), 1).shape[:2] == sent
