"""Label Studio's JSON export (not JSON-MIN): a list of tasks with keypoints and rectangles.

Read and written here rather than through sleap-io, which needs fields that Label Studio's own
exports do not have, sorts keypoints arbitrarily and drops rectangles. Coordinates are percentages of
the image. A keypoint belongs to the rectangle that a relation or ``parentID`` ties it to, or in a
file without such ties to the only rectangle around it; the rest of a task is one subject. Keypoints
are in the order of the labeling configuration if a file of the same name ending in ``.xml`` is
beside, else in the order of their appearance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import unescape

import numpy as np

from posebridge.data.annotations import (
    Annotations,
    Boxes,
    checked_boxes,
    checked_points,
    make_boxes,
    upright_size,
)
from posebridge.data.formats.label_studio_images import TaskImages
from posebridge.data.formats.label_studio_regions import (
    get_box,
    get_kind,
    get_label,
    get_number,
    get_score,
    get_value,
    one_each,
    percentages,
    shown_turned,
    sized,
)
from posebridge.data.image_names import MissingFile
from posebridge.data.units import require_percentages
from posebridge.data.videos.video import Reference, resolved
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json
from posebridge.skeleton import Skeleton

HIDDEN = "hidden"


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """Return all tasks of an export; of several annotations the first that was not canceled.

    Args:
        path: the JSON file.
        images: folder of the images; by default the file's own or ``images`` in it. Uploads
            (``1a2b3c4d-name.jpg``) are found under their own name too.

    Raises:
        InputError: names the task and what is wrong with it.
    """
    file = Path(path)
    opened = _opened(file, images)
    tasks, files, notes = opened.tasks, opened.files, [*opened.notes]
    subjects: list[_Subject] = []
    image: list[int] = []
    predicted: list[bool] = []
    for row, task in enumerate(tasks):
        found = _subjects(opened.regions[row], f"{file}: task {short_repr(task.get('id', row))}")
        subjects += found
        image += [row] * len(found)
        predicted += [opened.by_model[row]] * len(found)
    places = [place for regions in opened.regions for place in percentages(regions, "keypoint")]
    require_percentages(places, str(file), "keypoints")
    names = _order(file, [label for s in subjects for label in s.points])
    if not names:
        raise InputError(f"{file} has no keypoint in any annotation; a labeled set needs some.")
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
    """Return the images and rectangles alone; whole images where the file has no rectangle."""
    file = Path(path)
    opened = _opened(file, images)
    tasks, files = opened.tasks, opened.files
    image, boxes, scores = [], [], []
    for row, task in enumerate(tasks):
        where = f"{file}: task {short_repr(task.get('id', row))}"
        for region in opened.regions[row]:
            if get_kind(region) == "rectangle":
                image.append(row)
                boxes.append(get_box(region, where))
                scores.append(get_score(region))
    places = [place for regions in opened.regions for place in percentages(regions, "rectangle")]
    require_percentages(places, str(file), "rectangles")
    known = np.array(scores)
    return make_boxes(
        str(file),
        files,
        np.array(image, dtype=np.int64),
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        _ids(tasks),
        scores=known if np.isfinite(known).any() else None,
        notes=opened.notes,
    )


class _Opened(NamedTuple):
    """The tasks of a file, the image and the regions of each, whether a model made them, and notes."""

    tasks: list[Mapping[str, Any]]
    files: list[Path]
    regions: list[list[Mapping[str, Any]]]
    by_model: list[bool]
    notes: list[str]


def _opened(file: Path, images: Path | str | None) -> _Opened:
    """Return the input of both readers; a task without a region may lack its image, and is left out."""
    finder = TaskImages(file, images)
    tasks: list[Mapping[str, Any]] = []
    references: list[Reference] = []
    chosen: list[tuple[list[Mapping[str, Any]], bool]] = []
    missing: list[MissingFile] = []
    several = 0
    for row, task in enumerate(_tasks(file)):
        where = f"{file}: task {short_repr(task.get('id', row))}"
        regions, more, by_model = _regions(task, where)
        try:
            references.append(finder.of(task, row))
        except MissingFile as error:
            if any(map(get_kind, regions)):
                raise
            missing.append(error)
            continue
        several += more
        tasks.append(task)
        chosen.append((list(regions), by_model))
    if not tasks:
        raise missing[0]
    files = resolved(references)
    places = [
        one_each(
            sized(regions, files[row], f"{file}: task {short_repr(tasks[row].get('id', row))}")
        )
        for row, (regions, _) in enumerate(chosen)
    ]
    turned = sum(map(shown_turned, (region for regions in places for region in regions)))
    notes = [
        sentence
        for count, sentence in (
            (
                len(missing),
                f"{len(missing)} tasks without an image and without a label are left out.",
            ),
            (several, f"{several} tasks have several annotations; the first of each is taken."),
            (
                turned,
                f"{turned} regions were made while the image was shown turned; Label Studio stores "
                "their places in the unturned image, and they are read so.",
            ),
        )
        if count
    ]
    return _Opened(tasks, files, places, [by_model for _, by_model in chosen], notes)


class _Subject:
    """A rectangle and the keypoints tied to it; or keypoints alone."""

    def __init__(self, label: str = "", box: Sequence[float] = (0, 0, 0, 0), score: float = np.nan):
        self.label, self.box, self.score = label, box, score
        self.points: dict[str, tuple[float, float, int, float]] = {}


class _Around:
    """The rectangles around a point: all rectangles are compared at once."""

    def __init__(self, subjects: Sequence[_Subject]) -> None:
        self._subjects = subjects
        boxes = np.array([s.box for s in subjects], dtype=np.float64).reshape(-1, 4)
        self._low, self._high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
        self._real = boxes[:, 2] > 0

    def only(self, x: float, y: float) -> _Subject | None:
        """Return the subject whose rectangle alone holds a point."""
        held = ((self._low <= (x, y)) & (self._high >= (x, y))).all(axis=1) & self._real
        found = np.flatnonzero(held)
        return self._subjects[int(found[0])] if len(found) == 1 else None


def _tasks(file: Path) -> list[Mapping[str, Any]]:
    tasks = read_json(file, "Label Studio")
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise InputError(
            f"{file} is not a list of tasks; export JSON (not JSON-MIN) from Label Studio."
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
    """Return the chosen annotation's regions, whether there are others, and whether a model made it."""
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
        if get_kind(region) == "rectangle":
            key = f"#{number}" if region.get("id") is None else str(region["id"])
            box = get_box(region, where)
            has_area = box[2] > 0 and box[3] > 0
            box = box if has_area else (0, 0, 0, 0)
            boxed[key] = _Subject(get_label(region), box, get_score(region))
    ties: dict[str, str] = {}
    parents: dict[int, str] = {}
    for number, region in enumerate(regions):
        ends = [str(region.get(end)) for end in ("from_id", "to_id")]
        if get_kind(region) == "relation":
            for one, other in (ends, ends[::-1]):
                if other in boxed:
                    ties[one] = other
        elif region.get("parentID") is not None and str(region["parentID"]) in boxed:
            parents[number] = str(region["parentID"])
    alone = _Subject()
    around = _Around(list(boxed.values()))
    for number, region in enumerate(regions):
        if get_kind(region) != "keypoint":
            continue
        value, across, down = get_value(region, where)
        x, y = get_number(value, "x", where) * across, get_number(value, "y", where) * down
        label = get_label(region)
        if not label:
            raise InputError(f"{where} has a keypoint without a label.")
        owner = boxed.get(parents.get(number) or ties.get(str(region.get("id")), ""), alone)
        if not ties and not parents:
            owner = around.only(x, y) or alone
        if label in owner.points:
            raise InputError(
                f"{where} has two keypoints '{label}' for one subject; tie each keypoint to its "
                "rectangle by a relation."
            )
        meta = region.get("meta")
        text = meta.get("text") if isinstance(meta, dict) else None
        hidden = isinstance(text, list) and HIDDEN in text
        owner.points[label] = (x, y, 1 if hidden else 2, get_score(region))
    # A click that made a rectangle without area is not a subject.
    return [s for s in (*boxed.values(), alone) if s.points or s.box[2]]


def _order(file: Path, labels: Sequence[str]) -> list[str]:
    """Return keypoints in the order of the labeling configuration beside, then as they appear."""
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
    """Return the size of a task's image if a region has one: the file's, if it can be read."""
    for key in ("annotations", "completions", "predictions"):
        regions = [r for given in _objects(task.get(key)) for r in _objects(given.get("result"))]
        for region in regions:
            width, height = region.get("original_width", 0), region.get("original_height", 0)
            numbers = isinstance(width, (int, float)) and isinstance(height, (int, float))
            if numbers and 0 < width < 2**31 and 0 < height < 2**31:
                try:
                    return upright_size(file)
                except InputError:  # reported by the decoder
                    return int(width), int(height)
    return 0, 0
