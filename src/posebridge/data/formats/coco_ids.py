"""Ids of a COCO file as whole numbers: its own, or counted anew where they are text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def id_key(value: Any) -> int | str | None:
    """Return an id that can be looked up, or None for what can't be an id.

    pandas turns whole numbers into floats; text is taken as it is, such as ``'000001'`` or a UUID.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    return value if isinstance(value, str) and value else None


class IdTable:
    """Whole numbers for the ids of one list.

    Attributes:
        numbers: one for each id, in the list's order.
        counted: whether the ids are text that is not a number, so that they are counted anew from 0.
    """

    def __init__(self, keys: Sequence[int | str]) -> None:
        texts = [str(key) for key in keys]
        whole = [int(t) for t in texts if t.isascii() and t.lstrip("-").isdigit() and len(t) < 19]
        self.counted = False
        if all(isinstance(key, int) for key in keys):
            self.numbers = [int(key) for key in keys]
        elif len(whole) == len(texts) and len(set(whole)) == len(set(texts)):
            self.numbers = whole
        else:
            self.counted = True
            first = {text: number for number, text in enumerate(dict.fromkeys(texts))}
            self.numbers = [first[text] for text in texts]
        self._number = dict(zip(texts, self.numbers, strict=True))
        self._whole = set() if self.counted else set(self.numbers)

    def get(self, key: int | str) -> int | None:
        """Return the number of an id, also where one list has text, such as ``'0007'``, and one 7."""
        text = str(key)
        if text in self._number or not text.isascii() or not text.isdigit() or len(text) > 18:
            return self._number.get(text)
        return int(text) if int(text) in self._whole else None
