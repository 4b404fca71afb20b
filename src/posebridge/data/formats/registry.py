"""The annotation formats, one entry each: how it is recognized, read and written, what it holds.

To add one: a reader of :class:`Annotations`, a reader of images and boxes that does not read
keypoints, perhaps a writer, and an entry in ``FORMATS``. The command line, ``adapt``, ``evaluate``,
``predict`` and ``convert`` then support it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from posebridge.data.annotations import Annotations, Boxes
from posebridge.data.formats import (
    coco,
    coco_writer,
    deeplabcut,
    deeplabcut_writer,
    detections,
    label_studio,
    label_studio_writer,
    sleap_io_formats,
    sleap_io_writer,
    unity_solo,
    yolo,
    yolo_writer,
)
from posebridge.data.formats.deeplabcut_h5 import is_pandas_h5
from posebridge.data.formats.hdf5_files import opened_hdf5
from posebridge.errors import InputError

Images = Path | str | None

# What a format may be able to hold besides keypoints at places in images.
BOXES = "boxes"
HIDDEN = "hidden keypoints"
BONES = "skeleton edges"
PAIRS = "left/right pairs"
KEYPOINT_SCORES = "scores of keypoints"
SUBJECT_SCORES = "scores of subjects"
NAMES = "names of individuals"
KIND = "the name of the subject's kind"
EMPTY = "images without a subject"
UNPOSED = "subjects without a keypoint"
IDS = "ids of images and annotations"


@dataclass(frozen=True)
class Format:
    """One annotation format.

    Attributes:
        name: the name for ``--from`` and ``--to``. title: the name in messages.
        recognize: whether a path that exists is of this format, by its ending and its content.
        read: reads everything in it; None for formats of boxes alone.
        boxes: reads images and boxes with their scores and categories, no keypoints.
        write: writes to a path and returns the files; None for a format that is only read.
        endings: of the path that is written, the usual one first; none for a folder.
        holds: which of the things above survive in it.
    """

    name: str
    title: str
    recognize: Callable[[Path], bool]
    boxes: Callable[[Path, Images], Boxes]
    read: Callable[[Path, Images], Annotations] | None = None
    write: Callable[[Annotations, Path], list[Path]] | None = None
    endings: tuple[str, ...] = ()
    holds: frozenset[str] = frozenset()


def json_kind(path: Path) -> str | None:
    """Return the format of a JSON file: an object is COCO, the first entry of a list decides.

    Anything but JSON is given to the reader of COCO, whose message names where it breaks.
    """
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(4096).lstrip("\ufeff \t\r\n")
            if not start.startswith("["):
                return "detections" if _is_megadetector(start) else "coco"
            text = start + file.read()
    except OSError:
        return "coco"
    try:
        place = len(text) - len(text[1:].lstrip())
        entry, _ = json.JSONDecoder().raw_decode(text, place)
    except (ValueError, RecursionError):
        return "coco"
    if not isinstance(entry, dict):
        return "coco"
    if {"filename", "annotations"} <= entry.keys():
        return "alphatracker"
    if {"data", "annotations", "completions"} & entry.keys():
        return "label-studio"
    return "detections" if "bbox" in entry else None


def _is_megadetector(start: str) -> bool:
    """Return whether the start of an object is MegaDetector's: images by ``file`` and detections."""
    named = '"detections"' in start or '"detection_categories"' in start
    return named and '"file_name"' not in start and '"annotations"' not in start


def _json(kind: str) -> Callable[[Path], bool]:
    return lambda path: json_kind(path) == kind


def _coco_folder(path: Path) -> bool:
    if not path.is_dir():
        return False
    exported = path / "annotations"
    return (path / "annotations.json").is_file() or (
        exported.is_dir() and any(exported.glob("*keypoints*.json"))
    )


def _ending(*endings: str) -> Callable[[Path], bool]:
    return lambda path: path.is_file() and path.suffix.lower() in endings


def _hdf5(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".h5", ".hdf5")


def _analysis(path: Path) -> bool:
    if not _hdf5(path):
        return False
    try:
        with opened_hdf5(path) as file:
            return "tracks" in file and "node_names" in file
    except InputError:
        raise
    # h5py raises nearly anything for a damaged file.
    except Exception:
        return False


def _through_sleap_io(
    name: str, title: str, recognize: Callable[[Path], bool], holds: frozenset[str] = frozenset()
) -> Format:
    format = name.replace("-", "_")
    return Format(
        name,
        title,
        recognize,
        sleap_io_formats.box_reader(format),
        sleap_io_formats.reader(format),
        holds=holds,
    )


def _detected(path: Path) -> bool:
    return json_kind(path) == "detections" or (_ending(".csv")(path) and detections.is_csv(path))


_EVERYTHING = frozenset(
    {BOXES, HIDDEN, BONES, KEYPOINT_SCORES, SUBJECT_SCORES, NAMES, KIND, EMPTY, UNPOSED, IDS}
)

FORMATS: tuple[Format, ...] = (
    Format(
        "coco",
        "COCO",
        lambda path: _coco_folder(path) or json_kind(path) == "coco",
        coco.read_scored_boxes,
        coco.read_annotations,
        coco_writer.write_annotations,
        (".json",),
        _EVERYTHING,
    ),
    Format(
        "yolo",
        "Ultralytics YOLO-pose",
        yolo.is_dataset,
        yolo.read_scored_boxes,
        yolo.read_annotations,
        yolo_writer.write_annotations,
        (),
        frozenset({BOXES, HIDDEN, BONES, PAIRS, KIND, EMPTY, UNPOSED}),
    ),
    Format(
        "deeplabcut",
        "a DeepLabCut table",
        lambda path: deeplabcut.is_csv(path) or (_hdf5(path) and is_pandas_h5(path)),
        deeplabcut.read_scored_boxes,
        deeplabcut.read_annotations,
        deeplabcut_writer.write_table,
        (".csv", ".h5"),
        frozenset({NAMES, EMPTY, KEYPOINT_SCORES}),
    ),
    Format(
        "deeplabcut-project",
        "a DeepLabCut project",
        deeplabcut.is_project,
        deeplabcut.read_scored_boxes,
        deeplabcut.read_annotations,
        deeplabcut_writer.write_project,
        (),
        frozenset({NAMES, EMPTY, BONES, KIND, KEYPOINT_SCORES}),
    ),
    Format(
        "slp",
        "SLEAP",
        _ending(".slp"),
        sleap_io_formats.box_reader("slp"),
        sleap_io_formats.reader("slp"),
        sleap_io_writer.write_slp,
        (".slp",),
        (_EVERYTHING | {PAIRS}) - {IDS},
    ),
    Format(
        "label-studio",
        "Label Studio",
        _json("label-studio"),
        label_studio.read_scored_boxes,
        label_studio.read_annotations,
        label_studio_writer.write_annotations,
        (".json",),
        frozenset({BOXES, HIDDEN, KEYPOINT_SCORES, SUBJECT_SCORES, NAMES, KIND, EMPTY, UNPOSED}),
    ),
    Format(
        "nwb",
        "NWB",
        _ending(".nwb"),
        sleap_io_formats.box_reader("nwb"),
        sleap_io_formats.reader("nwb"),
        sleap_io_writer.write_nwb,
        (".nwb",),
        frozenset({BONES, EMPTY, KIND}),
    ),
    Format(
        "solo",
        "Unity Perception's SOLO",
        unity_solo.is_dataset,
        unity_solo.read_scored_boxes,
        unity_solo.read_annotations,
        holds=frozenset({BOXES, HIDDEN, BONES, KIND, EMPTY, UNPOSED}),
    ),
    Format("detections", "boxes of a detector", _detected, detections.read_scored_boxes),
    _through_sleap_io("alphatracker", "AlphaTracker", _json("alphatracker")),
    _through_sleap_io("leap", "LEAP", _ending(".mat")),
    _through_sleap_io("analysis-h5", "SLEAP's analysis", _analysis),
    _through_sleap_io("jabs", "JABS", lambda path: _hdf5(path) and not is_pandas_h5(path)),
)
"""In the order in which they are tried; a later format may rely on the earlier ones."""


def format_named(name: str) -> Format:
    """Return the format of that name; an unknown one raises and lists the known ones."""
    for format in FORMATS:
        if format.name == name:
            return format
    raise InputError(f"unknown format '{name}'; known are {', '.join(f.name for f in FORMATS)}.")


def recognized(path: Path) -> Format | None:
    """Return the format of a path that exists, or None if it is not an annotation file."""
    return next((format for format in FORMATS if format.recognize(path)), None)
