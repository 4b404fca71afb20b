"""SLEAP ``.slp`` and NWB through sleap-io, written; ``sleap_io_formats.py`` describes reading."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import Annotations, upright_size
from posebridge.data.file_names import own_path, require_text_names
from posebridge.data.formats.sleap_io_formats import library, sentences
from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError
from posebridge.files.apart import WorkFailed, done_apart
from posebridge.files.whole import require_writable, written_whole


def write_slp(annotations: Annotations, path: Path) -> list[Path]:
    """Write a SLEAP file that names the images where they are."""
    with sentences(path, "written"):
        labels = _labels(annotations, hidden=True, alone=False)
        _written(path, lambda part: library().save_slp(labels, str(part), verbose=False))
    return [path]


def write_nwb(annotations: Annotations, path: Path) -> list[Path]:
    """Write NWB training labels (ndx-pose) that name the images where they are."""
    with sentences(path, "written"):
        labels = _labels(annotations, hidden=False, alone=True)
        _written(path, lambda part: library().save_nwb(labels, str(part), nwb_format="annotations"))
    return [path]


def _written(path: Path, write: Callable[[Path], None]) -> None:
    """Write whole or not at all; the ending, which sleap-io depends on, is kept."""
    with written_whole(path) as part:

        def work() -> None:
            write(part)
            _require_readable(part)

        try:
            done_apart(work)
        except WorkFailed as error:
            require_writable(path)
            raise InputError(
                f"{path} can't be written ({error}); free some space or give another place."
            ) from error


def _require_readable(file: Path) -> None:
    """Read all values of an HDF5 file: the library does not report every error of a full disk."""
    h5py = need("h5py", "formats", "reading HDF5")

    def read(_: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            entry[()]

    with h5py.File(file, "r") as opened:
        opened.visititems(read)


def _labels(a: Annotations, *, hidden: bool, alone: bool) -> Any:
    """Return sleap-io's labels.

    Args:
        hidden: whether a hidden point may be switched off and keep its place.
        alone: whether each image is a sequence of its own; sleap-io cannot read longer sequences in
            the NWB files that it writes.
    """
    require_text_names(map(own_path, a.files), "SLEAP or NWB")
    for file in a.files:
        if os.sep != "\\" and "\\" in str(own_path(file)):
            raise InputError(
                f"the name of {file} has a backslash, which sleap-io reads as a slash; rename it, or "
                "write COCO (.json)."
            )
    sio = library()
    names = list(a.skeleton.keypoints)
    skeleton = sio.Skeleton(
        nodes=names,
        edges=[(names[i], names[j]) for i, j in a.skeleton.edges],
        symmetries=[(names[i], names[j]) for i, j in a.skeleton.pairs],
        name=a.skeleton.name,
    )
    # All images of a sequence have one size there.
    sizes = [upright_size(file) for file in a.files]
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, size in enumerate(sizes):
        groups.setdefault((row,) if alone else size, []).append(row)
    place: dict[int, tuple[Any, int]] = {}
    for rows in groups.values():
        video = sio.Video.from_filename([str(own_path(a.files[row])) for row in rows])
        place |= {row: (video, number) for number, row in enumerate(rows)}
    tracks: dict[str, Any] = {}
    frames = []
    for row, subjects in enumerate(a.subjects_by_image()):
        video, number = place[row]
        frame = sio.LabeledFrame(video=video, frame_idx=number)
        for subject in subjects.tolist():
            instance = _instance(sio, a, subject, skeleton, tracks)
            if not hidden:
                instance.points["visible"] = a.visibility[subject] > 0
            frame.instances.append(instance)
            if a.boxes[subject, 2] > 0:
                x, y, width, height = (float(v) for v in a.boxes[subject])
                frame.bboxes.append(
                    sio.UserBoundingBox.from_xywh(x, y, width, height, instance=instance)
                )
        frames.append(frame)
    return sio.Labels(frames, skeletons=[skeleton])


def _instance(sio: Any, a: Annotations, row: int, skeleton: Any, tracks: dict[str, Any]) -> Any:
    known = a.visibility[row] > 0
    points = np.where(known[:, None], a.points[row], np.nan)
    name = a.individuals[row] if a.individuals is not None else ""
    track = tracks.setdefault(name, sio.Track(name)) if name else None
    scored = a.keypoint_scores is not None and np.isfinite(a.keypoint_scores[row]).any()
    total = a.subject_scores[row] if a.subject_scores is not None else np.nan
    if scored or np.isfinite(total):
        scores = a.keypoint_scores[row] if a.keypoint_scores is not None else known * 1.0
        instance = sio.PredictedInstance.from_numpy(
            points,
            skeleton=skeleton,
            point_scores=np.nan_to_num(scores),
            score=float(np.nan_to_num(total, nan=float(np.nanmean(scores)))),
            track=track,
        )
    else:
        instance = sio.Instance.from_numpy(points, skeleton=skeleton, track=track)
    instance.points["visible"] = a.visibility[row] == 2
    return instance
