"""COCO keypoint files, in and out."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.samples import LabelledSamples, UnlabelledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton


def read_labelled(path: Path | str, images: Path | str | None = None) -> LabelledSamples:
    """Every annotation of a COCO file that has at least one labelled keypoint.

    Args:
        path: the annotation file, or a folder that holds ``annotations.json``.
        images: the folder that ``file_name`` is relative to; by default the annotation file's own
            folder, its ``images``, or the same two one level up, whichever has the first image.

    Raises:
        InputError: naming the file, the entry, and what is wrong with it.
    """
    file = _annotation_file(Path(path))
    content = _Content(file, images)
    rows = [a for a in content.annotations if not a.get("iscrowd", 0) and "keypoints" in a]
    if not rows:
        raise InputError(
            f"{file} has no annotation with keypoints; a labelled set needs a COCO keypoint file."
        )
    skeleton = content.skeleton(rows)
    count = len(skeleton)
    table = np.zeros((len(rows), count, 3), dtype=np.float32)
    for row, annotation in enumerate(rows):
        table[row] = content.keypoints(annotation, count)
    has_any = (table[..., 2] > 0).any(axis=1)
    if not has_any.any():
        raise InputError(f"{file}: no keypoint of any annotation is labelled (all flags are 0).")
    kept = [rows[i] for i in np.flatnonzero(has_any)]
    table = table[has_any]
    labelled = table[..., 2] > 0
    points = np.where(labelled[..., None], table[..., :2], 0).astype(np.float32)
    boxes = [content.box(a, points[i][labelled[i]]) for i, a in enumerate(kept)]
    return LabelledSamples(content.samples(kept, boxes), skeleton, points, labelled)


def holds_keypoints(path: Path | str) -> bool:
    """Whether ``path`` is a COCO file, or a folder with ``annotations.json``, that has keypoints.

    Raises:
        InputError: it is such a file, and broken.
    """
    path = Path(path)
    file = path / "annotations.json" if path.is_dir() else path
    if file.suffix.lower() != ".json" or not file.is_file():
        return False
    return any("keypoints" in a for a in _Content(file, None).annotations)


def read_boxes(path: Path | str, images: Path | str | None = None) -> UnlabelledSamples:
    """The images and boxes of a COCO file; keypoints in it are not read.

    A file without annotations gives each whole image as one subject.
    """
    file = _annotation_file(Path(path))
    content = _Content(file, images)
    rows = [a for a in content.annotations if not a.get("iscrowd", 0)]
    if not rows:
        rows = [{"id": i, "image_id": i} for i in content.images]
        return content.samples(rows, [(0.0, 0.0, 0.0, 0.0)] * len(rows))
    without_box = np.zeros((0, 2), dtype=np.float32)
    return content.samples(rows, [content.box(a, without_box) for a in rows])


def write_results(
    path: Path,
    images: UnlabelledSamples,
    points: np.ndarray,
    confidence: np.ndarray,
    skeleton: Skeleton,
    files: Sequence[str],
    sizes: Sequence[tuple[int, int]],
) -> None:
    """Write predictions as a COCO file: results in ``annotations``, a confidence for each keypoint.

    COCO's bare results list cannot say which image an id means when the input was a folder, so the
    file is a whole COCO file whose annotations are also valid results entries: ``keypoints`` holds
    x, y, confidence, ``score`` their mean.

    Args:
        points: (N, K, 2) in pixels of the original images. confidence: (N, K) in [0, 1].
        files, sizes: the name and the (width, height) of each subject's image.
    """
    listed: dict[int, dict[str, Any]] = {}
    annotations = []
    for row in range(len(images)):
        image_id = int(images.image_ids[row])
        width, height = sizes[row]
        listed.setdefault(
            image_id, {"id": image_id, "file_name": files[row], "width": width, "height": height}
        )
        triples = np.concatenate([points[row], confidence[row][:, None]], axis=1)
        x, y, w, h = (float(v) for v in images.boxes[row])
        annotations.append(
            {
                "id": int(images.annotation_ids[row]),
                "image_id": image_id,
                "category_id": 1,
                "bbox": [round(v, 2) for v in ((x, y, w, h) if w > 0 else (0, 0, width, height))],
                "keypoints": [round(float(v), 3) for v in triples.reshape(-1)],
                "score": round(float(confidence[row].mean()), 4),
            }
        )
    write_json(
        path,
        {
            "info": {"description": "posebridge predictions; keypoints are x, y, confidence"},
            "images": list(listed.values()),
            "annotations": annotations,
            "categories": [category(skeleton)],
        },
    )


def category(skeleton: Skeleton) -> dict[str, Any]:
    """The COCO category of a skeleton; edges count from 1 there."""
    return {
        "id": 1,
        "name": skeleton.name,
        "keypoints": list(skeleton.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.edges],
    }


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
    os.replace(partial, path)


def _annotation_file(path: Path) -> Path:
    file = path / "annotations.json" if path.is_dir() else path
    if not file.exists():
        hint = " (a folder is read through its annotations.json)" if path.is_dir() else ""
        raise InputError(f"{file} does not exist{hint}; give the path of a COCO annotation file.")
    return file


class _Content:
    """A parsed COCO file whose parts are checked as they are asked for."""

    def __init__(self, file: Path, images: Path | str | None) -> None:
        self.file = file
        try:
            content = json.loads(file.read_bytes())
        except UnicodeDecodeError as error:
            raise InputError(
                f"{file} is not a text file ({error.reason}); give a COCO JSON."
            ) from error
        except json.JSONDecodeError as error:
            raise InputError(
                f"{file} is not valid JSON: {error.msg} in line {error.lineno}, column "
                f"{error.colno}; write the file again from the tool that made it."
            ) from error
        except RecursionError as error:
            raise InputError(f"{file} is nested too deeply to be a COCO file.") from error
        except OSError as error:
            raise InputError(f"{file} can't be read: {error.strerror}.") from error
        if not isinstance(content, dict):
            raise InputError(f"{file} is not a COCO file: it holds a {type(content).__name__}.")
        self.annotations = self._entries(content, "annotations")
        self.categories = self._entries(content, "categories")
        self.images = {
            self._identity(entry, "id", f"images[{i}]"): entry
            for i, entry in enumerate(self._entries(content, "images"))
        }
        if not self.images:
            raise InputError(f"{file} lists no images; a COCO file names them under 'images'.")
        self.folder = self._folder(images)

    def _entries(self, content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        entries = content.get(key, [])
        if not isinstance(entries, list):
            raise InputError(f"{self.file}: '{key}' is not a list; this is no COCO file.")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise InputError(f"{self.file}: {key}[{index}] is not an object.")
        return entries

    def _identity(self, entry: Mapping[str, Any], key: str, where: str) -> int:
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise InputError(f"{self.file}: {where} has no whole number '{key}'.")
        return value

    def _file_name(self, image_id: int) -> str:
        name = self.images[image_id].get("file_name")
        if not isinstance(name, str) or not name or "\0" in name:
            raise InputError(f"{self.file}: image {image_id} has no 'file_name'.")
        return name

    def _folder(self, images: Path | str | None) -> Path:
        name = self._file_name(next(iter(self.images)))
        base = self.file.parent
        tried = [base, base / "images", base.parent, base.parent / "images"]
        if images is not None:
            tried = [Path(images)]
            if not tried[0].is_dir():
                raise InputError(f"the image folder {images} does not exist.")
        return next((folder for folder in tried if (folder / name).is_file()), tried[0])

    def skeleton(self, rows: list[dict[str, Any]]) -> Skeleton:
        """The one skeleton of the categories that the annotations use."""
        used = {self._identity(a, "category_id", f"annotation {a.get('id')}") for a in rows}
        found: Skeleton | None = None
        for entry in self.categories:
            identity = entry.get("id")
            if not isinstance(identity, int) or identity not in used:
                continue
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
                skeleton = Skeleton.from_names(
                    str(label), [str(n) for n in names], [(a - first, b - first) for a, b in edges]
                )
            except (InputError, TypeError, ValueError) as error:
                raise InputError(f"{self.file}: category '{label}': {error}") from error
            if found is not None and found.keypoints != skeleton.keypoints:
                raise InputError(
                    f"{self.file} has two categories with different keypoints, '{found.name}' "
                    f"({len(found)}) and '{label}' ({len(skeleton)}); keep one category, or write "
                    "one file for each."
                )
            found = found or skeleton
        if found is None:
            raise InputError(
                f"{self.file}: annotations use category {sorted(used)}, which 'categories' "
                "does not define; add it with the names of its keypoints."
            )
        return found

    def keypoints(self, annotation: Mapping[str, Any], count: int) -> np.ndarray:
        """(K, 3) x, y, flag of one annotation."""
        where = f"{self.file}: annotation {annotation.get('id')}"
        values = annotation["keypoints"]
        if not isinstance(values, list) or len(values) != 3 * count:
            length = len(values) if isinstance(values, list) else type(values).__name__
            raise InputError(
                f"{where} has keypoints of length {length}, expected {3 * count} "
                f"(x, y, flag for each of {count} keypoints)."
            )
        try:
            table = np.asarray(values, dtype=np.float64).reshape(count, 3)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{where} has a keypoint that is not a number.") from error
        labelled = table[:, 2] > 0
        if not np.isfinite(table[labelled]).all() or np.abs(table[labelled]).max(initial=0) > 1e6:
            raise InputError(
                f"{where} has a keypoint that is not finite or beyond a million pixels."
            )
        return np.where(labelled[:, None], table, 0).astype(np.float32)

    def box(
        self, annotation: Mapping[str, Any], points: np.ndarray
    ) -> tuple[float, float, float, float]:
        """The annotation's box, or the extent of its points where it has none."""
        where = f"{self.file}: annotation {annotation.get('id')}"
        box = annotation.get("bbox")
        if box is None:
            if len(points) < 2:
                raise InputError(f"{where} has no 'bbox'; give x, y, width, height.")
            low, high = points.min(axis=0), points.max(axis=0)
            width, height = (high - low) + 1
            return float(low[0]), float(low[1]), float(width), float(height)
        try:
            x, y, width, height = (float(v) for v in box)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{where} has a 'bbox' that is not four numbers.") from error
        if not all(math.isfinite(v) and abs(v) < 1e6 for v in (x, y, width, height)):
            raise InputError(f"{where} has a 'bbox' that is not finite or beyond a million pixels.")
        if width <= 0 or height <= 0:
            raise InputError(f"{where} has a 'bbox' of width {width:g} and height {height:g}.")
        return x, y, width, height

    def samples(
        self, rows: Sequence[Mapping[str, Any]], boxes: Sequence[Sequence[float]]
    ) -> UnlabelledSamples:
        """The table of the given annotations; every image must exist."""
        image_ids, annotation_ids = [], []
        paths: dict[int, Path] = {}
        for index, annotation in enumerate(rows):
            where = f"annotation {annotation.get('id', index)}"
            image_id = self._identity(annotation, "image_id", where)
            if image_id not in self.images:
                raise InputError(
                    f"{self.file}: {where} belongs to image {image_id}, which 'images' does not list."
                )
            if image_id not in paths:
                path = self.folder / self._file_name(image_id)
                if not path.is_file():
                    raise InputError(
                        f"{self.file}: {where} names the image {path}, which does not exist; put it "
                        "there or give the folder of the images."
                    )
                paths[image_id] = path
            image_ids.append(image_id)
            annotation_ids.append(
                self._identity(annotation, "id", where) if "id" in annotation else index
            )
        return UnlabelledSamples.from_lists(
            str(self.file), [paths[i] for i in image_ids], boxes, image_ids, annotation_ids
        )
