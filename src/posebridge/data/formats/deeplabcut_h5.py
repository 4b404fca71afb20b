"""The HDF5 tables that DeepLabCut writes through pandas, read without pandas.

pandas keeps a table of labels in its "fixed" layout: for each block of columns the levels and codes
of their names, and the values; for the rows the same, or one list of paths. Predictions are in its
"table" layout, whose column names are pickled; they are unpickled by a reader that allows lists,
tuples, strings and numbers, and nothing that could run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.formats.hdf5_files import opened_hdf5
from posebridge.errors import InputError
from posebridge.files.plain_pickles import read_plain

Columns = list[tuple[str, ...]]


def is_pandas_h5(path: Path) -> bool:
    """Return whether an HDF5 file holds a table of pandas (and no other tool's arrays)."""
    try:
        with opened_hdf5(path) as file:
            return _group(file) is not None
    except InputError:
        raise
    # h5py raises nearly anything for a damaged file.
    except Exception:
        return False


def _group(file: Any) -> Any:
    for key in file:
        group = file[key]
        if hasattr(group, "keys") and ("axis0_level0" in group or "table" in group):
            return group
    return None


def read_h5_table(path: Path) -> tuple[list[tuple[str, ...]], Columns, np.ndarray]:
    """Return the rows' names, the columns' names and the values (rows, columns) float64.

    Raises:
        InputError: the table is missing or damaged.
    """
    try:
        with opened_hdf5(path) as file:
            group = _group(file)
            if group is None:
                raise InputError(f"{path} holds no table of DeepLabCut; give its CSV instead.")
            index, columns, values = _table(group) if "table" in group else _fixed(group)
    except InputError:
        raise
    # h5py raises nearly anything for a damaged file.
    except Exception as error:
        raise InputError(
            f"{path} can't be read as a table of DeepLabCut ({type(error).__name__}: "
            f"{' '.join(str(error).split())}); give its CSV instead."
        ) from error
    if values.shape != (len(index), len(columns)):
        raise InputError(f"{path}: {values.shape} values do not fit its rows and columns.")
    return index, columns, values


def _names(values: Any) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in np.asarray(values).tolist()]


def _tuples(group: Any, prefix: str) -> list[tuple[str, ...]]:
    """Return a list of names that pandas kept as levels and codes."""
    levels = []
    while f"{prefix}_level{len(levels)}" in group:
        number = len(levels)
        names = np.array(_names(group[f"{prefix}_level{number}"][()]), dtype=object)
        codes = np.asarray(group[f"{prefix}_label{number}"][()], dtype=np.int64)
        if codes.size and (codes.min() < 0 or codes.max() >= len(names)):
            raise ValueError(f"{prefix}_label{number} points outside its names")
        levels.append(names[codes])
    return list(zip(*levels, strict=True))


def _fixed(group: Any) -> tuple[list[tuple[str, ...]], Columns, np.ndarray]:
    if "axis1_level0" in group:
        index = _tuples(group, "axis1")
    else:
        index = [(name,) for name in _names(group["axis1"][()])]
    columns: Columns = []
    blocks = []
    while f"block{len(blocks)}_values" in group:
        number = len(blocks)
        columns += _tuples(group, f"block{number}_items")
        blocks.append(np.asarray(group[f"block{number}_values"][()], dtype=np.float64))
    order = {name: place for place, name in enumerate(_tuples(group, "axis0"))}
    sort = sorted(range(len(columns)), key=lambda i: order[columns[i]])
    values = np.concatenate(blocks, axis=1)
    return index, [columns[i] for i in sort], values[:, sort]


def _table(group: Any) -> tuple[list[tuple[str, ...]], Columns, np.ndarray]:
    rows = group["table"][()]
    (_, names), *_ = _plain(group.attrs["non_index_axes"])
    columns = [tuple(str(v) for v in name) for name in names]
    order = {name: place for place, name in enumerate(columns)}
    values = np.full((len(rows), len(columns)), np.nan)
    for field in rows.dtype.names:
        if field.startswith("values_block_"):
            own = _plain(group["table"].attrs[f"{field}_kind"])
            block = rows[field].reshape(len(rows), -1)
            for column, name in enumerate(own):
                values[:, order[tuple(str(v) for v in name)]] = block[:, column]
    return [(name,) for name in _names(rows["index"])], columns, values


def _plain(stored: Any) -> Any:
    return read_plain(stored.encode("latin-1") if isinstance(stored, str) else bytes(stored))
