"""SLEAP's files beside the usual: crops, videos that are gone or share a name, damaged counts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from posebridge.data.reading import read_annotations, read_unlabeled
from posebridge.errors import InputError
from tests.data.formats.tool_files import picture

sleap_io: Any = pytest.importorskip("sleap_io")

POINTS = np.array([[1.0, 2], [3, 4]])


def labels_of(*videos: Any, points: np.ndarray = POINTS) -> Any:
    skeleton = sleap_io.Skeleton(["nose", "tail"])
    frames = []
    for video in videos:
        one = sleap_io.Instance.from_numpy(points, skeleton=skeleton)
        frames.append(sleap_io.LabeledFrame(video=video, frame_idx=0, instances=[one]))
    return sleap_io.Labels(frames)


def saved(labels: Any, file: Path, **options: object) -> Path:
    sleap_io.save_slp(labels, str(file), verbose=False, **options)
    return file


def cropped(tmp_path: Path, film) -> Any:
    film(tmp_path / "clip.mp4", count=3)
    whole = sleap_io.Video.from_filename(str(tmp_path / "clip.mp4"))
    return whole.crop((10, 20, 42, 40))


def test_points_in_a_virtual_crop_are_moved_into_the_frame(tmp_path, film):
    labels = labels_of(cropped(tmp_path, film))
    box = sleap_io.UserBoundingBox.from_xywh(1, 1, 5, 6, instance=labels[0].instances[0])
    labels[0].bboxes.append(box)
    file = saved(labels, tmp_path / "labels.slp")
    found = read_annotations(file)
    assert found.points.tolist() == [[[11, 22], [13, 24]]]
    assert found.boxes.tolist() == [[11, 21, 5, 6]]
    assert found.notes == ["1 frames are crops; their points are moved into the whole frame."]
    assert read_unlabeled(file).boxes.tolist() == [[11, 21, 5, 6]]


def test_images_of_a_virtual_crop_are_extracted_as_the_crop(tmp_path, film):
    from PIL import Image

    file = saved(labels_of(cropped(tmp_path, film)), tmp_path / "labels.pkg.slp", embed="all")
    (tmp_path / "clip.mp4").unlink()
    found = read_annotations(file)
    assert found.points.tolist() == [POINTS.tolist()] and not found.notes
    assert Image.open(found.files[0]).size == (32, 20)


def test_a_video_inside_hdf5_that_is_gone_is_named(tmp_path):
    inside = tmp_path / "gone.h5"
    with h5py.File(inside, "w") as file:
        file["pictures"] = np.full((1, 8, 8, 3), 100, np.uint8)
    video = sleap_io.Video.from_filename(str(inside), dataset="pictures")
    (tmp_path / "project").mkdir()
    file = saved(labels_of(video), tmp_path / "project/labels.slp")
    shutil.move(inside, tmp_path / "project/gone.h5")  # found beside the labels
    assert len(read_annotations(file)) == 1
    (tmp_path / "project/gone.h5").unlink()
    with pytest.raises(InputError, match="names the image or video .*gone.h5, which is neither"):
        read_annotations(file)


def test_two_videos_of_one_name_are_not_one(tmp_path, film):
    videos = []
    for folder in ("one", "two"):
        film(tmp_path / folder / "clip.mp4", count=2)
        videos.append(sleap_io.Video.from_filename(str(tmp_path / folder / "clip.mp4")))
    file = saved(labels_of(*videos), tmp_path / "labels.slp")
    assert len(set(read_annotations(file).files)) == 2
    shutil.rmtree(tmp_path / "one")
    shutil.move(tmp_path / "two/clip.mp4", tmp_path / "clip.mp4")
    with pytest.raises(InputError, match="two names, .*one.*clip.mp4.*two.*, give one file"):
        read_annotations(file)


@pytest.mark.parametrize(
    ("part", "field"),
    [("frames", "instance_id_end"), ("instances", "point_id_end"), ("instances", "point_id_start")],
)
def test_counts_that_are_damaged_are_refused_at_once(tmp_path, part, field):
    video = sleap_io.Video.from_filename([str(picture(tmp_path / "a.png"))])
    file = saved(labels_of(video), tmp_path / "labels.slp")
    content: Any
    with h5py.File(file, "r+") as content:
        rows = content[part][()]
        rows[field] = 2**60
        content[part][...] = rows
    with pytest.raises(InputError, match="claims the .* the file is damaged"):
        read_annotations(file)


@pytest.mark.parametrize("ending", [".slp", ".h5", ".nwb"])
def test_a_name_that_is_not_utf8_is_refused(tmp_path, ending):
    video = sleap_io.Video.from_filename([str(picture(tmp_path / "a.png"))])
    file = saved(labels_of(video), tmp_path / "labels.slp")
    odd = os.fsencode(tmp_path) + b"/caf\xe9" + ending.encode()
    try:
        shutil.copyfile(file, odd)
    except OSError:
        pytest.skip("this disk has names in UTF-8 alone")
    with pytest.raises(InputError, match="a name that is not UTF-8"):
        read_annotations(os.fsdecode(odd))


@pytest.mark.parametrize(
    "probe", ["import os; os.close(1)\nwhile True: pass", "import os; os.abort()"]
)
def test_a_file_that_hangs_or_crashes_the_library_is_refused(tmp_path, monkeypatch, probe):
    from posebridge.data.formats import hdf5_files

    video = sleap_io.Video.from_filename([str(picture(tmp_path / "a.png"))])
    file = saved(labels_of(video), tmp_path / "labels.slp")
    assert len(read_annotations(file)) == 1
    hdf5_files._ends.cache_clear()
    monkeypatch.setattr(hdf5_files, "_SECONDS", 1)
    monkeypatch.setattr(hdf5_files, "_PROBE", probe)
    with pytest.raises(InputError, match="makes the HDF5 library hang or crash"):
        read_annotations(file)
    hdf5_files._ends.cache_clear()


def test_slow_library_import_is_not_reported_as_damage(tmp_path, monkeypatch):
    from posebridge.data.formats import hdf5_files

    file = tmp_path / "a.h5"
    file.touch()
    monkeypatch.setattr(hdf5_files, "_SECONDS", 0.5)
    monkeypatch.setattr(hdf5_files, "_PROBE", "import os, time; time.sleep(1); os.close(1)")
    assert hdf5_files._ends(file, 0, 1)
