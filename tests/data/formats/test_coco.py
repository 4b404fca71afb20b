"""COCO files: the fields that are read, and messages for broken files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from posebridge.data.formats.coco import read_annotations, read_boxes, read_labeled
from posebridge.data.formats.coco_writer import write_results
from posebridge.data.reading import read_unlabeled
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton
from tests.data.formats.tool_files import SAMPLES


def content() -> dict:
    return {
        "images": [{"id": 7, "file_name": "a.png", "width": 20, "height": 10}],
        "categories": [
            {
                "id": 1,
                "name": "arm",
                "keypoints": ["left_hand", "right_hand", "elbow"],
                "skeleton": [[1, 3]],
            }
        ],
        "annotations": [
            {
                "id": 3,
                "image_id": 7,
                "category_id": 1,
                "bbox": [1, 2, 8, 4],
                "keypoints": [2, 3, 2, 5.5, 4, 1, 0, 0, 0],
            },
            {"id": 4, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "keypoints": [0] * 9},
            {"id": 5, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
        ],
    }


def write(folder: Path, what: object) -> Path:
    Image.new("RGB", (20, 10)).save(folder / "a.png")
    file = folder / "annotations.json"
    file.write_text(what if isinstance(what, str) else json.dumps(what))
    return file


def test_edges_that_count_from_0_are_understood(tmp_path):
    """As MMPose's files for ATRW and Human3.6M have them."""
    what = content()
    what["categories"][0]["skeleton"] = [[0, 2], [1, 2]]
    assert read_labeled(write(tmp_path, what)).skeleton.edges == ((0, 2), (1, 2))


def test_an_image_in_a_subfolder_is_found_by_its_name_if_there_is_one(tmp_path):
    file = write(tmp_path, content())
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a.png").rename(tmp_path / "one" / "a.png")
    assert read_labeled(file).images.path(0) == tmp_path / "one" / "a.png"
    Image.new("RGB", (20, 10)).save(tmp_path / "two" / "a.png")
    with pytest.raises(InputError, match="which does not exist"):
        read_labeled(file)


def test_two_images_of_one_id_are_refused(tmp_path):
    what = content()
    what["images"].append({"id": 7, "file_name": "b.png", "width": 20, "height": 10})
    for read in (read_labeled, read_boxes):
        with pytest.raises(InputError, match=r"two images have the id 7, a\.png and b\.png"):
            read(write(tmp_path, what))


def test_empty_boxes_of_a_target_are_left_out_and_counted(tmp_path):
    what = content()
    what["annotations"][1]["bbox"] = [0, 0, 0, 0]
    told: list[str] = []
    file = write(tmp_path, what)
    found = read_unlabeled(file, say=told.append)
    assert found.boxes.tolist() == [[1, 2, 8, 4]]
    assert told == [
        f"{file}: 1 of 3 boxes are left out, since they are marked as crowds (iscrowd, as CVAT "
        "marks every "
        "mask)",
        f"{file}: 1 of 2 boxes are left out, since they are empty",
    ]
    what["annotations"][0]["bbox"] = [1, 2, 3, 0]
    with pytest.raises(InputError, match="every 'bbox' is empty, such as that of annotation 3"):
        read_boxes(write(tmp_path, what))


def test_coco_fields_are_read(tmp_path):
    found = read_labeled(write(tmp_path, content()))
    assert len(found) == 1  # crowds and annotations without any labeled joint are left out
    assert found.points[0].tolist() == [[2, 3], [5.5, 4], [0, 0]]
    assert found.labeled[0].tolist() == [True, True, False]
    assert found.images.boxes[0].tolist() == [1, 2, 8, 4]
    assert (found.images.image_ids[0], found.images.annotation_ids[0]) == (7, 3)
    assert found.skeleton.edges == ((0, 2),)
    assert found.skeleton.mirror == [1, 0, 2]
    assert found.skeleton.groups == {"hand": (0, 1), "elbow": (2,)}
    assert found.images.path(0) == tmp_path / "a.png"


def test_boxes_of_a_labeled_file_come_without_keypoints(tmp_path):
    found = read_boxes(write(tmp_path, content()))
    assert len(found) == 2
    assert set(vars(found)) == {"name", "files", "boxes", "image_ids", "annotation_ids"}


def test_without_a_box_the_points_give_it(tmp_path):
    changed = content()
    del changed["annotations"][0]["bbox"]
    assert read_labeled(write(tmp_path, changed)).images.boxes[0].tolist() == [2, 3, 4.5, 2]


def test_images_in_another_folder(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").mkdir()
    file = write(tmp_path, content())
    (tmp_path / "a.png").rename(tmp_path / "images" / "a.png")
    moved = file.rename(tmp_path / "annotations" / "train.json")
    assert len(read_labeled(moved)) == 1
    (tmp_path / "images").rename(tmp_path / "pictures")
    assert len(read_labeled(moved, tmp_path / "pictures")) == 1
    with pytest.raises(InputError, match="which does not exist"):
        read_labeled(moved)


def change(path: str, value: object) -> dict:
    changed: dict = content()
    place: dict = changed
    *steps, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for step in steps:
        place = place[step]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("[]", "is not a COCO file: it holds a list"),
        ("{", "is not valid JSON"),
        (change("images", []), "lists no images"),
        (change("images", 3), "'images' is not a list"),
        (change("images.0", 3), r"images\[0\] is not an object"),
        (change("images.0.file_name", None), "image 7 has no 'file_name'"),
        (change("images.0.file_name", "gone.png"), "annotation 3 names the image"),
        (change("annotations.0.image_id", 8), "annotation 3 belongs to image 8"),
        (change("annotations.0.image_id", ["7"]), "no whole number 'image_id'"),
        (change("annotations.0.keypoints", [1, 2]), "annotation 3 has keypoints of length 2"),
        (change("annotations.0.keypoints", ["x"] * 9), "annotation 3 has a keypoint that is not"),
        (
            change("annotations.0.keypoints.0", 1e9),
            "annotation 3 has a keypoint that is not finite",
        ),
        (change("annotations.0.bbox", [1, 2, 3]), "annotation 3 has a 'bbox'"),
        (change("annotations.0.bbox", [1, 2, -1, 3]), "annotation 3 has a 'bbox' of width -1"),
        (
            change("annotations.0.bbox", [[1, 2], [3, 2], [3, 4], [1, 4]]),
            "annotation 3 has a 'bbox' that is not four numbers",
        ),
        (change("annotations.0.bbox", [[1]] * 4), "annotation 3 has a 'bbox' that is not four"),
        (change("annotations.0.score", 10**400), "a number of too many digits"),
        (change("annotations.0.keypoint_scores", [10**400] * 3), "number of too many digits"),
        (change("categories", []), "which 'categories' does not define"),
        (change("categories.0.keypoints", "a,b,c"), "'keypoints' is not a list of names"),
        (change("categories.0.skeleton", [["x", 1]]), "neither two numbers, which count"),
        (change("categories.0.skeleton", [["elbow", "x"]]), "names the keypoint 'x', which is not"),
        (change("categories.0.keypoints", ["a", "a", "b"]), "more than once"),
        (change("categories.0.skeleton", [[1, 9]]), "points outside"),
        (change("annotations", []), "no annotation with keypoints"),
        (change("annotations.0.keypoints", [0] * 9), "no keypoint of any annotation is labeled"),
    ],
)
def test_broken_files_are_reported(tmp_path, what, words):
    file = write(tmp_path, what)
    with pytest.raises(InputError, match=words) as caught:
        read_labeled(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_category_that_is_a_list_is_refused(tmp_path):
    what = content()
    del what["annotations"][1]["keypoints"]
    what["annotations"][1]["category_id"] = [1]
    with pytest.raises(InputError, match="annotation 4 has no whole number 'category_id'"):
        read_annotations(write(tmp_path, what))


def two_categories(second: list[str]) -> dict:
    changed = content()
    changed["categories"].append({"id": 2, "name": "leg", "keypoints": second})
    changed["annotations"].append(
        {
            **changed["annotations"][0],
            "id": 9,
            "category_id": 2,
            "keypoints": [1, 1, 2] * len(second),
        }
    )
    return changed


def test_two_categories(tmp_path):
    file = write(tmp_path, two_categories(["left_foot", "right_foot"]))
    with pytest.raises(
        InputError, match=r"different keypoints, 'arm' \(3\) and 'leg' \(2\); keep one category"
    ):
        read_labeled(file)
    file = write(tmp_path, two_categories(["left_hand", "right_hand", "elbow"]))
    assert len(read_labeled(file)) == 2  # the same joints under two names
    unused = two_categories(["left_foot", "right_foot"])
    del unused["annotations"][-1]
    assert read_labeled(write(tmp_path, unused)).skeleton.name == "arm"


def test_a_source_of_boxes_alone_is_refused(tmp_path):
    changed = content()
    for row in changed["annotations"]:
        row.pop("keypoints", None)
    file = write(tmp_path, changed)
    with pytest.raises(InputError, match="no annotation with keypoints; a labeled set needs"):
        read_labeled(file)
    assert len(read_boxes(file)) == 2


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"gone.json does not exist; give the path of a COCO"):
        read_labeled(tmp_path / "gone.json")
    with pytest.raises(InputError, match=r"annotations.json does not exist \(a folder is read"):
        read_labeled(tmp_path)
    for damage in (b"\xff\xfe{", b"\x89PNG", b"", b"[" * 100_000, b'{"images": [', b"\0" * 9):
        (tmp_path / "a.json").write_bytes(damage)
        with pytest.raises(InputError, match="a.json"):
            read_labeled(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{\n "images": [,]\n}')
    with pytest.raises(InputError, match="in line 2, column 13"):
        read_labeled(tmp_path / "a.json")


def test_predictions_are_a_coco_file(tmp_path):
    """What is written can be read again, and its annotations are results entries."""
    labeled = read_labeled(write(tmp_path, content()))
    out = tmp_path / "predictions.json"
    write_results(
        out,
        labeled.images,
        labeled.points,
        np.array([[0.5, 0.25, 0.75]]),
        labeled.skeleton,
        ["a.png"],
        [(20, 10)],
    )
    again = read_labeled(out)
    np.testing.assert_allclose(again.points, labeled.points)
    assert again.skeleton == labeled.skeleton
    assert np.array_equal(again.images.boxes, labeled.images.boxes)
    (row,) = json.loads(out.read_text())["annotations"]
    assert row["keypoints"] == [2, 3, 0.5, 5.5, 4, 0.25, 0, 0, 0.75]
    assert (row["id"], row["image_id"], row["score"]) == (3, 7, 0.5)
    assert [p.name for p in tmp_path.glob("*.partial")] == []


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
PLACES = [
    *("images", "annotations", "categories", "images.0", "annotations.0", "categories.0"),
    *("images.0.id", "images.0.file_name", "annotations.0.id", "annotations.0.image_id"),
    *("annotations.0.category_id", "annotations.0.bbox", "annotations.0.keypoints"),
    *("annotations.0.keypoints.1", "annotations.0.iscrowd", "categories.0.id"),
    *("categories.0.name", "categories.0.keypoints", "categories.0.skeleton"),
]


@given(st.sampled_from(PLACES), junk)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damage_is_read_or_refused(tmp_path, place, value):
    file = write(tmp_path, change(place, value))
    for read in (read_labeled, read_boxes):
        try:
            assert len(read(file)) > 0
        except InputError as error:
            assert str(error)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is missing")
@pytest.mark.parametrize(
    ("name", "keypoints"),
    [
        ("coco/test_coco.json", 17),
        ("ap10k/test_ap10k.json", 17),
        ("animalpose/test_animalpose.json", 20),
        ("freihand/test_freihand.json", 21),
        ("macaque/test_macaque.json", 17),
        ("coco/test_coco_wholebody.json", 17),
        ("fly/test_fly.json", 32),
        ("horse10/test_horse10.json", 22),
        ("locust/test_locust.json", 35),
        ("onehand10k/test_onehand10k.json", 21),
        ("zebra/test_zebra.json", 9),
    ],
)
def test_real_files(name, keypoints):
    found = read_labeled(SAMPLES / name)
    assert len(found.skeleton) == keypoints
    assert found.labeled.any(axis=1).all()
    assert np.isfinite(found.points).all()


def two_images() -> dict:
    """Return two images with a subject each; b.png is not written."""
    what = content()
    what["images"].append({"id": 8, "file_name": "b.png", "width": 20, "height": 10})
    what["annotations"] = [
        {**what["annotations"][0], "id": number, "image_id": image}
        for number, image in ((1, 7), (2, 8))
    ]
    return what


def test_labels_never_go_onto_another_image(tmp_path):
    what = two_images()
    (tmp_path / "cam1").mkdir()
    Image.new("RGB", (20, 10)).save(tmp_path / "cam1" / "1.png")
    for first, second in (("cam1/1.png", "cam2/1.png"), ("cam2/1.png", "cam1/1.png")):
        what["images"][0]["file_name"], what["images"][1]["file_name"] = first, second
        for rows in (what["annotations"], what["annotations"][:1]):
            changed = {**what, "annotations": rows}
            if changed["annotations"] == rows[:1] and first == "cam1/1.png":
                continue  # the one with a label is at its place
            for read in (read_labeled, read_annotations, read_boxes):
                with pytest.raises(
                    InputError, match="two names, 'cam[12]/1.png' and 'cam[12]/1.png'"
                ):
                    read(write(tmp_path, changed))


def test_backslashes_in_names_are_turned(tmp_path):
    what = content()
    what["images"][0]["file_name"] = f"..\\{tmp_path.name}\\a.png"
    found = read_labeled(write(tmp_path, what))
    assert found.images.path(0).resolve() == tmp_path.resolve() / "a.png"


@pytest.mark.parametrize(
    ("ids", "read_as"),
    [
        (("000001", "000002"), [1, 2]),
        (("6f1c-aa", "6f1c-bb"), [0, 1]),
        ((1.0, 2.0), [1, 2]),
        (("1", 2), [1, 2]),
        (("01", "1"), [0, 1]),
    ],
)
def test_ids_of_text_are_read(tmp_path, ids, read_as):
    what = two_images()
    Image.new("RGB", (20, 10)).save(tmp_path / "b.png")
    for place, identity in enumerate(ids):
        what["images"][place]["id"] = what["annotations"][place]["image_id"] = identity
        what["annotations"][place]["id"] = f"uuid-{identity}"
        what["annotations"][place]["category_id"] = "arm-1"
    what["categories"][0]["id"] = "arm-1"
    file = write(tmp_path, what)
    found = read_labeled(file)
    assert found.images.image_ids.tolist() == read_as
    assert [found.images.path(i).name for i in (0, 1)] == ["a.png", "b.png"]
    assert read_annotations(file).image_ids.tolist() == read_as
    assert len(read_unlabeled(file)) == 2
    for place in (0, 1):  # one list in text, the other in numbers
        what["annotations"][place]["image_id"] = str(ids[place]).removesuffix(".0")
    assert len(read_labeled(write(tmp_path, what))) == 2


def test_edges_by_name_are_read(tmp_path):
    what = content()
    what["categories"][0]["skeleton"] = [["left_hand", "elbow"], ["right_hand", "elbow"]]
    assert read_labeled(write(tmp_path, what)).skeleton.edges == ((0, 2), (1, 2))


def test_annotations_of_things_without_keypoints_are_boxes(tmp_path):
    """As renderers and Datumaro write them: ``[]`` or null, and a category without names."""
    what = content()
    what["categories"].append({"id": 2, "name": "car", "keypoints": []})
    what["annotations"][1].update({"category_id": 2, "keypoints": []})
    what["annotations"][2].update({"iscrowd": 0, "keypoints": None, "category_id": 1})
    file = write(tmp_path, what)
    assert len(read_labeled(file)) == 1
    found = read_annotations(file)
    assert found.ids.tolist() == [3, 5]
    assert found.notes == ["1 annotations of things without keypoints are left out."]
    assert len(read_boxes(file)) == 3


def test_category_without_names_gets_numbers(tmp_path):
    what = content()
    what["categories"][0].update({"keypoints": [], "skeleton": []})
    said: list[str] = []
    found = read_labeled(write(tmp_path, what), say=said.append)
    assert found.skeleton.keypoints == ("keypoint_0", "keypoint_1", "keypoint_2")
    assert "names no keypoints; they are called keypoint_0 to keypoint_2" in said[0]


@pytest.mark.parametrize("box", [[], None, [2, 3, 0, 0], [2, 3, 0, 5]])
def test_empty_boxes_round_points_are_their_extent(tmp_path, box):
    """As Label Studio's COCO export writes them round one keypoint."""
    what = content()
    what["annotations"][0]["bbox"] = box
    assert read_labeled(write(tmp_path, what)).images.boxes[0].tolist() == [2, 3, 4.5, 2]


def test_crowds_alone_are_the_subjects_of_a_target(tmp_path):
    """CVAT marks every mask as one."""
    what = content()
    for row in what["annotations"]:
        row["iscrowd"] = 1
    said: list[str] = []
    file = write(tmp_path, what)
    assert len(read_unlabeled(file, say=said.append)) == 3
    assert said == [f"{file}: all 3 boxes are marked as crowds (iscrowd) and are taken as subjects"]
    what["annotations"] = [{"id": 1, "image_id": 7, "iscrowd": "0", "bbox": [1, 1, 5, 5]}]
    assert len(read_unlabeled(write(tmp_path, what))) == 1


def test_images_of_a_target_without_a_box_are_counted(tmp_path):
    what = content()
    what["images"].append({"id": 8, "file_name": "b.png"})
    what["annotations"].pop()
    said: list[str] = []
    file = write(tmp_path, what)
    read_unlabeled(file, say=said.append)
    assert said == [f"{file}: 1 of 2 images are left out, since they have no box"]


def test_predictions_as_labels_are_reported(tmp_path):
    what = content()
    what["annotations"][0]["keypoints"] = [2, 3, 0.5, 5.5, 4, 0.25, 0, 0, 0.125]
    del what["annotations"][1:]
    said: list[str] = []
    file = write(tmp_path, what)
    read_labeled(file, say=said.append)
    assert said == [f"{file}: all 1 subjects are a model's predictions, no hand labels"]


def test_nested_keypoints_and_nulls_are_read(tmp_path):
    what = content()
    what["annotations"][0]["keypoints"] = [[2, 3, 2], [5.5, 4, 1], [None, None, 0]]
    assert read_labeled(write(tmp_path, what)).points[0].tolist() == [[2, 3], [5.5, 4], [0, 0]]


def test_overlays_beside_predictions_are_never_their_images(tmp_path):
    """``predict --out p.json --overlays drawn/`` gives the drawings the names of the images."""
    for folder in ("photographs", "out/drawn"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (20, 10)).save(tmp_path / folder / "a.png")
    file = tmp_path / "out" / "p.json"
    seen = read_unlabeled(tmp_path / "photographs")
    skeleton = Skeleton.from_names("hand", ["wrist"])
    write_results(file, seen, np.ones((1, 1, 2)), np.ones((1, 1)), skeleton, ["a.png"], [(20, 10)])
    with pytest.raises(
        InputError, match=r"a\.png, which does not exist; .* the folder of the images"
    ):
        read_annotations(file)
    with pytest.raises(InputError, match="which does not exist"):
        read_boxes(file)
    assert read_annotations(file, tmp_path / "photographs").files == [
        tmp_path / "photographs/a.png"
    ]


def test_annotations_without_ids_or_with_some_are_numbered(tmp_path):
    what = content()
    for ids, notes in (
        ([None, None], []),
        ([3, None], ["1 annotations have no id; all are numbered anew."]),
    ):
        what["annotations"] = [{**content()["annotations"][0], "id": number} for number in ids]
        found = read_annotations(write(tmp_path, what))
        assert found.ids.tolist() == [0, 1]
        assert [note for note in found.notes if "no id" in note] == notes
        assert read_boxes(write(tmp_path, what)).annotation_ids.tolist() == [0, 1]


@pytest.mark.parametrize("key", [None, "1", 1.0])
def test_only_category_is_that_of_an_annotation_that_names_none(tmp_path, key):
    what = content()
    what["annotations"][0]["category_id"] = key
    assert len(read_labeled(write(tmp_path, what))) == 1


def test_image_id_with_leading_zeros_is_the_number(tmp_path):
    what = content()
    what["annotations"][0]["image_id"] = "0007"
    assert read_labeled(write(tmp_path, what)).images.image_ids.tolist() == [7]


def test_keypoints_that_are_null_or_empty_are_not_labeled(tmp_path):
    what = content()
    for missing in (None, []):
        what["annotations"][0]["keypoints"] = [[2, 3, 2], [5.5, 4, 1], missing]
        assert read_labeled(write(tmp_path, what)).labeled.tolist() == [[True, True, False]]


def test_annotation_without_box_is_left_out_of_a_target_that_has_some(tmp_path):
    what = content()
    del what["annotations"][1]["bbox"]
    told: list[str] = []
    assert len(read_unlabeled(write(tmp_path, what), say=told.append)) == 1
    assert any(note.endswith(": 1 of 2 boxes are left out, since they are empty") for note in told)
    del what["annotations"][0]["bbox"]
    with pytest.raises(InputError, match="annotation 3 has no 'bbox'"):
        read_boxes(write(tmp_path, what))
