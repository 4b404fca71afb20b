"""DeepLabCut: ``CollectedData_*.csv`` and ``.h5``, project folders, and predictions of its models.

Read here rather than through sleap-io, which sorts the body parts by name, skips rows whose image
is missing (and then takes the wrong image for others) and neither reads ``.h5`` nor writes
anything. Tables are the ones that pandas writes: header rows scorer, (individuals,) bodyparts,
coords; the index is the image's path, whole or in three parts, or for predictions the number of a
frame of the video.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posebridge.data.annotations import Annotations, Boxes, checked_points, found_image, table
from posebridge.data.deeplabcut_h5 import read_h5_table
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg")


def is_project(path: Path) -> bool:
    """A folder with ``config.yaml`` and ``labeled-data``, or that file."""
    folder = path.parent if path.name == "config.yaml" else path
    return (folder / "config.yaml").is_file() and (folder / "labeled-data").is_dir()


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """The labels of a CSV or H5 file, or of all videos of a project.

    Args:
        path: the file, the project's folder, or its ``config.yaml``.
        images: folder of the images, or of the video of predictions, if not where DeepLabCut has
            them.

    Raises:
        InputError: naming the file, the row and what is wrong with it.
    """
    tables, config = _tables(Path(path))
    parts = list(dict.fromkeys(part for t in tables for part in t.parts))
    if config is not None:
        # The order of the project, which its models' outputs have.
        project = _listed(config, "bodyparts") + _listed(config, "multianimalbodyparts")
        project += _listed(config, "uniquebodyparts")
        parts.sort(key=lambda part: project.index(part) if part in project else len(project))
    skeleton = _skeleton(parts, config, Path(path))
    files: list[Path] = []
    image, points, scores, names = [], [], [], []
    for t in tables:
        where = t.images(images)
        for row, file in enumerate(where):
            for name in t.individuals:
                place = t.positions(row, name, parts)
                if np.isfinite(place[:, :2]).all(axis=1).any():
                    image.append(len(files))
                    points.append(place[:, :2])
                    scores.append(place[:, 2])
                    names.append(name)
            files.append(file)
    if not points:
        raise InputError(f"{path}: no body part is labelled in any image.")
    places, likelihood = np.array(points), np.array(scores)
    known = np.asarray(np.isfinite(places).all(axis=2))
    checked_points(places, known, str(path))
    order = np.arange(len(files))
    return Annotations(
        name=str(path),
        skeleton=skeleton,
        files=files,
        image_ids=order,
        sizes=np.zeros((len(files), 2), dtype=np.int64),
        image=np.array(image, dtype=np.int64),
        ids=np.arange(len(image)),
        boxes=np.zeros((len(image), 4)),
        points=np.where(known[..., None], places, 0),
        visibility=np.where(known, 2, 0).astype(np.uint8),
        keypoint_scores=likelihood if np.isfinite(likelihood).any() else None,
        individuals=names if any(names) else None,
        predicted=np.asarray(np.isfinite(likelihood).any(axis=1)),
    )


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """The images alone, each taken whole: these files have no boxes."""
    tables, _ = _tables(Path(path))
    files = [file for t in tables for file in t.images(images)]
    order = np.arange(len(files))
    return Boxes(table(str(path), files, order, np.zeros((len(files), 4)), order, order))


class Table:
    """One file: where rows come from and what the columns are.

    Attributes:
        file: the CSV or H5.
        index: (M,) for each row the parts of its image's path, or one number.
        columns: (individual, part, coordinate) of each column; the individual is "" for one animal.
        values: (M, columns) float64.
    """

    def __init__(
        self,
        file: Path,
        index: Sequence[tuple[str, ...]],
        columns: Sequence[tuple[str, str, str]],
        values: np.ndarray,
    ) -> None:
        self.file, self.index, self.values = file, index, values
        self.place = {column: i for i, column in enumerate(columns)}
        self.parts = list(dict.fromkeys(part for _, part, _ in columns))
        self.individuals = list(dict.fromkeys(name for name, _, _ in columns))
        for name, part, coordinate in columns:
            if coordinate not in ("x", "y", "likelihood"):
                raise InputError(
                    f"{file}: a column of '{part}' is '{coordinate}'; expected x, y or likelihood."
                )
            if not {(name, part, "x"), (name, part, "y")} <= self.place.keys():
                raise InputError(f"{file}: '{part}' has no columns x and y.")
        if not self.place:
            raise InputError(f"{file} has no columns of body parts.")
        if len(index) == 0:
            raise InputError(f"{file} has no rows; label some images first.")

    def positions(self, row: int, individual: str, parts: Sequence[str]) -> np.ndarray:
        """(K, 3) x, y, likelihood; NaN where the table has none."""
        found = np.full((len(parts), 3), np.nan)
        for k, part in enumerate(parts):
            for c, coordinate in enumerate(("x", "y", "likelihood")):
                column = self.place.get((individual, part, coordinate))
                if column is not None:
                    found[k, c] = self.values[row, column]
        return found

    def images(self, images: Path | str | None) -> list[Path]:
        """The image of each row; frames of a video where rows are numbers."""
        if all(len(i) == 1 and re.fullmatch(r"\d{1,9}", i[0]) for i in self.index):
            from posebridge.data.video import extract_frames

            video = self._video(images)
            return extract_frames(video, [int(i[0]) for i in self.index])
        base = self.file.parent
        # DeepLabCut's paths start at the project, two folders above the file; others beside it.
        project = base.parent.parent
        found = []
        for row, parts in enumerate(self.index):
            name = "/".join(parts).replace("\\", "/")
            where = f"{self.file}: row {row + 1}"
            folders = [base, base.parent, project]
            if name.startswith("labeled-data/"):
                folders = [project, base, base.parent]
            if images is not None:
                folders = [Path(images)]
            try:
                found.append(found_image(name, folders, where))
            except InputError:
                # As in a copy of one folder of labeled-data.
                found.append(found_image(name.rpartition("/")[2], [base, *folders], where))
        return found

    def _video(self, images: Path | str | None) -> Path:
        folder = self.file.parent if images is None else Path(images)
        if folder.is_file():
            return folder
        near = [p for p in folder.glob("*") if p.suffix.lower() in _VIDEOS]
        # mouse12DLC_resnet50... belongs to mouse12.mp4, not to mouse1.mp4.
        fits = [p for p in near if re.match(re.escape(p.stem) + r"(DLC|_|-|\W|$)", self.file.stem)]
        if not fits:
            raise InputError(
                f"{self.file} counts the frames of a video, and no video in {folder} has the name "
                "that it begins with; give the video as the folder of images."
            )
        return max(fits, key=lambda p: len(p.stem))


def _tables(path: Path) -> tuple[list[Table], dict[Any, Any] | None]:
    if not is_project(path):
        return [_table(path)], _config_above(path)
    project = path.parent if path.name == "config.yaml" else path
    config = _config(project / "config.yaml")
    found = []
    for folder in sorted(p for p in (project / "labeled-data").iterdir() if p.is_dir()):
        named = f"CollectedData_{config.get('scorer')}"
        files = [folder / f"{named}.csv", folder / f"{named}.h5"]
        files += sorted(folder.glob("CollectedData_*.csv")) + sorted(
            folder.glob("CollectedData_*.h5")
        )
        labels = next((f for f in files if f.is_file()), None)
        if labels is not None:
            found.append(_table(labels))
    if not found:
        raise InputError(f"{project / 'labeled-data'} holds no CollectedData_*.csv or .h5.")
    return found, config


def _config_above(path: Path) -> dict[Any, Any] | None:
    """The project's settings of a file in ``labeled-data/VIDEO``, for the bones."""
    labels = path.resolve().parent.parent
    file = labels.parent / "config.yaml"
    return _config(file) if labels.name == "labeled-data" and file.is_file() else None


def _config(file: Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{file} holds no settings of a project.")
    bones = content.get("skeleton") or []
    if not isinstance(bones, list) or not all(isinstance(b, list) and len(b) == 2 for b in bones):
        raise InputError(f"{file}: 'skeleton' is not a list of pairs of body parts.")
    return content


def _listed(config: dict[Any, Any], key: str) -> list[str]:
    given = config.get(key)
    return [str(v) for v in given] if isinstance(given, list) else []


def _skeleton(parts: list[str], config: dict[Any, Any] | None, path: Path) -> Skeleton:
    edges = []
    for bone in (config or {}).get("skeleton") or []:
        ends = [str(v) for v in bone]
        if all(end in parts for end in ends):
            edges.append((parts.index(ends[0]), parts.index(ends[1])))
    name = str((config or {}).get("Task") or "animal")
    try:
        return Skeleton.from_names(name, parts, edges)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def is_csv(path: Path) -> bool:
    """Whether the first cell of a CSV file is ``scorer``."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf").startswith(b"scorer,")
    except OSError:
        return False


def _table(file: Path) -> Table:
    if file.suffix.lower() in (".h5", ".hdf5", ".hdf"):
        index, columns, values = read_h5_table(file)
        return Table(file, index, _triples(columns, file), values)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = [row for row in csv.reader(text) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} is not a CSV file that can be read ({error}).") from error
    heads: list[list[str]] = []
    while (
        rows and len(heads) < 4 and rows[0][0] in ("scorer", "individuals", "bodyparts", "coords")
    ):
        heads.append(rows.pop(0))
    if not heads or [h[0] for h in heads] not in (
        ["scorer", "bodyparts", "coords"],
        ["scorer", "individuals", "bodyparts", "coords"],
    ):
        raise InputError(
            f"{file} does not begin with DeepLabCut's rows scorer, bodyparts and coords."
        )
    # An index of three parts has empty cells in the header.
    width = len(heads[0])
    if any(len(row) != width for row in [*heads, *rows]):
        number = next(i for i, row in enumerate([*heads, *rows], 1) if len(row) != width)
        raise InputError(f"{file}: line {number} has another number of cells than the first.")
    first = next((i for i in range(1, width) if heads[-1][i]), width)
    columns = _triples([tuple(h[i] for h in heads) for i in range(first, width)], file)
    values = np.empty((len(rows), width - first))
    for number, row in enumerate(rows):
        try:
            values[number] = [float(cell) if cell else np.nan for cell in row[first:]]
        except ValueError as error:
            raise InputError(
                f"{file}: line {len(heads) + number + 1} holds something that is no number."
            ) from error
    return Table(file, [tuple(row[:first]) for row in rows], columns, values)


def _triples(columns: Sequence[tuple[str, ...]], file: Path) -> list[tuple[str, str, str]]:
    """(scorer, [individual,] part, coordinate) without the scorer."""
    scorers = {column[0] for column in columns}
    if len(scorers) > 1:
        raise InputError(f"{file} has labels of {len(scorers)} scorers; keep those of one.")
    if any(len(column) not in (3, 4) for column in columns):
        raise InputError(f"{file} has columns without scorer, body part and coordinate.")
    found = [(c[1] if len(c) == 4 else "", c[-2], c[-1]) for c in columns]
    if len(set(found)) < len(found):
        raise InputError(f"{file} has two columns for the same body part and coordinate.")
    return found
