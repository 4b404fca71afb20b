"""The results of a Label Studio annotation, made regions of one image: one of each id, with its size.

Label Studio keeps places as percentages of the image as it is stored. Whether the annotator had turned
the view (``image_rotation``) changes nothing: the editor turns the mouse's place back first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import upright_size
from posebridge.errors import InputError

_KEYPOINTS = ("keypointlabels", "keypoint")
_RECTANGLES = ("rectanglelabels", "rectangle")

Region = Mapping[str, Any]


def get_kind(region: Region) -> str:
    """Return keypoint, rectangle, relation, or "" for other results."""
    kind = region.get("type")
    if kind in _KEYPOINTS:
        return "keypoint"
    if kind in _RECTANGLES:
        return "rectangle"
    if kind == "labels" and isinstance(region.get("value"), dict):
        value = region["value"]
        if {"x", "y", "width"} <= value.keys() and "points" not in value and "rle" not in value:
            return "rectangle" if "height" in value else "keypoint"
    return "relation" if kind == "relation" else ""


def one_each(regions: Sequence[Region]) -> list[Region]:
    """Return the regions with the results of one id joined.

    A configuration of ``<KeyPoint>`` and ``<Labels>`` gives two results a keypoint: its place, and its
    label.
    """
    joined: list[Region] = []
    place: dict[tuple[str, str], int] = {}
    for region in regions:
        kind, identity = get_kind(region), region.get("id")
        if kind not in ("keypoint", "rectangle") or not isinstance(identity, str):
            joined.append(region)
            continue
        key = (kind, identity)
        if key not in place:
            place[key] = len(joined)
            joined.append(region)
            continue
        first = joined[place[key]]
        labels = _labels(first) or _labels(region)
        if not isinstance(first.get("value"), dict) or not isinstance(region.get("value"), dict):
            continue
        joined[place[key]] = {**region, **first, "value": {**first["value"], "labels": labels}}
    return joined


def _labels(region: Region) -> list[Any]:
    value = region.get("value")
    if not isinstance(value, dict):
        return []
    for key in ("keypointlabels", "rectanglelabels", "labels"):
        if isinstance(value.get(key), list) and value[key]:
            return value[key]
    return []


def percentages(regions: Sequence[Region], kind: str) -> list[list[float]]:
    """Return the places of the regions of one kind as they are written: x and y, and sides."""
    keys = ("x", "y") if kind == "keypoint" else ("x", "y", "width", "height")
    found = []
    for region in regions:
        value = region.get("value")
        if get_kind(region) != kind or not isinstance(value, dict):
            continue
        numbers = [value.get(key) for key in keys]
        if all(isinstance(n, int | float) and abs(n) < 1e300 for n in numbers):
            found.append([float(n) for n in numbers])  # pyright: ignore[reportArgumentType]
    return found


def shown_turned(region: Region) -> bool:
    """Return whether the annotator had turned the image."""
    turned = region.get("image_rotation")
    if not isinstance(turned, (int, float)) or turned % 360 == 0:
        return False
    return get_kind(region) in ("keypoint", "rectangle")


def sized(regions: Sequence[Region], file: Path, where: str) -> list[Region]:
    """Return the regions with the size of their image file.

    Percentages are of the image, and so right for a smaller copy of it and where no size is given, but
    not for another image.

    Raises:
        InputError: a region was made on an image of another shape.
    """
    try:
        width, height = upright_size(file)
    except InputError:  # reported by the decoder
        return list(regions)
    found = []
    for region in regions:
        if get_kind(region) in ("keypoint", "rectangle"):
            _require_shape(region, width, height, file, where)
            found.append({**region, "original_width": width, "original_height": height})
        else:
            found.append(region)
    return found


def _require_shape(region: Region, width: int, height: int, file: Path, where: str) -> None:
    across, down = region.get("original_width"), region.get("original_height")
    for side in (across, down):
        if isinstance(side, bool) or not isinstance(side, (int, float)) or not 0 < side < 2**31:
            if side is None:
                return
            raise InputError(f"{where} has a region of an image without width or height.")
    assert across is not None
    assert down is not None
    # Half a pixel of the smaller copy is rounded away.
    if abs(across / width - down / height) <= 1.5 * (across / width) / min(width, height):
        return
    turned = abs(across - height) <= 1 and abs(down - width) <= 1
    hint = (
        "the image was turned by a quarter meanwhile, as by its EXIF orientation"
        if turned
        else "it is another image, or it was cropped"
    )
    raise InputError(
        f"{where} was labeled on an image of {across:g} x {down:g}, and {file} is {width} x {height}: "
        f"{hint}; give the image that was labeled."
    )


def get_number(value: Mapping[str, Any], key: str, where: str) -> float:
    """Return a number of a region's value; ``where`` is the task, for messages."""
    given = value.get(key)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise InputError(f"{where} has a region whose '{key}' is not a number.")
    try:
        return float(given)
    except OverflowError as error:
        raise InputError(f"{where} has a region whose '{key}' is too large.") from error


def get_value(region: Region, where: str) -> tuple[Mapping[str, Any], float, float]:
    """Return the value of a region, and the pixels of one percent of width and height."""
    value = region.get("value")
    if not isinstance(value, dict):
        raise InputError(f"{where} has a region without 'value'.")
    width = get_number(region, "original_width", where)
    height = get_number(region, "original_height", where)
    if not (width > 0 and height > 0):
        raise InputError(f"{where} has a region of an image without width or height.")
    return value, width / 100, height / 100


def get_label(region: Region) -> str:
    """Return the label of a region, "" without a label."""
    labels = _labels(region)
    return str(labels[0]) if labels else ""


def get_box(region: Region, where: str) -> list[float]:
    """Return x, y, width, height in pixels; for a turned rectangle the upright box around it."""
    value, across, down = get_value(region, where)
    x, y = get_number(value, "x", where) * across, get_number(value, "y", where) * down
    width = get_number(value, "width", where) * across
    height = get_number(value, "height", where) * down
    angle = np.deg2rad(get_number(value, "rotation", where)) if value.get("rotation") else 0.0
    if not angle or not np.isfinite(angle):
        return [x, y, width, height]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ turn.T + [x, y]
    low, high = corners.min(axis=0), corners.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def get_score(region: Region) -> float:
    """Return the score of a region, NaN without a score."""
    given = region.get("score")
    return float(given) if isinstance(given, (int, float)) else np.nan
