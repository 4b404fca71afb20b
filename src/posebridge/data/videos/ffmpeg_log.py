"""The errors that FFmpeg logs while it reads."""

from __future__ import annotations

from typing import Any

from posebridge.data.optional_dependencies import need


class logged_errors:
    """FFmpeg's errors while the block runs, as a list that grows; none is printed.

    Only for blocks in which FFmpeg runs no threads of its own: a thread that logs waits for Python, and
    Python may wait for the thread.
    """

    def __enter__(self) -> list[Any]:
        logging = need("av.logging", "video", "reading videos")
        self._logging, self._level = logging, logging.get_level()
        self._repeated = logging.get_skip_repeated()
        logging.set_level(logging.ERROR)
        logging.set_skip_repeated(False)
        self._capture = logging.Capture(local=False)
        return self._capture.__enter__()

    def __exit__(self, *error: object) -> None:
        self._capture.__exit__(None, None, None)
        self._logging.set_skip_repeated(self._repeated)
        self._logging.set_level(self._level)
