"""The random splits that released readers draw, drawn again.

RegDA and its successors call ``random.seed(42)``, shuffle a list and cut it. Python keeps the
sequence of its generator the same between versions, so the same entries come out here, by index
and without touching the global generator.
"""

from __future__ import annotations

import random

import numpy as np


def first_fifth(count: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two shuffled parts of ``count`` entries: min(count / 5, most) entries, and the others.

    >>> [part.tolist() for part in first_fifth(10, 3200)]
    [[7, 3], [2, 8, 5, 6, 9, 4, 0, 1]]
    """
    order = list(range(count))
    random.Random(42).shuffle(order)
    cut = min(int(count * 0.2), most)
    return np.array(order[:cut], dtype=np.int64), np.array(order[cut:], dtype=np.int64)


def drawn_with_repetition(count: int, draws: int) -> np.ndarray:
    """Return entries drawn by ``random.choices``, which may repeat."""
    return np.array(random.Random(42).choices(range(count), k=draws), dtype=np.int64)
