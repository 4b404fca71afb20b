"""Unity Perception's SOLO datasets are read as Unity writes them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from posebridge.data.formats.registry import recognized
from posebridge.data.reading import read_annotations, read_labeled, read_unlabeled
from posebridge.errors import InputError

TYPE = "type.unity.com/unity.solo."
TEMPLATE = {
    "templateId": "t-1",
    "templateName": "PersonTemplate",
    "keypoints": [
        {"label": name, "index": index, "color": [0, 0, 0, 255]}
        for index, name in enumerate(("nose", "left_eye", "right_eye"))
    ],
    "skeleton": [{"joint1": 0, "joint2": 1, "color": [0, 0, 0, 255]}],
}


def pose(instance, *keypoints):
    entries = [
        {"index": i, "location": [x, y], "cameraCartesianLocation": [0, 0, 1], "state": state}
        for i, (x, y, state) in enumerate(keypoints)
    ]
    return {"instanceId": instance, "labelId": 1, "pose": "unset", "keypoints": entries}


def box(instance, x, y, w, h, label="person"):
    return {
        **{"instanceId": instance, "labelId": 1, "labelName": label},
        **{"origin": [x, y], "dimension": [w, h]},
    }


def frame(folder, sequence, step, boxes, poses, camera="camera"):
    place = folder / f"sequence.{sequence}"
    place.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48)).save(place / f"step{step}.{camera}.png")
    annotations = [
        {"@type": f"{TYPE}BoundingBox2DAnnotation", "id": "boxes", "values": boxes},
        {"@type": f"{TYPE}KeypointAnnotation", "id": "kp", "templateId": "t-1", "values": poses},
        {"@type": f"{TYPE}DepthAnnotation", "id": "depth", "filename": "d.exr"},
    ]
    capture = {
        **{"@type": f"{TYPE}RGBCamera", "id": camera, "filename": f"step{step}.{camera}.png"},
        **{"imageFormat": "Png", "dimension": [64.0, 48.0], "annotations": annotations},
    }
    content = {"frame": step, "sequence": sequence, "step": step, "captures": [capture]}
    (place / f"step{step}.frame_data.json").write_text(json.dumps(content))


@pytest.fixture
def solo(tmp_path):
    folder = tmp_path / "solo"
    for step in (10, 2):  # 2 is before 10
        frame(
            folder, 0, step,
            [box(7, 8, 6, 30, 40), box(9, 1, 2, 5, 6, "chair")],
            [pose(7, (20.5, 10.25, 2), (24, 8, 1), (0, 0, 0))],
        )  # fmt: skip
    frame(folder, 1, 0, [], [])
    definitions = {
        "annotationDefinitions": [
            {"@type": f"{TYPE}KeypointAnnotation", "id": "kp", "template": TEMPLATE},
            {"@type": f"{TYPE}BoundingBox2DAnnotation", "id": "boxes", "spec": []},
        ]
    }
    (folder / "annotation_definitions.json").write_text(json.dumps(definitions))
    (folder / "metadata.json").write_text("{}")
    return folder


def test_poses_and_boxes_of_an_instance_are_one_subject(solo):
    assert getattr(recognized(solo), "name", None) == "solo"
    found = read_annotations(solo)
    assert found.skeleton.keypoints == ("nose", "left_eye", "right_eye")
    assert found.skeleton.edges == ((0, 1),) and found.skeleton.pairs == ((1, 2),)
    assert [f"{f.parent.name}/{f.name}" for f in found.files] == [
        *("sequence.0/step2.camera.png", "sequence.0/step10.camera.png"),
        "sequence.1/step0.camera.png",
    ]
    assert found.sizes.tolist() == [[64, 48]] * 3
    assert found.image.tolist() == [0, 0, 1, 1]
    assert found.boxes[0].tolist() == [8, 6, 30, 40]
    assert found.points[0].tolist() == [[20.5, 10.25], [24, 8], [0, 0]]
    assert found.visibility.tolist() == [[2, 1, 0], [0, 0, 0]] * 2


def test_a_source_takes_the_subjects_with_a_pose(solo):
    samples = read_labeled(solo)
    assert len(samples) == 2
    assert samples.labeled.tolist() == [[True, True, False]] * 2
    np.testing.assert_array_equal(samples.points[0, 0], [20.5, 10.25])


def test_a_target_takes_boxes_and_never_reads_a_keypoint(solo):
    for file in solo.glob("sequence.0/*.json"):
        file.write_text(file.read_text().replace('"index": 0', '"index": "broken"'))
    told: list[str] = []
    samples = read_unlabeled(solo, say=told.append)
    assert samples.boxes.tolist() == [[8, 6, 30, 40], [1, 2, 5, 6]] * 2
    assert any("1 of 3 images are left out" in line for line in told)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"state": 2', '"state": 5', "state 5 of a keypoint is not 0, 1 or 2"),
        ('"index": 2', '"index": 3', "index 3 is not in the template of 3 keypoints"),
        ('"origin": [8, 6]', '"origin": [8]', "'origin' is \\[8\\]"),
        ('"instanceId": 9', '"instanceId": 7', "instanceId 7 is missing or occurs twice"),
        ('"filename": "step2.camera.png"', '"filename": "none.png"', "does not exist"),
        ('"values": [', '"values": 3, "x": [', "'values' is 3; it must be a list"),
    ],
)
def test_damage_is_one_sentence(solo, old, new, words):
    file = solo / "sequence.0" / "step2.frame_data.json"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(InputError, match=words) as caught:
        read_annotations(solo)
    assert "step2.frame_data.json" in str(caught.value)


def test_missing_definitions_and_the_older_layout_are_reported(solo, tmp_path):
    (solo / "annotation_definitions.json").unlink()
    with pytest.raises(InputError, match="annotation_definitions.json is missing"):
        read_annotations(solo)
    old = tmp_path / "old"
    old.mkdir()
    for name in ("annotation_definitions.json", "captures_000.json"):
        (old / name).write_text("{}")
    (old / "annotation_definitions.json").write_text(
        json.dumps(
            {
                "annotationDefinitions": [
                    {"@type": f"{TYPE}KeypointAnnotation", "template": TEMPLATE}
                ]
            }
        )
    )
    with pytest.raises(InputError, match=r"before 0\.10"):
        read_annotations(old)
