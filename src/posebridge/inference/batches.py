"""A batch of results as arrays: what a loop yields, a cache stores and predictions are joined from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batch:
    """The results for the items ``first`` to ``end`` of a list.

    Attributes:
        arrays: name -> array, of any shape.
        notes: lines for the user, such as the images that could not be read.
    """

    first: int
    end: int
    arrays: Mapping[str, np.ndarray]
    notes: Sequence[str] = ()
