"""YOLO's datasets, by hand, with what is read from them worked out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posebridge.data.annotations import upright_size
from posebridge.data.reading import (
    read_annotations,
    read_labeled,
    read_unlabeled,
)
from posebridge.errors import InputError
from tests.data.formats.tool_files import picture, text


def yolo(root: Path, extra: str = "") -> Path:
    picture(root / "images/train/a.jpg")
    picture(root / "images/train/b.jpg")
    picture(root / "images/val/c.jpg")
    text(root / "labels/train/a.txt", "0 0.5 0.5 0.2 0.4 0.25 0.5 2 0.5 0.5 1\n")
    text(root / "labels/val/c.txt", "1 0.1 0.2 0.1 0.2 0 0 0 0.99 0.98 2\n\n")
    return text(
        root / "data.yaml",
        "path: ../datasets/elsewhere\ntrain: images/train\nval: images/val\ntest:\n"
        "kpt_shape: [2, 3]\nnames:\n  0: cow\n  1: calf\n" + extra,
    )


def test_yolo(tmp_path):
    yolo(tmp_path / "set", "flip_idx: [1, 0]\n")
    found = read_annotations(tmp_path / "set")
    assert [f.name for f in found.files] == ["a.jpg", "b.jpg", "c.jpg"]
    assert found.image.tolist() == [0, 2]
    assert found.points.tolist() == [[[25, 25], [50, 25]], [[0, 0], [99, 49]]]
    assert found.visibility.tolist() == [[2, 1], [0, 2]]
    np.testing.assert_allclose(found.boxes, [[40, 15, 20, 20], [5, 5, 10, 10]])
    assert found.skeleton.keypoints == ("keypoint_0", "keypoint_1")
    assert found.skeleton.pairs == ((0, 1),) and found.skeleton.name == "cow"
    assert found.notes == [
        f"1 of 3 images have no label file, the first {tmp_path}/set/images/train/b.jpg.",
        "2 classes become one, 'cow'.",
    ]


def test_confidences_in_place_of_flags_are_read(tmp_path):
    """As predictions saved as text have them; a keypoint of confidence 0 is none."""
    file = yolo(tmp_path)
    text(tmp_path / "labels/train/a.txt", "0 0.5 0.5 0.2 0.4 0.25 0.5 0.75 0.5 0.5 0\n")
    text(tmp_path / "labels/val/c.txt", "0 0.1 0.2 0.1 0.2 0.5 0.5 1 0.99 0.98 0.125\n")
    found = read_annotations(file)
    assert found.visibility.tolist() == [[2, 0], [2, 2]]
    assert found.keypoint_scores is not None
    assert found.keypoint_scores.tolist() == [[0.75, 0], [1, 0.125]]


def test_a_turned_tiff_has_the_size_it_is_shown_in(tmp_path):
    """Pillow returns the upright size of a TIFF and the stored one of a JPEG."""
    for ending in ("tif", "jpg"):
        image = Image.new("RGB", (100, 50))
        exif = image.getexif()
        exif[274] = 6
        image.save(tmp_path / f"a.{ending}", exif=exif)
        assert upright_size(tmp_path / f"a.{ending}") == (50, 100)


def test_a_split_of_a_yolo_set(tmp_path):
    yolo(tmp_path / "set")
    assert len(read_labeled(tmp_path / "set/images/val")) == 1
    assert read_unlabeled(tmp_path / "set/images/train").boxes.tolist() == [[40, 15, 20, 20]]
    picture(tmp_path / "set/other/d.jpg")  # beside the splits: a folder like any other
    assert read_unlabeled(tmp_path / "set/other").boxes.tolist() == [[0, 0, 0, 0]]


def test_yolo_without_flags_and_turned_images(tmp_path):
    """Two numbers a keypoint; and a phone's picture counts as it is shown, 50 wide and 100 high."""
    file = yolo(tmp_path)
    file.write_text(file.read_text().replace("[2, 3]", "[2, 2]") + "kpt_names: {0: [l_a, r_a]}\n")
    image = Image.new("RGB", (100, 50))
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / "images/train/a.jpg", exif=exif)
    text(tmp_path / "labels/train/a.txt", "0 0.5 0.5 0.2 0.4 0.5 0.5 0 0\n")
    (tmp_path / "labels/val/c.txt").unlink()
    found = read_annotations(file)
    assert found.points[0].tolist() == [[25, 50], [0, 0]]
    assert found.visibility.tolist() == [[2, 0]]
    assert found.boxes.tolist() == [[20, 30, 10, 40]]
    assert found.skeleton.keypoints == ("l_a", "r_a")


def test_flip_idx_counts_more_than_names_unless_it_exchanges_nothing(tmp_path):
    names = "kpt_names: {0: [left_ear, right_ear]}\n"
    names += "flip_idx: [0, 1]\n"  # as exports write that don't know
    file = yolo(tmp_path, names)
    assert read_annotations(file).skeleton.pairs == ((0, 1),)
    four = "kpt_names: {0: [l_eye, r_eye, paw_a, paw_b]}\nflip_idx: [1, 0, 3, 2]\n"
    file.write_text(file.read_text().replace("[2, 3]", "[4, 2]").replace(names, four))
    for label in ("train/a", "val/c"):
        text(
            tmp_path / f"labels/{label}.txt", "0 0.5 0.5 0.2 0.4 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8\n"
        )
    assert read_annotations(file).skeleton.pairs == ((0, 1), (2, 3))


def test_yolo_as_roboflow_exports_it(tmp_path):
    """'../train/images' is beside the file, and a split that was not exported is reported."""
    yolo(tmp_path)
    for part in ("images", "labels"):
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / part / "train").rename(tmp_path / "train" / part)
    file = text(
        tmp_path / "data.yaml",
        "train: ../train/images\nval: ../valid/images\nkpt_shape: [2, 3]\nnames: [cow]\n",
    )
    said: list[str] = []
    found = read_labeled(file, say=said.append)
    assert found.images.path(0) == tmp_path / "train/images/a.jpg"
    assert said[0] == f"{file}: the folder '../valid/images' of 'val' does not exist"
    assert len(read_unlabeled(file)) == 1


def test_yolo_with_lists_of_images(tmp_path):
    file = yolo(tmp_path)
    file.write_text(file.read_text().replace("val: images/val", "val: val.txt"))
    text(tmp_path / "val.txt", "./images/val/c.jpg\n\n")
    assert [f.name for f in read_annotations(file).files] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [f.name for f in read_annotations(tmp_path / "images/train").files] == ["a.jpg", "b.jpg"]
    text(tmp_path / "val.txt", "./images/val/gone.jpg\n")
    with pytest.raises(InputError, match=r"val.txt: line 1 names the image .*gone.jpg"):
        read_annotations(file)


def test_outlines_of_a_set_for_segmentation_have_boxes(tmp_path):
    """Their lines are corners; an export may hold boxes and outlines in one file."""
    file = yolo(tmp_path)
    file.write_text("train: images/train\nnames: [cow]\n")
    text(
        tmp_path / "labels/train/a.txt",
        "0 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.5\n0 0.5 0.5 0.2 0.4\n",
    )
    np.testing.assert_allclose(read_unlabeled(file).boxes, [[10, 10, 20, 20], [40, 15, 20, 20]])


@pytest.mark.parametrize(
    ("line", "of_keypoints"),
    [
        ("0 0.5 0.5 0.2 0.4 0.9 0.9 2 0.1 0.1 0", ""),
        ("0 0.5 0.5 0.2 0.4 0.9 0.9 1 0.1 0.1 1", "flip_idx: [1, 0]\n"),
    ],
)
def test_keypoints_of_a_target_are_not_an_outline(tmp_path, line, of_keypoints):
    """Not where their flags go to 2, and never in a file with keypoints."""
    file = yolo(tmp_path)
    file.write_text(f"train: images/train\nnames: [cow]\n{of_keypoints}")
    text(tmp_path / "labels/train/a.txt", line + "\n")
    text(tmp_path / "labels/train/b.txt", "")
    np.testing.assert_allclose(read_unlabeled(file).boxes, [[40, 15, 20, 20]])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.2 0.4 0.25", r"a.txt: line 1 has 6 numbers, expected 11"),
        ("0 0.5 0.5 0.2 0.4 x 0.5 2 0.5 0.5 1", "line 1 holds something that is not a number"),
        ("0 0.5 0.5 0 0.4 0.2 0.5 2 0.5 0.5 1", "a box without width or height"),
        ("0 0.5 0.5 nan 0.4 0.2 0.5 2 0.5 0.5 1", "a box that is not finite"),
        ("0 0.5 0.5 0.1 0.4 inf 0.5 2 0.5 0.5 1", "a keypoint that is not finite"),
    ],
)
def test_broken_yolo(tmp_path, line, words):
    file = yolo(tmp_path)
    text(tmp_path / "labels/train/a.txt", line)
    with pytest.raises(InputError, match=words):
        read_labeled(file)


def test_negative_pairs_without_flags_are_not_labeled(tmp_path):
    """Ultralytics' rule: a keypoint of two numbers with a negative one is missing."""
    file = yolo(tmp_path)
    file.write_text(file.read_text().replace("[2, 3]", "[4, 2]"))
    text(tmp_path / "labels/train/a.txt", "0 .5 .5 .2 .4 .25 .5 .5 .5 -1 -1 0 0\n")
    text(tmp_path / "labels/val/c.txt", "0 .5 .5 .2 .4 -0.01 .5 .5 .5 .5 .5 0 .5\n")
    found = read_annotations(file)
    assert found.visibility.tolist() == [[2, 2, 0, 0], [0, 2, 2, 2]]
    assert found.points[0].tolist() == [[25, 25], [50, 25], [0, 0], [0, 0]]


def test_labels_with_a_byte_order_mark_are_read(tmp_path):
    file = yolo(tmp_path)
    label = tmp_path / "labels/train/a.txt"
    label.write_bytes(b"\xef\xbb\xbf" + label.read_bytes())
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_annotations(file).points[0].tolist() == [[25, 25], [50, 25]]


def test_classes_of_different_keypoints_are_refused(tmp_path):
    file = yolo(tmp_path, "kpt_names:\n  0: [a, b]\n  1: [c, d]\n")
    with pytest.raises(InputError, match="two classes with different keypoints, 'cow' and 'calf'"):
        read_annotations(file)
    (tmp_path / "labels/train/a.txt").unlink()  # the class with labels counts
    assert read_annotations(file).skeleton.keypoints == ("c", "d")


def test_images_without_a_label_are_counted(tmp_path):
    file = yolo(tmp_path)
    text(tmp_path / "images/train/b.txt", "0 0.5 0.5 0.2 0.4 0.25 0.5 2 0.5 0.5 1\n")
    said: list[str] = []
    assert len(read_unlabeled(file, say=said.append)) == 2
    assert said[0] == f"{file}: 1 of 3 images are left out, since they have no box"
    assert "1 of 3 images have no label file; of 1 of them one is beside the image" in said[1]
    said.clear()
    assert len(read_labeled(file, say=said.append)) == 2
    assert f"such as {tmp_path}/images/train/b.txt" in said[0]


def test_two_images_of_one_label_file_are_refused(tmp_path):
    file = yolo(tmp_path)
    picture(tmp_path / "images/train/a.png")
    for read in (read_annotations, read_unlabeled):
        with pytest.raises(InputError, match=r"a.jpg and .*a.png differ by their endings alone"):
            read(file)


def test_pixels_in_place_of_fractions_are_refused(tmp_path):
    file = yolo(tmp_path)
    for label in ("train/a", "val/c"):
        text(tmp_path / f"labels/{label}.txt", "0 50 25 20 20 25 25 2 50 25 1\n")
    for read in (read_annotations, read_unlabeled):
        with pytest.raises(
            InputError, match="look like pixels, where fractions of the image are expected"
        ):
            read(file)


def test_empty_box_is_reported_with_file_and_line(tmp_path):
    file = yolo(tmp_path)
    text(tmp_path / "labels/val/c.txt", "\n1 0.1 0.2 0 0.2 0 0 0 0.99 0.98 2\n")
    for read in (read_annotations, read_unlabeled):
        with pytest.raises(InputError, match=r"c.txt: line 2 has a box without width or height"):
            read(file)


def test_predictions_as_yolo_labels_are_reported(tmp_path):
    file = yolo(tmp_path)
    text(tmp_path / "labels/train/a.txt", "0 0.5 0.5 0.2 0.4 0.25 0.5 0.75 0.5 0.5 0\n")
    text(tmp_path / "labels/val/c.txt", "0 0.1 0.2 0.1 0.2 0.5 0.5 1 0.99 0.98 0.125\n")
    said: list[str] = []
    read_labeled(file, say=said.append)
    assert said[-1] == f"{file}: all 2 subjects are a model's predictions, no hand labels"


def test_lists_with_backslashes_are_read(tmp_path):
    file = yolo(tmp_path)
    file.write_text(file.read_text().replace("val: images/val", "val: val.txt"))
    text(tmp_path / "val.txt", ".\\images\\val\\c.jpg\n")
    assert [f.name for f in read_annotations(file).files] == ["a.jpg", "b.jpg", "c.jpg"]


def test_files_left_out_of_an_image_folder_are_reported(tmp_path):
    file = yolo(tmp_path)
    text(tmp_path / "images/train/d.gif", "x")
    picture(tmp_path / "images/train/.e.jpg")
    text(tmp_path / "labels/val/gone.txt", "0 0.5 0.5 0.2 0.4 0.25 0.5 2 0.5 0.5 1\n")
    told: list[str] = []
    read_unlabeled(file, say=told.append)
    for notes in (told, read_annotations(file).notes):
        joined = " | ".join(notes)
        assert f"left out of {tmp_path}/images/train: " in joined
        assert "1 .gif" in joined and "1 hidden file" in joined
        assert "1 label files in " in joined and "the first gone.txt" in joined


@pytest.mark.parametrize("linked", ["images", "images/train"])
def test_labels_are_beside_the_link_to_a_folder_of_images(tmp_path, linked):
    file = yolo(tmp_path / "set")
    (tmp_path / "store").mkdir()
    (tmp_path / "set" / linked).rename(tmp_path / "store/x")
    (tmp_path / "set" / linked).symlink_to(tmp_path / "store/x")
    found = read_annotations(file)
    assert found.files[0] == tmp_path / "set/images/train/a.jpg"
    assert found.image.tolist() == [0, 2]
    assert len(read_annotations(tmp_path / "set/images/val")) == 1
