"""The content of an Ultralytics ``data.yaml``: skeleton, images and the lines of their label files.

``yolo.py`` describes the format.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from posebridge.data.file_names import own_path
from posebridge.data.folder_scan import Scanned, scan_folder
from posebridge.data.formats.yolo_labels import Lines, read_text
from posebridge.data.image_files import IMAGE_ENDINGS
from posebridge.data.image_names import ImageNames
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.yaml_files import read_yaml
from posebridge.skeleton import Skeleton, unnamed_keypoints

SPLITS = ("train", "val", "test")
_OF_KEYPOINTS = {"kpt_shape", "kpt_names", "node_names", "flip_idx", "skeleton"}
_IMAGES = IMAGE_ENDINGS


def dataset_file(path: Path) -> Path | None:
    """Return the ``data.yaml`` of a path: itself, the one in a folder, or the one above a split."""
    if path.is_file():
        return path if path.suffix in (".yaml", ".yml") and _looks_like(path) else None
    if not path.is_dir():
        return None
    for folder in [path, *own_path(path).parents[:3], *path.resolve().parents[:3]]:
        file = folder / "data.yaml"
        if file.is_file() and _looks_like(file):
            return file
    return None


def is_dataset(path: Path) -> bool:
    """Return whether a path is a ``data.yaml`` of a pose dataset, its folder, or a split's folder."""
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


class Dataset:
    """A parsed ``data.yaml``."""

    def __init__(self, path: Path) -> None:
        file = dataset_file(path)
        if file is None:
            raise InputError(f"{path} is not a YOLO dataset; give its data.yaml or its folder.")
        self.file, self.given_path = file, path
        self.notes: list[str] = []
        content = read_yaml(file, "YOLO dataset")
        if not isinstance(content, dict):
            raise InputError(f"{file} is empty; a data.yaml names train, val, kpt_shape.")
        self.content: Mapping[Any, Any] = content

    def shape(self) -> tuple[int, int]:
        """Return K and the number of values of a keypoint, 2 or 3."""
        given = self.content.get("kpt_shape")
        if (
            not isinstance(given, list)
            or len(given) != 2
            or not all(isinstance(v, int) and not isinstance(v, bool) for v in given)
            or not 0 < given[0] < 10_000
            or given[1] not in (2, 3)
        ):
            raise InputError(
                f"{self.file}: kpt_shape is {short_repr(given)}; a pose dataset has [number "
                "of keypoints, 2 or 3]."
            )
        return given[0], given[1]

    def classes(self) -> Mapping[Any, Any]:
        """Return the names of the classes by number, none where the file has none."""
        names = self.content.get("names")
        listed = dict(enumerate(names)) if isinstance(names, list) else names
        return listed if isinstance(listed, dict) else {}

    def kind(self, number: float) -> str:
        """Return the name of a class, or its number where the file names none."""
        found = self.classes().get(number)
        return f"{number:g}" if found is None else str(found)

    def _keypoint_names(self, used: Sequence[float]) -> Any:
        """Return the names of the keypoints of the classes that have labels.

        Raises:
            InputError: two classes have different names of keypoints.
        """
        names = self.content.get("kpt_names", self.content.get("node_names"))
        if not isinstance(names, dict) or not names:
            return names
        # One list for each class, by its number; some have the class's name.
        of = {
            kind: names.get(kind, names.get(self.kind(kind), names.get(str(kind)))) for kind in used
        }
        known = {kind: given for kind, given in of.items() if given is not None}
        if not known:
            return next(iter(names.values()))
        first, *others = known
        for other in others:
            if known[other] != known[first]:
                raise InputError(
                    f"{self.file} has two classes with different keypoints, '{self.kind(first)}' and "
                    f"'{self.kind(other)}'; keep one class, or write one dataset for each."
                )
        return known[first]

    def skeleton(self, count: int, used: Sequence[float] = ()) -> Skeleton:
        """Return the one skeleton of the classes ``used``, which are all classes with labels."""
        content = self.content
        name = str(next(iter(self.classes().values()), "subject"))
        names = self._keypoint_names(used)
        if names is None:
            names = unnamed_keypoints(count)
        if not isinstance(names, list) or len(names) != count:
            raise InputError(f"{self.file}: kpt_names does not name {count} keypoints.")
        try:
            edges = [(int(a), int(b)) for a, b in content.get("skeleton") or []]
            skeleton = Skeleton.from_names(name, [str(n) for n in names], edges)
            flip = content.get("flip_idx")
            pairs = [(i, int(j)) for i, j in enumerate(flip or []) if i < int(j)]
            # Where flip_idx swaps nothing, as in exports without sides, the names may show the sides.
            return replace(skeleton, pairs=tuple(pairs)) if pairs else skeleton
        except (InputError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{self.file}: skeleton or flip_idx: {error}") from error

    def places(self) -> list[Path]:
        """Return the folders of images, and the lists of images, of all splits that are there."""
        root = self.file.parent
        stated = self.content.get("path")
        roots = [root / str(stated).replace("\\", "/"), root] if stated else [root]
        places: dict[Path, Path] = {}
        missing = []
        for split in SPLITS:
            given = self.content.get(split)
            for entry in given if isinstance(given, list) else [given] if given else []:
                # Ultralytics' rule for Roboflow's '../train/images', which is beside the file.
                stated_name = str(entry).replace("\\", "/")
                names = [str(entry), stated_name, stated_name.removeprefix("../")]
                tried = [base / name for name in names for base in roots]
                found = next((p for p in tried if _is_folder(p) or _is_list(p)), None)
                if found is None:
                    missing.append(f"'{entry}' of '{split}'")
                else:
                    # By its own name: where 'images' is a link, 'labels' is beside the link.
                    places.setdefault(found.resolve(), own_path(found))
        self.notes = [f"the folder {entry} does not exist" for entry in missing]
        if not places and missing:
            raise InputError(
                f"{self.file}: the folder {missing[0]} does not exist; it is relative to 'path' or "
                "to the file."
            )
        if not places:
            raise InputError(f"{self.file} names no folder of images under train, val or test.")
        return list(places.values())

    def chosen(self) -> list[Path]:
        """Return the folders, then the lists of images, of all splits; or the chosen folders."""
        places = sorted(self.places(), key=Path.is_file)
        if not self.given_path.is_dir() or self.given_path.resolve() == self.file.parent.resolve():
            return places
        given_path, folders = (
            self.given_path.resolve(),
            [place for place in places if place.is_dir()],
        )
        real = {f: f.resolve() for f in folders}
        below = [
            f
            for f in folders
            if real[f].is_relative_to(given_path) or given_path.is_relative_to(real[f])
        ]
        if not below:
            raise InputError(f"{self.given_path} is none of the splits of {self.file}.")
        return [
            f / given_path.relative_to(real[f]) if given_path.is_relative_to(real[f]) else f
            for f in below
        ]

    def lines(self, columns: int | None) -> Lines:
        """Return images in order of their names, with the numbers of their label files.

        Args:
            columns: of each line; None: the class and the box, whatever follows.
        """
        lines = Lines()
        # In a file with keypoints, the columns behind the box belong to keypoints and are not read.
        outlines = columns is None and _OF_KEYPOINTS.isdisjoint(self.content)
        for file, text in self.images():
            lines.add(file, text, columns, outlines)
        lines.require_own_texts(str(self.file))
        if not lines.files:
            raise InputError(f"{self.file}: the folders of its splits hold no image.")
        return lines

    def images(self) -> list[tuple[Path, Path]]:
        """Return images and their label files, of each split in order of their names."""
        found: dict[Path, Path] = {}
        for place in self.chosen():
            if place.is_file():
                for file in sorted(_listed(place)):
                    found.setdefault(file, _label_folder(file).with_suffix(".txt"))
                continue
            labels = _label_folder(place)
            if not labels.is_dir():
                labels = _label_folder(place.resolve())
            scanned = scan_folder(place)
            for file in filter(_is_image, scanned.files):
                found[file] = (labels / file.relative_to(place)).with_suffix(".txt")
            self._tell_left_out(place, scanned, labels, set(found.values()))
        return list(found.items())

    def _tell_left_out(
        self, place: Path, scanned: Scanned, labels: Path, own: Container[Path]
    ) -> None:
        """Note which files of a folder of images are not read, and labels without an image."""
        left_out = Counter(scanned.left_out)
        left_out["videos"] = sum(not _is_image(file) for file in scanned.files)
        counts = Scanned(left_out=+left_out).counts()
        if counts:
            self.notes.append(f"left out of {place}: {counts}")
        if labels == place or not labels.is_dir():
            return
        alone = [
            text
            for text in sorted(labels.rglob("*.txt"))
            if text not in own and text.name != "classes.txt" and not text.name.startswith(".")
        ]
        if alone:
            self.notes.append(
                f"{len(alone)} label files in {labels} have no image in {place}, the first "
                f"{alone[0].name}"
            )


def _is_list(path: Path) -> bool:
    """Return whether a path is a text file with an image on each line."""
    return path.suffix.lower() == ".txt" and path.is_file()


def _listed(file: Path) -> list[Path]:
    """Return the images of a list, relative to it or to where Ultralytics is started.

    Raises:
        InputError: one of the images does not exist.
    """
    found = []
    names = ImageNames([file.parent, *file.parent.parents[:2], Path()], below=False)
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        name = line.strip()
        if name:
            image = Path(os.path.abspath(names.find(name, f"{file}: line {number}")))
            if image.suffix.lower() in _IMAGES:
                found.append(image)
    return found


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _IMAGES and not path.name.startswith("._")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _label_folder(images: Path) -> Path:
    """Return the path with its last ``images`` as ``labels``, Ultralytics' rule, also for one image."""
    parts = list(images.parts)
    if "images" not in parts:
        return images
    place = len(parts) - 1 - parts[::-1].index("images")
    return Path(*parts[:place], "labels", *parts[place + 1 :])
