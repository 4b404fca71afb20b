"""Resuming of a prediction: what a killed command computed is taken from files beside its output.

A finished output carries a record of what it was made of (``provenance.py``), so that the same command
does not compute it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.files.locks import locked_file
from posebridge.inference.batches import Batch
from posebridge.inference.loops import Listener, Loop, RunLoop, run_loop
from posebridge.inference.provenance import record_file, subjects_digest, write_results_file
from posebridge.inference.resume_cache import Journal

Record = Callable[[], None]


@contextmanager
def resumable(
    outs: Sequence[Path],
    identity: Mapping[str, Any] | None,
    record: Mapping[str, Any] | None,
    overwrite: bool,
    listener: Listener,
) -> Iterator[RunLoop]:
    """Give a function that runs loops, and that resumes a killed command's loops.

    The batches of each loop are stored beside the first output until the context ends without an
    error. One process at a time computes an output that is resumed.

    Args:
        outs: the files and folders that are written before the context ends.
        identity: what the batches depend on; None: nothing is stored, and nothing resumed.
        record: what the outputs depend on, for a record of finished ones; None: no record is kept.
        overwrite: whether stored batches are dropped.
    """
    if identity is None:
        yield partial(run_loop, listener=listener)
        return
    caches: list[Journal] = []
    with locked_file(outs[0]):

        def run(loop: Loop) -> list[Batch]:
            depends = {**identity, **_samples_entry(loop)}
            file = outs[0].with_name(f"{outs[0].name}.{loop.name}.partial")
            cache = Journal(file, depends, overwrite)
            caches.append(cache)
            if loop.recover is None:
                _report_resumed(cache, loop, listener)
            else:
                _require_stream(cache, loop.recover)
            return run_loop(loop, listener, cache.kept, cache.append)

        yield run
        if record is not None:
            write_results_file(outs, record)
        for cache in caches:
            cache.remove()


def forget_finished(outs: Sequence[Path]) -> None:
    """Remove the record of earlier outputs, which are about to be written again."""
    record_file(outs[0]).unlink(missing_ok=True)


def _samples_entry(loop: Loop) -> dict[str, str]:
    return {} if loop.samples is None else {"subjects": subjects_digest(loop.samples)}


def _report_resumed(cache: Journal, loop: Loop, listener: Listener) -> None:
    if cache.other:
        listener.line(f"{cache.file} differs in {' and '.join(cache.other)}; starting again")
    if cache.done:
        listener.line(f"resuming after {cache.done} of {loop.total} {loop.unit}")


def _require_stream(cache: Journal, recover: bool) -> None:
    """Raise InputError unless the stored frames of a stream are there to recover, or there are none."""
    if recover and not cache.kept:
        reason = f"differs in {' and '.join(cache.other)}" if cache.other else "has no frame"
        raise InputError(f"{cache.file} {reason}, so there is nothing to write out.")
    if not recover and (cache.kept or cache.other):
        raise InputError(
            f"{cache.file} holds frames of a session that was cut off; write them out by the same "
            "command with --seconds 0, or drop them with --overwrite."
        )
