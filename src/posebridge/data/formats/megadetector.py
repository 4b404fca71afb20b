"""MegaDetector's JSON: images with their detections, boxes as fractions of the image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr


class Detection(NamedTuple):
    """One box: the image's name, x, y, width, height as fractions, the score, the category by name."""

    name: str
    box: list[Any]
    score: Any
    category: str
    where: str


def is_megadetector(content: Any) -> bool:
    """Return whether parsed JSON is MegaDetector's: images by ``file``, and named categories."""
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        return False
    return "detection_categories" in content and "annotations" not in content


def make_detections(content: Mapping[str, Any], file: Path) -> list[Detection]:
    """Return all boxes, image after image; an image that failed there has none.

    Raises:
        InputError: names the entry and what is wrong with it.
    """
    categories = content["detection_categories"]
    names = categories if isinstance(categories, dict) else {}
    found = []
    for number, entry in enumerate(content["images"], start=1):
        where = f"{file}: image {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            raise InputError(f"{where} has no 'file'; write the file again from MegaDetector.")
        given = entry.get("detections") or []
        if not isinstance(given, list) or not all(isinstance(d, dict) for d in given):
            raise InputError(
                f"{where}: 'detections' is not a list of boxes; write the file again from MegaDetector."
            )
        for one in given:
            box = one.get("bbox")
            if not isinstance(box, list) or len(box) != 4:
                raise InputError(
                    f"{where} has the 'bbox' {short_repr(box)}; give x, y, width, height."
                )
            kind = str(one.get("category", ""))
            category = str(names.get(kind, kind))
            found.append(Detection(entry["file"], box, one.get("conf"), category, where))
    return found
