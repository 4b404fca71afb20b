"""SLEAP's files: labels by hand, predictions of a model, and images inside."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import sleap_io
from PIL import Image

from posebridge.data.reading import (
    read_annotations,
    read_labeled,
)
from posebridge.errors import InputError
from tests.data.formats.tool_files import picture


def test_embedded_images_of_two_files_are_distinguished(tmp_path, cache):
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


def test_images_inside_a_slp_are_extracted(tmp_path, cache):
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


def test_slp_predictions_and_hidden_nodes_are_not_labels(tmp_path):
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
    found = read_labeled(file, say=said.append)
    assert found.labeled.tolist() == [[True, True, False]]
    assert found.images.boxes.tolist() == [[10, 20, 21, 21]]
    assert said == [
        f"{file}: 1 keypoints that are switched off are left out",
        f"{file}: 2 subjects that a model predicted are left out, hand labels (1) count",
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
    assert read_labeled(file).images.path(0) == image
    (tmp_path / "here").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="neither there nor in its folder; give its folder"):
        read_labeled(file)
    moved = tmp_path / "moved/sub/a.png"
    assert read_labeled(file, tmp_path / "moved").images.path(0) == moved
