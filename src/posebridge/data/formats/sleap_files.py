"""Checks of a file before sleap-io reads it.

sleap-io trusts the numbers in a file: an instance that claims ten billion points keeps it busy for
hours. So the counts in a file are first compared with its parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.formats.hdf5_files import opened_hdf5, require_hdf5_name
from posebridge.errors import InputError

_HDF5 = b"\x89HDF\r\n\x1a\n"


def require_sound(path: Path, format: str) -> None:
    """Check that sleap-io would not hang or crash on a file.

    Args:
        path: the file. format: sleap-io's name of the format.

    Raises:
        InputError: names the part that does not fit.
        Exception: of many kinds, where the file is damaged.
    """
    require_hdf5_name(path)
    with path.open("rb") as stream:
        is_hdf5 = stream.read(8) == _HDF5
    if format != "slp" and not is_hdf5:
        return
    with opened_hdf5(path) as file:
        if format == "slp" and "frames" in file and "instances" in file:
            _require_ranges(file, path)


def _require_ranges(file: Any, path: Path) -> None:
    instances = file["instances"][()]
    frames = file["frames"][()]
    _require_within(path, "frame", "instances", frames, "instance_id", len(instances))
    predicted = instances["instance_type"] == 1
    for name, rows in (("points", ~predicted), ("pred_points", predicted)):
        if name in file:
            _require_within(path, "instance", name, instances[rows], "point_id", len(file[name]))


def _require_within(
    path: Path, entry: str, part: str, rows: np.ndarray, field: str, count: int
) -> None:
    # Doubles hold every possible number, and no unsigned number wraps around.
    start, end = (rows[f"{field}_{side}"].astype(np.float64) for side in ("start", "end"))
    wrong = np.flatnonzero((start < 0) | (end < start) | (end > count))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"{path}: {entry} {row} claims the {part} {start[row]:.0f} to {end[row]:.0f} of {count}; "
            "the file is damaged, take it from a backup or save it again in SLEAP."
        )
