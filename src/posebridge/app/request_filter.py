"""The requests that the page's server accepts.

gradio serves much more than this page needs. The guard in front of it passes on the requests of the
page itself; any other request gets 404. It also

- accepts only this machine's own host names, so that a foreign site cannot pose as this one (DNS
  rebinding), and only posts from the page itself;
- lets an event name only uploaded files: gradio would fetch an address, and a page that is mounted
  rather than launched does not check paths (``_check_allowed`` in 6.31);
- forbids the browser to load anything from elsewhere (Content-Security-Policy).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from posebridge.errors import InputError
from posebridge.files.json_files import parse_json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HOSTS = ("127.0.0.1", "localhost")
_READ = re.compile(
    r"/(|config/?|theme\.css|favicon\.ico|manifest\.json|(assets|static)/.*"
    r"|gradio_api/(app_id/?|startup-events|heartbeat/\w+|queue/data|upload_progress|theme\.css"
    r"|file=(?!https?:).*))"
)
_WRITE = re.compile(r"/gradio_api/(upload|queue/join/?|reset/?|cancel)")
_JOIN = re.compile(r"/gradio_api/queue/join/?")
_MOST_EVENT = 1_000_000
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; "
    "form-action 'self'; object-src 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """An ASGI application in front of another one."""

    def __init__(self, app: Any, port: int, uploads: Path) -> None:
        """Guard ``app``; ``uploads`` is the server's folder for uploaded files."""
        self.app, self.uploads = app, uploads
        self.origins = {f"http://{host}:{port}" for host in HOSTS}
        self.hosts = {f"{host}:{port}" for host in HOSTS} | (set(HOSTS) if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        if _JOIN.fullmatch(scope["path"]):
            body = await _body(receive)
            if body is None or names_files_elsewhere(body, self.uploads):
                await _answer(send, 400, "This page takes files by upload only.")
                return
            receive = _replay(body, receive)
        await self.app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"host") not in self.hosts:
            return 421, "This page is served on this machine only."
        if scope["method"] in ("GET", "HEAD"):
            fine = _READ.fullmatch(scope["path"]) and b"view=" not in scope["query_string"]
        else:
            if headers.get(b"origin", next(iter(self.origins))) not in self.origins:
                return 403, "This page takes requests from itself only."
            fine = scope["method"] == "POST" and _WRITE.fullmatch(scope["path"])
        return None if fine else (404, "not found")


def names_files_elsewhere(body: bytes, uploads: Path) -> bool:
    """Return whether an event names anything but files in ``uploads``, or is not JSON."""
    try:
        waiting = [parse_json(body, "the request", "event")]
    except InputError:
        return True
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "path" in value and not _lies_in(value["path"], uploads):
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False


def _lies_in(path: object, folder: Path) -> bool:
    try:
        if not isinstance(path, str):
            return False
        place = Path(path).resolve()
        return place.is_relative_to(folder.resolve()) and not place.is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


async def _body(receive: Receive) -> bytes | None:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MOST_EVENT:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sending


async def _answer(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
