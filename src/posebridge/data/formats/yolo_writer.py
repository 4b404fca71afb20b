"""Ultralytics YOLO-pose datasets, written; ``yolo.py`` describes the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posebridge.data.annotations import Annotations, common_names, extent, upright_size
from posebridge.errors import InputError
from posebridge.files.whole import copy_into, folder_written_whole, write_text


def write_annotations(annotations: Annotations, path: Path) -> list[Path]:
    """Write a dataset into a folder: images are copied, all into one split.

    ``val`` names the same folder as ``train``, since Ultralytics wants both; which images it may
    judge by is for the user to say. A box is cut at the image's edge and a keypoint outside of the
    image is written as not labeled, since Ultralytics refuses the whole image otherwise.

    Raises:
        InputError: something is there already, or two images would have the same label file.
    """
    a = annotations
    if path.suffix == ".yaml":
        path = path.parent
    if (path / "data.yaml").exists():
        raise InputError(f"{path} already holds a dataset; give another folder.")
    for taken in (path / "images" / "train", path / "labels" / "train"):
        if taken.is_dir() and any(taken.iterdir()):
            raise InputError(f"{taken} is not empty; give another folder for the dataset.")
    names = common_names(a.files)
    boxes, points, flags, sizes = fitted(a)
    subjects = a.subjects_by_image()
    with folder_written_whole(path, merge=True) as partial:
        for name, rows in _rows_of(names, a.name).items():
            copy_into(a.files[rows[0]], partial / "images" / "train" / name)
            label = (partial / "labels" / "train" / name).with_suffix(".txt")
            here = np.sort(np.concatenate([subjects[row] for row in rows]))
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(
                "".join(_lines(here, boxes, points, flags, sizes[rows[0]])), encoding="utf-8"
            )
        content = yaml.safe_dump(_content(a), sort_keys=False, allow_unicode=True)
        write_text(partial / "data.yaml", content)
    return [path / "data.yaml"]


def _lines(
    subjects: np.ndarray,
    boxes: np.ndarray,
    points: np.ndarray,
    flags: np.ndarray,
    size: np.ndarray,
) -> list[str]:
    """Return the lines of the label file of an image with these subjects."""
    width, height = size
    lines = []
    for subject in subjects:
        x, y, w, h = boxes[subject]
        numbers = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
        words = ["0", *(f"{v:.12g}" for v in numbers)]
        for (px, py), flag in zip(points[subject], flags[subject], strict=True):
            words += [f"{px / width:.12g}", f"{py / height:.12g}", str(int(flag))]
        lines.append(" ".join(words) + "\n")
    return lines


def _content(a: Annotations) -> dict[str, Any]:
    """Return the content of ``data.yaml``."""
    return {
        # No path: Ultralytics takes the folder of this file then, but a "." as where it is started.
        "train": "images/train",
        "val": "images/train",
        "kpt_shape": [len(a.skeleton), 3],
        "flip_idx": a.skeleton.mirror,
        "names": {0: a.skeleton.name},
        "kpt_names": {0: list(a.skeleton.keypoints)},
        "skeleton": [list(edge) for edge in a.skeleton.edges],
    }


def _rows_of(names: Sequence[Path], where: str) -> dict[Path, list[int]]:
    """Name -> the images of that name: a file may be listed under several ids."""
    found: dict[Path, list[int]] = {}
    stems: dict[Path, Path] = {}
    for row, name in enumerate(names):
        if any(part.startswith(".") for part in name.parts):
            raise InputError(
                f"{where}: {name} begins with a dot, so that YOLO passes over it as hidden; rename it."
            )
        found.setdefault(name, []).append(row)
        other = stems.setdefault(name.with_suffix(""), name)
        if other != name:
            raise InputError(
                f"{where}: {other} and {name} differ by their endings alone, and YOLO would read "
                f"{name.with_suffix('.txt')} for both; rename one of them."
            )
    return found


def fitted(a: Annotations) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return boxes, points and flags as YOLO can hold them, and the images' sizes (M, 2).

    A subject without a box takes the extent of its points.
    """
    sizes = np.array([upright_size(file) for file in a.files], dtype=np.float64).reshape(-1, 2)
    limit = sizes[a.image]
    inside = np.asarray(((a.points >= 0) & (a.points <= limit[:, None, :])).all(axis=2))
    flags: np.ndarray = np.where(inside, a.visibility, 0)
    points = np.where(flags[..., None] > 0, a.points, 0)
    boxes = a.boxes.copy()
    without: np.ndarray = boxes[:, 2] <= 0
    if without.any():
        known: np.ndarray = a.visibility[without] > 0
        posed = np.asarray(known.any(axis=1))
        boxes[without] = np.where(posed[:, None], extent(a.points[without], known), 0)
    low = boxes[:, :2].clip(min=0)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], limit)
    # A box wholly outside of its image keeps a sliver there, so that the line stays valid.
    low = np.minimum(low, limit - 1)
    boxes = np.concatenate([low, np.maximum(high - low, 1)], axis=1)
    return boxes, points, flags, sizes
