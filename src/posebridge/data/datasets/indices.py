"""Splits that authors publish as a file of row numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import load_npy
from posebridge.errors import InputError

REPOSITORY = "https://github.com/JitengMu/Learning-from-Synthetic-Animals"


def published_indices(file: Path, count: int, otherwise: str) -> np.ndarray:
    """Return the rows that a published split file names, out of ``count``.

    Args:
        otherwise: the split that can be read without such a file, for the message.

    Raises:
        InputError: the file is missing or damaged, or numbers rows that the dataset does not have.
    """
    if not file.is_file():
        raise InputError(
            f"the published split {file} is missing; copy the folder 'data' of {REPOSITORY} over "
            f"the data root, or use the split '{otherwise}', which needs no file."
        )
    rows = load_npy(file, (None,))
    if rows.dtype.kind not in "iu" or not len(rows):
        raise InputError(f"{file} holds no row numbers; copy it again from {REPOSITORY}.")
    if rows.min() < 0 or rows.max() >= count:
        raise InputError(
            f"{file} names row {int(rows.max())}, but the dataset below has {count} images; "
            "unpack all of its archives."
        )
    if len(np.unique(rows)) != len(rows):
        raise InputError(f"{file} names a row twice; copy it again from {REPOSITORY}.")
    return rows
