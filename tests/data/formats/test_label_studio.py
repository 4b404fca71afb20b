"""Label Studio's exports, by hand, with what is read from them worked out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posebridge.data.reading import (
    read_annotations,
    read_labeled,
    read_unlabeled,
)
from posebridge.errors import InputError
from tests.data.formats.tool_files import picture, text


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
    assert read_unlabeled(file).boxes.tolist() == [[0, 10, 20, 20], [100, 10, 20, 20]]


@pytest.mark.parametrize("missing", [None, "absent"])
def test_keypoints_without_an_id_stay_with_their_own_rectangle(tmp_path, missing):
    picture(tmp_path / "shot.png", (200, 50))
    regions = [
        *(rectangle("r1", "pup1", 0), rectangle("r2", "pup2", 50), rectangle("r3", "pup3", 80)),
        *(
            nose("k1", 5, parentID="r2"),
            nose("k2", 52, parentID="r1"),
            nose("k3", 85, parentID=None),
        ),
    ]
    for one in (*regions[2:4], *regions[4:]):
        one["id"] = None
        if missing == "absent":
            del one["id"]
    file = text(tmp_path / "export.json", json.dumps([task("shot.png", *regions)]))
    found = read_annotations(file)
    assert found.points[:, 0, 0].tolist() == [104, 10, 0, 170]
    assert found.individuals == ["pup1", "pup2", "pup3", ""]


def test_label_studio_without_ties(tmp_path):
    """A rectangle round a keypoint owns it; a turned rectangle has an upright box round it."""
    picture(tmp_path / "images/a.png", (200, 50))
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


def test_predictions_that_are_ids_alone_are_ignored(tmp_path):
    picture(tmp_path / "a.png", (200, 50))
    first = task("a.png", nose("k", 5))
    for more in ([12], [None], [{"result": [None]}], 3, [{"result": 3}]):
        other = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": []}]}
        file = text(tmp_path / "e.json", json.dumps([first, other | {"predictions": more}]))
        assert read_annotations(file).sizes.tolist() == [[200, 50], [0, 0]]
    other = {"id": 1, "data": {"image": "a.png"}, "annotations": [], "predictions": [12]}
    file = text(tmp_path / "e.json", json.dumps([first, other]))
    assert read_annotations(file).image.tolist() == [0]


def test_predictions_count_only_without_hand_labels(tmp_path):
    picture(tmp_path / "a.png", (200, 50))
    by_hand = task("a.png", nose("k", 5), region("keypointlabels", "e", "ear", 9, 30))
    guess = {"id": 2, "data": {"image": "a.png"}, "annotations": []}
    guess["predictions"] = [{"result": by_hand["annotations"][1]["result"], "score": 0.4}]
    said: list[str] = []
    file = text(tmp_path / "e.json", json.dumps([by_hand, guess, guess | {"id": 3}]))
    assert len(read_annotations(file)) == 3
    assert len(read_labeled(file, say=said.append)) == 1
    assert said == [
        f"{file}: 2 subjects that a model predicted are left out, hand labels (1) count"
    ]
    text(file, json.dumps([guess]))
    assert len(read_labeled(file, say=said.append)) == 1
    assert said[1] == f"{file}: all 1 subjects are a model's predictions, no hand labels"


def test_broken_label_studio_exports_are_reported(tmp_path):
    picture(tmp_path / "a.png", (200, 50))
    for content, words in (
        ([task("b.png", nose("k", 5))], "task 40 names the image .*b.png, which does not exist"),
        ([task("a.png")], "has no keypoint in any annotation"),
        ([{"id": 4, "annotations": []}], "task 4 names no image in 'data'"),
        ([task("a.png", {**nose("k", 5), "original_width": 0})], "image without width or height"),
        ([task("a.png", {**nose("k", 5), "value": {}})], "whose 'x' is not a number"),
    ):
        file = text(tmp_path / "export.json", json.dumps(content))
        with pytest.raises(InputError, match=words):
            read_labeled(file)


def test_a_label_of_its_own_is_joined_to_its_keypoint(tmp_path):
    """As <KeyPoint> and <Labels> give: two results of one id."""
    picture(tmp_path / "a.png", (200, 50))
    places = [region("keypoint", i, "", x, 50) for i, x in (("k1", 5), ("k2", 10))]
    for place in places:
        place["value"].pop("keypoint")
    labels = [
        region("labels", i, label, x, 50, width=0.5)
        for i, label, x in (("k1", "nose", 5), ("k2", "tail", 10))
    ]
    for results in ([*places, *labels], [labels[0], places[0], labels[1]], labels):
        file = text(tmp_path / "e.json", json.dumps([task("a.png", *results)]))
        found = read_annotations(file)
        assert found.skeleton.keypoints == ("nose", "tail")
        assert found.points.tolist() == [[[10, 25], [20, 25]]]


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_turned_view_keeps_places_and_is_reported(tmp_path, turned):
    """The editor keeps places in the image as it is stored."""
    picture(tmp_path / "a.png", (200, 50))
    results = [nose("k1", 5) | {"image_rotation": turned}, nose("k2", 5) | {"image_rotation": 0}]
    results[1]["value"]["keypointlabels"] = ["tail"]
    found = read_annotations(text(tmp_path / "e.json", json.dumps([task("a.png", *results)])))
    assert found.points.tolist() == [[[10, 25], [10, 25]]]
    assert len(found.notes) == 1 and found.notes[0].startswith("1 regions were made while")


def test_percentages_are_of_the_image_that_is_there(tmp_path):
    content = task("a.png", nose("k1", 5))
    file = text(tmp_path / "e.json", json.dumps([content]))
    picture(tmp_path / "a.png", (400, 100))
    assert read_annotations(file).points.tolist() == [[[20, 50]]]
    for size, words in (((50, 200), "turned by a quarter"), ((200, 80), "another image")):
        picture(tmp_path / "a.png", size)
        with pytest.raises(InputError, match=f"on an image of 200 x 50, and .*{words}"):
            read_annotations(file)
    for key in ("original_width", "original_height"):
        content["annotations"][1]["result"][0].pop(key)
    picture(tmp_path / "a.png", (100, 50))
    file.write_text(json.dumps([content]))
    assert read_annotations(file).points.tolist() == [[[5, 25]]]


def test_two_uploads_of_one_name_are_not_one_image(tmp_path):
    picture(tmp_path / "a.png", (200, 50))
    tasks = [task(f"/data/upload/1/{p}-a.png", nose("k1", 5)) for p in ("aaaaaaaa", "bbbbbbbb")]
    file = text(tmp_path / "e.json", json.dumps(tasks))
    with pytest.raises(
        InputError, match="two names, .*aaaaaaaa-a.png' and .*bbbbbbbb-a.png', give"
    ):
        read_annotations(file)
    for prefix in ("aaaaaaaa", "bbbbbbbb"):  # an upload's whole name comes before its own
        picture(tmp_path / f"{prefix}-a.png", (200, 50))
    assert [f.name for f in read_annotations(file).files] == ["aaaaaaaa-a.png", "bbbbbbbb-a.png"]


def dot(label: str, x: float, y: float, **more: object) -> dict:
    return region("keypointlabels", f"{label}{x}", label, x, y, **more)


@pytest.mark.parametrize(
    ("scale", "words"), [(0.01, "fractions of the image"), (10, "look like pixels")]
)
def test_places_that_are_not_percentages_are_refused(tmp_path, scale, words):
    picture(tmp_path / "a.png", (200, 50))
    points = [dot("nose", 10 * scale, 20 * scale), dot("tail", 35 * scale, 40 * scale)]
    box = region(
        "rectanglelabels", "r", "p", 5 * scale, 5 * scale, width=60 * scale, height=70 * scale
    )
    file = text(tmp_path / "export.json", json.dumps([task("a.png", *points, box)]))
    for read in (read_annotations, read_labeled, read_unlabeled):
        with pytest.raises(InputError, match=f"{words}.*percentages are expected"):
            read(file)


def test_regions_on_several_images_of_a_task_are_refused(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, (200, 50))
    one = task("", dot("nose", 10, 20, to_name="i1"), dot("tail", 35, 40, to_name="i2"))
    one["data"] = {"left": "a.png", "right": "b.png"}
    file = text(tmp_path / "export.json", json.dumps([one]))
    for read in (read_annotations, read_unlabeled):
        with pytest.raises(InputError, match=r"several images \('left', 'right'\).*'i1', 'i2'"):
            read(file)


def test_caption_of_a_task_is_not_its_image(tmp_path):
    picture(tmp_path / "a.png", (200, 50))
    one = task("", dot("nose", 10, 20), dot("tail", 35, 40))
    one["data"] = {"caption": "a mouse", "shot": "/data/upload/1/a.png"}
    file = text(tmp_path / "export.json", json.dumps([one]))
    assert read_annotations(file).files == [tmp_path / "a.png"]


def test_task_without_label_may_lack_its_image(tmp_path):
    picture(tmp_path / "a.png", (200, 50))
    labeled = task("a.png", dot("nose", 10, 20), dot("tail", 35, 40))
    file = text(tmp_path / "export.json", json.dumps([task("gone.png"), labeled]))
    assert read_annotations(file).files == [tmp_path / "a.png"]
    assert read_annotations(file).notes == [
        "1 tasks without an image and without a label are left out."
    ]
    shared = [task("11111111-a.png"), {**labeled, "data": {"image": "22222222-a.png"}}]
    with pytest.raises(InputError, match="two names, .* give one file"):
        read_annotations(text(tmp_path / "export.json", json.dumps(shared)))


def test_rectangle_without_area_is_ignored(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, (200, 50))
    empty = region("rectanglelabels", "r1", "p", 5, 5, width=0, height=0)
    whole = region("rectanglelabels", "r2", "p", 5, 5, width=50, height=60)
    points = dot("nose", 10, 20), dot("tail", 35, 40)
    tasks = [task("a.png", empty, whole, *points), {**task("b.png"), "id": 41}]
    file = text(tmp_path / "export.json", json.dumps(tasks))
    assert read_annotations(file).boxes.tolist() == [[10, 2.5, 100, 30]]
    said: list[str] = []
    assert read_unlabeled(file, say=said.append).boxes.tolist() == [[10, 2.5, 100, 30]]
    assert [line.rpartition(": ")[2] for line in said] == [
        "1 of 2 boxes are left out, since they are empty",
        "1 of 2 images are left out, since they have no box",
    ]
