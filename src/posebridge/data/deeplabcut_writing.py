"""DeepLabCut tables and projects, written; what the files hold is told in ``deeplabcut.py``."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from posebridge.data.annotations import Annotations, common_names
from posebridge.data.json_files import write_text
from posebridge.errors import InputError

SCORER = "posebridge"


def write_csv(annotations: Annotations, path: Path) -> list[Path]:
    """Write one table; images stay where they are and are named relative to the file's folder."""
    base = path.parent.resolve()
    names = []
    for file in annotations.files:
        whole = file.resolve()
        below = whole.relative_to(base) if whole.is_relative_to(base) else whole
        names.append([below.as_posix()])
    write_text(path, _csv(annotations, names, np.arange(len(names))))
    return [path]


def write_project(annotations: Annotations, path: Path) -> list[Path]:
    """Write a project: ``config.yaml`` and a folder of copied images and labels for each folder.

    DeepLabCut trains from ``.h5``: its ``convertcsv2h5`` makes them from the tables written here.
    """
    if (path / "config.yaml").exists():
        raise InputError(f"{path} already holds a project; give another folder.")
    a = annotations
    task = re.sub(r"\W+", "_", a.skeleton.name) or "pose"
    folders: dict[str, list[int]] = {}
    names = common_names(a.files)
    for row, name in enumerate(names):
        folders.setdefault("_".join(name.parts[:-1]) or task, []).append(row)
    written = []
    for folder, rows in folders.items():
        place = path / "labeled-data" / folder
        place.mkdir(parents=True, exist_ok=True)
        for row in rows:
            shutil.copyfile(a.files[row], place / names[row].name)
        index = [["labeled-data", folder, names[row].name] for row in rows]
        file = place / f"CollectedData_{SCORER}.csv"
        write_text(file, _csv(a, index, np.array(rows)))
        written.append(file)
    individuals = _individuals(a)
    several = len(individuals) > 1
    parts = list(a.skeleton.keypoints)
    config = {
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
    file = path / "config.yaml"
    write_text(file, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return [file, *written]


def _slots(a: Annotations) -> list[str]:
    """The individual of each subject; those without a name, or who share it, are counted."""
    given = list(a.individuals) if a.individuals is not None else [""] * len(a)
    taken: set[tuple[int, str]] = set()
    slots = []
    for image, name in zip(a.image.tolist(), given, strict=True):
        slot, number = name, 0
        while not slot or (image, slot) in taken:
            number += 1
            slot = f"individual{number}" if not name else f"{name}_{number + 1}"
        taken.add((image, slot))
        slots.append(slot)
    return slots


def _individuals(a: Annotations) -> list[str]:
    return list(dict.fromkeys(_slots(a)))


def _csv(a: Annotations, index: Sequence[Sequence[str]], rows: np.ndarray) -> str:
    slots, individuals = _slots(a), _individuals(a)
    several = len(individuals) > 1
    scored = a.keypoint_scores is not None
    coordinates = ["x", "y", "likelihood"] if scored else ["x", "y"]
    columns = [(n, p, c) for n in individuals for p in a.skeleton.keypoints for c in coordinates]
    values = np.full((len(a.files), len(individuals), len(a.skeleton), len(coordinates)), np.nan)
    for subject, slot in enumerate(slots):
        known = a.visibility[subject] > 0
        place = values[a.image[subject], individuals.index(slot)]
        place[:, :2] = np.where(known[:, None], a.points[subject], np.nan)
        if a.keypoint_scores is not None:
            place[:, 2] = a.keypoint_scores[subject]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    blank = [""] * (len(index[0]) - 1)
    writer.writerow(["scorer", *blank, *([SCORER] * len(columns))])
    if several:
        writer.writerow(["individuals", *blank, *(n for n, _, _ in columns)])
    writer.writerow(["bodyparts", *blank, *(p for _, p, _ in columns)])
    writer.writerow(["coords", *blank, *(c for _, _, c in columns)])
    for parts, row in zip(index, rows, strict=True):
        numbers = values[row].reshape(-1)
        writer.writerow([*parts, *("" if np.isnan(v) else repr(float(v)) for v in numbers)])
    return text.getvalue()
