"""DeepLabCut tables and projects, written; ``deeplabcut.py`` describes the files."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posebridge.data.annotations import Annotations, common_names
from posebridge.data.file_names import name_below, require_text_names
from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.whole import copy_into, folder_written_whole, write_bytes, write_text

SCORER = "posebridge"


def has_tables() -> bool:
    """Return whether H5 can be written."""
    return all(importlib.util.find_spec(name) for name in ("tables", "pandas"))


def write_table(annotations: Annotations, path: Path) -> list[Path]:
    """Write one table, CSV or H5 by the ending; images stay where they are.

    The table names the images relative to its folder.
    """
    names = [[name_below(file, path.parent).as_posix()] for file in annotations.files]
    require_text_names([name for (name,) in names], "a DeepLabCut table")
    _require_trimmed([name for (name,) in names])
    table = _table(annotations, names, np.arange(len(names)), _slots(annotations))
    if path.suffix.lower() == ".h5":
        _write_h5(table, path)
    else:
        write_text(path, _csv(table))
    return [path]


def write_project(annotations: Annotations, path: Path) -> list[Path]:
    """Write a project: ``config.yaml`` and a folder of copied images and labels for each folder.

    DeepLabCut trains from ``.h5``, which is written beside the ``.csv`` if PyTables is installed; its
    ``convertcsv2h5`` makes the ``.h5`` as well.
    """
    if (path / "config.yaml").exists():
        raise InputError(f"{path} already holds a project; give another folder.")
    a = annotations
    task = re.sub(r"\W+", "_", a.skeleton.name) or "pose"
    folders: dict[str, list[int]] = {}
    names = common_names(a.files)
    require_text_names(names, "a DeepLabCut project")
    _require_trimmed([part for name in names for part in name.parts])
    folder_of = _folder_names([name.parent for name in names], task)
    for row, name in enumerate(names):
        folders.setdefault(folder_of[name.parent], []).append(row)
    written = []
    slots = _slots(a)
    with folder_written_whole(path, merge=True) as partial:
        for folder, rows in folders.items():
            place = Path("labeled-data") / folder
            for row in rows:
                copy_into(a.files[row], partial / place / names[row].name)
            index = [["labeled-data", folder, names[row].name] for row in rows]
            table = _table(a, index, np.array(rows), slots)
            written.append(place / f"CollectedData_{SCORER}.csv")
            write_text(partial / written[-1], _csv(table))
            if has_tables():
                written.append(written[-1].with_suffix(".h5"))
                _write_h5(table, partial / written[-1])
        config = yaml.safe_dump(
            _config(a, path, task, list(folders), slots), sort_keys=False, allow_unicode=True
        )
        write_text(partial / "config.yaml", config)
    return [path / "config.yaml", *(path / file for file in written)]


def _require_trimmed(names: Iterable[str]) -> None:
    """Check that no name begins or ends with blanks, which readers of tables remove."""
    for name in names:
        if name != name.strip():
            raise InputError(
                f"the name {short_repr(name)} begins or ends in a blank, which readers of DeepLabCut's "
                "tables remove; rename it."
            )


def _config(
    a: Annotations, path: Path, task: str, folders: Sequence[str], slots: Sequence[str]
) -> dict[str, Any]:
    individuals = list(dict.fromkeys(slots))
    several = len(individuals) > 1
    parts = list(a.skeleton.keypoints)
    return {
        "Task": task,
        "scorer": SCORER,
        "date": "Jan1",
        "multianimalproject": several,
        "identity": None,
        "project_path": str(path.resolve()),
        "video_sets": {f"{folder}.mp4": {"crop": "0, 0, 0, 0"} for folder in folders},
        "bodyparts": "MULTI!" if several else parts,
        **(
            {"individuals": individuals, "multianimalbodyparts": parts, "uniquebodyparts": []}
            if several
            else {}
        ),
        "skeleton": [[parts[i], parts[j]] for i, j in a.skeleton.edges],
        "TrainingFraction": [0.95],
        "iteration": 0,
        "default_net_type": "resnet_50",
        "snapshotindex": -1,
        "batch_size": 8,
    }


def _folder_names(parents: Sequence[Path], task: str) -> dict[Path, str]:
    """Return a name for each folder below ``labeled-data``, which has one level: a/b becomes a_b.

    If another folder has that name (a folder a_b itself), the later one is counted: a_b_2.
    """
    taken: dict[str, Path] = {}
    for parent in dict.fromkeys(parents):
        plain = name = "_".join(parent.parts) or task
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        taken[name] = parent
    return {parent: name for name, parent in taken.items()}


def _slots(a: Annotations) -> list[str]:
    """Return the individual of each subject; without a name, or with a shared one, it is numbered."""
    given = list(a.individuals) if a.individuals is not None else [""] * len(a)
    taken: set[tuple[int, str]] = set()
    counted: dict[tuple[int, str], int] = {}
    slots = []
    for image, name in zip(a.image.tolist(), given, strict=True):
        slot, number = name, counted.get((image, name), 0)
        while not slot or (image, slot) in taken:
            number += 1
            slot = f"individual{number}" if not name else f"{name}_{number + 1}"
        counted[image, name] = number
        taken.add((image, slot))
        slots.append(slot)
    return slots


@dataclass(frozen=True)
class _Table:
    """Rows for images, columns (individual,) body part, coordinate; NaN where nothing is labeled."""

    index: Sequence[Sequence[str]]
    columns: list[tuple[str, ...]]
    levels: tuple[str, ...]
    values: np.ndarray


def _table(
    a: Annotations, index: Sequence[Sequence[str]], rows: np.ndarray, slots: Sequence[str]
) -> _Table:
    """Return the images ``rows``, with a column for every individual of all images.

    Args:
        index: for each of the images the parts of its path. slots: the individual of each subject.
    """
    individuals = list(dict.fromkeys(slots))
    column = {name: number for number, name in enumerate(individuals)}
    line = np.full(len(a.files), -1)
    line[rows] = np.arange(len(rows))
    scored = a.keypoint_scores is not None
    coordinates = ["x", "y", "likelihood"] if scored else ["x", "y"]
    values = np.full((len(rows), len(individuals), len(a.skeleton), len(coordinates)), np.nan)
    for subject in np.flatnonzero(line[a.image] >= 0).tolist():
        known = a.visibility[subject] > 0
        place = values[line[a.image[subject]], column[slots[subject]]]
        place[:, :2] = np.where(known[:, None], a.points[subject], np.nan)
        if a.keypoint_scores is not None:
            place[:, 2] = a.keypoint_scores[subject]
    columns = [
        (SCORER, n, p, c) for n in individuals for p in a.skeleton.keypoints for c in coordinates
    ]
    levels: tuple[str, ...] = ("scorer", "individuals", "bodyparts", "coords")
    if len(individuals) == 1:
        columns, levels = [(s, p, c) for s, _, p, c in columns], ("scorer", *levels[2:])
    return _Table(index, columns, levels, values.reshape(len(rows), -1))


def _csv(table: _Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    blank = [""] * (len(table.index[0]) - 1)
    for level, names in zip(table.levels, zip(*table.columns, strict=True), strict=True):
        writer.writerow([level, *blank, *names])
    for parts, numbers in zip(table.index, table.values, strict=True):
        writer.writerow([*parts, *("" if np.isnan(v) else repr(float(v)) for v in numbers)])
    return text.getvalue()


def _write_h5(table: _Table, path: Path) -> None:
    """Write the table in DeepLabCut's form: pandas' fixed layout under ``df_with_missing``."""
    need("tables", "formats", f"writing {path}")
    pandas = need("pandas", "formats", f"writing {path}")
    names = [tuple(parts) for parts in table.index]
    frame = pandas.DataFrame(
        table.values,
        index=pandas.MultiIndex.from_tuples(names) if len(names[0]) > 1 else [n for (n,) in names],
        columns=pandas.MultiIndex.from_tuples(table.columns, names=table.levels),
    )
    # In memory: HDF5 does not report a full disk.
    options = {"driver": "H5FD_CORE", "driver_core_backing_store": 0}
    with pandas.HDFStore("table.h5", mode="w", **options) as store:
        store.put("df_with_missing", frame, track_times=False)
        content = store._handle.get_file_image()
    write_bytes(path, content)
