"""The categories of a COCO file: names of their keypoints, edges by number or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.skeleton import Skeleton, unnamed_keypoints

Row = Mapping[str, Any]


def category_skeleton(entry: Row, count: int, where: str) -> Skeleton:
    """Return the skeleton of a category.

    Args:
        entry: of the list of categories. count: how many keypoints its annotations have; a category
            that names none, as Unity Perception writes it, has ``keypoint_0`` and so on.
        where: the file, for messages.

    Raises:
        InputError: names or edges that can't be.
    """
    label = entry.get("name", entry.get("id"))
    where = f"{where}: category {short_repr(str(label))}"
    names = _names(entry, count, where)
    try:
        return Skeleton.from_names(str(label), names, _edges(entry.get("skeleton"), names))
    except (InputError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: {error}") from error


def has_no_names(entry: Row) -> bool:
    """Return whether a category has no names of keypoints."""
    return entry.get("keypoints") in (None, [], {})


def _names(entry: Row, count: int, where: str) -> list[str]:
    if has_no_names(entry):
        return unnamed_keypoints(count)
    given = entry["keypoints"]
    if not isinstance(given, list):
        raise InputError(f"{where}: 'keypoints' is not a list of names; give them in their order.")
    names = [n.get("name", n.get("label")) if isinstance(n, dict) else n for n in given]
    for name in names:
        if not isinstance(name, (str, int)) or isinstance(name, bool):
            raise InputError(
                f"{where}: the keypoint {short_repr(name)} is not a name; give a text."
            )
    return [str(name) for name in names]


def _edges(given: Any, names: Sequence[str]) -> list[tuple[int, int]]:
    """Return edges as places in the list of names; COCO counts from 1, and some files have names."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(e, list) and len(e) == 2 for e in given):
        raise InputError(
            "'skeleton' is not a list of pairs of keypoints; "
            "give pairs such as [1, 2], or leave it out."
        )
    place = {name: number for number, name in enumerate(names)}
    if any(isinstance(end, str) and end in place for edge in given for end in edge):
        for edge in given:
            for end in edge:
                if not isinstance(end, str) or end not in place:
                    raise InputError(
                        f"an edge of 'skeleton' names the keypoint {short_repr(end)}, which is not "
                        "among 'keypoints'."
                    )
        return [(place[a], place[b]) for a, b in given]
    try:
        edges = [(int(a), int(b)) for a, b in given]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            "an edge of 'skeleton' is neither two numbers, which count the keypoints from 1, nor two "
            "names of 'keypoints'."
        ) from error
    # A file with an edge to 0 was written by a tool that does not count from 1.
    first = 0 if any(0 in edge for edge in edges) else 1
    return [(a - first, b - first) for a, b in edges]
