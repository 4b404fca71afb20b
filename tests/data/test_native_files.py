"""Files as the tools themselves write them, by hand, with what is read from them worked out."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import sleap_io
from PIL import Image

from posebridge.data.annotations import upright_size
from posebridge.data.formats import recognised
from posebridge.data.reading import (
    ReadingConfig,
    read_annotations,
    read_labelled,
    read_unlabelled,
)
from posebridge.errors import InputError

SAMPLES = Path(__file__).parents[2] / "../shared/data/samples"


def picture(file: Path, size: tuple[int, int] = (100, 50)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(file)
    return file


def text(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


# YOLO


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
    assert found.notes == ["2 classes become one, 'cow'."]


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
    """Pillow says the upright size of a TIFF and the stored one of a JPEG."""
    for ending in ("tif", "jpg"):
        image = Image.new("RGB", (100, 50))
        exif = image.getexif()
        exif[274] = 6
        image.save(tmp_path / f"a.{ending}", exif=exif)
        assert upright_size(tmp_path / f"a.{ending}") == (50, 100)


def test_a_split_of_a_yolo_set(tmp_path):
    yolo(tmp_path / "set")
    assert len(read_labelled(tmp_path / "set/images/val")) == 1
    assert read_unlabelled(tmp_path / "set/images/train").boxes.tolist() == [[40, 15, 20, 20]]
    picture(tmp_path / "set/other/d.jpg")  # beside the splits: a folder like any other
    assert read_unlabelled(tmp_path / "set/other").boxes.tolist() == [[0, 0, 0, 0]]


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
    """'../train/images' lies beside the file, and a split that was not exported is told."""
    yolo(tmp_path)
    for part in ("images", "labels"):
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / part / "train").rename(tmp_path / "train" / part)
    file = text(
        tmp_path / "data.yaml",
        "train: ../train/images\nval: ../valid/images\nkpt_shape: [2, 3]\nnames: [cow]\n",
    )
    said: list[str] = []
    found = read_labelled(file, say=said.append)
    assert found.images.path(0) == tmp_path / "train/images/a.jpg"
    assert said == [f"{file}: the folder '../valid/images' of 'val' does not exist"]
    assert len(read_unlabelled(file)) == 1


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
    np.testing.assert_allclose(read_unlabelled(file).boxes, [[10, 10, 20, 20], [40, 15, 20, 20]])


@pytest.mark.parametrize(
    ("line", "of_keypoints"),
    [
        ("0 0.5 0.5 0.2 0.4 0.9 0.9 2 0.1 0.1 0", ""),
        ("0 0.5 0.5 0.2 0.4 0.9 0.9 1 0.1 0.1 1", "flip_idx: [1, 0]\n"),
    ],
)
def test_keypoints_of_a_target_are_no_outline(tmp_path, line, of_keypoints):
    """Not where their flags go to 2, and never where the file speaks of keypoints."""
    file = yolo(tmp_path)
    file.write_text(f"train: images/train\nnames: [cow]\n{of_keypoints}")
    text(tmp_path / "labels/train/a.txt", line + "\n")
    text(tmp_path / "labels/train/b.txt", "")
    np.testing.assert_allclose(read_unlabelled(file).boxes, [[40, 15, 20, 20]])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.2 0.4 0.25", r"a.txt: line 1 has 6 numbers, expected 11"),
        ("0 0.5 0.5 0.2 0.4 x 0.5 2 0.5 0.5 1", "line 1 holds something that is no number"),
        ("0 0.5 0.5 0 0.4 0.2 0.5 2 0.5 0.5 1", "a box without width or height"),
        ("0 0.5 0.5 nan 0.4 0.2 0.5 2 0.5 0.5 1", "a box that is not finite"),
        ("0 0.5 0.5 0.1 0.4 inf 0.5 2 0.5 0.5 1", "a keypoint that is not finite"),
    ],
)
def test_broken_yolo(tmp_path, line, words):
    file = yolo(tmp_path)
    text(tmp_path / "labels/train/a.txt", line)
    with pytest.raises(InputError, match=words):
        read_labelled(file)


# DeepLabCut

TABLE = """scorer,ann,ann,ann,ann
bodyparts,snout,snout,left_ear,left_ear
coords,x,y,x,y
labeled-data/clip/img2.png,1.5,2.5,,
labeled-data/clip/img10.png,,,7.0,8.25
labeled-data/clip/img3.png,,,,
"""
CONFIG = """Task: mice
scorer: ann
bodyparts: [left_ear, snout]
skeleton:
- [snout, left_ear]
- [snout, gone]
video_sets:
"""


def deeplabcut(root: Path, content: str = TABLE, config: str = CONFIG) -> Path:
    for name in ("img2.png", "img10.png", "img3.png"):
        picture(root / "labeled-data/clip" / name)
    text(root / "config.yaml", config)
    return text(root / "labeled-data/clip/CollectedData_ann.csv", content)


def test_a_table_of_one_animal(tmp_path):
    found = read_annotations(deeplabcut(tmp_path))
    assert [f.name for f in found.files] == ["img2.png", "img10.png", "img3.png"]
    assert found.image.tolist() == [0, 1]
    assert found.skeleton.keypoints == ("left_ear", "snout")  # the order of the project
    assert found.skeleton.edges == ((1, 0),) and found.skeleton.name == "mice"
    assert found.points.tolist() == [[[0, 0], [1.5, 2.5]], [[7, 8.25], [0, 0]]]
    assert found.individuals is None and (found.boxes == 0).all()
    assert recognised(tmp_path).name == "deeplabcut-project"  # pyright: ignore
    assert len(read_unlabelled(tmp_path)) == 3


def test_an_image_beside_its_table_comes_before_one_further_up(tmp_path):
    file = text(tmp_path / "a/b/table.csv", TABLE.replace("labeled-data/clip/", ""))
    for folder in (".", "a", "a/b"):
        for name in ("img2.png", "img10.png", "img3.png"):
            picture(tmp_path / folder / name)
    assert {f.parent for f in read_annotations(file).files} == {tmp_path / "a/b"}


def test_a_missing_image_is_told_and_not_replaced_by_another(tmp_path):
    file = deeplabcut(tmp_path)
    (tmp_path / "labeled-data/clip/img2.png").unlink()
    with pytest.raises(InputError, match="row 1 names the image .*img2.png, which does not exist"):
        read_annotations(file)


def test_a_table_of_several_animals_with_a_path_in_three_cells(tmp_path):
    several = (
        "scorer,,,ann,ann,ann,ann,ann,ann\n"
        "individuals,,,m1,m1,m2,m2,single,single\n"
        "bodyparts,,,snout,snout,snout,snout,door,door\n"
        "coords,,,x,y,x,y,x,y\n"
        "labeled-data,clip,img2.png,1,2,3,4,,\n"
        "labeled-data,clip,img3.png,,,5,6,7,8\n"
    )
    found = read_annotations(deeplabcut(tmp_path, several, "Task: t\nscorer: ann\n"))
    assert found.skeleton.keypoints == ("snout", "door")
    assert found.individuals == ["m1", "m2", "m2", "single"]
    assert found.image.tolist() == [0, 0, 1, 1]
    assert found.points[:, 0].tolist() == [[1, 2], [3, 4], [5, 6], [0, 0]]
    assert found.points[3, 1].tolist() == [7, 8]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("7.0", "seven", "line 5 holds something that is no number"),
        ("7.0", "1e9", "not finite or beyond"),
        ("coords,x,y,x,y", "coords,x,y,x,z", "'left_ear' has no columns x and y"),
        ("coords,x,y,x,y", "coords,x,y,x,x", "two columns for the same body part"),
        ("coords,", "what,", "does not begin with DeepLabCut's rows"),
        ("1.5,2.5,,", "1.5,2.5,", "line 4 has another number of cells"),
        ("scorer,ann,ann", "scorer,ann,bob", "labels of 2 scorers"),
    ],
)
def test_broken_tables(tmp_path, old, new, words):
    with pytest.raises(InputError, match=words):
        read_annotations(deeplabcut(tmp_path, TABLE.replace(old, new, 1)), format="deeplabcut")


def pandas_levels(group: h5py.Group, prefix: str, tuples: list[tuple[str, ...]]) -> None:
    for number, column in enumerate(zip(*tuples, strict=True)):
        names = sorted(set(column))
        group[f"{prefix}_level{number}"] = np.array(names, dtype="S")
        group[f"{prefix}_label{number}"] = [names.index(v) for v in column]


def test_a_fixed_table_in_h5(tmp_path):
    """pandas' layout of CollectedData: names as levels and codes, values as one block."""
    deeplabcut(tmp_path)
    columns = [("ann", p, c) for p in ("snout", "left_ear") for c in ("x", "y")]
    rows = [("labeled-data", "clip", "img2.png"), ("labeled-data", "clip", "img10.png")]
    file = tmp_path / "labeled-data/clip/CollectedData_ann.h5"
    with h5py.File(file, "w") as h5:
        group = h5.create_group("df_with_missing")
        pandas_levels(group, "axis0", columns)
        pandas_levels(group, "block0_items", columns)
        pandas_levels(group, "axis1", rows)
        group["block0_values"] = [[1.5, 2.5, np.nan, np.nan], [np.nan, np.nan, 7, 8.25]]
    assert recognised(file).name == "deeplabcut"  # pyright: ignore
    found = read_annotations(file)
    assert found.points.tolist() == [[[0, 0], [1.5, 2.5]], [[7, 8.25], [0, 0]]]
    (tmp_path / "labeled-data/clip/CollectedData_ann.csv").unlink()
    assert len(read_annotations(tmp_path)) == 2


def predictions_h5(file: Path, names: object) -> None:
    values = np.zeros(2, dtype=[("index", "i8"), ("values_block_0", "f8", (3,))])
    values["index"], values["values_block_0"] = [0, 4], [[1, 2, 0.5], [3, 4, 0.75]]
    with h5py.File(file, "w") as h5:
        table = h5.create_group("df_with_missing").create_dataset("table", data=values)
        table.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(names, 0))
        h5["df_with_missing"].attrs["non_index_axes"] = np.bytes_(pickle.dumps([(1, names)], 0))


def test_predictions_in_h5_are_of_a_video(tmp_path, film):
    file = tmp_path / "clipDLC_resnet50.h5"
    predictions_h5(file, [("net", "snout", c) for c in ("x", "y", "likelihood")])
    with pytest.raises(InputError, match="counts the frames of a video, and no video"):
        read_annotations(file)
    film(tmp_path / "clip.mp4", count=6)
    found = read_annotations(file)
    assert [f.name for f in found.files] == ["frame_00000000.jpg", "frame_00000004.jpg"]
    assert found.points.tolist() == [[[1, 2]], [[3, 4]]]
    assert found.keypoint_scores is not None
    assert found.keypoint_scores.tolist() == [[0.5], [0.75]]


def test_predictions_are_not_matched_to_another_video(tmp_path, film):
    file = tmp_path / "mouse12DLC_resnet50.h5"
    predictions_h5(file, [("net", "snout", c) for c in ("x", "y", "likelihood")])
    film(tmp_path / "mouse1.mp4", count=6)
    with pytest.raises(InputError, match="no video in .* has the name that it begins with"):
        read_annotations(file)
    film(tmp_path / "mouse12.mp4", count=6)
    assert len(read_annotations(file)) == 2


def test_a_row_with_one_body_part_is_left_out_and_told(tmp_path):
    """One point gives no box, and DeepLabCut has none."""
    two = TABLE.replace("1.5,2.5,,", "1.5,2.5,3.5,4.5")
    assert two != TABLE
    said: list[str] = []
    assert len(read_labelled(deeplabcut(tmp_path / "two", two), say=said.append)) == 1
    assert len(said) == 1
    assert "1 subjects with one keypoint and no box are left out, the first in " in said[0]
    assert said[0].endswith("img10.png")
    with pytest.raises(InputError, match="no subject has a box or two labelled keypoints"):
        read_labelled(deeplabcut(tmp_path / "none"))


class Harmful:
    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


def test_nothing_of_a_pickle_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    predictions_h5(tmp_path / "a.h5", [("net", "snout", Harmful())])
    with pytest.raises(InputError, match="is not allowed here"):
        read_annotations(tmp_path / "a.h5")
    assert not (tmp_path / "harm").exists()


# Label Studio


def region(kind: str, identity: str, label: str, x: float, y: float, **more: object) -> dict:
    value = {
        "x": x,
        "y": y,
        kind: [label],
        **{k: more.pop(k) for k in ("width", "height") if k in more},
    }
    size = {"original_width": 200, "original_height": 50}
    return {"type": kind, "id": identity, "value": value, **size, **more}


def task(name: str, *result: dict) -> dict:
    cancelled = {"was_cancelled": True, "result": []}
    return {
        "id": 40,
        "data": {"image": name},
        "annotations": [cancelled, {"result": list(result)}],
    }


def rectangle(identity: str, label: str, x: float) -> dict:
    return region("rectanglelabels", identity, label, x, 20, width=10, height=40)


def nose(identity: str, x: float, **more: object) -> dict:
    return region("keypointlabels", identity, "nose", x, 50, **more)


def test_label_studio_ties_keypoints_to_rectangles(tmp_path):
    picture(tmp_path / "shot one.png", (200, 50))
    tied = {"type": "relation", "from_id": "k2", "to_id": "r2"}
    first = task(
        "/data/upload/3/1a2b3c4d-shot%20one.png",
        *(rectangle("r1", "pup1", 0), rectangle("r2", "pup2", 50)),
        *(nose("k1", 5, parentID="r1"), nose("k2", 52), nose("k3", 53), tied),
    )
    file = text(tmp_path / "export.json", json.dumps([first]))
    found = read_annotations(file)
    assert found.files == [tmp_path / "shot one.png"]
    assert found.boxes.tolist() == [[0, 10, 20, 20], [100, 10, 20, 20], [0, 0, 0, 0]]
    assert found.points[:, 0].tolist() == [[10, 25], [104, 25], [106, 25]]
    assert found.individuals == ["pup1", "pup2", ""]
    assert read_unlabelled(file).boxes.tolist() == [[0, 10, 20, 20], [100, 10, 20, 20]]


def test_label_studio_without_ties(tmp_path):
    """A rectangle round a keypoint owns it; a turned rectangle has an upright box round it."""
    picture(tmp_path / "images/a.png")
    turned = rectangle("r2", "pup", 50)
    turned["value"]["rotation"] = 90
    content = [
        task(
            "/data/local-files/?d=a.png",
            *(rectangle("r1", "pup", 0), turned, nose("k1", 5), nose("k2", 45)),
        )
    ]
    file = text(tmp_path / "export.json", json.dumps(content))
    found = read_annotations(file)
    assert found.points[:, 0].tolist() == [[10, 25], [90, 25]]
    np.testing.assert_allclose(found.boxes[1], [80, 10, 20, 20], atol=1e-9)
    assert found.skeleton.name == "pup" and found.individuals is None
    content[0]["annotations"][1]["result"] = [nose("k1", 5), nose("k2", 45)]
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="task 40 has two keypoints 'nose' for one subject; tie"):
        read_annotations(file)


def test_predictions_of_label_studio_that_are_ids_alone_are_none(tmp_path):
    picture(tmp_path / "a.png")
    first = task("a.png", nose("k", 5))
    for more in ([12], [None], [{"result": [None]}], 3, [{"result": 3}]):
        other = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": []}]}
        file = text(tmp_path / "e.json", json.dumps([first, other | {"predictions": more}]))
        assert read_annotations(file).sizes.tolist() == [[200, 50], [0, 0]]
    other = {"id": 1, "data": {"image": "a.png"}, "annotations": [], "predictions": [12]}
    file = text(tmp_path / "e.json", json.dumps([first, other]))
    assert read_annotations(file).image.tolist() == [0]


def test_predictions_count_only_where_nobody_labelled(tmp_path):
    picture(tmp_path / "a.png")
    by_hand = task("a.png", nose("k", 5), region("keypointlabels", "e", "ear", 9, 30))
    guess = {"id": 2, "data": {"image": "a.png"}, "annotations": []}
    guess["predictions"] = [{"result": by_hand["annotations"][1]["result"], "score": 0.4}]
    said: list[str] = []
    file = text(tmp_path / "e.json", json.dumps([by_hand, guess, guess | {"id": 3}]))
    assert len(read_annotations(file)) == 3
    assert len(read_labelled(file, say=said.append)) == 1
    assert said == [
        f"{file}: 2 subjects that a model predicted are left out, those by hand (1) count"
    ]
    text(file, json.dumps([guess]))
    assert len(read_labelled(file, say=said.append)) == 1
    assert said[1] == f"{file}: all 1 subjects are a model's predictions, none is by hand"


def test_label_studio_sentences(tmp_path):
    picture(tmp_path / "a.png")
    for content, words in (
        ([task("b.png", nose("k", 5))], "task 40 names the image .*b.png, which does not exist"),
        ([task("a.png")], "has no keypoint in any annotation"),
        ([{"id": 4, "annotations": []}], "task 4 names no image in 'data'"),
        ([task("a.png", {**nose("k", 5), "original_width": 0})], "image without width or height"),
        ([task("a.png", {**nose("k", 5), "value": {}})], "whose 'x' is not a number"),
    ):
        file = text(tmp_path / "export.json", json.dumps(content))
        with pytest.raises(InputError, match=words):
            read_labelled(file)


# COCO of CVAT, and detectors


def test_the_folder_that_cvat_exports(tmp_path):
    picture(tmp_path / "images/default/frame_000000.PNG")
    content = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "date_created": ""},
        "categories": [
            {
                "id": 3,
                "name": "hand",
                "supercategory": "",
                "keypoints": ["tip", "root"],
                "skeleton": [[1, 2]],
            }
        ],
        "images": [{"id": 1, "width": 100, "height": 50, "file_name": "frame_000000.PNG"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 3,
                "segmentation": [],
                "area": 12.0,
                "bbox": [1, 2, 4, 3],
                "iscrowd": 0,
                "attributes": {"occluded": False, "track_id": 5, "keyframe": True},
                "keypoints": [1.0, 2.0, 2, 5.0, 5.0, 1],
                "num_keypoints": 2,
            }
        ],
    }
    text(tmp_path / "annotations/person_keypoints_default.json", json.dumps(content))
    found = read_annotations(tmp_path)
    assert found.files == [tmp_path / "images/default/frame_000000.PNG"]
    assert found.visibility.tolist() == [[2, 1]] and found.individuals == ["5"]
    assert read_unlabelled(tmp_path).boxes.tolist() == [[1, 2, 4, 3]]
    text(tmp_path / "annotations/person_keypoints_test.json", json.dumps(content))
    with pytest.raises(InputError, match="holds 2 keypoint files"):
        read_labelled(tmp_path)


def test_boxes_of_a_detector(tmp_path):
    photos = tmp_path / "photos"
    picture(photos / "000000000785.jpg")
    picture(photos / "b.jpg")
    results = [
        {"image_id": 785, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.9},
        {"image_id": 785, "category_id": 1, "bbox": [5, 5, 3, 4], "score": 0.8},
        {"file_name": "b.jpg", "bbox": [0, 0, 50, 20], "score": 0.2},
    ]
    file = text(tmp_path / "boxes.json", json.dumps(results))
    found = read_unlabelled(file, photos)
    assert found.boxes.tolist() == [[1, 2, 30, 40], [5, 5, 3, 4], [0, 0, 50, 20]]
    assert [found.path(i).name for i in range(3)] == ["000000000785.jpg"] * 2 + ["b.jpg"]
    said: list[str] = []
    strict = ReadingConfig(least_score=0.5, least_size=10)
    assert read_unlabelled(file, photos, None, strict, said.append).boxes.tolist() == [
        [1, 2, 30, 40]
    ]
    assert said == ["2 of 3 boxes are left out for their score or size"]
    with pytest.raises(InputError, match="no box of score 0.95 .* the highest score is 0.9"):
        read_unlabelled(file, photos, options=ReadingConfig(least_score=0.95))
    with pytest.raises(InputError, match="boxes of a detector and no keypoints"):
        read_labelled(file, photos)
    listed = {"images": [{"id": 785, "file_name": "b.jpg"}]}
    coco = text(photos / "images.json", json.dumps(listed))
    text(file, json.dumps(results[:2]))
    assert read_unlabelled(file, coco).path(0) == photos / "b.jpg"


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("file_name,x,y,w,h,score", "b.jpg,1,2,30,40,0.9"),
        ("score,image,x1,y1,x2,y2,label", "0.9,b.jpg,1,2,31,42,person"),
        ("path,left,top,width,height,confidence", "b.jpg,1,2,30,40,0.9"),
        ("filename,xmin,ymin,xmax,ymax", "b.jpg,1,2,31,42"),
    ],
)
def test_boxes_in_a_csv(tmp_path, header, row):
    picture(tmp_path / "b.jpg")
    file = text(tmp_path / "boxes.csv", f"{header}\n{row}\n")
    assert read_unlabelled(file).boxes.tolist() == [[1, 2, 30, 40]]
    scored = "score" in header or "confidence" in header
    if scored:
        assert len(read_unlabelled(file, options=ReadingConfig(least_score=0.9))) == 1
    else:
        with pytest.raises(InputError, match="has no scores"):
            read_unlabelled(file, options=ReadingConfig(least_score=0.9))
    file.write_text(f"{header}\n{row.replace('b.jpg', 'gone.jpg')}\n")
    with pytest.raises(InputError, match="entry 1 names the image .*gone.jpg"):
        read_unlabelled(file)


def test_boxes_of_one_category(tmp_path):
    """A detector finds chairs too; which boxes are subjects is asked, and what there is is told."""
    picture(tmp_path / "a.png")
    entries = [
        {"file_name": "a.png", "category_id": kind, "bbox": [x, 1, 5, 5], "score": 0.5}
        for kind, x in ((62, 1), (1, 2), (62, 3))
    ]
    results = text(tmp_path / "results.json", json.dumps(entries))
    table = "file_name,x,y,w,h,class\na.png,1,1,5,5,chair\na.png,2,1,5,5,person\n"
    csv = text(tmp_path / "boxes.csv", table)
    yolo(tmp_path / "set")
    coco = text(
        tmp_path / "coco.json",
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.png"}],
                "categories": [{"id": 1, "name": "person"}, {"id": 62, "name": "chair"}],
                "annotations": [
                    {"id": i, "image_id": 1, "category_id": e["category_id"], "bbox": e["bbox"]}
                    for i, e in enumerate(entries)
                ],
            }
        ),
    )
    for file, kind, left, right in (
        (results, "1", 3, [2]),
        (csv, "person", 2, [2]),
        (coco, "chair", 3, [1, 3]),
        (tmp_path / "set", "calf", 2, [5]),
    ):
        assert len(read_unlabelled(file)) == left
        said = said_of(file)
        assert len(said) == 1 and "2 categories are taken as subjects: " in said[0]
        chosen = read_unlabelled(file, options=ReadingConfig(category=kind), say=said.append)
        assert chosen.boxes[:, 0].tolist() == right
    assert "taken as subjects: '62' (2), '1' (1); to take" in said_of(results)[0]
    with pytest.raises(InputError, match=r"no box of category 'dog'; it has 'chair' \(2\), 'pers"):
        read_unlabelled(coco, options=ReadingConfig(category="dog"))
    with pytest.raises(InputError, match="pictures without boxes"):
        read_unlabelled(tmp_path / "a.png", options=ReadingConfig(category="dog"))


def said_of(file: Path) -> list[str]:
    said: list[str] = []
    read_unlabelled(file, say=said.append)
    return said


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is missing")
def test_published_detections():
    boxes = SAMPLES / "coco/test_coco_det_AP_H_56.json"
    found = read_unlabelled(boxes, SAMPLES / "coco/test_coco.json")
    assert len(found) == len(json.loads(boxes.read_text()))
    assert found.path(0).is_file()


# SLEAP


def test_pictures_of_two_files_with_one_name_inside_keep_apart(tmp_path, cache):
    skeleton = sleap_io.Skeleton(["nose", "tail"])
    one = sleap_io.Instance.from_numpy(np.array([[1.0, 2], [3, 4]]), skeleton=skeleton)
    frames = []
    for shade in (50, 200):
        inside = tmp_path / f"{shade}.h5"
        with h5py.File(inside, "w") as file:
            file["pictures"] = np.full((1, 8, 8, 3), shade, np.uint8)
        video = sleap_io.Video.from_filename(str(inside), dataset="pictures")
        frames.append(sleap_io.LabeledFrame(video=video, frame_idx=0, instances=[one]))
    sleap_io.save_slp(sleap_io.Labels(frames), str(tmp_path / "two.slp"), verbose=False)
    files = read_annotations(tmp_path / "two.slp").files
    assert [int(np.asarray(Image.open(f)).mean()) for f in files] == [50, 200]


def test_pictures_inside_a_slp_are_taken_out(tmp_path, cache):
    """A .pkg.slp: predictions in a corrected frame do not count; the same frames as in the video."""
    shade = [picture(tmp_path / f"{i}.png") for i in range(2)]
    skeleton = sleap_io.Skeleton(["nose", "tail"], edges=[("nose", "tail")])
    video = sleap_io.Video.from_filename([str(f) for f in shade])
    label = sleap_io.Instance.from_numpy(np.array([[1, 2], [np.nan, np.nan]]), skeleton=skeleton)
    guess = sleap_io.PredictedInstance.from_numpy(np.ones((2, 2)), skeleton=skeleton, score=0.5)
    frames = [
        sleap_io.LabeledFrame(video=video, frame_idx=0, instances=[label, guess]),
        sleap_io.LabeledFrame(video=video, frame_idx=1, instances=[guess]),
    ]
    file = tmp_path / "labels.pkg.slp"
    labels = sleap_io.Labels(frames)
    sleap_io.save_slp(labels, str(file), embed="all", verbose=False)
    for image in shade:
        image.unlink()
    found = read_annotations(file)
    assert found.points[0].tolist() == [[1, 2], [0, 0]] and len(found) == 2
    assert found.notes == ["1 predictions in frames with labels by hand are left out."]
    assert all(cache in f.parents and f.suffix == ".png" for f in found.files)
    assert np.array_equal(np.asarray(Image.open(found.files[0]))[0, 0], [90, 120, 30])


def test_guesses_and_nodes_that_are_switched_off_are_no_labels_of_a_slp(tmp_path):
    """As half corrected projects have them; a conversion keeps both."""
    files = [picture(tmp_path / f"{i}.png") for i in range(3)]
    skeleton = sleap_io.Skeleton(["nose", "tail", "ear"])
    video = sleap_io.Video.from_filename([str(f) for f in files])
    hand = sleap_io.Instance.from_numpy(
        np.array([[10, 20], [30, 40], [90, 45.0]]), skeleton=skeleton
    )
    hand.points["visible"][2] = False
    guess = sleap_io.PredictedInstance.from_numpy(np.ones((3, 2)) * 7, skeleton=skeleton, score=0.1)
    frames = [
        sleap_io.LabeledFrame(video=video, frame_idx=i, instances=[one])
        for i, one in enumerate([hand, guess, guess])
    ]
    file = tmp_path / "labels.slp"
    sleap_io.save_slp(sleap_io.Labels(frames), str(file), verbose=False)
    said: list[str] = []
    found = read_labelled(file, say=said.append)
    assert found.labelled.tolist() == [[True, True, False]]
    assert found.images.boxes.tolist() == [[10, 20, 21, 21]]
    assert said == [
        f"{file}: 1 keypoints that are switched off are left out",
        f"{file}: 2 subjects that a model predicted are left out, those by hand (1) count",
    ]
    everything = read_annotations(file)
    assert len(everything) == 3 and everything.visibility[0].tolist() == [2, 2, 1]


def test_a_slp_from_another_machine(tmp_path):
    image = picture(tmp_path / "here/sub/a.png")
    skeleton = sleap_io.Skeleton(["nose", "tail"])
    video = sleap_io.Video.from_filename([str(image)])
    one = sleap_io.Instance.from_numpy(np.array([[1.0, 2], [3, 4]]), skeleton=skeleton)
    labels = sleap_io.Labels([sleap_io.LabeledFrame(video=video, frame_idx=0, instances=[one])])
    file = tmp_path / "there/labels.slp"
    file.parent.mkdir()
    sleap_io.save_slp(labels, str(file), verbose=False)
    assert read_labelled(file).images.path(0) == image
    (tmp_path / "here").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="neither there nor beside it; give the folder"):
        read_labelled(file)
    moved = tmp_path / "moved/sub/a.png"
    assert read_labelled(file, tmp_path / "moved").images.path(0) == moved
