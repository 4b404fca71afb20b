"""The loops of a prediction, described so that resuming and progress wrap them from outside."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import NamedTuple, Protocol

from posebridge.data.samples import UnlabeledSamples
from posebridge.inference.batches import Batch


class Loop(NamedTuple):
    """One loop over items.

    Attributes:
        name: ``boxes`` or ``keypoints``.
        compute: yields the batches from an item on, in order.
        title: what the progress shows; empty for a loop without a known end.
        unit: the plural of an item. total: the number of items.
        samples: the items, where the results depend on more than the config; None for a camera.
        recover: of a camera, whose frames come once: True takes only the batches of an earlier
            command, False none of them; None for items that can be computed again.
    """

    name: str
    compute: Callable[[int], Generator[Batch]]
    title: str = ""
    unit: str = ""
    total: int = 0
    samples: UnlabeledSamples | None = None
    recover: bool | None = None


RunLoop = Callable[[Loop], list[Batch]]
"""Runs a loop to its end: at once, or from where an earlier command stopped."""


class Listener(Protocol):
    """Receives lines and progress, such as a console."""

    def line(self, text: str) -> None:
        """Take a line for the user."""
        ...

    def progress(
        self, title: str, total: int, done: int
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Return a context that gives a function to call with the number of items done."""
        ...


_UNWATCHED = nullcontext(lambda _: None)


class Silent:
    """A listener that drops all it receives."""

    def line(self, text: str) -> None:
        """Drop the line."""

    def progress(
        self, title: str, total: int, done: int
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Return a context whose function does nothing."""
        return _UNWATCHED


def run_loop(
    loop: Loop,
    listener: Listener,
    earlier: Iterable[Batch] = (),
    store: Callable[[Batch], None] = lambda _: None,
) -> list[Batch]:
    """Return the batches of a loop, with progress.

    Args:
        earlier: batches that are there already; the loop is computed from their end on.
        store: called with each new batch before the next one is computed.
    """
    batches = list(earlier)
    done = batches[-1].end if batches else 0
    progress = listener.progress(loop.title, loop.total, done) if loop.title else _UNWATCHED
    with progress as update, closing(loop.compute(done)) as computed:
        for batch in computed:
            store(batch)
            batches.append(batch)
            update(batch.end)
    return batches
