"""DeepLabCut: ``CollectedData_*.csv`` and ``.h5``, project folders, and predictions of its models.

Read here rather than through sleap-io, which sorts the body parts by name, skips rows whose image
is missing (and then takes the wrong image for others) and neither reads ``.h5`` nor writes
anything. Tables are the ones that pandas writes: header rows scorer, (individuals,) bodyparts,
coords; the index is the image's path, whole or in three parts, or for predictions the number of a
frame of the video.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import Annotations, Boxes, checked_points, table
from posebridge.data.folder_scan import is_readable_image
from posebridge.data.formats.deeplabcut_csv import is_csv, read_csv_table
from posebridge.data.formats.deeplabcut_h5 import read_h5_table
from posebridge.data.formats.deeplabcut_images import row_images
from posebridge.errors import InputError
from posebridge.files.yaml_files import read_yaml_mapping
from posebridge.skeleton import Skeleton

__all__ = ["Table", "is_csv", "is_project", "read_annotations", "read_scored_boxes"]


def is_project(path: Path) -> bool:
    """Return whether a path is a folder with ``config.yaml`` and ``labeled-data``, or that file."""
    folder = path.parent if path.name == "config.yaml" else path
    return (folder / "config.yaml").is_file() and (folder / "labeled-data").is_dir()


def read_annotations(path: Path | str, images: Path | str | None = None) -> Annotations:
    """Return the labels of a CSV or H5 file, or of all videos of a project.

    Args:
        path: the file, the project's folder, or its ``config.yaml``.
        images: folder of the images, or of the video of predictions, if not where DeepLabCut has
            them.

    Raises:
        InputError: names the file, the row and what is wrong with it.
    """
    tables, config, notes = _tables(Path(path))
    parts = list(dict.fromkeys(part for t in tables for part in t.parts))
    if config is not None:
        # The order of the project, which its models' outputs have.
        project = _listed(config, "bodyparts") + _listed(config, "multianimalbodyparts")
        project += _listed(config, "uniquebodyparts")
        parts.sort(key=lambda part: project.index(part) if part in project else len(project))
    skeleton = _skeleton(parts, config, Path(path))
    files: list[Path] = []
    image, points, scores, names = [], [], [], []
    negative = half = 0
    for t in tables:
        where = row_images(t.file, t.index, t.labeled(), images)
        notes += where.notes
        for row, file in zip(where.rows, where.files, strict=True):
            for name in t.individuals:
                place = t.positions(int(row), name, parts)
                given = np.isfinite(place[:, :2])
                half += int((given.any(axis=1) & ~given.all(axis=1)).sum())
                # Tools without empty cells write -1 where a body part is not in the image.
                away = given.all(axis=1) & (place[:, :2] < 0).any(axis=1)
                negative += int(away.sum())
                place[away, :2] = np.nan
                if np.isfinite(place[:, :2]).all(axis=1).any():
                    image.append(len(files))
                    points.append(place[:, :2] + where.origin)
                    scores.append(place[:, 2])
                    names.append(name)
            files.append(file)
    if negative:
        notes.append(f"{negative} body parts at negative places, such as -1, count as not labeled.")
    if half:
        notes.append(f"{half} body parts with only one of x and y count as not labeled.")
    if not points:
        raise InputError(f"{path}: no body part is labeled in any image.")
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
        notes=notes,
    )


def read_scored_boxes(path: Path | str, images: Path | str | None = None) -> Boxes:
    """Return the images alone, each taken whole: these files have no boxes."""
    tables, _, notes = _tables(Path(path))
    found = [row_images(t.file, t.index, t.labeled(), images) for t in tables]
    files = [file for where in found for file in where.files]
    order = np.arange(len(files))
    samples = table(str(path), files, order, np.zeros((len(files), 4)), order, order)
    return Boxes(samples, notes=notes + [note for where in found for note in where.notes])


class Table:
    """One file: the origin of rows and the meaning of columns.

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
        """Return the (K, 3) x, y, likelihood; NaN where the table has none."""
        found = np.full((len(parts), 3), np.nan)
        for k, part in enumerate(parts):
            for c, coordinate in enumerate(("x", "y", "likelihood")):
                column = self.place.get((individual, part, coordinate))
                if column is not None:
                    found[k, c] = self.values[row, column]
        return found

    def labeled(self) -> np.ndarray:
        """Return (M,) bool: a row has a place; a negative place, such as -1, does not count."""
        places = [i for (_, _, coordinate), i in self.place.items() if coordinate != "likelihood"]
        values = self.values[:, places]
        return np.asarray((np.isfinite(values) & (values >= 0)).any(axis=1))


def _tables(path: Path) -> tuple[list[Table], dict[str, Any] | None, list[str]]:
    """Return the tables, the project's config, and a note on videos without a table."""
    if not is_project(path):
        return [_table(path)], _config_above(path), []
    project = path.parent if path.name == "config.yaml" else path
    config = _config(project / "config.yaml")
    found = []
    bare: list[Path] = []
    for folder in sorted(p for p in (project / "labeled-data").iterdir() if p.is_dir()):
        named = f"CollectedData_{config.get('scorer')}"
        files = [folder / f"{named}.csv", folder / f"{named}.h5"]
        files += sorted(folder.glob("CollectedData_*.csv")) + sorted(
            folder.glob("CollectedData_*.h5")
        )
        labels = next((f for f in files if f.is_file()), None)
        if labels is not None:
            found.append(_table(labels))
        elif any(is_readable_image(file) for file in folder.iterdir()):
            bare.append(folder)
    if not found:
        raise InputError(f"{project / 'labeled-data'} holds no CollectedData_*.csv or .h5.")
    if not bare:
        return found, config, []
    left_out = (
        f"{len(bare)} folders of labeled-data without a CollectedData_*.csv or .h5 are left out"
    )
    return found, config, [f"{left_out}, the first {bare[0]}."]


def _config_above(path: Path) -> dict[str, Any] | None:
    """Return the project's config of a file in ``labeled-data/VIDEO``, for the bones."""
    labels = path.resolve().parent.parent
    file = labels.parent / "config.yaml"
    return _config(file) if labels.name == "labeled-data" and file.is_file() else None


def _config(file: Path) -> dict[str, Any]:
    content = read_yaml_mapping(file, "DeepLabCut project")
    bones = content.get("skeleton") or []
    if not isinstance(bones, list) or not all(isinstance(b, list) and len(b) == 2 for b in bones):
        raise InputError(f"{file}: 'skeleton' is not a list of pairs of body parts.")
    return content


def _listed(config: dict[str, Any], key: str) -> list[str]:
    given = config.get(key)
    return [str(v) for v in given] if isinstance(given, list) else []


def _skeleton(parts: list[str], config: dict[str, Any] | None, path: Path) -> Skeleton:
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


def _table(file: Path) -> Table:
    if file.suffix.lower() in (".h5", ".hdf5", ".hdf"):
        index, columns, values = read_h5_table(file)
        return Table(file, index, _triples(columns, file), values)
    read = read_csv_table(file)
    return Table(file, read.index, _triples(read.columns, file), read.values)


def _triples(columns: Sequence[tuple[str, ...]], file: Path) -> list[tuple[str, str, str]]:
    """Return (scorer, [individual,] part, coordinate) without the scorer."""
    scorers = {column[0] for column in columns}
    if len(scorers) > 1:
        raise InputError(f"{file} has labels of {len(scorers)} scorers; keep those of one scorer.")
    if any(len(column) not in (3, 4) for column in columns):
        raise InputError(f"{file} has columns without scorer, body part and coordinate.")
    found = [(c[1] if len(c) == 4 else "", c[-2], c[-1]) for c in columns]
    if len(set(found)) < len(found):
        raise InputError(f"{file} has two columns for the same body part and coordinate.")
    return found
