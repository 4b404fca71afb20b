"""What a ``data.yaml`` of Ultralytics says: skeleton, images and the lines of their label files.

The format itself is told in ``yolo.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posebridge.data.annotations import found_image
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

SPLITS = ("train", "val", "test")
_OF_KEYPOINTS = {"kpt_shape", "kpt_names", "node_names", "flip_idx", "skeleton"}
_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def dataset_file(path: Path) -> Path | None:
    """The ``data.yaml`` that a path means: itself, the one in a folder, or the one above a split."""
    if path.is_file():
        return path if path.suffix in (".yaml", ".yml") and _looks_like(path) else None
    if not path.is_dir():
        return None
    for folder in [path, *path.resolve().parents[:3]]:
        file = folder / "data.yaml"
        if file.is_file() and _looks_like(file):
            return file
    return None


def is_dataset(path: Path) -> bool:
    """A ``data.yaml`` of a pose data set, its folder, or the folder of one of its splits."""
    file = dataset_file(path)
    if file is None:
        return False
    if path.is_file() or file.parent == path:
        return True
    try:
        return bool(Dataset(path).chosen())
    except InputError:
        return False


def _looks_like(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    lines = text.splitlines()
    return any(line.startswith(f"{key}:") for line in lines for key in ("kpt_shape", *SPLITS))


class Lines:
    """Images and the numbers of their label files."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.rows: list[list[list[float]]] = []


class Dataset:
    """A parsed ``data.yaml``."""

    def __init__(self, path: Path) -> None:
        file = dataset_file(path)
        if file is None:
            raise InputError(f"{path} is no YOLO data set; give its data.yaml or its folder.")
        self.file, self.asked = file, path
        self.notes: list[str] = []
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise InputError(
                f"{file} is not valid YAML: {' '.join(str(error).split())}."
            ) from error
        except OSError as error:
            raise InputError(f"{file} can't be read: {error.strerror}.") from error
        if not isinstance(content, dict):
            raise InputError(f"{file} holds no settings; a data.yaml names train, val, kpt_shape.")
        self.content: Mapping[Any, Any] = content

    def shape(self) -> tuple[int, int]:
        """K and the numbers of a keypoint, 2 or 3."""
        given = self.content.get("kpt_shape")
        if (
            not isinstance(given, list)
            or len(given) != 2
            or not all(isinstance(v, int) and not isinstance(v, bool) for v in given)
            or not 0 < given[0] < 10_000
            or given[1] not in (2, 3)
        ):
            raise InputError(
                f"{self.file}: kpt_shape is {given!r}; a pose data set has [number of keypoints, 2 "
                "or 3]."
            )
        return given[0], given[1]

    def classes(self) -> Mapping[Any, Any]:
        """The names of the classes by number, none where the file has none."""
        names = self.content.get("names")
        listed = dict(enumerate(names)) if isinstance(names, list) else names
        return listed if isinstance(listed, dict) else {}

    def kind(self, number: float) -> str:
        """The name of a class, or its number where the file names none."""
        found = self.classes().get(number)
        return f"{number:g}" if found is None else str(found)

    def skeleton(self, count: int) -> Skeleton:
        content = self.content
        name = str(next(iter(self.classes().values()), "subject"))
        names = content.get("kpt_names", content.get("node_names"))
        if isinstance(names, dict) and names:  # one list for each class
            names = next(iter(names.values()))
        if names is None:
            names = [f"keypoint_{i}" for i in range(count)]
        if not isinstance(names, list) or len(names) != count:
            raise InputError(f"{self.file}: kpt_names does not name {count} keypoints.")
        try:
            edges = [(int(a), int(b)) for a, b in content.get("skeleton") or []]
            skeleton = Skeleton.from_names(name, [str(n) for n in names], edges)
            flip = content.get("flip_idx")
            pairs = [(i, int(j)) for i, j in enumerate(flip or []) if i < int(j)]
            # Where nothing changes places, such as in exports that don't know, names may tell.
            return replace(skeleton, pairs=tuple(pairs)) if pairs else skeleton
        except (InputError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{self.file}: skeleton or flip_idx: {error}") from error

    def places(self) -> list[Path]:
        """The folders of images, and the lists of images, of all splits that are there."""
        root = self.file.parent
        stated = self.content.get("path")
        roots = [root / str(stated), root] if stated else [root]
        places: dict[Path, None] = {}
        missing = []
        for split in SPLITS:
            given = self.content.get(split)
            for entry in given if isinstance(given, list) else [given] if given else []:
                # Ultralytics' rule for Roboflow's '../train/images', which lies beside the file.
                names = [str(entry), str(entry).removeprefix("../")]
                tried = [base / name for name in names for base in roots]
                found = next((p for p in tried if _is_folder(p) or _is_list(p)), None)
                if found is None:
                    missing.append(f"'{entry}' of '{split}'")
                else:
                    places[found.resolve()] = None
        self.notes = [f"the folder {entry} does not exist" for entry in missing]
        if not places and missing:
            raise InputError(
                f"{self.file}: the folder {missing[0]} does not exist; it is relative to 'path' or "
                "to the file."
            )
        if not places:
            raise InputError(f"{self.file} names no folder of images under train, val or test.")
        return list(places)

    def chosen(self) -> list[Path]:
        """The folders, then the lists of images, of all splits; or those folders asked for."""
        places = sorted(self.places(), key=Path.is_file)
        if not self.asked.is_dir() or self.asked.resolve() == self.file.parent.resolve():
            return places
        asked, folders = self.asked.resolve(), [place for place in places if place.is_dir()]
        below = [f for f in folders if f.is_relative_to(asked) or asked.is_relative_to(f)]
        if not below:
            raise InputError(f"{self.asked} is none of the splits of {self.file}.")
        return [asked if asked.is_relative_to(f) else f for f in below]

    def lines(self, columns: int | None) -> Lines:
        """Images in order of their names, with the numbers of their label files.

        Args:
            columns: of each line; None: the class and the box, whatever follows.
        """
        lines = Lines()
        # Where the file speaks of keypoints, what follows the box is theirs, and not looked at.
        outlines = columns is None and _OF_KEYPOINTS.isdisjoint(self.content)
        for file, text in self.images():
            lines.files.append(file)
            lines.rows.append(_numbers(text, columns, outlines) if text.is_file() else [])
        if not lines.files:
            raise InputError(f"{self.file}: the folders of its splits hold no image.")
        return lines

    def images(self) -> list[tuple[Path, Path]]:
        """Images and their label files, of each split in order of their names."""
        found: dict[Path, Path] = {}
        for place in self.chosen():
            if place.is_file():
                for file in sorted(_listed(place)):
                    found.setdefault(file, _label_folder(file).with_suffix(".txt"))
                continue
            labels = _label_folder(place)
            for file in sorted(p for p in place.rglob("*") if p.suffix.lower() in _IMAGES):
                found[file] = (labels / file.relative_to(place)).with_suffix(".txt")
        return list(found.items())


def _is_list(path: Path) -> bool:
    """A text file with an image on each line."""
    return path.suffix.lower() == ".txt" and path.is_file()


def _listed(file: Path) -> list[Path]:
    """The images of a list, relative to it or to where Ultralytics is started.

    Raises:
        InputError: one of them is not there.
    """
    found = []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        name = line.strip()
        if name:
            folders = [file.parent, *file.parent.parents[:2], Path()]
            image = found_image(name, folders, f"{file}: line {number}").resolve()
            if image.suffix.lower() in _IMAGES:
                found.append(image)
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _label_folder(images: Path) -> Path:
    """Ultralytics' rule, also for one image: the last ``images`` of the path becomes ``labels``."""
    parts = list(images.parts)
    if "images" not in parts:
        return images
    place = len(parts) - 1 - parts[::-1].index("images")
    return Path(*parts[:place], "labels", *parts[place + 1 :])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file} is not a text file that can be read ({error}).") from error


def _outlined(numbers: Sequence[float]) -> list[float]:
    """The class and the box of a line: of x, y, x, y, ... from three corners on their extent.

    Beyond 1 is no corner: flags of keypoints go to 2.
    """
    if len(numbers) < 7 or len(numbers) % 2 == 0 or max(numbers[1:]) > 1:
        return list(numbers[:5])
    corners = np.array(numbers[1:]).reshape(-1, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return [numbers[0], *((low + high) / 2).tolist(), *(high - low).tolist()]


def _numbers(file: Path, columns: int | None, outlines: bool) -> list[list[float]]:
    """The lines of a label file.

    Args:
        columns: of each line; None: the class and the box, whatever follows.
        outlines: a long line may be the outline of a mask, as data sets for segmentation have it.
    """
    rows = []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) < 5 or (columns is not None and len(words) != columns):
            expected = columns or "at least 5"
            raise InputError(
                f"{file}: line {number} has {len(words)} numbers, expected {expected}; a keypoint "
                "label is class, box and the keypoints that data.yaml counts."
            )
        try:
            kept = [float(w) for w in (words if columns or outlines else words[:5])]
            rows.append(_outlined(kept) if outlines else kept)
        except ValueError as error:
            raise InputError(f"{file}: line {number} holds something that is no number.") from error
    return rows
