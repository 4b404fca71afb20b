"""The page's server: a socket on this machine, a temporary folder, start and end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from posebridge.app.loaded_models import ShownModel
from posebridge.app.request_filter import HOSTS, Guard
from posebridge.app.run_monitor import RunWatch
from posebridge.app.upload import MEGABYTE, Limits
from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError
from posebridge.report.skeleton_svg import skeleton_css

FIRST_PORT = 7860
_TRIES = 40
_KEPT = 3600.0
"""Seconds that an upload is kept while the page is open."""


def listen(port: int | None) -> socket.socket:
    """Return a listening socket on this machine; None takes the first free port from 7860, 0 any.

    Raises:
        InputError: the port is taken, or may not be used.
    """
    wanted = range(FIRST_PORT, FIRST_PORT + _TRIES) if port is None else [port]
    reason = ""
    for number in wanted:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((HOSTS[0], number))
            opened.listen(128)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            opened.close()
            continue
        return opened
    where = f"port {port}" if port is not None else f"any port from {FIRST_PORT} on"
    raise InputError(
        f"{where} cannot be used ({reason}); give another --port, or 0 for a free one."
    )


@contextmanager
def temporary_place() -> Iterator[Path]:
    """Yield a temporary folder of the page, which gradio and the video reader are pointed at.

    Settings of gradio in the environment (public links, further paths, telemetry) have no effect here.
    """
    before = dict(os.environ)
    place = Path(tempfile.mkdtemp(prefix="posebridge-app-"))
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_RUN_HISTORY": "False",
        "GRADIO_TEMP_DIR": str(get_upload_folder(place)),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "POSEBRIDGE_CACHE": str(place / "cache"),
    }
    try:
        yield place
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(place, ignore_errors=True)


def get_upload_folder(place: Path) -> Path:
    """Return the folder for uploaded files."""
    return place / "gradio"


@contextmanager
def removing_old_uploads(folder: Path, every: float = 600.0, kept: float = _KEPT) -> Iterator[None]:
    """Remove old uploads from time to time, until the block ends."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(every):
            remove_old(folder, kept)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def remove_old(folder: Path, kept: float) -> None:
    """Remove the files in a folder that were written more than ``kept`` seconds ago.

    Folders inside it are removed once they are empty.
    """
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            file = Path(place, name)
            with suppress(OSError):
                if time.time() - file.lstat().st_mtime > kept:
                    file.unlink()
        if Path(place) != folder:
            with suppress(OSError):
                if time.time() - Path(place).stat().st_mtime > kept:
                    Path(place).rmdir()


def make_application(
    models: Sequence[ShownModel],
    runs: Sequence[RunWatch],
    place: Path,
    port: int,
    limits: Limits,
    threshold: float = 0.2,
) -> Any:
    """Return the whole server as an ASGI application, for use within :func:`temporary_place`.

    Raises:
        InputError: gradio is not installed.
    """
    gr = need("gradio", "app", "posebridge app")
    from fastapi import FastAPI

    from posebridge.app.page import CSS, build_page, theme

    page = build_page(models, runs, place, limits, threshold)
    page.queue(default_concurrency_limit=1, max_size=32)
    page.enable_queue = True
    inner = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        "/",
        server_name=HOSTS[0],
        server_port=port,
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=limits.megabytes * MEGABYTE,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        css_paths=[CSS],
        css=skeleton_css(),
        favicon_path=str(CSS.with_name("favicon.png")),
    )
    return Guard(inner, port, get_upload_folder(place))


def serve(
    models: Sequence[ShownModel],
    runs: Sequence[RunWatch],
    opened: socket.socket,
    limits: Limits,
    threshold: float,
    *,
    browse: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the page until it is interrupted.

    Args:
        opened: the socket of :func:`listen`.
        browse: whether to open a browser, where there is a screen.
        say: called with the address.
    """
    need("gradio", "app", "posebridge app")
    import uvicorn

    port = int(opened.getsockname()[1])
    with temporary_place() as place, removing_old_uploads(get_upload_folder(place)):
        application = make_application(models, runs, place, port, limits, threshold)
        config = uvicorn.Config(
            application,
            log_level="error",
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
        address = f"http://{HOSTS[0]}:{port}"
        say(address)
        if browse and _has_screen():
            webbrowser.open(address)
        # uvicorn ends in order and then raises the signal again; the folder has to go first.
        before = signal.signal(signal.SIGTERM, _leave)
        try:
            uvicorn.Server(config).run(sockets=[opened])
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, before)


def _leave(*_: Any) -> None:
    raise KeyboardInterrupt


def _has_screen() -> bool:
    """Return whether a browser window can open; without a screen it would take the terminal."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return "SSH_CONNECTION" not in os.environ
