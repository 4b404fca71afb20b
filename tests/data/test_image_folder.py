"""A target is images and boxes: it has no field for a keypoint."""

from __future__ import annotations

import dataclasses
import json
import pickle
import typing

import numpy as np
import pytest
from PIL import Image

from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.data.image_folder import IMAGE_ENDINGS
from posebridge.data.loaders import Batch, PairedBatches
from posebridge.data.reading import read_unlabeled
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError


def test_the_type_has_no_field_for_points():
    names = {field.name for field in dataclasses.fields(UnlabeledSamples)}
    assert names == {"name", "files", "boxes", "image_ids", "annotation_ids"}
    assert not issubclass(LabeledSamples, UnlabeledSamples)
    assert not issubclass(UnlabeledSamples, LabeledSamples)
    for name in ("points", "keypoints", "labeled", "visible", "skeleton"):
        assert not hasattr(UnlabeledSamples, name)


def test_the_target_of_a_step_is_of_that_type_and_its_crops_come_alone():
    hints = typing.get_type_hints(PairedBatches.__init__)
    assert hints["target"] == UnlabeledSamples | None
    assert Batch._fields == ("step", "source", "target", "unreadable")


def test_keypoints_of_a_labeled_file_are_left_behind(tmp_path):
    """No keypoint's number is in the samples that are read."""
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    marker = 34.1328125
    document = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "x", "keypoints": ["left_a", "right_a"]}],
        "annotations": [
            {
                "id": 5,
                "image_id": 1,
                "category_id": 1,
                "bbox": [1, 2, 30, 20],
                "keypoints": [marker, marker, 2, marker, marker, 2],
            }
        ],
    }
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(document))
    assert (read_labeled(file).points == marker).all()
    for samples in (read_boxes(file), read_unlabeled(file)):
        assert type(samples) is UnlabeledSamples
        assert samples.boxes.tolist() == [[1, 2, 30, 20]]
        content = pickle.dumps(samples)
        for kind in (np.float32, np.float64):
            assert kind(marker).tobytes() not in content
    del document["annotations"][0]["bbox"]  # not even for a box
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match="annotation 5 has no 'bbox'"):
        read_boxes(file)


def test_broken_keypoint_does_not_affect_a_target(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    row = {"id": 5, "image_id": 1, "bbox": [1, 2, 3, 4], "keypoints": ["junk"]}
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": [row]}))
    assert len(read_unlabeled(file)) == 1


def test_a_file_without_annotations_gives_whole_images(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    file = tmp_path / "images.json"
    file.write_text(json.dumps({"images": [{"id": 3, "file_name": "a.png"}]}))
    samples = read_unlabeled(file)
    assert samples.boxes.tolist() == [[0, 0, 0, 0]] and samples.image_ids.tolist() == [3]


def test_folders_are_searched_in_a_fixed_order(tmp_path):
    for name in ("b.JPG", "deep/er/a.png", "a.webp", "c.txt", ".hidden.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    samples = read_unlabeled(tmp_path)
    names = [samples.path(i).relative_to(tmp_path).as_posix() for i in range(len(samples))]
    assert names == ["a.webp", "b.JPG", "deep/er/a.png"]
    assert samples.image_ids.tolist() == samples.annotation_ids.tolist() == [0, 1, 2]
    assert (samples.boxes == 0).all()


def test_globs(tmp_path):
    for name in ("x/1.png", "x/2.png", "y/1.png", "y/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert len(read_unlabeled(f"{tmp_path}/*/1.*")) == 2
    assert len(read_unlabeled(f"{tmp_path}/**/*.png")) == 3
    with pytest.raises(InputError, match=r"holds no image \(.jpg, .jpeg, .png"):
        read_unlabeled(f"{tmp_path}/*.png")


def test_unusable_targets_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    for path, words in (
        ("empty", "holds no image"),
        ("notes.txt", "is neither an image"),
        ("gone", "does not exist; give a folder of images, a glob or a COCO file"),
        ("gone.json", "does not exist"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            read_unlabeled(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)
    assert ".jpeg" in IMAGE_ENDINGS


def test_tables_that_do_not_fit():
    with pytest.raises(ValueError, match=r"boxes are \(1, 4\), expected \(2, 4\)"):
        UnlabeledSamples("x", np.array([b"a", b"b"]), np.zeros((1, 4)), *[np.arange(2)] * 2)
    with pytest.raises(ValueError, match="differ in length"):
        UnlabeledSamples("x", np.array([b"a"]), np.zeros((1, 4)), np.arange(2), np.arange(1))


def test_a_subset_keeps_rows_together(figures):
    labeled = read_labeled(figures.source)
    some = labeled.subset([5, 2])
    assert some.images.path(0) == labeled.images.path(5)
    assert np.array_equal(some.points[1], labeled.points[2])
    assert np.array_equal(some.images.boxes, labeled.images.boxes[[5, 2]])
