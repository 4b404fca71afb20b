"""Faults that are planted in figures are found, each by its check alone; clean figures are clean."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from posebridge.data.formats.coco import read_labeled
from posebridge.data.quality import CheckedSet, check_set, compare_sets, declared_sizes
from posebridge.data.quality.facts import is_cut_off
from posebridge.data.reading import read_unlabeled
from posebridge.data.samples import UnlabeledSamples
from posebridge.synthetic.figures import FIGURE_SKELETON, write_synthetic_figures

K = FIGURE_SKELETON.keypoints.index


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    return write_synthetic_figures(
        tmp_path_factory.mktemp("clean"), "rendered", 40, seed=5, size=64
    )


@pytest.fixture
def planted(clean, tmp_path) -> Callable[..., CheckedSet]:
    """Copy the clean figures, let a function change the copy, and check it."""

    def plant(change: Callable[[dict, Path], object]) -> CheckedSet:
        folder = tmp_path / "planted"
        shutil.copytree(clean.parent, folder)
        content = json.loads(clean.read_text())
        change(content, folder / "images")
        (folder / "annotations.json").write_text(json.dumps(content))
        return look(folder / "annotations.json")

    return plant


def look(path: Path, name: str = "source") -> CheckedSet:
    labels = read_labeled(path)
    return check_set(name, labels, declared_sizes(path, labels.images), workers=1)


def kinds(looked: CheckedSet) -> dict[str, str]:
    return {finding.kind: finding.severity for finding in looked.findings}


def only(looked: CheckedSet, kind: str):
    """Return the one finding, which must be of this kind."""
    assert set(kinds(looked)) == {kind}
    return looked.findings[0]


def test_clean_figures_of_both_looks_are_clean(clean, tmp_path):
    camera = write_synthetic_figures(tmp_path / "camera", "camera", 40, seed=5, size=64)
    source, test = look(clean), look(camera, "test")
    target = check_set("target", read_unlabeled(camera.parent / "images"))
    assert kinds(source) == kinds(test) == kinds(target) == {}
    assert compare_sets(source, test) == compare_sets(source, target) == []


def test_exchanged_sides(planted):
    def swap(content: dict, _: Path) -> None:
        points = np.array([a["keypoints"] for a in content["annotations"]]).reshape(-1, 14, 3)
        apart = np.abs(points[:, K("left_elbow"), 0] - points[:, K("right_elbow"), 0])
        row = int(apart.argmax())
        left, right = K("left_elbow"), K("right_elbow")
        points[row, [left, right]] = points[row, [right, left]]
        content["annotations"][row]["keypoints"] = points[row].reshape(-1).tolist()
        swapped.append(row)

    swapped: list[int] = []
    finding = only(planted(swap), "sides exchanged")
    assert finding.rows.tolist() == [swapped]
    assert set(finding.marks[0]) == {K("left_elbow"), K("right_elbow")}
    assert "left_elbow / right_elbow" in finding.details[0]


def test_a_point_outside(planted):
    def move(content: dict, _: Path) -> None:
        annotation = content["annotations"][7]
        annotation["keypoints"][3 * K("head_top") : 3 * K("head_top") + 2] = [30, -5]
        box = annotation["bbox"]
        annotation["bbox"] = [box[0], -6, box[2], box[3] + box[1] + 6]

    finding = only(planted(move), "point outside")
    assert (finding.severity, finding.rows.tolist(), finding.marks) == (
        "warning",
        [[7]],
        [[K("head_top")]],
    )
    assert "head_top at (30, -5)" in finding.details[0]


def test_a_point_on_the_edge_is_inside(planted):
    def move(content: dict, _: Path) -> None:
        content["annotations"][7]["keypoints"][3 * K("neck") : 3 * K("neck") + 2] = [63.9, 30]
        content["annotations"][7]["bbox"] = [0, 0, 64, 64]

    assert kinds(planted(move)) == {}


def test_a_box_that_does_not_hold_its_points(planted):
    def shrink(content: dict, _: Path) -> None:
        content["annotations"][3]["bbox"] = [2, 2, 30, 30]

    finding = only(planted(shrink), "box misses points")
    assert finding.rows.tolist() == [[3]]
    assert len(finding.marks[0]) > 2


def test_boxes_written_as_corners(planted):
    def corners(content: dict, _: Path) -> None:
        x, y, w, h = content["annotations"][3]["bbox"]
        content["annotations"][3]["bbox"] = [x + w, y + h, x + 2 * w, y + 2 * h]

    found = planted(corners)
    assert kinds(found) == {"box outside": "warning", "box misses points": "warning"}


def test_broken_and_cut_off_images(planted):
    def damage(content: dict, images: Path) -> None:
        files = sorted(images.iterdir())
        files[2].write_bytes(b"this is not an image")
        files[9].write_bytes(files[9].read_bytes()[:-400])

    # OpenCV 5 refuses a file that is cut off, OpenCV 4 fills it with gray.
    found = planted(damage).findings
    assert found[0].kind == "unreadable"
    assert {f.kind for f in found} <= {"unreadable", "cut off"}
    assert {f.severity for f in found} == {"warning"}
    lines = [line for f in found for line in f.details]
    assert [Path(line.split(":")[0]).name for line in lines] == [
        "figure_0000002.jpg",
        "figure_0000009.jpg",
    ]


def test_cut_off_file_lacks_its_end_mark():
    for ending in (".jpg", ".png"):
        whole = cv2.imencode(ending, np.arange(3072, dtype=np.uint8).reshape(32, 32, 3))[
            1
        ].tobytes()
        assert not is_cut_off(whole)
        assert not is_cut_off(whole + b"some bytes of a phone")
        assert is_cut_off(whole[:-20])
    assert not is_cut_off(b"BM no end mark here")


def test_most_images_broken_is_an_error(planted):
    def damage(_: dict, images: Path) -> None:
        for file in sorted(images.iterdir())[:21]:
            file.write_bytes(b"")

    assert kinds(planted(damage))["unreadable"] == "error"


def test_images_of_another_size_than_declared(planted):
    def declare(content: dict, images: Path) -> None:
        content["images"][4]["height"] = 60
        file = images / content["images"][5]["file_name"]
        cv2.imwrite(str(file), cv2.resize(cv2.imread(str(file)), (64, 80)))
        content["images"][5] |= {"width": 80, "height": 64}

    finding = only(planted(declare), "other size")
    assert finding.rows.tolist() == [[4], [5]]
    assert "64 x 64, declared 64 x 60" in finding.details[0]
    assert "1 images are turned" in finding.advice


def test_labels_at_the_origin(planted):
    def zero(content: dict, _: Path) -> None:
        content["annotations"][6]["keypoints"][:2] = [0, 0]
        content["annotations"][6]["bbox"] = [0, 0, 64, 64]

    found = planted(zero)
    assert kinds(found)["point at origin"] == "warning"
    assert {f.rows.tolist()[0][0] for f in found.findings} == {6}


def test_keypoints_and_subjects_without_labels(planted):
    def remove(content: dict, _: Path) -> None:
        for row, annotation in enumerate(content["annotations"]):
            annotation["keypoints"][3 * K("neck") + 2] = 0
            if row > 0:
                annotation["keypoints"][3 * K("head_top") + 2] = 0
            if row == 8:
                annotation["keypoints"][2 + 3 * 2 :: 3] = [0] * 12

    found = {f.kind: f for f in planted(remove).findings}
    assert {kind: f.severity for kind, f in found.items()} == {
        "never labeled": "warning",
        "rarely labeled": "note",
        "hardly labeled": "note",
    }
    assert "neck" in found["never labeled"].title
    assert "head_top (1)" in found["rarely labeled"].title
    assert found["hardly labeled"].rows.tolist() == [[8]]


def test_source_images_among_the_target_are_found(clean, tmp_path):
    images = sorted((clean.parent / "images").iterdir())
    folder = tmp_path / "target"
    shutil.copytree(
        write_synthetic_figures(tmp_path / "c", "camera", 5, seed=9, size=64).parent / "images",
        folder,
    )
    again = cv2.resize(cv2.imread(str(images[11])), (50, 50), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "again.jpg"), again)
    shutil.copy(images[30], folder / "copy.jpg")
    source, target = look(clean), check_set("target", read_unlabeled(folder))
    (finding,) = compare_sets(source, target)
    assert (finding.kind, finding.severity, finding.sets) == (
        "shared",
        "warning",
        ("source", "target"),
    )
    names = [target.samples.path(int(row)).name for row in finding.rows[:, 1]]
    assert (finding.rows[:, 0].tolist(), names) == ([11, 30], ["again.jpg", "copy.jpg"])
    assert "1 equal byte for byte" in finding.title


def test_different_meanings_of_left_and_box_are_found(tmp_path):
    """As a viewer's left, and boxes twice as large as the points."""
    path = write_synthetic_figures(tmp_path / "a", "rendered", 150, seed=2, size=32)
    content = json.loads(path.read_text())
    mirror = FIGURE_SKELETON.mirror
    for annotation in content["annotations"]:
        points = np.array(annotation["keypoints"]).reshape(14, 3)
        annotation["keypoints"] = points[mirror].reshape(-1).tolist()
        x, y, w, h = annotation["bbox"]
        annotation["bbox"] = [x - w / 4, y - h / 4, 1.5 * w, 1.5 * h]
    other = path.with_name("other.json")
    other.write_text(json.dumps(content))
    found = compare_sets(look(path), look(other, "test"))
    assert [f.kind for f in found] == ["shared", "left means another side", "boxes of another kind"]


def test_other_keypoints(clean, planted):
    def rename(content: dict, _: Path) -> None:
        content["categories"][0]["keypoints"][0] = "tail"

    other = planted(rename)
    (finding,) = [f for f in compare_sets(look(clean), other) if f.kind != "shared"]
    assert (finding.kind, finding.severity) == ("other keypoints", "warning")
    assert "13 of the 14" in finding.title
    assert "tail" in finding.advice


def test_a_declared_size_that_no_image_has_is_none(tmp_path):
    file = tmp_path / "annotations.json"
    images = [
        {"id": i, "file_name": f"{i}.png", "width": w, "height": 5}
        for i, w in ((0, 10**30), (1, 4))
    ]
    file.write_text(json.dumps({"images": images}))
    names = np.array([str(tmp_path / name).encode() for name in ("0.png", "1.png")])
    samples = UnlabeledSamples(
        "set", names, np.zeros((2, 4), np.float32), np.arange(2), np.arange(2)
    )
    assert declared_sizes(file, samples) == {str(tmp_path / "1.png"): (4, 5)}


def test_file_of_two_ids_is_found(planted):
    """Frames of two videos that got one name."""

    def change(content: dict, folder: Path) -> None:
        content["images"][1]["file_name"] = content["images"][0]["file_name"]

    looked = planted(change)
    found = next(f for f in looked.findings if f.kind == "file of several ids")
    assert found.severity == "warning" and found.title.startswith("1 file of 39 ")
    assert "ids 1, 2" in found.details[0]


def test_box_below_a_pixel_is_found(planted):
    """One odd annotation of a good file."""

    def change(content: dict, folder: Path) -> None:
        content["annotations"][3]["bbox"] = [0.1, 0.2, 0.5, 0.6]

    found = next(f for f in planted(change).findings if f.kind == "box below a pixel")
    assert found.title.startswith("1 box ") and found.rows.tolist() == [[3]]


def test_declared_sizes_of_ids_in_text(planted):
    def change(content: dict, folder: Path) -> None:
        for entry in content["images"]:
            entry["id"] = f"image-{entry['id']}"
            entry["width"] += 1
        for row in content["annotations"]:
            row["image_id"] = f"image-{row['image_id']}"

    assert "other size" in kinds(planted(change))
