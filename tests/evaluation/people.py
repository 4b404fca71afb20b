"""Small labeled datasets for the tests of evaluation."""

from __future__ import annotations

import numpy as np

from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.evaluation import Predictions
from posebridge.skeleton import Skeleton
from posebridge.synthetic.poses import KEYPOINTS

LEEDS = list(KEYPOINTS)

COCO = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
]


def labels_of(
    names: list[str],
    points: np.ndarray,
    labeled: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    image_ids: np.ndarray | None = None,
) -> LabeledSamples:
    """Return labels at ``points`` (N, K, 2); by default all labeled, boxes 100 x 200, an image each."""
    count = len(points)
    return LabeledSamples(
        images=UnlabeledSamples.from_lists(
            "drawn people",
            [f"{index}.png" for index in range(count)],
            np.tile([0.0, 0.0, 100.0, 200.0], (count, 1)) if boxes is None else boxes,
            np.arange(count) if image_ids is None else image_ids,
            np.arange(count),
        ),
        skeleton=Skeleton.from_names("person", names),
        points=np.asarray(points, dtype=np.float32),
        labeled=np.ones(points.shape[:2], dtype=bool) if labeled is None else labeled,
    )


def scattered(names: list[str], count: int, seed: int = 0) -> LabeledSamples:
    """Return labels drawn at random in a 100 x 200 box."""
    draw = np.random.default_rng(seed)
    return labels_of(names, draw.uniform((0, 0), (100, 200), (count, len(names), 2)))


def predicted_at(points: np.ndarray, side: float = 100.0, confidence: float = 0.5) -> Predictions:
    """Return predictions at ``points`` with one confidence and one crop side for all subjects."""
    return Predictions(
        points=np.asarray(points, dtype=np.float32),
        confidence=np.full(points.shape[:2], confidence, dtype=np.float32),
        crop_sides=np.full(len(points), side, dtype=np.float32),
    )
