"""Unity Perception's SOLO datasets: ``sequence.N/stepM.frame_data.json`` beside the rendered images.

Keypoints are (x, y) in pixels from the top left corner, as Unity writes them. Their names and bones are
in the template of ``annotation_definitions.json``; the state of a keypoint is COCO's flag: 0 not in the
image, 1 occluded, 2 visible. A box and a pose are of one subject where their ``instanceId`` is the
same. The older layout, ``captures_000.json``, is recognized and refused with the remedy.

https://github.com/Unity-Technologies/com.unity.perception, Documentation, "SOLO schema".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import (
    Annotations,
    Boxes,
    checked_boxes,
    checked_points,
    make_boxes,
)
from posebridge.data.image_names import ImageNames
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json_mapping
from posebridge.skeleton import Skeleton

_DEFINITIONS = "annotation_definitions.json"
_CAMERA, _BOX, _POSE = "RGBCamera", "BoundingBox2DAnnotation", "KeypointAnnotation"


@dataclass
class _Subject:
    """One instance in one image; ``image`` is its row."""

    image: int
    label: str = ""
    box: list[float] = field(default_factory=lambda: [0.0] * 4)
    keypoints: list[Any] | None = None
    where: str = ""


def is_dataset(path: Path) -> bool:
    """Return whether a folder is a SOLO dataset, or one in Unity's older layout."""
    if not path.is_dir():
        return False
    if any(path.glob("sequence.*/*.frame_data.json")):
        return True
    return (path / _DEFINITIONS).is_file() and any(path.glob("captures_*.json"))


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """Return every subject of a dataset, those without a pose included.

    Args:
        path: the folder that holds ``sequence.0``. images: another folder for the images.

    Raises:
        InputError: names the file, the entry and what is wrong with it.
    """
    folder = Path(path)
    skeleton = _skeleton(folder)
    files, sizes, subjects, notes = _read(folder, images, poses=True)
    count = len(skeleton)
    points = np.zeros((len(subjects), count, 2))
    flags = np.zeros((len(subjects), count), np.uint8)
    for row, subject in enumerate(subjects):
        for entry in subject.keypoints or []:
            place, x, y, state = _keypoint(entry, count, subject.where)
            if state > 0:
                points[row, place], flags[row, place] = (x, y), state
    boxes = np.array([s.box for s in subjects], np.float64).reshape(-1, 4)
    boxes[(boxes[:, 2:] == 0).any(axis=1)] = (
        0  # of a subject at the edge; the keypoints' extent is used
    )
    checked_points(points, flags > 0, str(folder))
    checked_boxes(boxes, boxes[:, 2] != 0, str(folder))
    labels = list(dict.fromkeys(s.label for s in subjects if s.label))
    if len(labels) == 1:
        skeleton = Skeleton(
            labels[0], skeleton.keypoints, skeleton.edges, skeleton.pairs, skeleton.groups
        )
    return Annotations(
        name=str(folder),
        skeleton=skeleton,
        files=files,
        image_ids=np.arange(len(files)),
        sizes=sizes,
        image=np.array([s.image for s in subjects], np.int64),
        ids=np.arange(len(subjects)),
        boxes=boxes,
        points=points,
        visibility=flags,
        notes=notes,
    )


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Return images and boxes alone, without keypoints; whole images without boxes."""
    folder = Path(path)
    files, _, subjects, notes = _read(folder, images, poses=False)
    return make_boxes(
        str(folder),
        files,
        np.array([s.image for s in subjects], np.int64),
        np.array([s.box for s in subjects], np.float64).reshape(-1, 4),
        np.arange(len(files)),
        categories=np.array([s.label for s in subjects]),
        notes=notes,
    )


def _read(
    folder: Path, images: Path | str | None, *, poses: bool
) -> tuple[list[Path], np.ndarray, list[_Subject], list[str]]:
    """Return files (M,), their sizes (M, 2), the subjects, and notes on what was left out."""
    root = folder if images is None else Path(images)
    names = ImageNames([root, folder], below=False)
    files: list[Path] = []
    sizes: list[tuple[int, int]] = []
    subjects: list[_Subject] = []
    for frame in _frames(folder):
        content = read_json_mapping(frame, "SOLO frame")
        for capture in _entries(content.get("captures"), f"{frame}: 'captures'"):
            if not str(capture.get("@type", "")).endswith(_CAMERA):
                continue
            where = f"{frame}: capture {short_repr(capture.get('id'))}"
            name = capture.get("filename")
            if not isinstance(name, str) or not name:
                raise InputError(
                    f"{where} has no 'filename' of an image; copy the rendered dataset again."
                )
            files.append(names.find(f"{frame.parent.name}/{name}", where))
            sizes.append(_size(capture.get("dimension"), where))
            subjects += _subjects(capture, len(files) - 1, where, poses)
    if not files:
        raise InputError(f"{folder} has no image of an RGB camera in any frame; render some.")
    return files, np.array(sizes, np.int64).reshape(-1, 2), subjects, list(names.notes)


def _frames(folder: Path) -> list[Path]:
    """Return the files of all frames, in the order of sequences and steps."""

    def order(file: Path) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", f"{file.parent.name} {file.name}")][:2]

    frames = sorted(folder.glob("sequence.*/*.frame_data.json"), key=lambda f: (order(f), f.name))
    if not frames:
        raise InputError(
            f"{folder} is in the layout of Unity Perception before 0.10 (captures_*.json), which is "
            "not read; render it with a newer Perception, or export COCO from it."
        )
    return frames


def _subjects(capture: Mapping[str, Any], image: int, where: str, poses: bool) -> list[_Subject]:
    found: dict[Any, _Subject] = {}
    for annotation in _entries(capture.get("annotations"), f"{where}: 'annotations'"):
        kind = str(annotation.get("@type", ""))
        boxed, posed = kind.endswith(f".{_BOX}"), kind.endswith(f".{_POSE}") and poses
        if not (boxed or posed):
            continue
        seen: set[Any] = set()
        for value in _entries(annotation.get("values"), f"{where}: 'values'"):
            instance = value.get("instanceId")
            if not isinstance(instance, int | str) or instance in seen:
                raise InputError(
                    f"{where}: the instanceId {short_repr(instance)} is missing or occurs twice; "
                    "copy the rendered dataset again."
                )
            seen.add(instance)
            subject = found.setdefault(instance, _Subject(image, where=f"{where}, {instance}"))
            if boxed:
                subject.box = [
                    *_pair(value.get("origin"), "origin", subject.where),
                    *_pair(value.get("dimension"), "dimension", subject.where),
                ]
                subject.label = str(value.get("labelName", ""))
            else:
                subject.keypoints = list(
                    _entries(value.get("keypoints"), f"{subject.where}: 'keypoints'")
                )
    return list(found.values())


def _keypoint(entry: Mapping[str, Any], count: int, where: str) -> tuple[int, float, float, int]:
    place, state = entry.get("index"), entry.get("state")
    if not isinstance(place, int) or not 0 <= place < count:
        raise InputError(
            f"{where}: the keypoint index {short_repr(place)} is not in the template of {count} "
            f"keypoints in {_DEFINITIONS}; copy both from the same rendered dataset."
        )
    if state not in (0, 1, 2):
        raise InputError(
            f"{where}: the state {short_repr(state)} of a keypoint is not 0, 1 or 2; "
            "copy the rendered dataset again."
        )
    x, y = _pair(entry.get("location"), "location", where) if state else (0.0, 0.0)
    return place, x, y, int(state)


def _pair(value: Any, name: str, where: str) -> tuple[float, float]:
    numbers = isinstance(value, list) and len(value) >= 2
    if not numbers or any(isinstance(v, bool) or not isinstance(v, int | float) for v in value[:2]):
        raise InputError(f"{where}: '{name}' is {short_repr(value)}; it must be two numbers.")
    return float(value[0]), float(value[1])


def _size(value: Any, where: str) -> tuple[int, int]:
    if value is None:
        return 0, 0
    width, height = _pair(value, "dimension", where)
    if not (0 < width < 1e6 and 0 < height < 1e6):
        raise InputError(
            f"{where}: the image has a 'dimension' of {short_repr(value)}; give its width and height."
        )
    return round(width), round(height)


def _entries(value: Any, where: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list; nothing for a missing list."""
    if value is None:
        return
    if not isinstance(value, list):
        raise InputError(f"{where} is {short_repr(value)}; it must be a list.")
    for entry in value:
        if not isinstance(entry, dict):
            raise InputError(f"{where} holds {short_repr(entry)}; it must be an object.")
        yield entry


def _skeleton(folder: Path) -> Skeleton:
    """Return the keypoints of the one template that the dataset defines."""
    file = folder / _DEFINITIONS
    if not file.is_file():
        raise InputError(
            f"{file} is missing and names the keypoints; copy it from the rendered dataset."
        )
    content = read_json_mapping(file, "SOLO annotation definitions")
    templates = {}
    for entry in _entries(content.get("annotationDefinitions"), f"{file}: 'annotationDefinitions'"):
        if str(entry.get("@type", "")).endswith(f".{_POSE}"):
            template = entry.get("template")
            if not isinstance(template, dict):
                raise InputError(
                    f"{file}: a KeypointAnnotation has no 'template'; "
                    "copy the file from the rendered dataset."
                )
            templates[short_repr(template.get("templateId"))] = template
    if len(templates) != 1:
        raise InputError(
            f"{file} defines {len(templates)} keypoint templates; a labeled set has one: render with "
            "one KeypointLabeler."
        )
    return _template(next(iter(templates.values())), str(file))


def _template(template: Mapping[str, Any], where: str) -> Skeleton:
    names: dict[int, str] = {}
    for entry in _entries(template.get("keypoints"), f"{where}: 'keypoints'"):
        index = entry.get("index")
        if not isinstance(index, int) or index in names:
            raise InputError(
                f"{where}: keypoint index {short_repr(index)} is missing or occurs twice; "
                "copy the file from the rendered dataset."
            )
        names[index] = str(entry.get("label", ""))
    if sorted(names) != list(range(len(names))):
        raise InputError(
            f"{where}: the indices of the keypoints do not count from 0; "
            "copy the file from the rendered dataset."
        )
    edges = []
    for entry in _entries(template.get("skeleton"), f"{where}: 'skeleton'"):
        ends = entry.get("joint1"), entry.get("joint2")
        if all(isinstance(end, int) and end in names for end in ends):
            edges.append((int(ends[0]), int(ends[1])))  # pyright: ignore[reportArgumentType]
    try:
        kind = str(template.get("templateName", "subject"))
        return Skeleton.from_names(kind, [names[i] for i in range(len(names))], edges)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
