"""What has to hold in a file before sleap-io reads it.

sleap-io takes the numbers in a file for true: an instance that claims ten billion points keeps it busy
for hours. What a file says of its own parts is compared with the parts first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.formats.hdf5_files import opened_hdf5, require_hdf5_name
from posebridge.errors import InputError

_HDF5 = b"\x89HDF\r\n\x1a\n"


def require_sound(path: Path, format: str) -> None:
    """Raise InputError where sleap-io would hang or crash on a file.

    Args:
        path: the file. format: as sleap-io calls it.

    Raises:
        InputError: naming the part that does not fit.
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
    # Doubles hold every number that can be within, and no unsigned number wraps round.
    start, end = (rows[f"{field}_{side}"].astype(np.float64) for side in ("start", "end"))
    wrong = np.flatnonzero((start < 0) | (end < start) | (end > count))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"{path}: {entry} {row} claims the {part} {start[row]:.0f} to {end[row]:.0f} of {count}; "
            "the file is damaged, take it from a backup or save it again in SLEAP."
        )
