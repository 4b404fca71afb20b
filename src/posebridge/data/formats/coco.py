"""COCO keypoint files, read.

CVAT's "COCO Keypoints 1.0" export is a COCO file, too: the folder that its archive unpacks to is
read like a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import (
    Annotations,
    Boxes,
    flags_and_scores,
    is_side,
    table,
)
from posebridge.data.formats.coco_categories import Row
from posebridge.data.formats.coco_content import CocoContent, annotation_file, is_empty_box
from posebridge.data.formats.coco_ids import id_key
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.data.units import require_pixels
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr


def read_labeled(
    path: Path | str, images: Path | str | None = None, say: Callable[[str], None] | None = None
) -> LabeledSamples:
    """Return every annotation of a COCO file that has at least one labeled keypoint.

    Args:
        path: the annotation file, or a folder that holds ``annotations.json``.
        images: the folder that ``file_name`` is relative to; by default the annotation file's own
            folder, its ``images``, or the same two one level up, whichever has the first image.
        say: receives a sentence on how many subjects are left out and why.

    Raises:
        InputError: names the file, the entry, and what is wrong with it.
    """
    annotations = _read(CocoContent(annotation_file(Path(path)), images), labeled_only=True)
    require_pixels(annotations)
    return annotations.labeled(say)


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """Return the whole content of a COCO keypoint file, subjects without a labeled keypoint included.

    Beside COCO's own fields: a third value of a keypoint that is a fraction is its confidence, as in
    results; ``keypoint_scores`` and ``individual`` are written by :func:`write_annotations`; a
    ``track_id``, also among CVAT's ``attributes``, names an individual.

    Raises:
        InputError: as :func:`read_labeled`.
    """
    return _read(CocoContent(annotation_file(Path(path)), images), labeled_only=False)


def holds_keypoints(path: Path | str) -> bool:
    """Return whether a COCO file has annotations with keypoints.

    Raises:
        InputError: the file is broken.
    """
    return any(
        _has_keypoints(a) for a in CocoContent(annotation_file(Path(path)), None).annotations
    )


def read_boxes(path: Path | str, images: Path | str | None = None) -> UnlabeledSamples:
    """Return the images and boxes of a COCO file; keypoints in it are not read.

    A file without annotations gives each whole image as one subject.
    """
    return read_scored_boxes(path, images)[0]


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Return the samples of :func:`read_boxes` with the scores and categories of the boxes, if any.

    The notes count boxes that are left out for being crowds or empty, and images that have none. CVAT
    marks every mask as a crowd: where all boxes are crowds they are the subjects.
    """
    content = CocoContent(annotation_file(Path(path)), images)
    rows = [a for a in content.annotations if not _is_crowd(a)]
    notes: list[str] = []
    crowds = len(content.annotations) - len(rows)
    if crowds and not rows:
        rows = content.annotations
        notes.append(f"all {crowds} boxes are marked as crowds (iscrowd) and are taken as subjects")
    elif crowds:
        notes.append(
            f"{crowds} of {len(content.annotations)} boxes are left out, since they are marked as "
            "crowds "
            "(iscrowd, as CVAT marks every mask)"
        )
    if not rows:
        ids = np.array(list(content.images))
        order = np.arange(len(ids))
        paths = content.paths(ids.tolist())
        whole = table(str(content.file), paths, order, np.zeros((len(ids), 4)), ids, ids)
        return Boxes(whole, notes=content.notes)
    boxed = [a for a in rows if not is_empty_box(a.get("bbox"))]
    if not boxed and not any("bbox" in a for a in rows):
        boxed = rows  # refused below by the first
    if not boxed:
        raise InputError(
            f"{content.file}: every 'bbox' is empty, such as that of annotation "
            f"{short_repr(rows[0].get('id'))}; give boxes of some width and height."
        )
    if len(boxed) < len(rows):
        empty = len(rows) - len(boxed)
        notes.append(f"{empty} of {len(rows)} boxes are left out, since they are empty")
    rows = boxed
    ids = content.ids(rows)
    image, used = content.places(rows)
    if len(used) < len(content.images):
        bare = len(content.images) - len(used)
        notes.append(f"{bare} of {len(content.images)} images are left out, since they have no box")
    paths = content.paths(used, rows)
    boxes = content.boxes(rows, needed=True)
    samples = table(str(content.file), paths, image, boxes, np.array(used), ids)
    names = {str(id_key(c.get("id"))): str(c.get("name", c.get("id"))) for c in content.categories}
    keys = [id_key(row.get("category_id")) for row in rows]
    kinds = ["" if key is None else str(key) for key in keys]
    categories = np.array([names.get(kind, kind) for kind in kinds])
    return Boxes(samples, _scores(rows, content.file), categories, [*notes, *content.notes])


def _read(content: CocoContent, *, labeled_only: bool) -> Annotations:
    file = content.file
    single = [a for a in content.annotations if not _is_crowd(a)]
    notes = []
    if not any(_has_keypoints(a) for a in single) and any(map(_has_keypoints, content.annotations)):
        single = content.annotations
        notes.append("All subjects are marked as crowds (iscrowd) and are taken.")
    rows = [a for a in single if _has_keypoints(a)]
    if not rows:
        raise InputError(
            f"{file} has no annotation with keypoints; a labeled set needs a COCO keypoint file."
        )
    skeleton = content.skeleton(rows, notes)
    if len(single) < len(content.annotations):
        notes.append(f"{len(content.annotations) - len(single)} crowd regions are left out.")
    values = content.keypoints(rows, len(skeleton))
    has_any = np.asarray((values[..., 2] > 0).any(axis=1))
    if labeled_only:
        rows = [rows[i] for i in np.flatnonzero(has_any)]
        values = values[has_any]
        if not rows:
            raise InputError(f"{file}: no keypoint of any annotation is labeled (all flags are 0).")
    else:
        kinds = set(content.category_keys(rows))
        boxed = [a for a in single if not _has_keypoints(a) and not is_empty_box(a.get("bbox"))]
        boxed = [
            a for a in boxed if len(content.categories) == 1 or a.get("category_id") is not None
        ]
        of = content.category_keys(boxed)
        alone = [a for a, kind in zip(boxed, of, strict=True) if kind in kinds]
        if len(single) > len(rows) + len(alone):
            left = len(single) - len(rows) - len(alone)
            notes.append(f"{left} annotations of things without keypoints are left out.")
        # COCO itself has subjects without a labeled joint whose box is empty.
        bare = [i for i, a in enumerate(rows) if not has_any[i] and _no_area(a.get("bbox"))]
        if bare:
            notes.append(
                f"{len(bare)} annotations without keypoints and without a box are left out."
            )
            left_out = set(bare)
            rows = [a for i, a in enumerate(rows) if i not in left_out]
            values = np.delete(values, bare, axis=0)
        if len(kinds) > 1:
            notes.append(f"{len(kinds)} categories become one, '{skeleton.name}'.")
        rows = [*rows, *alone]
        values = np.concatenate([values, np.zeros((len(alone), len(skeleton), 3))])
    image, used = content.places(rows)
    paths = content.paths(used, rows)
    if not labeled_only:
        # Images in which nobody is seen are part of the file's content.
        inhabited = set(used)
        empty = [i for i in content.images if i not in inhabited]
        used += empty
        paths += [content.stated_path(i) for i in empty]
    flags, scores = _flags_and_scores(values[..., 2], rows, file)
    boxes = content.boxes(rows, needed=False)
    zero = sum(bool(row.get("bbox")) and not boxes[i, 2] for i, row in enumerate(rows))
    if zero:
        notes.append(f"{zero} boxes without area count as none; the keypoints' extent is used.")
    return Annotations(
        name=str(file),
        skeleton=skeleton,
        files=paths,
        image_ids=np.array(used, dtype=np.int64),
        sizes=np.array([_size(content.images[i]) for i in used], dtype=np.int64),
        image=image,
        ids=content.ids(rows),
        boxes=boxes,
        points=values[..., :2],
        visibility=flags,
        keypoint_scores=scores,
        subject_scores=_scores(rows, file),
        individuals=_individuals(rows),
        predicted=None if scores is None else np.asarray(np.isfinite(scores).any(axis=1)),
        notes=[*notes, *content.notes],
    )


def _has_keypoints(row: Row) -> bool:
    """Return whether an annotation has keypoints; not for ``[]`` and null, as renderers write them."""
    return row.get("keypoints") not in (None, [], {}, "")


def _is_crowd(row: Row) -> bool:
    return row.get("iscrowd", 0) not in (None, 0, False, "0", "", "false", "False")


def _no_area(box: Any) -> bool:
    return not (isinstance(box, list) and len(box) == 4 and all(_positive(v) for v in box[2:]))


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 0


def _size(entry: Row) -> tuple[int, int]:
    values = entry.get("width"), entry.get("height")
    if all(is_side(value) for value in values):
        return values  # pyright: ignore[reportReturnType]
    return 0, 0


def _flags_and_scores(
    third: np.ndarray, rows: Sequence[Row], file: Path
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return COCO's flags and the keypoints' scores from the third values and the extra field."""
    flags, shares = flags_and_scores(third)
    if shares is not None or not any("keypoint_scores" in row for row in rows):
        return flags, shares
    scores = np.full(third.shape, np.nan)
    for place, row in enumerate(rows):
        given = row.get("keypoint_scores")
        if isinstance(given, list) and len(given) == third.shape[1]:
            scores[place] = [_number(v, row, file) for v in given]
    return flags, scores


def _number(value: Any, row: Row, file: Path) -> float:
    try:
        return float(value) if isinstance(value, (int, float)) else np.nan
    except OverflowError as error:
        raise InputError(
            f"{file}: annotation {row.get('id')} has a score that is too large; scores are fractions."
        ) from error


def _scores(rows: Sequence[Row], file: Path) -> np.ndarray | None:
    given = [row.get("score") for row in rows]
    if not any(isinstance(v, (int, float)) for v in given):
        return None
    return np.array([_number(v, row, file) for v, row in zip(given, rows, strict=True)])


def _individuals(rows: Sequence[Row]) -> list[str] | None:
    names = []
    for row in rows:
        attributes = row.get("attributes")
        more = attributes if isinstance(attributes, dict) else {}
        given = row.get("individual", row.get("track_id", more.get("track_id")))
        names.append(str(given) if isinstance(given, (str, int)) else "")
    return names if any(names) else None
