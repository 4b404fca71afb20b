"""Label Studio's JSON export (and JSON-MIN is not it): a list of tasks with keypoints and rectangles.

Read and written here rather than through sleap-io, which asks for fields that Label Studio's own
exports do not have, sorts keypoints by chance and drops rectangles. Coordinates are percentages of
the image; a keypoint belongs to the rectangle that a relation or ``parentID`` ties it to; in a file
without such ties, to the only rectangle round it; what is left of a task is one subject. Keypoints
are in the order of the labelling configuration where a file of the same name ending in ``.xml``
lies beside, else in that of their appearance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

import numpy as np

from posebridge.data.annotations import (
    Annotations,
    Boxes,
    checked_boxes,
    checked_points,
    table,
    upright_size,
)
from posebridge.data.formats.label_studio_images import TaskImages
from posebridge.data.formats.label_studio_regions import (
    box_of,
    kind_of,
    label_of,
    number_of,
    one_each,
    score_of,
    shown_turned,
    sized,
    value_of,
)
from posebridge.data.videos.video import resolved
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json
from posebridge.skeleton import Skeleton

HIDDEN = "hidden"


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """All tasks of an export; of several annotations of a task the first that was not cancelled.

    Args:
        path: the JSON file.
        images: folder of the images; by default the file's own or ``images`` in it. The names that
            uploads get (``1a2b3c4d-name.jpg``) are found under their own name too.

    Raises:
        InputError: naming the task and what is wrong with it.
    """
    file = Path(path)
    tasks = _tasks(file)
    files = _files(tasks, file, images)
    subjects: list[_Subject] = []
    image: list[int] = []
    predicted: list[bool] = []
    notes: list[str] = []
    several = turned = 0
    for row, task in enumerate(tasks):
        where = f"{file}: task {short_repr(task.get('id', row))}"
        regions, more, by_model = _regions(task, where)
        several += more
        regions = one_each(sized(regions, files[row], where))
        turned += sum(map(shown_turned, regions))
        found = _subjects(regions, where)
        subjects += found
        image += [row] * len(found)
        predicted += [by_model] * len(found)
    if several:
        notes.append(f"{several} tasks have several annotations; the first of each is taken.")
    if turned:
        notes.append(
            f"{turned} regions were made while the image was shown turned; Label Studio keeps their "
            "places in the image as it is stored, and so they are read."
        )
    names = _order(file, [label for s in subjects for label in s.points])
    if not names:
        raise InputError(f"{file} has no keypoint in any annotation; a labelled set needs some.")
    labels = list(dict.fromkeys(s.label for s in subjects if s.label))
    try:
        skeleton = Skeleton.from_names(labels[0] if len(labels) == 1 else "subject", names)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    count = len(names)
    points = np.zeros((len(subjects), count, 2))
    flags = np.zeros((len(subjects), count), dtype=np.uint8)
    scores = np.full((len(subjects), count), np.nan)
    for row, subject in enumerate(subjects):
        for label, (x, y, flag, score) in subject.points.items():
            k = names.index(label)
            points[row, k], flags[row, k], scores[row, k] = (x, y), flag, score
    checked_points(points, flags > 0, str(file))
    boxes = np.array([s.box for s in subjects]).reshape(-1, 4)
    checked_boxes(boxes, boxes[:, 2] != 0, str(file))
    box_scores = np.array([s.score for s in subjects])
    return Annotations(
        name=str(file),
        skeleton=skeleton,
        files=files,
        image_ids=_ids(tasks),
        sizes=np.array(
            [_size(task, f) for task, f in zip(tasks, files, strict=True)], dtype=np.int64
        ),
        image=np.array(image, dtype=np.int64),
        ids=np.arange(len(subjects)),
        boxes=boxes,
        points=points,
        visibility=flags,
        keypoint_scores=scores if np.isfinite(scores).any() else None,
        subject_scores=box_scores if np.isfinite(box_scores).any() else None,
        individuals=[s.label for s in subjects] if len(labels) > 1 else None,
        predicted=np.array(predicted),
        notes=notes,
    )


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """The images and rectangles alone; whole images where the file has no rectangle."""
    file = Path(path)
    tasks = _tasks(file)
    files = _files(tasks, file, images)
    image, boxes, scores = [], [], []
    for row, task in enumerate(tasks):
        where = f"{file}: task {short_repr(task.get('id', row))}"
        for region in one_each(sized(_regions(task, where)[0], files[row], where)):
            if kind_of(region) == "rectangle":
                image.append(row)
                boxes.append(box_of(region, where))
                scores.append(score_of(region))
    ids = _ids(tasks)
    if not boxes:
        order = np.arange(len(files))
        return Boxes(table(str(file), files, order, np.zeros((len(files), 4)), ids, order))
    places = np.array(boxes)
    checked_boxes(places, np.ones(len(places), dtype=bool), str(file))
    known = np.array(scores)
    samples = table(str(file), files, np.array(image), places, ids, np.arange(len(image)))
    return Boxes(samples, known if np.isfinite(known).any() else None)


class _Subject:
    """A rectangle and the keypoints tied to it; or keypoints alone."""

    def __init__(self, label: str = "", box: Sequence[float] = (0, 0, 0, 0), score: float = np.nan):
        self.label, self.box, self.score = label, box, score
        self.points: dict[str, tuple[float, float, int, float]] = {}

    def contains(self, x: float, y: float) -> bool:
        left, top, width, height = self.box
        return left <= x <= left + width and top <= y <= top + height


def _files(tasks: Sequence[Mapping[str, Any]], file: Path, images: Path | str | None) -> list[Path]:
    found = TaskImages(file, images)
    return resolved([found.of(task, row) for row, task in enumerate(tasks)])


def _tasks(file: Path) -> list[Mapping[str, Any]]:
    tasks = read_json(file, "Label Studio")
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise InputError(
            f"{file} is no list of tasks; export JSON (not JSON-MIN) from Label Studio."
        )
    if not tasks:
        raise InputError(f"{file} has no task.")
    return tasks


def _ids(tasks: Sequence[Mapping[str, Any]]) -> np.ndarray:
    ids = [task.get("id") for task in tasks]
    whole = all(isinstance(i, int) and not isinstance(i, bool) and abs(i) < 2**63 for i in ids)
    if whole and len(set(ids)) == len(ids):
        return np.array(ids, dtype=np.int64)
    return np.arange(len(tasks))


def _regions(task: Mapping[str, Any], where: str) -> tuple[list[Mapping[str, Any]], bool, bool]:
    """The regions of the annotation to take, whether there were others, and whether it is a model's."""
    for key in ("annotations", "completions", "predictions"):
        given = task.get(key)
        if not given:
            continue
        if isinstance(given, list) and all(isinstance(a, int) for a in given):
            continue  # exports without them name predictions by their ids alone
        if not isinstance(given, list) or not all(isinstance(a, dict) for a in given):
            raise InputError(f"{where}: '{key}' is not a list of annotations.")
        usable = [a for a in given if not a.get("was_cancelled")]
        if not usable:
            return [], False, False
        result = usable[0].get("result", [])
        if not isinstance(result, list) or not all(isinstance(r, dict) for r in result):
            raise InputError(f"{where}: 'result' is not a list of regions.")
        return result, len(usable) > 1, key == "predictions"
    if not {"annotations", "completions", "predictions", "data"} & task.keys():
        raise InputError(f"{where} has neither 'data' nor 'annotations'; is this a task?")
    return [], False, False


def _subjects(regions: Sequence[Mapping[str, Any]], where: str) -> list[_Subject]:
    boxed: dict[str, _Subject] = {}
    for number, region in enumerate(regions):
        if kind_of(region) == "rectangle":
            key = f"#{number}" if region.get("id") is None else str(region["id"])
            boxed[key] = _Subject(label_of(region), box_of(region, where), score_of(region))
    ties: dict[str, str] = {}
    parents: dict[int, str] = {}
    for number, region in enumerate(regions):
        ends = [str(region.get(end)) for end in ("from_id", "to_id")]
        if kind_of(region) == "relation":
            for one, other in (ends, ends[::-1]):
                if other in boxed:
                    ties[one] = other
        elif region.get("parentID") is not None and str(region["parentID"]) in boxed:
            parents[number] = str(region["parentID"])
    alone = _Subject()
    for number, region in enumerate(regions):
        if kind_of(region) != "keypoint":
            continue
        value, across, down = value_of(region, where)
        x, y = number_of(value, "x", where) * across, number_of(value, "y", where) * down
        label = label_of(region)
        if not label:
            raise InputError(f"{where} has a keypoint without a label.")
        owner = boxed.get(parents.get(number) or ties.get(str(region.get("id")), ""), alone)
        if not ties and not parents:
            around = [s for s in boxed.values() if s.contains(x, y)]
            owner = around[0] if len(around) == 1 else alone
        if label in owner.points:
            raise InputError(
                f"{where} has two keypoints '{label}' for one subject; tie each keypoint to its "
                "rectangle by a relation."
            )
        meta = region.get("meta")
        text = meta.get("text") if isinstance(meta, dict) else None
        hidden = isinstance(text, list) and HIDDEN in text
        owner.points[label] = (x, y, 1 if hidden else 2, score_of(region))
    return [*boxed.values(), *([alone] if alone.points else [])]


def _order(file: Path, labels: Sequence[str]) -> list[str]:
    """Keypoints in the order of the labelling configuration beside the file, then as they appear."""
    known: list[str] = []
    config = file.with_suffix(".xml")
    if config.is_file():
        text = config.read_text(encoding="utf-8", errors="replace")
        for block in re.findall(r"<KeyPointLabels\b.*?</KeyPointLabels>", text, re.DOTALL):
            quoted = re.findall(r"<Label\b[^>]*?\bvalue=(?:\"([^\"]*)\"|'([^']*)')", block)
            known += [unescape(a or b, {"&quot;": '"', "&apos;": "'"}) for a, b in quoted]
    seen = dict.fromkeys(labels)
    return list(dict.fromkeys([*known, *seen])) if seen else []


def _objects(given: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []


def _size(task: Mapping[str, Any], file: Path) -> tuple[int, int]:
    """The size of a task's image where a region has one: the file's, if it can be read."""
    for key in ("annotations", "completions", "predictions"):
        regions = [r for given in _objects(task.get(key)) for r in _objects(given.get("result"))]
        for region in regions:
            width, height = region.get("original_width", 0), region.get("original_height", 0)
            numbers = isinstance(width, (int, float)) and isinstance(height, (int, float))
            if numbers and 0 < width < 2**31 and 0 < height < 2**31:
                try:
                    return upright_size(file)
                except InputError:  # told by whoever decodes it
                    return int(width), int(height)
    return 0, 0
