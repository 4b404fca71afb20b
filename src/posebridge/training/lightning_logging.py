"""Lightning without its log messages, and disk errors of its loggers with their folder."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from posebridge.files.places import cannot_write, is_disk_error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's messages about hardware and loaders."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for module in ("lightning", "torch"):
            warnings.filterwarnings("ignore", module=rf"{module}\..*")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def disk_errors_named(folder: Path) -> Iterator[None]:
    """Name ``folder`` where a full disk's error names no file.

    TensorBoard writes in its own thread, and raises that thread's errors in the training; the thread's
    own traceback is left out.

    Raises:
        InputError: the disk with ``folder`` is full or cannot be written.
    """
    before = threading.excepthook

    def hook(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is None or not is_disk_error(raised.exc_value):
            before(raised)

    threading.excepthook = hook
    try:
        yield
    except OSError as error:
        if is_disk_error(error) and error.filename is None:
            raise cannot_write(folder, error) from error
        raise
    finally:
        threading.excepthook = before
