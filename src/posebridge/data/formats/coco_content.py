"""A parsed COCO file whose parts are checked when they are used.

Checks run over whole columns at once; only when a column fails is it searched for the entry to name,
so that a file of 200,000 annotations is read in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import MOST_PIXELS
from posebridge.data.formats.coco_categories import Row, category_skeleton, has_no_names
from posebridge.data.formats.coco_ids import IdTable, id_key
from posebridge.data.formats.coco_writer import OF_PREDICTIONS
from posebridge.data.image_names import ImageNames, is_file
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import read_json
from posebridge.skeleton import Skeleton


def annotation_file(path: Path) -> Path:
    """Return the annotation file that a path means: itself, or the one in a folder.

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
        file: its path. annotations, categories: the lists of the file, each entry an object.
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
        keys = self.keys(listed, "id", "images")
        self.image_ids = IdTable(keys)
        self.images: dict[int, Row] = dict(zip(self.image_ids.numbers, listed, strict=True))
        if len(self.images) < len(listed):
            self._tell_twice(keys, listed)
        if not self.images:
            raise InputError(f"{file} lists no images; a COCO file names them under 'images'.")
        self.folder = self._folder(images)
        # Predictions are written away from their images, and often beside overlays of the same names.
        below = images is not None or not _is_predicted(content)
        self._names = ImageNames([self.folder], below=below)
        self._without_id = 0

    @property
    def notes(self) -> list[str]:
        """Return remarks about the images, one sentence each."""
        counted = ["The ids of the images are text and are numbered anew."]
        without = [f"{self._without_id} annotations have no id; all are numbered anew."]
        return [
            *(counted if self.image_ids.counted else []),
            *(without if self._without_id else []),
            *self._names.notes,
        ]

    def _tell_twice(self, ids: Sequence[int | str], listed: Sequence[Row]) -> None:
        first: dict[str, int] = {}
        for index, image_id in enumerate(ids):
            other = first.setdefault(str(image_id), index)
            if other != index:
                one, two = (listed[i].get("file_name") for i in (other, index))
                raise InputError(
                    f"{self.file}: two images have the id {image_id}, {one} and {two}; give each "
                    "its own, or its labels go to the wrong image."
                )

    def _entries(self, content: Row, key: str) -> list[Row]:
        entries = content.get(key, [])
        if not isinstance(entries, list):
            raise InputError(f"{self.file}: '{key}' is not a list; this is not a COCO file.")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise InputError(f"{self.file}: {key}[{index}] is not an object.")
        return entries

    def who(self, row: Row) -> str:
        """Return the file and an annotation, for messages."""
        return f"{self.file}: annotation {short_repr(row.get('id'))}"

    def keys(self, rows: Sequence[Row], key: str, kind: str = "") -> list[int | str]:
        """Return one id of each row, a whole number or text."""
        values = [row.get(key) for row in rows]
        if set(map(type, values)) <= {int} and all(abs(v) < 2**63 for v in values):  # pyright: ignore[reportArgumentType]
            return values  # pyright: ignore[reportReturnType]
        found = [id_key(value) for value in values]
        for index, (row, value) in enumerate(zip(rows, found, strict=True)):
            if value is None:
                where = f"{kind}[{index}]" if kind else f"annotation {short_repr(row.get('id'))}"
                raise InputError(
                    f"{self.file}: {where} has no whole number '{key}'; give a number or a text."
                )
        return found  # pyright: ignore[reportReturnType]

    def file_name(self, image_id: int) -> str:
        """Return the name of an image as the file has it."""
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
        names = [name, name.replace("\\", "/")]
        return next((f for f in tried for n in names if is_file(f / n)), tried[0])

    def places(self, rows: Sequence[Row]) -> tuple[np.ndarray, list[int]]:
        """Return the (N,) which of the used images each annotation is in, and the used images' ids.

        Raises:
            InputError: an annotation's image is not listed.
        """
        keys = self.keys(rows, "image_id")
        numbers = [self.image_ids.get(key) for key in keys]
        if None in numbers:
            index = numbers.index(None)
            raise InputError(
                f"{self.who(rows[index])} belongs to image "
                f"{short_repr(keys[index])}, which 'images' does not list; "
                "add the image, or remove the annotation."
            )
        used, image = np.unique(np.array(numbers, dtype=np.int64), return_inverse=True)
        return image.reshape(-1), used.tolist()

    def paths(self, image_ids: Sequence[int], rows: Sequence[Row] = ()) -> list[Path]:
        """Return the images' files; all must exist, and two names never give one file by a fallback."""
        first: dict[str, Row] = {}
        for row in rows:
            first.setdefault(str(id_key(row.get("image_id"))), row)
        paths = []
        for image_id in image_ids:
            row = first.get(str(id_key(self.images[image_id].get("id"))))
            who = f"image {image_id}" if row is None else f"annotation {short_repr(row.get('id'))}"
            paths.append(self._names.find(self.file_name(image_id), f"{self.file}: {who}"))
        listed = [name for e in self.images.values() if isinstance(name := e.get("file_name"), str)]
        self._names.claim_all(listed, str(self.file))
        return paths

    def stated_path(self, image_id: int) -> Path:
        """Return the file of an image that need not exist."""
        name = self.file_name(image_id)
        path, turned = self.folder / name, self.folder / name.replace("\\", "/")
        return turned if turned != path and not is_file(path) else path

    def ids(self, rows: Sequence[Row]) -> np.ndarray:
        """Return the (N,) int64 ids of the annotations, or their places in the list without ids."""
        without = sum(row.get("id") is None for row in rows)
        if without:
            self._without_id = without if without < len(rows) else 0
            return np.arange(len(rows))
        return np.array(IdTable(self.keys(rows, "id")).numbers, dtype=np.int64)

    def category_keys(self, rows: Sequence[Row]) -> list[str]:
        """Return the category of each row as text; the only category where an annotation has none."""
        if len(self.categories) == 1:
            only = str(id_key(self.categories[0].get("id")))
            said = [row for row in rows if row.get("category_id") is not None]
            keys = iter(self.keys(said, "category_id"))
            return [only if row.get("category_id") is None else str(next(keys)) for row in rows]
        return [str(key) for key in self.keys(rows, "category_id")]

    def skeleton(self, rows: Sequence[Row], notes: list[str]) -> Skeleton:
        """Return the one skeleton of the categories that the annotations use."""
        of = self.category_keys(rows)
        first = dict(zip(reversed(of), reversed(rows), strict=True))
        found: Skeleton | None = None
        for entry in self.categories:
            row = first.get(str(id_key(entry.get("id"))))
            if row is None:
                continue
            values = row["keypoints"]
            count = len(values) // 3 if isinstance(values, list) else 0
            skeleton = category_skeleton(entry, max(count, 1), str(self.file))
            if has_no_names(entry):
                notes.append(
                    f"Category '{skeleton.name}' names no keypoints; they are called "
                    f"{skeleton.keypoints[0]} to {skeleton.keypoints[-1]}, and --skeleton names them."
                )
            if found is not None and found.keypoints != skeleton.keypoints:
                raise InputError(
                    f"{self.file} has two categories with different keypoints, '{found.name}' "
                    f"({len(found)}) and '{skeleton.name}' ({len(skeleton)}); keep one category, "
                    "or write one file for each."
                )
            found = found or skeleton
        if found is None:
            used = short_repr(sorted(first)[:4])
            raise InputError(
                f"{self.file}: annotations use category {used}, which 'categories' "
                "does not define; add it with the names of its keypoints."
            )
        return found

    def keypoints(self, rows: Sequence[Row], count: int) -> np.ndarray:
        """Return the (N, K, 3) float64 x, y, flag, 0 for flags up to 0; (N, 0) without keypoints."""
        values = [row["keypoints"] for row in rows]
        length = 3 * count
        values = [_flat(value) for value in values]
        for row, value in zip(rows, values, strict=True):
            if not isinstance(value, list) or len(value) != length:
                given = len(value) if isinstance(value, list) else type(value).__name__
                raise InputError(
                    f"{self.who(row)} has keypoints of length {given}, "
                    f"expected {length} (x, y, flag for each of {count} keypoints)."
                )
        table = self._numbers(rows, values, "keypoint that is not a number").reshape(-1, count, 3)
        labeled = table[..., 2] > 0
        wrong = labeled & ~(np.abs(table) <= MOST_PIXELS).all(axis=2)
        if wrong.any():
            row = rows[int(np.flatnonzero(wrong.any(axis=1))[0])]
            raise InputError(
                f"{self.who(row)} has a keypoint that is not finite or beyond a million pixels."
            )
        return np.where(labeled[..., None], table, 0.0)

    def boxes(self, rows: Sequence[Row], *, needed: bool) -> np.ndarray:
        """Return the (N, 4) float64 x, y, width, height; a width of 0 for no box.

        Raises:
            InputError: a malformed box; or no box though ``needed``. A box ``[]`` or without area
                counts
                as none, as Label Studio writes it around a single point.
        """
        boxes = np.zeros((len(rows), 4))
        having = [i for i, row in enumerate(rows) if needed or not is_empty_box(row.get("bbox"))]
        missing = next((row for row in rows if needed and row.get("bbox") is None), None)
        if missing is not None:
            row = missing
            raise InputError(f"{self.who(row)} has no 'bbox'; give x, y, width, height.")
        some = [rows[i] for i in having]
        values = [row["bbox"] for row in some]
        for row, value in zip(some, values, strict=True):
            if not isinstance(value, list) or len(value) != 4:
                raise InputError(
                    f"{self.who(row)} has a 'bbox' that is not four numbers; give x, y, width, height."
                )
        table = self._numbers(
            some, values, "'bbox' that is not four numbers; give x, y, width, height"
        ).reshape(-1, 4)
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
                    f"{self.who(some[index])} has a 'bbox' {why.format(*table[index])}; correct it, or "
                    "remove the annotation."
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
        raise InputError(f"{self.who(row)} has a {problem}.")


def _table(values: list[Any]) -> np.ndarray | None:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def is_empty_box(box: Any) -> bool:
    """Return whether a box is absent, ``[]``, or has no width or no height."""
    if box is None or box == []:
        return True
    return isinstance(box, list) and len(box) == 4 and any(side == 0 for side in box[2:])


def _flat(value: Any) -> Any:
    """Return keypoints as one list: some files have a list for each, or null for an unlabeled one."""
    if not isinstance(value, list):
        return value
    if any(isinstance(v, list) for v in value):
        triples = [[0, 0, 0] if v is None or v == [] else v for v in value]  # not labeled
        if all(isinstance(v, list) and len(v) == 3 for v in triples):
            value = [number for triple in triples for number in triple]
    if None in value and len(value) % 3 == 0:
        triples = [value[i : i + 3] for i in range(0, len(value), 3)]
        value = [v for t in triples for v in ([0, 0, 0] if t[2] in (0, None) else t)]
    return value


def _is_predicted(content: Row) -> bool:
    """Return whether :func:`write_results` wrote a file's content."""
    info = content.get("info")
    said = info.get("description") if isinstance(info, dict) else None
    return isinstance(said, str) and said.startswith(OF_PREDICTIONS)
