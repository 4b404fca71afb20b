"""DeepLabCut's tables, by hand, with what is read from them worked out."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from posebridge.data.formats.registry import recognized
from posebridge.data.reading import (
    read_annotations,
    read_labeled,
    read_unlabeled,
)
from posebridge.errors import InputError
from tests.data.formats.tool_files import picture, text

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
    assert recognized(tmp_path).name == "deeplabcut-project"  # pyright: ignore
    assert len(read_unlabeled(tmp_path)) == 3


def test_an_image_beside_its_table_comes_before_one_further_up(tmp_path):
    file = text(tmp_path / "a/b/table.csv", TABLE.replace("labeled-data/clip/", ""))
    for folder in (".", "a", "a/b"):
        for name in ("img2.png", "img10.png", "img3.png"):
            picture(tmp_path / folder / name)
    assert {f.parent for f in read_annotations(file).files} == {tmp_path / "a/b"}


def test_missing_image_is_reported_and_not_replaced(tmp_path):
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
        ("7.0", "seven", "line 5 holds 'seven', which is not a number"),
        ("7.0", "1e9", "not finite or beyond"),
        ("coords,x,y,x,y", "coords,x,y,x,z", "'left_ear' has no columns x and y"),
        ("coords,x,y,x,y", "coords,x,y,x,x", "two columns for the same body part"),
        ("coords,", "what,", "does not begin with DeepLabCut's rows"),
        ("1.5,2.5,,", "1.5,2.5,,,9", "line 4 has 6 cells, and the header names 5"),
        ("7.0", '"7,0"', "a number with a decimal comma"),
        ("7.0", "1_000", "'1_000', which is not a number"),
        ("7.0", "inf", "'inf', which is not a number"),
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
    assert recognized(file).name == "deeplabcut"  # pyright: ignore
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
    with pytest.raises(
        InputError, match="no video in .* has a name that the table's name begins with"
    ):
        read_annotations(file)
    film(tmp_path / "mouse12.mp4", count=6)
    assert len(read_annotations(file)) == 2


def test_row_with_one_body_part_is_left_out_and_reported(tmp_path):
    """One point gives no box, and DeepLabCut has none."""
    two = TABLE.replace("1.5,2.5,,", "1.5,2.5,3.5,4.5")
    assert two != TABLE
    said: list[str] = []
    assert len(read_labeled(deeplabcut(tmp_path / "two", two), say=said.append)) == 1
    assert len(said) == 1
    assert "1 subjects with one keypoint and no box are left out, the first in " in said[0]
    assert said[0].endswith("img10.png")
    with pytest.raises(InputError, match="no subject has a box or two labeled keypoints"):
        read_labeled(deeplabcut(tmp_path / "none"))


class Harmful:
    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


def test_pickle_never_runs_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    predictions_h5(tmp_path / "a.h5", [("net", "snout", Harmful())])
    with pytest.raises(InputError, match="is not allowed here"):
        read_annotations(tmp_path / "a.h5")
    assert not (tmp_path / "harm").exists()
