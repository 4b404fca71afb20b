"""A parsed COCO file whose parts are checked as they are asked for.

Checks run over whole columns at once; only when a column fails is it searched for the entry to name,
so that a file of 200,000 annotations is read in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import MOST_PIXELS
from posebridge.errors import InputError
from posebridge.files.json_files import read_json
from posebridge.skeleton import Skeleton

Row = Mapping[str, Any]


def annotation_file(path: Path) -> Path:
    """The annotation file that a path means: itself, or the one in a folder.

    A folder holds ``annotations.json``, or one keypoint file in ``annotations`` as CVAT's COCO
    Keypoints export has it.
    """
    file = path
    if path.is_dir():
        file = path / "annotations.json"
        exported = sorted((path / "annotations").glob("*keypoints*.json"))
        if not file.exists() and len(exported) > 1:
            names = ", ".join(p.name for p in exported)
            raise InputError(
                f"{path / 'annotations'} holds {len(exported)} keypoint files ({names}); name one."
            )
        if not file.exists() and exported:
            file = exported[0]
    if not file.exists():
        hint = " (a folder is read through its annotations.json)" if path.is_dir() else ""
        raise InputError(f"{file} does not exist{hint}; give the path of a COCO annotation file.")
    return file


class CocoContent:
    """The entries of a COCO file.

    Attributes:
        file: where it lies. annotations, categories: the lists of the file, each entry an object.
        images: id -> entry.
        folder: what ``file_name`` is relative to.
    """

    def __init__(self, file: Path, images: Path | str | None) -> None:
        self.file = file
        content = read_json(file, "COCO")
        if not isinstance(content, dict):
            raise InputError(f"{file} is not a COCO file: it holds a {type(content).__name__}.")
        self.annotations = self._entries(content, "annotations")
        self.categories = self._entries(content, "categories")
        listed = self._entries(content, "images")
        ids = self.whole(listed, "id", "images")
        self.images: dict[int, Row] = dict(zip(ids.tolist(), listed, strict=True))
        if len(self.images) < len(listed):
            self._tell_twice(ids.tolist(), listed)
        if not self.images:
            raise InputError(f"{file} lists no images; a COCO file names them under 'images'.")
        self.folder = self._folder(images)

    def _tell_twice(self, ids: Sequence[int], listed: Sequence[Row]) -> None:
        first: dict[int, int] = {}
        for index, image_id in enumerate(ids):
            other = first.setdefault(image_id, index)
            if other != index:
                one, two = (listed[i].get("file_name") for i in (other, index))
                raise InputError(
                    f"{self.file}: two images have the id {image_id}, {one} and {two}; give each "
                    "its own, or its labels go to the wrong picture."
                )

    def _entries(self, content: Row, key: str) -> list[Row]:
        entries = content.get(key, [])
        if not isinstance(entries, list):
            raise InputError(f"{self.file}: '{key}' is not a list; this is no COCO file.")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise InputError(f"{self.file}: {key}[{index}] is not an object.")
        return entries

    def whole(self, rows: Sequence[Row], key: str, kind: str = "") -> np.ndarray:
        """(N,) int64, one whole number of each row."""
        values = [row.get(key) for row in rows]
        if not set(map(type, values)) <= {int} or any(abs(v) >= 2**63 for v in values):  # pyright: ignore[reportArgumentType]
            for index, (row, value) in enumerate(zip(rows, values, strict=True)):
                if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
                    where = f"{kind}[{index}]" if kind else f"annotation {row.get('id')}"
                    raise InputError(f"{self.file}: {where} has no whole number '{key}'.")
        return np.array(values, dtype=np.int64)

    def file_name(self, image_id: int) -> str:
        """The name of an image as the file has it."""
        name = self.images[image_id].get("file_name")
        if not isinstance(name, str) or not name or "\0" in name:
            raise InputError(f"{self.file}: image {image_id} has no 'file_name'.")
        return name

    def _folder(self, images: Path | str | None) -> Path:
        name = self.file_name(next(iter(self.images)))
        base = self.file.parent
        # CVAT puts the images of person_keypoints_SUBSET.json into images/SUBSET.
        subset = self.file.stem.rpartition("keypoints_")[2]
        tried = [base, base / "images", base.parent, base.parent / "images"]
        tried.append(base.parent / "images" / subset)
        if images is not None:
            tried = [Path(images)]
            if not tried[0].is_dir():
                raise InputError(f"the image folder {images} does not exist.")
        return next((folder for folder in tried if _is_file(folder / name)), tried[0])

    def places(self, rows: Sequence[Row]) -> tuple[np.ndarray, list[int]]:
        """(N,) which of the used images each annotation is in, and the used images' ids.

        Raises:
            InputError: an annotation's image is not listed.
        """
        ids = self.whole(rows, "image_id")
        used, image = np.unique(ids, return_inverse=True)
        for image_id in used.tolist():
            if image_id not in self.images:
                row = rows[int(np.flatnonzero(ids == image_id)[0])]
                raise InputError(
                    f"{self.file}: annotation {row.get('id')} belongs to image {image_id}, which "
                    "'images' does not list."
                )
        return image, used.tolist()

    def paths(self, image_ids: Sequence[int], rows: Sequence[Row] = ()) -> list[Path]:
        """The images' files; every one must exist.

        An image that is not where its name says is looked for in the subfolders; it is taken where
        exactly one file there has its name.
        """
        paths = []
        below: dict[str, list[Path]] | None = None
        for image_id in image_ids:
            path = self.folder / self.file_name(image_id)
            if not _is_file(path):
                if below is None:
                    below = _files_below(self.folder)
                same = below.get(path.name, [])
                if len(same) == 1:
                    paths.append(same[0])
                    continue
                row = next((r for r in rows if r.get("image_id") == image_id), None)
                who = f"image {image_id}" if row is None else f"annotation {row.get('id')}"
                raise InputError(
                    f"{self.file}: {who} names the image {path}, which does not exist; put it "
                    "there or give the folder of the images."
                )
            paths.append(path)
        return paths

    def ids(self, rows: Sequence[Row]) -> np.ndarray:
        """(N,) int64: the annotations' ids, or their place in the list where none has one."""
        if not any("id" in row for row in rows):
            return np.arange(len(rows))
        return self.whole(rows, "id")

    def skeleton(self, rows: Sequence[Row]) -> Skeleton:
        """The one skeleton of the categories that the annotations use."""
        used = set(self.whole(rows, "category_id").tolist())
        found: Skeleton | None = None
        for entry in self.categories:
            identity = entry.get("id")
            if not isinstance(identity, int) or identity not in used:
                continue
            skeleton = self._skeleton_of(entry)
            if found is not None and found.keypoints != skeleton.keypoints:
                raise InputError(
                    f"{self.file} has two categories with different keypoints, '{found.name}' "
                    f"({len(found)}) and '{skeleton.name}' ({len(skeleton)}); keep one category, "
                    "or write one file for each."
                )
            found = found or skeleton
        if found is None:
            raise InputError(
                f"{self.file}: annotations use category {sorted(used)}, which 'categories' "
                "does not define; add it with the names of its keypoints."
            )
        return found

    def _skeleton_of(self, entry: Row) -> Skeleton:
        label = entry.get("name", entry.get("id"))
        names = entry.get("keypoints")
        if not isinstance(names, list) or not names:
            raise InputError(
                f"{self.file}: category '{label}' names no keypoints but annotations of it "
                "have some; add the names in order under 'keypoints'."
            )
        try:
            edges = [(int(a), int(b)) for a, b in entry.get("skeleton") or []]
            # COCO counts from 1; a file with an edge to 0 was written by one that does not.
            first = 0 if any(0 in edge for edge in edges) else 1
            return Skeleton.from_names(
                str(label), [str(n) for n in names], [(a - first, b - first) for a, b in edges]
            )
        except (InputError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{self.file}: category '{label}': {error}") from error

    def keypoints(self, rows: Sequence[Row], count: int) -> np.ndarray:
        """(N, K, 3) float64: x, y, flag; 0 where the flag is not above 0. (N, 0) rows have none."""
        values = [row["keypoints"] for row in rows]
        length = 3 * count
        for row, value in zip(rows, values, strict=True):
            if not isinstance(value, list) or len(value) != length:
                given = len(value) if isinstance(value, list) else type(value).__name__
                raise InputError(
                    f"{self.file}: annotation {row.get('id')} has keypoints of length {given}, "
                    f"expected {length} (x, y, flag for each of {count} keypoints)."
                )
        table = self._numbers(rows, values, "keypoint that is not a number").reshape(-1, count, 3)
        labelled = table[..., 2] > 0
        wrong = labelled & ~(np.abs(table) <= MOST_PIXELS).all(axis=2)
        if wrong.any():
            row = rows[int(np.flatnonzero(wrong.any(axis=1))[0])]
            raise InputError(
                f"{self.file}: annotation {row.get('id')} has a keypoint that is not finite or "
                "beyond a million pixels."
            )
        return np.where(labelled[..., None], table, 0.0)

    def boxes(self, rows: Sequence[Row], *, needed: bool) -> np.ndarray:
        """(N, 4) float64 x, y, width, height; a width of 0 where there is none.

        Raises:
            InputError: a box that is none; or no box though ``needed``.
        """
        boxes = np.zeros((len(rows), 4))
        having = [i for i, row in enumerate(rows) if row.get("bbox") is not None]
        if needed and len(having) < len(rows):
            row = rows[next(i for i in range(len(rows)) if rows[i].get("bbox") is None)]
            raise InputError(
                f"{self.file}: annotation {row.get('id')} has no 'bbox'; give x, y, width, height."
            )
        some = [rows[i] for i in having]
        values = [row["bbox"] for row in some]
        for row, value in zip(some, values, strict=True):
            if not isinstance(value, list) or len(value) != 4:
                raise InputError(
                    f"{self.file}: annotation {row.get('id')} has a 'bbox' that is not four numbers."
                )
        table = self._numbers(some, values, "'bbox' that is not four numbers").reshape(-1, 4)
        for wrong, why in (
            (
                ~(np.abs(table) < MOST_PIXELS).all(axis=1),
                "that is not finite or beyond a million pixels",
            ),
            ((table[:, 2:] <= 0).any(axis=1), "of width {2:g} and height {3:g}"),
        ):
            if wrong.any():
                index = int(np.flatnonzero(wrong)[0])
                raise InputError(
                    f"{self.file}: annotation {some[index].get('id')} has a 'bbox' "
                    f"{why.format(*table[index])}."
                )
        boxes[having] = table
        return boxes

    def _numbers(self, rows: Sequence[Row], values: list[list[Any]], problem: str) -> np.ndarray:
        found = _table(values)
        if found is not None and (found.ndim == 2 or not values):
            return found
        alone = [_table(value) for value in values]
        wrong = (i for i, row in enumerate(alone) if row is None or row.ndim != 1)
        row = rows[next(wrong, 0)]
        raise InputError(f"{self.file}: annotation {row.get('id')} has a {problem}.")


def _table(values: list[Any]) -> np.ndarray | None:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def _files_below(folder: Path) -> dict[str, list[Path]]:
    """Name -> the files of that name in the folder and its subfolders."""
    found: dict[str, list[Path]] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            found.setdefault(name, []).append(Path(place) / name)
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for any disk
        return False
