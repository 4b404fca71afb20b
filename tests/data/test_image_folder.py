"""A target is images and boxes: it has no field for a keypoint."""

from __future__ import annotations

import dataclasses
import json
import pickle
import typing

import numpy as np
import pytest
from PIL import Image

from posebridge.data.formats.coco import read_boxes, read_labelled
from posebridge.data.image_folder import IMAGE_ENDINGS
from posebridge.data.loaders import Batch, PairedSteps
from posebridge.data.reading import read_unlabelled
from posebridge.data.samples import LabelledSamples, UnlabelledSamples
from posebridge.errors import InputError


def test_the_type_has_no_field_for_points():
    names = {field.name for field in dataclasses.fields(UnlabelledSamples)}
    assert names == {"name", "files", "boxes", "image_ids", "annotation_ids"}
    assert not issubclass(LabelledSamples, UnlabelledSamples)
    assert not issubclass(UnlabelledSamples, LabelledSamples)
    for name in ("points", "keypoints", "labelled", "visible", "skeleton"):
        assert not hasattr(UnlabelledSamples, name)


def test_the_target_of_a_step_is_of_that_type_and_its_crops_come_alone():
    hints = typing.get_type_hints(PairedSteps.__init__)
    assert hints["target"] == UnlabelledSamples | None
    assert Batch._fields == ("step", "source", "target", "unreadable")


def test_keypoints_of_a_labelled_file_are_left_behind(tmp_path):
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
    assert (read_labelled(file).points == marker).all()
    for samples in (read_boxes(file), read_unlabelled(file)):
        assert type(samples) is UnlabelledSamples
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
    assert len(read_unlabelled(file)) == 1


def test_a_file_without_annotations_gives_whole_images(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    file = tmp_path / "images.json"
    file.write_text(json.dumps({"images": [{"id": 3, "file_name": "a.png"}]}))
    samples = read_unlabelled(file)
    assert samples.boxes.tolist() == [[0, 0, 0, 0]] and samples.image_ids.tolist() == [3]


def test_folders_are_searched_in_a_fixed_order(tmp_path):
    for name in ("b.JPG", "deep/er/a.png", "a.webp", "c.txt", ".hidden.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    samples = read_unlabelled(tmp_path)
    names = [samples.path(i).relative_to(tmp_path).as_posix() for i in range(len(samples))]
    assert names == ["a.webp", "b.JPG", "deep/er/a.png"]
    assert samples.image_ids.tolist() == samples.annotation_ids.tolist() == [0, 1, 2]
    assert (samples.boxes == 0).all()


def test_globs(tmp_path):
    for name in ("x/1.png", "x/2.png", "y/1.png", "y/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert len(read_unlabelled(f"{tmp_path}/*/1.*")) == 2
    assert len(read_unlabelled(f"{tmp_path}/**/*.png")) == 3
    with pytest.raises(InputError, match=r"holds no image \(.jpg, .jpeg, .png"):
        read_unlabelled(f"{tmp_path}/*.png")


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
            read_unlabelled(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)
    assert ".jpeg" in IMAGE_ENDINGS


def test_tables_that_do_not_fit():
    with pytest.raises(ValueError, match=r"boxes are \(1, 4\), expected \(2, 4\)"):
        UnlabelledSamples("x", np.array([b"a", b"b"]), np.zeros((1, 4)), *[np.arange(2)] * 2)
    with pytest.raises(ValueError, match="differ in length"):
        UnlabelledSamples("x", np.array([b"a"]), np.zeros((1, 4)), np.arange(2), np.arange(1))


def test_a_subset_keeps_rows_together(figures):
    labelled = read_labelled(figures.source)
    some = labelled.subset([5, 2])
    assert some.images.path(0) == labelled.images.path(5)
    assert np.array_equal(some.points[1], labelled.points[2])
    assert np.array_equal(some.images.boxes, labelled.images.boxes[[5, 2]])
