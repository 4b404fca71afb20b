"""Round trips lose nothing that both formats can hold, and losses are reported."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from posebridge.data.annotations import Annotations, common_names
from posebridge.data.conversion import convert, get_writer, lost
from posebridge.data.formats import registry
from posebridge.data.formats.registry import FORMATS, Format, format_named, recognized
from posebridge.data.reading import read_annotations, read_labeled, read_unlabeled
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton
from tests.data.annotated import annotated, predicted

WRITTEN = [format for format in FORMATS if format.write is not None]
OUT = {
    "coco": "out.json",
    "yolo": "set",
    "deeplabcut": "out.csv",
    "deeplabcut-project": "project",
    "slp": "out.slp",
    "label-studio": "tasks.json",
    "nwb": "out.nwb",
}


def there_and_back(labels: Annotations, format: Format, folder: Path) -> Annotations:
    assert format.write is not None
    path = folder / OUT[format.name]
    format.write(labels, path)
    assert recognized(path) is format
    return read_annotations(path)


def in_order(found: Annotations, labels: Annotations) -> np.ndarray:
    """Return for each subject of ``labels`` the row of ``found`` with an equal spine."""
    spines = found.points[:, 0]
    rows = [int(np.abs(spines - p[0]).sum(axis=1).argmin()) for p in labels.points]
    assert sorted(rows) == list(range(len(labels)))
    return np.array(rows)


def compare(found: Annotations, labels: Annotations, format: Format) -> None:
    assert found.skeleton.keypoints == labels.skeleton.keypoints
    assert found.skeleton.pairs == labels.skeleton.pairs
    rows = in_order(found, labels)
    np.testing.assert_allclose(found.points[rows], labels.points, atol=1e-6)
    hidden = labels.visibility if registry.HIDDEN in format.holds else (labels.visibility > 0) * 2
    assert np.array_equal(found.visibility[rows], hidden)
    boxes = labels.boxes if registry.BOXES in format.holds else labels.boxes * 0
    np.testing.assert_allclose(found.boxes[rows], boxes, atol=1e-6)
    names = [found.files[found.image[row]].name for row in rows]
    assert names == [labels.files[i].name for i in labels.image]
    if registry.BONES in format.holds:
        assert found.skeleton.edges == labels.skeleton.edges
    if registry.KIND in format.holds and not found.name.endswith("tasks.json"):
        assert found.skeleton.name == "mouse"  # Label Studio has either this or names
    if registry.NAMES in format.holds:
        assert found.individuals is not None and labels.individuals is not None
        assert [found.individuals[r] for r in rows] == list(labels.individuals)
    if registry.EMPTY in format.holds:
        assert len(found.files) == len(labels.files)
    if registry.IDS in format.holds:
        assert np.array_equal(found.ids[rows], labels.ids)
        assert np.array_equal(found.image_ids[found.image[rows]], labels.image_ids[labels.image])
    if labels.keypoint_scores is not None and registry.KEYPOINT_SCORES in format.holds:
        assert found.keypoint_scores is not None
        known = labels.visibility > 0
        np.testing.assert_allclose(
            found.keypoint_scores[rows][known], labels.keypoint_scores[known]
        )
    if labels.subject_scores is not None and registry.SUBJECT_SCORES in format.holds:
        assert found.subject_scores is not None
        np.testing.assert_allclose(found.subject_scores[rows], labels.subject_scores)


@pytest.mark.parametrize("format", WRITTEN, ids=lambda f: f.name)
def test_round_trip_keeps_labels(format, tmp_path):
    labels = annotated(tmp_path / "images")
    compare(there_and_back(labels, format, tmp_path), labels, format)


@pytest.mark.parametrize("make", [annotated, predicted])
def test_deeplabcut_h5_round_trip_keeps_labels(make, tmp_path):
    """Written by pandas; read back by our reader, and by pandas as DeepLabCut does."""
    labels, format = make(tmp_path / "images"), format_named("deeplabcut")
    path = tmp_path / "labels.h5"
    format.write(labels, path)
    assert recognized(path) is format
    compare(read_annotations(path), labels, format)
    frame = pytest.importorskip("pandas").read_hdf(path, key="df_with_missing")
    assert frame.columns.names[0] == "scorer" and frame.columns.names[-2:] == [
        "bodyparts",
        "coords",
    ]
    assert len(frame) == len(labels.files)


@pytest.mark.parametrize(
    "format", [f for f in WRITTEN if registry.KEYPOINT_SCORES in f.holds], ids=lambda f: f.name
)
def test_predictions_round_trip_keeps_scores(format, tmp_path):
    labels = predicted(tmp_path / "images")
    compare(there_and_back(labels, format, tmp_path), labels, format)


QUICK = [format_named(name) for name in ("coco", "yolo", "deeplabcut", "label-studio")]
coordinate = st.floats(0, 8, allow_nan=False, width=32)


@given(
    st.sampled_from(QUICK),
    st.lists(st.tuples(coordinate, coordinate, st.integers(0, 2)), min_size=6, max_size=6),
    st.tuples(coordinate, coordinate),
)
@settings(max_examples=40, deadline=None)
def test_round_trip_keeps_any_labels(format, keypoints, corner):
    """Two subjects with any flags; the first keypoint of each is labeled and tells them apart."""
    table = np.array(keypoints, dtype=np.float64).reshape(2, 3, 3)
    table[:, 0] = [[1, 1, 2], [17, 9, 2]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = annotated(folder / "images")
        labels = replace(
            whole,
            image=np.array([0, 0]),
            ids=np.array([1, 2]),
            boxes=np.array([[*corner, 1.5, 1.25], [2, 3, 4, 5]]),
            points=np.where(table[..., 2:] > 0, table[..., :2], 0),
            visibility=table[..., 2].astype(np.uint8),
            individuals=["m1", "m2"],
        )
        compare(there_and_back(labels, format, folder), labels, format)


def test_from_every_format_to_every_other(tmp_path):
    """What two formats hold both survives the way through both; here points, names, images."""
    labels = annotated(tmp_path / "images")
    quick = [f for f in WRITTEN if f.name != "nwb"]  # pynwb takes seconds for each file
    for first in quick:
        there = tmp_path / first.name / OUT[first.name]
        assert first.write is not None
        first.write(labels, there)
        for second in quick:
            out = tmp_path / f"{first.name}-{second.name}" / OUT[second.name]
            done = convert(there, out, target_format=second.name)
            back = read_annotations(out)
            both = replace(second, holds=first.holds & second.holds)
            assert registry.NAMES in both.holds or done.target is second
            labels_then = (
                replace(labels, individuals=None) if registry.NAMES not in both.holds else labels
            )
            if registry.BOXES in second.holds and registry.BOXES not in first.holds:
                assert any("extent" in s for s in done.losses) or second.name in ("coco", "slp")
                back = replace(back, boxes=back.boxes * 0)
            kept = both.holds - {registry.IDS}
            if first.name == "label-studio":
                kept -= {registry.KIND}
            compare(back, labels_then, replace(both, holds=kept))


def test_losses_are_reported(tmp_path):
    labels = predicted(tmp_path / "images")
    one_hidden = labels.visibility.copy()
    one_hidden[0, 1] = 1
    labels = replace(labels, visibility=one_hidden)
    said = lost(labels, format_named("deeplabcut"))
    assert said == [
        "a DeepLabCut table does not hold boxes: 3 are left out.",
        "a DeepLabCut table does not hold hidden keypoints: 1 become visible ones.",
        "a DeepLabCut table does not hold skeleton edges: 2 are left out.",
        "a DeepLabCut table does not hold scores of subjects: 3 are left out.",
        "a DeepLabCut table does not hold the name of the subject's kind, 'mouse'.",
        "a DeepLabCut table does not hold ids of images and annotations; they are numbered anew.",
    ]
    assert lost(labels, format_named("coco")) == []
    odd = replace(labels, skeleton=replace(labels.skeleton, pairs=((0, 1),)))
    assert [s for s in lost(odd, format_named("coco")) if "pairs" in s] == [
        "COCO does not hold left/right pairs: 1 that the names of the keypoints do not show are "
        "left out."
    ]


def test_yolo_cuts_what_ultralytics_refuses(tmp_path):
    """A box beyond the image, a keypoint outside of it, a subject without a box."""
    labels = annotated(tmp_path / "images")
    boxes, points = labels.boxes.copy(), labels.points.copy()
    boxes[0], boxes[1] = [-2, 2, 8, 20], 0
    points[2, 2] = [41, 20]
    done = convert_of(replace(labels, boxes=boxes, points=points), tmp_path / "set", "yolo")
    back = read_annotations(tmp_path / "set")
    rows = in_order(back, replace(labels, points=points))
    np.testing.assert_allclose(back.boxes[rows[0]], [0, 2, 6, 8])
    np.testing.assert_allclose(back.boxes[rows[1]], [11, 2, 5, 6])
    assert back.visibility[rows[2]].tolist() == [1, 0, 0]
    assert [s.split()[0] for s in done][:6] == ["Ultralytics"] * 2 + ["1", "1", "1", "val"]


def convert_of(labels: Annotations, out: Path, name: str) -> list[str]:
    format = format_named(name)
    assert format.write is not None
    losses = lost(labels, format)
    format.write(labels, out)
    return losses


def test_pairs_and_names_are_taken_from_the_file(tmp_path):
    """flip_idx and symmetries pair keypoints whose names have no side."""
    labels = annotated(tmp_path / "images")
    skeleton = Skeleton("fish", ("nose", "fin_a", "fin_b"), ((0, 1),), ((1, 2),))
    labels = replace(labels, skeleton=skeleton, individuals=None)
    for name in ("yolo", "slp"):
        back = there_and_back(labels, format_named(name), tmp_path)
        assert back.skeleton.pairs == ((1, 2),) and back.skeleton.mirror == [0, 2, 1]


def test_labeled_and_unlabeled_of_every_format(tmp_path):
    """The same subjects as a source; as a target boxes alone, whole images without boxes."""
    labels = annotated(tmp_path / "images")
    for format in WRITTEN:
        path = tmp_path / format.name / OUT[format.name]
        assert format.write is not None
        format.write(labels, path)
        source, target = read_labeled(path), read_unlabeled(path)
        # SLEAP puts nodes that are switched off anywhere: the two hidden ones are not labels there.
        assert len(source) == 3 and source.labeled.sum() == (5 if format.name == "slp" else 7)
        assert set(vars(target)) == {"name", "files", "boxes", "image_ids", "annotation_ids"}
        assert all(target.path(i).is_file() for i in range(len(target)))
        if registry.BOXES in format.holds:
            assert len(target) == 3
            assert sorted(target.boxes[:, 2].tolist()) == [6, 8, 30]
        else:
            assert len(target) == 3 and (target.boxes == 0).all()


@pytest.mark.parametrize("taken", ["images/train/a.png", "labels/train/a.txt"])
def test_a_yolo_set_is_not_mixed_with_another(tmp_path, taken):
    file = tmp_path / "e" / taken
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    coco = convert_to_coco(annotated(tmp_path / "images"), tmp_path / "x.json")
    with pytest.raises(InputError, match="train is not empty; give another folder"):
        convert(coco, tmp_path / "e" / "data.yaml")
    assert file.read_text() == "mine"


def convert_to_coco(labels: Annotations, file: Path) -> Path:
    convert_of(labels, file, "coco")
    return file


def test_one_file_under_two_ids_keeps_all_of_its_subjects_in_a_yolo_set(tmp_path):
    labels = annotated(tmp_path / "images")
    files = [labels.files[1], labels.files[1], labels.files[2]]
    labels = replace(labels, files=files, sizes=labels.sizes[[1, 1, 2]])
    convert_of(labels, tmp_path / "set", "yolo")
    back = read_annotations(tmp_path / "set")
    assert len(back) == 3 and len(set(back.image.tolist())) == 1


def test_images_that_differ_by_their_ending_can_not_share_a_label_file(tmp_path):
    labels = annotated(tmp_path / "images")
    twin = labels.files[0].with_suffix(".jpg")
    Image.new("RGB", (20, 10)).save(twin)
    labels = replace(labels, files=[labels.files[0], labels.files[1], twin])
    with pytest.raises(InputError, match=r"a\.png and a\.jpg differ by their endings alone"):
        convert_of(labels, tmp_path / "set", "yolo")
    assert not (tmp_path / "set").exists()


def test_folders_keep_apart_in_a_project(tmp_path):
    """a/b and a_b are both labeled-data/a_b by the rule of joining them."""
    labels = annotated(tmp_path / "images")
    files = []
    for number, folder in enumerate(("a_b", "a/b", "c")):
        files.append(tmp_path / "sets" / folder / "i.png")
        files[-1].parent.mkdir(parents=True)
        Image.new("RGB", (20 + number, 10)).save(files[-1])
    convert_of(replace(labels, files=files), tmp_path / "project", "deeplabcut-project")
    places = tmp_path / "project" / "labeled-data"
    assert {f.name: Image.open(f / "i.png").width for f in places.iterdir()} == {
        "a_b": 20,
        "a_b_2": 21,
        "c": 22,
    }
    assert len(read_annotations(tmp_path / "project")) == 3


def test_a_link_keeps_its_own_name(tmp_path):
    (tmp_path / "store").mkdir()
    links = [tmp_path / "set" / "x" / "1.png", tmp_path / "set" / "y" / "2.png"]
    for number, link in enumerate(links):
        target = tmp_path / "store" / f"blob{number}"
        target.write_bytes(b"")
        link.parent.mkdir(parents=True)
        link.symlink_to(target)
    assert common_names(links) == [Path("x/1.png"), Path("y/2.png")]


def test_a_labeling_configuration_that_is_there_is_not_replaced(tmp_path):
    coco = format_named("coco").write(annotated(tmp_path), tmp_path / "one.json")[0]
    other = tmp_path / "annotations.xml"
    other.write_text("<annotations/>")
    with pytest.raises(InputError, match=r"annotations\.xml, where .* exists already"):
        convert(coco, tmp_path / "annotations.json", target_format="label-studio")
    assert other.read_text() == "<annotations/>"
    assert not (tmp_path / "annotations.json").exists()
    # The configuration of these labels is not another one.
    for _ in range(2):
        (tmp_path / "tasks.json").unlink(missing_ok=True)
        files = convert(coco, tmp_path / "tasks.json", target_format="label-studio").files
        assert [f.name for f in files] == ["tasks.json", "tasks.xml"]


def test_unrecognized_and_unwritable_formats_are_refused(tmp_path):
    labels = annotated(tmp_path / "images")
    convert_of(labels, tmp_path / "a.json", "coco")
    for out, name, words in (
        ("x.txt", None, "can't be recognized by its ending; name one with --to: coco, yolo"),
        ("folder", None, "can't be recognized"),
        ("x.mat", "leap", "LEAP is read but not written"),
        ("x.json", "slp", "does not end in .slp"),
        ("x.json", "sloth", "unknown format 'sloth'; known are coco, yolo"),
    ):
        with pytest.raises(InputError, match=words):
            get_writer(tmp_path / out, name)
    with pytest.raises(InputError, match="exists already"):
        convert(tmp_path / "a.json", tmp_path / "a.json")
    (tmp_path / "odd.bin").write_bytes(b"\0\1")
    with pytest.raises(InputError, match="of no known format; name its format"):
        read_labeled(tmp_path / "odd.bin")
    with pytest.raises(InputError, match="is not valid JSON"):
        read_labeled(tmp_path / "odd.bin", format="label-studio")
    with pytest.raises(InputError, match="gone.slp does not exist"):
        read_labeled(tmp_path / "gone.slp")
    assert get_writer(tmp_path / "set" / "data.yaml", None).name == "yolo"
