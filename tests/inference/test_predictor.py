"""Predictions land in the pixels of the original images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

import posebridge
from posebridge.checkpoints.model_folder import Checkpoint
from posebridge.data.crops import CropConfig
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.inference.predictor import Predictor
from posebridge.inference.scoring import score
from posebridge.models.pose import ModelConfig, PoseOutput
from posebridge.skeleton import Skeleton

SKELETON = Skeleton.from_names("dots", ["red", "green"])


class DotFinder(nn.Module):
    """Answers with the red and the green of the image, so its keypoints are the colored dots."""

    def __init__(self) -> None:
        super().__init__()
        self.config = ModelConfig(heatmap_size=32)
        self.stride = 2.0

    def forward(self, images: torch.Tensor) -> PoseOutput:
        maps = nn.functional.avg_pool2d(images[:, :2] - images[:, 2:], 2)
        return PoseOutput(maps, maps)


@pytest.fixture
def finder(tmp_path) -> Predictor:
    checkpoint = Checkpoint(tmp_path, DotFinder(), SKELETON, CropConfig(64, 1.0), {}, {})  # type: ignore[arg-type]
    return Predictor(checkpoint, "cpu")


def drawn(points: np.ndarray) -> np.ndarray:
    image = np.zeros((120, 160, 3), np.uint8)
    for (x, y), channel in zip(points, (0, 1), strict=True):
        rows, columns = np.mgrid[:120, :160]
        blob = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 5.0**2))
        image[..., channel] = blob.round()
    return image


POINTS = np.array([[[40.0, 50.0], [100.5, 80.0]], [[120.0, 30.0], [60.0, 70.25]]])


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number, points in enumerate(POINTS):
        cv2.imwrite(str(images / f"{number}.png"), drawn(points)[:, :, ::-1])
    return images


def test_whole_images_boxes_lists_and_arrays(finder, folder):
    found = finder.predict(folder)
    np.testing.assert_allclose(found.points, POINTS, atol=0.5)
    assert found.confidence.min() > 0.5
    assert found.confidence.max() <= 1
    files = sorted(folder.iterdir())
    np.testing.assert_allclose(finder.predict(files).points, found.points)
    arrays = [drawn(points) for points in POINTS]
    np.testing.assert_allclose(finder.predict(arrays).points, found.points)
    boxes = [[20, 10, 110, 100], [40, 5, 110, 100]]
    samples = UnlabeledSamples.from_lists("boxes", files, boxes, [0, 1], [0, 1])
    np.testing.assert_allclose(finder.predict(samples).points, POINTS, atol=0.5)


def test_unreadable_images_are_left_out(finder, folder):
    (folder / "0a.png").write_bytes(b"no image")
    found = finder.predict(folder)
    assert found.rows.tolist() == [0, 2]
    assert len(found.skipped) == 1
    np.testing.assert_allclose(found.points, POINTS, atol=0.5)


def test_nothing_to_predict_on(finder, tmp_path):
    with pytest.raises(InputError, match="no images were given"):
        finder.predict([])
    with pytest.raises(InputError, match="uint8"):
        finder.predict([np.zeros((4, 4))])


def test_scores_of_a_model_that_is_right(finder, folder):
    files = sorted(folder.iterdir())
    images = UnlabeledSamples.from_lists("dots", files, np.zeros((2, 4)), [0, 1], [0, 1])
    labels = LabeledSamples(images, SKELETON, POINTS.astype(np.float32), np.ones((2, 2), bool))
    results, _ = score(finder, labels)
    assert results.metrics["pck@0.05"]["all"] == 100
    assert results.metrics["pck_published@0.05"]["all"] == 100
    assert results.metrics["epe"]["all"] < 0.5
    partly = Skeleton.from_names("dots", ["red", "blue"])
    some, _ = score(finder, LabeledSamples(images, partly, labels.points, labels.labeled))
    assert some.metrics["pck@0.05"] == {"all": 100, "red": 100, "green": None}
    other = Skeleton.from_names("dots", ["white", "blue"])
    with pytest.raises(InputError, match="do not fit the model"):
        score(finder, LabeledSamples(images, other, labels.points, labels.labeled))


def test_the_python_interface(figures, tmp_path):
    from rich.console import Console

    from tests.conftest import TINY

    run = posebridge.adapt(
        *(figures.source, figures.target, tmp_path / "run"),
        preset="demo",
        overrides=TINY,
        console=Console(quiet=True),
    )
    found = posebridge.load(run.folder).predict(figures.target.parent / "images")
    assert found.points.shape == (24, 14, 2)
    results = posebridge.evaluate(run.folder, figures.test, checkpoint="source")
    assert 0 <= results.metrics["pck@0.10"]["all"] <= 100
    assert posebridge.adapt(
        out=run.folder, resume=True, console=Console(quiet=True)
    ).folder.exists()
