"""Skeletons from files: YAML, annotation files, models, and the built-in ones by name.

A skeleton's YAML::

    name: person
    keypoints: [nose, left_eye, right_eye]
    edges: [[nose, left_eye], [nose, right_eye]]   # optional
    pairs: [[left_eye, right_eye]]                 # optional; by default by name
    groups: {eyes: [left_eye, right_eye]}          # optional; by default left and right of a joint
    layout: {nose: [0, 2], left_eye: [1, 1]}       # optional; where a picture shows them, y down
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json
from posebridge.files.yaml_files import read_yaml_mapping
from posebridge.skeleton.definition import Skeleton

BUILTIN = Path(__file__).parent / "builtin"
_FIELDS = ("name", "keypoints", "edges", "pairs", "groups", "layout")

Layout = dict[str, tuple[float, float]]
"""Keypoint -> x, y of a picture, y down, in any unit."""


def builtin_skeletons() -> dict[str, str]:
    """Name -> what it is, of every skeleton that comes with the package."""
    return {
        file.stem: file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        for file in sorted(BUILTIN.glob("*.yaml"))
    }


def read_skeleton(name_or_file: Path | str) -> Skeleton:
    """Return a built-in skeleton by name, or the one that a file holds.

    Args:
        name_or_file: a name of :func:`builtin_skeletons`; a YAML file as above; the skeleton.json of
            a model, or its model or run folder; or a COCO annotation file, of which the first
            category with keypoints is taken.

    Raises:
        InputError: no such name or file, or it holds no skeleton.
    """
    return read_skeleton_and_layout(name_or_file)[0]


def read_skeleton_and_layout(name_or_file: Path | str) -> tuple[Skeleton, Layout]:
    """Return the same with the positions for a picture, empty where the file has none."""
    if str(name_or_file) in builtin_skeletons():
        return _builtin(str(name_or_file))
    path = Path(name_or_file)
    if path.is_dir():
        path = next((f for f in _skeleton_files_of(path) if f.is_file()), path / "annotations.json")
    if not path.is_file():
        raise InputError(
            f"unknown skeleton '{name_or_file}': it is neither a file nor one of "
            f"{', '.join(builtin_skeletons())}."
        )
    if path.suffix.lower() == ".json":
        return _from_json(read_json(path, "skeleton"), path), {}
    return _from_yaml(path)


def typical_pose(path: Path | str) -> Layout:
    """Return the keypoints of the annotation of a COCO file that has the most, for a picture.

    Empty where that is fewer than half of the keypoints, or the file is none.
    """
    file = Path(path) / "annotations.json" if Path(path).is_dir() else Path(path)
    try:
        content = read_json(file, "COCO")
        annotations = content.get("annotations", [])
        best = max(annotations, key=lambda a: sum(flag > 0 for flag in a["keypoints"][2::3]))
        points = np.asarray(best["keypoints"], np.float64).reshape(-1, 3)
        names = _from_json({"categories": content["categories"]}, file).keypoints
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError):
        return {}
    labeled = points[:, 2] > 0
    if len(names) != len(points) or 2 * labeled.sum() < len(points):
        return {}
    return {
        n: (float(x), float(y)) for n, (x, y, flag) in zip(names, points, strict=True) if flag > 0
    }


def category_skeleton(entry: Mapping[str, Any]) -> Skeleton:
    """Return the skeleton of a COCO category; its edges count from 1.

    Raises:
        InputError: it names no keypoints, or an edge is not two of them.
    """
    names = entry.get("keypoints")
    if not isinstance(names, list) or not names:
        raise InputError("it names no keypoints; add the names in order under 'keypoints'.")
    try:
        edges = [(int(a), int(b)) for a, b in entry.get("skeleton") or []]
    except (TypeError, ValueError) as error:
        raise InputError(f"its 'skeleton' is not a list of pairs of numbers ({error}).") from error
    # COCO counts from 1; a file with an edge to 0 was written by one that does not.
    first = 0 if any(0 in edge for edge in edges) else 1
    return Skeleton.from_names(
        str(entry.get("name", entry.get("id"))),
        [str(n) for n in names],
        [(a - first, b - first) for a, b in edges],
    )


def to_yaml(skeleton: Skeleton) -> str:
    """Return the text of a YAML file that reads back as the same skeleton."""

    def names(members: Sequence[int]) -> str:
        return in_yaml([skeleton.keypoints[i] for i in members])

    lines = [f"name: {in_yaml(skeleton.name)}", "keypoints:"]
    lines += [f"  - {in_yaml(name)}" for name in skeleton.keypoints]
    for field, links in (("edges", skeleton.edges), ("pairs", skeleton.pairs)):
        lines += [f"{field}:" if links else f"{field}: []"]
        lines += [f"  - {names(link)}" for link in links]
    lines += ["groups:" if skeleton.groups else "groups: {}"]
    lines += [f"  {in_yaml(group)}: {names(members)}" for group, members in skeleton.groups.items()]
    return "\n".join(lines) + "\n"


@cache
def _builtin(name: str) -> tuple[Skeleton, Layout]:
    path = BUILTIN / f"{name}.yaml"
    return _from_yaml(path)


def _skeleton_files_of(folder: Path) -> list[Path]:
    return [folder / "skeleton.json", *sorted(folder.glob("checkpoints/*/skeleton.json"))]


def _from_json(content: Any, path: Path) -> Skeleton:
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no skeleton: it is a {type(content).__name__}.")
    if "categories" not in content:
        return Skeleton.from_content(content, str(path))
    categories = content["categories"] if isinstance(content["categories"], list) else []
    for entry in categories:
        if isinstance(entry, dict) and entry.get("keypoints"):
            try:
                return category_skeleton(entry)
            except InputError as error:
                raise InputError(f"{path}: category '{entry.get('name')}': {error}") from error
    raise InputError(f"{path} has no category with keypoints, so it names no skeleton.")


def _from_yaml(path: Path) -> tuple[Skeleton, Layout]:
    content = read_yaml_mapping(
        path, "skeleton (name, keypoints, edges, pairs, groups)", text_only=True
    )
    unknown = [key for key in content if key not in _FIELDS]
    if unknown:
        raise InputError(
            f"{path}: a skeleton has no field '{unknown[0]}'; known are {', '.join(_FIELDS)}."
        )
    names = content.get("keypoints")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise InputError(f"{path}: 'keypoints' is not a list of names; give them in order.")
    place = {name: index for index, name in enumerate(names)}

    def members(value: Any, field: str, count: int | None = None) -> tuple[int, ...]:
        if not isinstance(value, list) or (count is not None and len(value) != count):
            raise InputError(
                f"{path}: {field} {short_repr(value)} is not a list of {count or 'some'} keypoints; "
                "correct it."
            )
        for name in value:
            if not isinstance(name, str) or name not in place:
                raise InputError(
                    f"{path}: {field} {short_repr(value)} names {short_repr(name)}, which "
                    "'keypoints' does not list; correct the name."
                )
        return tuple(place[name] for name in value)

    def links(field: str, one: str) -> list[tuple[int, ...]] | None:
        if content.get(field) is None:
            return None
        if not isinstance(content[field], list):
            raise InputError(f"{path}: '{field}' is not a list of pairs of keypoints.")
        return [members(link, one, 2) for link in content[field]]

    groups = content.get("groups")
    if groups is not None and not isinstance(groups, dict):
        raise InputError(f"{path}: 'groups' is not a mapping of names to lists of keypoints.")
    try:
        skeleton = Skeleton.from_names(
            str(content.get("name", path.stem)),
            names,
            links("edges", "edge") or [],
            links("pairs", "left/right pair"),
            None
            if groups is None
            else {str(k): members(v, f"group '{k}'") for k, v in groups.items()},
        )
    except InputError as error:
        prefix = "" if str(error).startswith(str(path)) else f"{path}: "
        raise InputError(f"{prefix}{error}") from error
    return skeleton, _layout(content.get("layout"), place, path)


def _layout(value: Any, place: Mapping[str, int], path: Path) -> Layout:
    if value is None:
        return {}
    try:
        layout = {str(name): (float(x), float(y)) for name, (x, y) in value.items()}
        if not np.isfinite(list(layout.values())).all():
            raise ValueError("a number is not finite")
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: 'layout' does not give x, y for each keypoint ({str(error)[:100]}); correct it."
        ) from error
    stray = next((name for name in layout if name not in place), None)
    if stray is not None:
        raise InputError(
            f"{path}: 'layout' names '{stray}', which 'keypoints' does not list; correct the name."
        )
    return layout


def in_yaml(value: Any) -> str:
    """Return a name, a list of names or nothing, as it stands on a line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
