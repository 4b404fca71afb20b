"""Lightning without its remarks, and what its loggers raise with its place."""

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
    """Lightning's remarks about hardware and loaders are not for our users."""
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
    """Name ``folder`` where a disk takes no more and the error tells no place.

    TensorBoard writes in a thread of its own, and raises in the training what that thread ran into;
    the thread's own traceback is left out.

    Raises:
        InputError: the disk that ``folder`` is on takes no more.
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
