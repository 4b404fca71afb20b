"""DeepLabCut's files as other tools and people leave them: spreadsheets, copies, crops, predictions."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import numpy as np
import pytest

from posebridge.data.conversion import convert
from posebridge.data.formats.deeplabcut import is_csv
from posebridge.data.formats.deeplabcut_images import row_images
from posebridge.data.reading import read_annotations, read_labeled, read_unlabeled
from posebridge.errors import InputError
from tests.data.formats.tool_files import picture, text

TABLE = """scorer,ann,ann,ann,ann
bodyparts,snout,snout,tail,tail
coords,x,y,x,y
a.png,1.5,2.5,3.5,4.5
b.png,5,6,,
"""
PLACES = [[[1.5, 2.5], [3.5, 4.5]], [[5, 6], [0, 0]]]


def written(
    folder: Path, content: str | bytes, names: tuple[str, ...] = ("a.png", "b.png")
) -> Path:
    for name in names:
        picture(folder / name)
    file = folder / "labels.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "content",
    [
        TABLE.replace("5,6,,", "5,6"),
        TABLE.replace("5,6,,", "5,6,NA,NaN"),
        TABLE.replace("5,6,,", "5,6,None,n/a"),
        TABLE.replace("5,6,,", '5,6,"",""'),
        TABLE.replace(",", ", "),
        TABLE.replace("\n", " \n").replace(",", " ,"),
        TABLE.replace("\n", ",\n"),
        TABLE.replace("\n", ",,,\n"),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\n\n"),
        TABLE.replace("scorer", '"scorer"').replace("ann", '"ann"').replace("1.5", '"1.5"'),
        TABLE.replace("scorer", "Scorer"),
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE + ",,,,\n",
        TABLE + "gone.png,,,,\n",
        TABLE + "gone.png,-1,-1,-1,-1\n",
    ],
)
def test_tables_are_read_as_pandas_reads_them(tmp_path, content):
    file = written(tmp_path, content)
    assert is_csv(file)
    found = read_annotations(file)
    assert found.points.tolist() == PLACES
    assert [f.name for f in found.files] == ["a.png", "b.png"]


def test_rows_without_image_and_label_are_counted_and_others_refused(tmp_path):
    file = written(tmp_path, TABLE + "gone.png,,,,\nlost.png\n")
    assert read_annotations(file).notes == [
        "2 rows without an image and without a label are left out."
    ]
    assert len(read_unlabeled(file)) == 2
    with pytest.raises(InputError, match=r"row 3 names the image .*gone.png, which does not exist"):
        read_annotations(written(tmp_path, TABLE + "gone.png,1,2,,\n"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TABLE.replace(",", ";"), "separated by ';'; save it as a CSV separated by commas"),
        (
            TABLE.replace(",", ";").replace(".5", ",5"),
            "';' and has decimal commas; .* decimal points",
        ),
        (TABLE.replace(",", "\t"), "separated by tabs"),
        (TABLE.encode("utf-16"), "UTF-16 text"),
        (TABLE.replace("tail", "tête").encode("latin-1"), "line 2 has the byte 0xea"),
        (
            TABLE.replace("ann,ann,ann,ann", "ann,ann,ann"),
            "column 5 has no name in the row 'scorer'",
        ),
    ],
)
def test_other_separators_and_encodings_are_named(tmp_path, content, words):
    file = written(tmp_path, content)
    assert is_csv(file)
    with pytest.raises(InputError, match=words):
        read_annotations(file)


def test_negative_places_are_not_labels(tmp_path):
    found = read_annotations(written(tmp_path, TABLE.replace("3.5,4.5", "-1,-1")))
    assert found.visibility.tolist() == [[2, 0], [2, 0]]
    assert found.notes == ["1 body parts at negative places, such as -1, count as not labeled."]
    half = read_annotations(written(tmp_path, TABLE.replace("3.5,4.5", "3.5,")))
    assert half.notes == ["1 body parts with only one of x and y count as not labeled."]


def test_backslashes_in_names_are_folders(tmp_path):
    content = TABLE.replace("a.png", "frames\\a.png").replace("b.png", "frames\\b.png")
    file = written(tmp_path, content, ("frames/a.png", "frames/b.png"))
    assert [f.as_posix() for f in read_annotations(file).files] == [
        (tmp_path / "frames" / name).as_posix() for name in ("a.png", "b.png")
    ]


def test_two_names_never_give_one_image(tmp_path):
    content = TABLE.replace("a.png", "cam1/a.png").replace("b.png", "cam2/a.png")
    with pytest.raises(InputError, match="'cam1/a.png' and 'cam2/a.png', give one file"):
        read_annotations(written(tmp_path, content))
    content = TABLE.replace("a.png", "cam1/a.png").replace("b.png", "cam2/b.png")
    with pytest.raises(InputError, match="'cam1/a.png' and 'cam2/b.png' name different folders"):
        read_annotations(written(tmp_path, content))
    one = TABLE.replace("a.png", "cam1/a.png").replace("b.png", "cam1/b.png")
    assert read_annotations(written(tmp_path, one)).points.tolist() == PLACES


PREDICTED = """scorer,net,net,net,net,net,net
bodyparts,snout,snout,snout,tail,tail,tail
coords,x,y,likelihood,x,y,likelihood
0,1,2,0.5,3,4,0.25
4,5,6,0.75,7,8,0.5
"""


def analysis(folder: Path, film, data: object, name: str = "clipDLC_net") -> Path:
    film(folder / "clip.mp4", count=6)
    (folder / "clipDLC_net_meta.pickle").write_bytes(pickle.dumps({"data": data}))
    return text(folder / f"{name}.csv", PREDICTED)


class Unknown:
    """A class that no reader may import."""


@pytest.mark.parametrize("name", ["clipDLC_net", "clipDLC_net_filtered", "clipDLC_net_el"])
def test_places_in_a_crop_are_moved_into_the_frame(tmp_path, film, name):
    crop = {"cropping": True, "cropping_parameters": [np.int64(10), 60, 20, 40], "cfg": Unknown()}
    found = read_annotations(analysis(tmp_path, film, crop, name))
    assert found.points.tolist() == [[[11, 22], [13, 24]], [[15, 26], [17, 28]]]
    assert "begins at (10, 20)" in found.notes[0]


def test_an_analysis_of_whole_frames_is_not_moved(tmp_path, film):
    whole = {"cropping": False, "cropping_parameters": [0, 64, 0, 48]}
    found = read_annotations(analysis(tmp_path, film, whole))
    assert found.points[0].tolist() == [[1, 2], [3, 4]] and not found.notes


def test_a_crop_that_is_unknown_or_unfit_is_refused(tmp_path, film):
    large = {"cropping": True, "cropping_parameters": [10, 600, 20, 40]}
    with pytest.raises(InputError, match="does not fit the video of 64 x 48"):
        read_annotations(analysis(tmp_path, film, large))
    with pytest.raises(InputError, match="which records whether the analysis was run on a crop"):
        read_annotations(analysis(tmp_path, film, {}))
    (tmp_path / "clipDLC_net_meta.pickle").unlink()
    text(tmp_path / "config.yaml", "cropping: true\n")
    (tmp_path / "labeled-data").mkdir()
    with pytest.raises(InputError, match="has 'cropping: true', and the .* is not in its folder"):
        read_annotations(tmp_path / "clipDLC_net.csv", format="deeplabcut")


class Harmful:
    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


def test_meta_pickle_never_runs_code(tmp_path, film, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"cropping": True, "cropping_parameters": [10, 60, 20, 40], "x": Harmful()}
    assert len(read_annotations(analysis(tmp_path, film, data))) == 2
    assert not (tmp_path / "harm").exists()


def test_predictions_used_as_labels_are_reported(tmp_path, film):
    said: list[str] = []
    whole = {"cropping": False, "cropping_parameters": [0, 64, 0, 48]}
    file = analysis(tmp_path, film, whole)
    read_labeled(file, say=said.append)
    assert any("all 2 subjects are a model's predictions" in s for s in said)
    losses = convert(file, tmp_path / "coco.json").losses
    assert "All 2 subjects are a model's predictions, no hand labels." in losses


def test_long_analysis_takes_linear_time(tmp_path, monkeypatch):
    (tmp_path / "clip.mp4").touch()
    monkeypatch.setattr(
        "posebridge.data.videos.video.extract_frames", lambda _, numbers: [Path()] * len(numbers)
    )
    count = 40_000
    index = [*((str(number),) for number in range(count)), ("frame",)]
    labeled = np.array([True] * count + [False])
    started = time.perf_counter()
    found = row_images(tmp_path / "clipDLC_net.csv", index, labeled, None)
    assert time.perf_counter() - started < 5
    assert found.rows.tolist() == list(range(count))


@pytest.mark.parametrize("cell", ["1_0", "\u0663", "inf", "-Infinity", "1,5", "x"])
def test_cell_that_is_not_a_number_is_refused_with_its_line(tmp_path, cell):
    file = written(tmp_path, TABLE.replace("b.png,5", f'b.png,"{cell}"'))
    with pytest.raises(InputError, match="labels.csv: line 5 holds '"):
        read_annotations(file)


def test_two_videos_of_one_name_are_refused(tmp_path, film):
    file = analysis(tmp_path, film, {"cropping": False})
    film(tmp_path / "clip.avi", count=6)
    with pytest.raises(InputError, match="both have a name that the table's name begins with"):
        read_annotations(file)


def test_row_without_labels_never_shares_the_image_of_another(tmp_path):
    table = TABLE.replace("a.png", "labeled-data/one/a.png").replace(
        "b.png,5,6,,", "labeled-data/two/a.png,,,,"
    )
    for read in (read_labeled, read_unlabeled):
        with pytest.raises(InputError, match="two names, .* give one file"):
            read(written(tmp_path, table))


def test_images_in_a_folder_of_another_name_are_reported(tmp_path):
    table = TABLE.replace("a.png", "labeled-data/one/a.png").replace(
        "b.png", "labeled-data/one/b.png"
    )
    (note,) = read_annotations(written(tmp_path / "copy", table)).notes
    assert note.startswith("2 images are in a folder of another name than their rows have")


def test_backslash_in_a_file_name_is_not_a_folder(tmp_path):
    file = written(tmp_path, TABLE.replace("a.png", "a\\a.png"), ("a\\a.png", "b.png"))
    assert read_annotations(file).files[0] == tmp_path / "a\\a.png"


def test_project_folder_without_a_table_is_reported(tmp_path):
    written(tmp_path / "labeled-data/one", TABLE).rename(
        tmp_path / "labeled-data/one/CollectedData_ann.csv"
    )
    picture(tmp_path / "labeled-data/two/a.png")
    text(tmp_path / "config.yaml", "scorer: ann\nTask: t\n")
    assert "two" in read_annotations(tmp_path).notes[0]
    said: list[str] = []
    read_unlabeled(tmp_path, say=said.append)
    assert any("1 folders of labeled-data without a CollectedData" in line for line in said)
