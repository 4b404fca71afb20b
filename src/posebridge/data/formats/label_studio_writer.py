"""Label Studio's tasks, written; ``label_studio.py`` describes the file."""

from __future__ import annotations

import json
import os
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from posebridge.data.annotations import Annotations, extent, upright_size
from posebridge.data.file_names import name_below
from posebridge.data.formats.label_studio import HIDDEN
from posebridge.errors import InputError
from posebridge.files.whole import files_written_whole
from posebridge.skeleton import Skeleton


def write_annotations(annotations: Annotations, path: Path) -> list[Path]:
    """Write tasks, and beside them the labeling configuration that Label Studio needs for them.

    Images are local files of Label Studio (``/data/local-files/?d=``), relative to the file's folder
    where they are below it. Hidden keypoints carry the note "hidden".

    Raises:
        InputError: the configuration would replace another file.
    """
    a = annotations
    names = list(dict.fromkeys(a.individuals or [])) or [a.skeleton.name]
    text = labeling_configuration(a.skeleton, [n or a.skeleton.name for n in names])
    config = require_place(path, text)
    tasks = []
    extents = needs_rectangle(a)
    for row, (file, subjects) in enumerate(zip(a.files, a.subjects_by_image(), strict=True)):
        width, height = _shown_size(file, a.sizes[row])
        # The bytes of the name: quoted, they need not be UTF-8.
        name = urllib.parse.quote(os.fsencode(name_below(file, path.parent).as_posix()))
        result: list[dict[str, Any]] = []
        for subject in subjects.tolist():
            result += _written(a, subject, width, height, by_extent=bool(extents[subject]))
        tasks.append(
            {
                "id": int(a.image_ids[row]),
                "data": {"image": f"/data/local-files/?d={name}"},
                "annotations": [{"result": result, "was_cancelled": False}],
            }
        )
    # The configuration first: tasks that exist can be opened.
    with files_written_whole([config, path]) as (own_config, own_tasks):
        own_config.write_text(text, encoding="utf-8")
        own_tasks.write_text(json.dumps(tasks, allow_nan=False), encoding="utf-8")
    return [path, config]


def labeling_configuration(skeleton: Skeleton, subjects: Sequence[str]) -> str:
    """Return the XML that Label Studio needs to show keypoints and the rectangles of named subjects."""
    lines = ["<View>", '  <Image name="image" value="$image"/>']
    for tag, field, labels in (
        ("RectangleLabels", "subject", subjects),
        ("KeyPointLabels", "keypoint", skeleton.keypoints),
    ):
        lines.append(f'  <{tag} name="{field}" toName="image">')
        lines += [f"    <Label value={quoteattr(label)}/>" for label in labels]
        lines.append(f"  </{tag}>")
    return "\n".join([*lines, "</View>", ""])


def require_place(path: Path, configuration: str) -> Path:
    """Return where the labeling configuration of a file of tasks goes.

    Raises:
        InputError: another file has its name.
    """
    place = path.with_suffix(".xml")
    try:
        free = not place.exists() or place.read_text(encoding="utf-8") == configuration
    except (OSError, UnicodeDecodeError):
        free = False
    if not free:
        raise InputError(
            f"{place}, where the labeling configuration of {path.name} goes, exists already and "
            "differs; remove it or give another name."
        )
    return place


def needs_rectangle(a: Annotations) -> np.ndarray:
    """Return the (N,) subjects without a box that get the extent of their keypoints.

    Several subjects in an image can only be told apart, and one can only be named, by a rectangle.
    """
    told = np.bincount(a.image, minlength=len(a.files))[a.image] > 1
    if a.individuals is not None:
        told |= np.array([bool(name) for name in a.individuals])
    return told & (a.boxes[:, 2] <= 0) & (a.visibility > 0).any(axis=1)


def _shown_size(file: Path, stated: np.ndarray) -> tuple[int, int]:
    """Return the width and height that percentages refer to: the image's own, in Label Studio.

    What an annotation file states may be the size before the image was scaled or turned.
    """
    try:
        return upright_size(file)
    except InputError:
        width, height = (int(v) for v in stated)
        if width <= 0 or height <= 0:
            raise
        return width, height


def _written(
    a: Annotations, row: int, width: int, height: int, *, by_extent: bool
) -> list[dict[str, Any]]:
    """Return the regions of one subject: its rectangle, its keypoints, what ties them."""
    frame = {
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "to_name": "image",
    }
    box = a.boxes[row]
    known = a.visibility[row] > 0
    if by_extent:
        box = extent(a.points[row][None], known[None])[0]
    scale = np.array([width, height]) / 100
    regions: list[dict[str, Any]] = []
    rectangle = f"subject{row}"
    if box[2] > 0:
        (x, y), (w, h) = box[:2] / scale, box[2:] / scale
        label = (a.individuals[row] if a.individuals is not None else "") or a.skeleton.name
        value = {"x": x, "y": y, "width": w, "height": h, "rotation": 0}
        region = {"id": rectangle, "type": "rectanglelabels", "from_name": "subject"}
        regions.append(region | frame | {"value": value | {"rectanglelabels": [label]}})
        if a.subject_scores is not None and np.isfinite(a.subject_scores[row]):
            regions[0]["score"] = float(a.subject_scores[row])
    for k in np.flatnonzero(known):
        x, y = a.points[row, k] / scale
        value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [a.skeleton.keypoints[k]]}
        region = {"id": f"{rectangle}_{k}", "type": "keypointlabels", "from_name": "keypoint"}
        if box[2] > 0:
            region["parentID"] = rectangle
        region |= frame | {"value": value}
        if a.visibility[row, k] == 1:
            region["meta"] = {"text": [HIDDEN]}
        if a.keypoint_scores is not None and np.isfinite(a.keypoint_scores[row, k]):
            region["score"] = float(a.keypoint_scores[row, k])
        regions.append(region)
    return regions
