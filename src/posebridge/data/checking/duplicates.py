"""The same picture twice, within a set or between two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from posebridge.data.checking.facts import THUMB, ImageFacts

MOST_SIGNS = 6
LEAST_CORRELATION = 0.92
LEAST_CONTRAST = 4.0
"""Grey levels of standard deviation below which a picture is too flat for a fingerprint."""
_ROWS = 2048

RULE = (
    f"Two files are the same picture when their bytes are equal, or when at most {MOST_SIGNS} of the "
    "64 signs of their DCT hashes differ and their 32 x 32 thumbnails correlate with at least "
    f"{LEAST_CORRELATION}."
)


@dataclass(frozen=True)
class Duplicate:
    """Image ``first`` of one set is image ``second`` of the other (or of the same one).

    Attributes:
        first, second: rows of the two :class:`~posebridge.data.checking.facts.ImageFacts`.
        identical: the files are equal byte for byte.
    """

    first: int
    second: int
    identical: bool


def find_duplicates(one: ImageFacts, other: ImageFacts | None = None) -> list[Duplicate]:
    """Pairs of the same picture (:data:`RULE`); within ``one`` where no other set is given.

    Each image of ``one`` is listed once, with the closest of its counterparts. All pairs are
    compared, as matrix products of 64 signs: 5,000 times 5,000 images take about a second.
    """
    found: list[Duplicate] = []
    for start, signs in _sign_blocks(one, other):
        there = one if other is None else other
        close = np.argwhere(signs <= MOST_SIGNS)
        if len(close) == 0:
            continue
        first, second = close[:, 0] + start, close[:, 1]
        usable = one.readable[first] & there.readable[second]
        if other is None:
            usable &= first < second
        first, second = first[usable], second[usable]
        identical = one.digests[first] == there.digests[second]
        alike = identical | _correlate(one, first, there, second)
        best: dict[int, Duplicate] = {}
        for a, b, same in zip(first[alike], second[alike], identical[alike], strict=True):
            if int(a) not in best or (same and not best[int(a)].identical):
                best[int(a)] = Duplicate(int(a), int(b), bool(same))
        found += best.values()
    return found


def _sign_blocks(one: ImageFacts, other: ImageFacts | None) -> Iterator[tuple[int, np.ndarray]]:
    there = one if other is None else other
    for start in range(0, len(one), _ROWS):
        yield start, (64 - one.hashes[start : start + _ROWS] @ there.hashes.T) / 2


def _correlate(
    one: ImageFacts, first: np.ndarray, other: ImageFacts, second: np.ndarray
) -> np.ndarray:
    def standardised(facts: ImageFacts, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pixels = facts.thumbs[rows].reshape(len(rows), THUMB * THUMB * 3).astype(np.float32)
        spread = pixels.std(axis=1, keepdims=True)
        centred = (pixels - pixels.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-6)
        return centred, spread[:, 0]

    here, here_spread = standardised(one, first)
    there, there_spread = standardised(other, second)
    correlation = (here * there).mean(axis=1)
    return (correlation >= LEAST_CORRELATION) & (
        np.minimum(here_spread, there_spread) >= LEAST_CONTRAST
    )
