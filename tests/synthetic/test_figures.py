"""The built-in figures: what is drawn is what is labeled, and the same wherever it is drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.errors import InputError
from posebridge.synthetic.figures import (
    FIGURE_SKELETON,
    Look,
    draw_figure,
    render_figure,
    write_synthetic_benchmark,
    write_synthetic_figures,
)
from posebridge.synthetic.poses import EDGES

LOOKS = get_args(Look)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_skeleton_pairs_left_and_right():
    assert len(FIGURE_SKELETON) == 14
    assert [FIGURE_SKELETON.mirror[i] for i in range(6)] == [5, 4, 3, 2, 1, 0]
    assert len(FIGURE_SKELETON.pairs) == 6


@pytest.mark.parametrize("look", LOOKS)
def test_a_figure_depends_on_its_number_alone(look: Look):
    forwards = [draw_figure(look, 3, i) for i in range(4)]
    backwards = [draw_figure(look, 3, i) for i in reversed(range(4))][::-1]
    for one, two in zip(forwards, backwards, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    images = [image for image, _, _ in forwards] + [draw_figure(look, 4, 0)[0]]
    assert len({image.tobytes() for image in images}) == 5


@settings(max_examples=25, deadline=None)
@given(
    look=st.sampled_from(LOOKS),
    seed=st.integers(0, 2**40),
    index=st.integers(0, 2_000_000),
    size=st.integers(32, 160),
)
def test_every_figure_is_whole_and_inside(look: Look, seed: int, index: int, size: int):
    image, points, flags = draw_figure(look, seed, index, size)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    assert points.shape == (14, 2) and points.dtype == np.float32
    assert flags.shape == (14,) and set(flags.tolist()) <= {1, 2}
    assert points.min() >= 0 and points.max() <= size - 1
    extent = np.ptp(points, axis=0).max() / size
    assert 0.6 < extent < 0.72
    assert image.std() > 2


@pytest.mark.parametrize("look", LOOKS)
def test_visible_joints_are_on_the_body(look: Look):
    for index in range(60):
        drawing = render_figure(look, 0, index)
        x, y = np.rint(drawing.points[drawing.flags == 2]).astype(int).T
        assert len(x) >= 2
        assert drawing.body[y, x].all(), f"figure {index}"
        assert 0.02 < drawing.body.mean() < 0.5


def test_bones_of_a_rendering_are_on_the_body():
    # Halfway along a bone, too, there is body (occluded or not: nothing but the body is in front).
    bones = np.array([edge for edge in EDGES if edge not in ((2, 8), (3, 9), (8, 12), (9, 12))])
    hits = []
    for index in range(40):
        drawing = render_figure("rendered", 1, index)
        x, y = np.rint(drawing.points[bones].mean(axis=1)).astype(int).T
        hits.append(drawing.body[y, x])
    assert np.mean(hits) > 0.98


def test_the_labels_fit_the_pixels():
    # The background of a rendering is the same all along a row; a visible joint stands out.
    distances = []
    for index in range(40):
        image, points, flags = draw_figure("rendered", 2, index)
        x, y = np.rint(points[flags == 2]).astype(int).T
        distances.append(np.abs(image[y, x].astype(int) - image[y, 0]).max(axis=1))
    assert np.mean(np.concatenate(distances) > 12) > 0.95


@pytest.mark.parametrize(("look", "least"), [("rendered", 40), ("camera", 15)])
def test_the_right_is_warm_and_the_left_is_cool(look: Look, least: float):
    # Halfway along the lower half of the shin: the sock of that side in every look.
    warmth: dict[str, list[float]] = {"right": [], "left": []}
    for index in range(80):
        image, points, flags = draw_figure(look, 5, index)
        for side, knee, ankle in (("right", 1, 0), ("left", 4, 5)):
            if flags[knee] == 2 and flags[ankle] == 2:
                x, y = np.rint(0.2 * points[knee] + 0.8 * points[ankle]).astype(int)
                red, _, blue = image[y, x].astype(float)
                warmth[side].append(red - blue)
    assert np.median(warmth["right"]) > least
    assert np.median(warmth["left"]) < -least


def test_the_looks_differ():
    def texture(look: Look) -> float:
        shades = (cv2.cvtColor(draw_figure(look, 0, i)[0], cv2.COLOR_RGB2GRAY) for i in range(12))
        return float(np.mean([cv2.Laplacian(shade, cv2.CV_32F)[:12].std() for shade in shades]))

    assert texture("camera") > 5 * texture("rendered")
    assert not np.allclose(draw_figure("camera", 0, 0)[1], draw_figure("rendered", 0, 0)[1])


def test_a_labeled_folder_is_plain_coco(tmp_path: Path):
    seen: list[int] = []
    path = write_synthetic_figures(
        tmp_path / "set", "rendered", 3, 7, 64, start=5, progress=seen.append
    )
    assert seen == [1, 2, 3]
    assert path == tmp_path / "set" / "annotations.json"
    content = read(path)
    assert content["categories"][0]["keypoints"] == list(FIGURE_SKELETON.keypoints)
    assert content["categories"][0]["skeleton"][:2] == [[1, 2], [2, 3]]
    assert sorted(p.name for p in path.parent.iterdir()) == ["annotations.json", "images"]
    for offset, (entry, row) in enumerate(
        zip(content["images"], content["annotations"], strict=True)
    ):
        image, points, flags = draw_figure("rendered", 7, 5 + offset, 64)
        assert row["image_id"] == entry["id"] and row["category_id"] == 1 and row["iscrowd"] == 0
        keypoints = np.array(row["keypoints"]).reshape(14, 3)
        np.testing.assert_allclose(keypoints[:, :2], points, atol=1e-3)
        np.testing.assert_array_equal(keypoints[:, 2], flags)
        assert row["num_keypoints"] == 14
        x, y, width, height = row["bbox"]
        assert row["area"] == pytest.approx(width * height, abs=0.01)
        assert (points + 0.5 >= (x, y)).all() and (points + 0.5 <= (x + width, y + height)).all()
        assert x >= 0 and x + width <= 64 and y >= 0 and y + height <= 64
        assert 1.25 * max(width, height) == pytest.approx(64, rel=0.12)
        stored = cv2.imread(str(path.parent / "images" / entry["file_name"]), cv2.IMREAD_COLOR_RGB)
        assert stored is not None and stored.shape == (entry["height"], entry["width"], 3)
        assert np.abs(stored.astype(int) - image).mean() < 4


def test_an_unlabeled_folder_holds_no_pose(tmp_path: Path):
    content = read(write_synthetic_figures(tmp_path, "camera", 2, 0, 48, labeled=False))
    for row in content["annotations"]:
        assert set(row) == {"id", "image_id", "category_id", "bbox", "area", "iscrowd"}
    assert content["categories"][0]["keypoints"] == list(FIGURE_SKELETON.keypoints)


def test_existing_folder_is_kept_unless_overwritten(tmp_path: Path):
    path = write_synthetic_figures(tmp_path, "camera", 3, 0, 32)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"already holds annotations\.json"):
        write_synthetic_figures(tmp_path, "camera", 2, 1, 32)
    with pytest.raises(InputError, match="at least 1"):
        write_synthetic_figures(tmp_path, "camera", 0, 1, 32, overwrite=True)
    assert path.read_bytes() == before
    write_synthetic_figures(tmp_path, "camera", 2, 1, 32, overwrite=True)
    assert len(read(path)["images"]) == len(list((tmp_path / "images").iterdir())) == 2


def test_an_interrupted_folder_has_no_annotations(tmp_path: Path):
    def stop(number: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_synthetic_figures(tmp_path, "rendered", 3, 0, 32, progress=stop)
    assert not (tmp_path / "annotations.json").exists()
    write_synthetic_figures(tmp_path, "rendered", 3, 0, 32)  # and can be made again


def test_the_benchmark_has_three_sets_apart(tmp_path: Path):
    seen: list[int] = []
    sets = write_synthetic_benchmark(tmp_path, 0, 48, 3, 2, 2, progress=seen.append)
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    source, target, test = (read(p) for p in (sets.source, sets.target, sets.test))
    assert [len(c["images"]) for c in (source, target, test)] == [3, 2, 2]
    assert all("keypoints" in row for c in (source, test) for row in c["annotations"])
    assert not any("keypoints" in row for row in target["annotations"])
    pictures = [p.read_bytes() for p in sorted(tmp_path.glob("*/images/*.jpg"))]
    assert len(set(pictures)) == 7
    with pytest.raises(InputError, match="already holds"):
        write_synthetic_benchmark(tmp_path, 0, 48, 3, 2, 2)
    # The test set is the same however large the others are.
    again = write_synthetic_benchmark(tmp_path, 0, 48, 1, 1, 2, overwrite=True)
    assert read(again.test) == test


@pytest.mark.parametrize(
    ("look", "seed", "index", "size", "message"),
    [
        ("painted", 0, 0, 96, "unknown look 'painted'.*rendered or camera"),
        ("camera", -1, 0, 96, "must not be negative"),
        ("camera", 0, -1, 96, "must not be negative"),
        ("camera", 0, 0, 16, "too small"),
    ],
)
def test_undrawable_figures_are_refused(look: Any, seed: int, index: int, size: int, message: str):
    with pytest.raises(InputError, match=message):
        draw_figure(look, seed, index, size)


def test_figures_below_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="set can't be written: .*file is not a folder"):
        write_synthetic_figures(tmp_path / "file" / "set", "rendered", 1, 0, 32)
