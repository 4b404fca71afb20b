"""The request filter: requests that the page itself does not make get 404."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("starlette", reason="gradio is not installed: pip install 'posebridge[app]'")
from starlette.testclient import TestClient

from posebridge.app.request_filter import Guard

HOME = "http://127.0.0.1:7860"


async def echo(scope, receive, send):
    body = (await receive()).get("body", b"") if scope["method"] == "POST" else b"fine"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place") / "gradio"
    (folder / "abc").mkdir(parents=True)
    (folder / "out").symlink_to("/etc")
    return folder


@pytest.fixture(scope="module")
def client(uploads):
    return TestClient(Guard(echo, 7860, uploads), base_url=HOME)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/config", "/assets/index.js", "/static/img/logo.svg", "/theme.css"),
        *("/gradio_api/queue/data?session_hash=a", "/gradio_api/heartbeat/abc123"),
        *("/gradio_api/file=/tmp/x.json", "/gradio_api/startup-events"),
    ],
)
def test_page_requests_are_served_with_a_strict_policy(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        *("/docs", "/openapi.json", "/gradio_api/info", "/gradio_api/openapi.json", "/?view=api"),
        *("/monitoring", "/gradio_api/run/predict", "/gradio_api/proxy=http://example.org/"),
        *("/gradio_api/file=http://example.org/", "/gradio_api/file=https://example.org/"),
        *("/gradio_api/deep_link", "/gradio_api/runs", "/gradio_api/mcp/sse", "/svelte/x.js"),
    ],
)
def test_other_requests_are_not_found(client, path):
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_foreign_hosts_and_origins_are_refused(client):
    assert client.get("/", headers={"host": "example.org:7860"}).status_code == 421
    assert client.get("/", headers={"host": "127.0.0.1:7861"}).status_code == 421
    assert client.get("/", headers={"host": "localhost:7860"}).status_code == 200
    upload = "/gradio_api/upload"
    assert client.post(upload, headers={"origin": "http://example.org"}).status_code == 403
    assert client.post(upload, headers={"origin": "null"}).status_code == 403
    assert client.post(upload, headers={"origin": "http://localhost:7860"}).status_code == 200
    assert client.put(upload).status_code == 404


def event(path: object) -> bytes:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    return json.dumps({"data": [[{"deep": file}], 0.2, None], "fn_index": 0}).encode()


def test_event_may_name_an_upload(client, uploads):
    body = event(str(uploads / "abc" / "photo.png"))
    answer = client.post("/gradio_api/queue/join", content=body)
    assert (answer.status_code, answer.content) == (200, body)


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/hostname", "photo.png", "", None, 3, "\0", "http://169.254.169.254/latest"),
        *("file:///etc/passwd", "{uploads}/../x", "{uploads}/out/hostname", "{uploads}x/photo.png"),
        *("{uploads}", "{uploads}/abc", "{uploads}/abc/."),  # folders
    ],
)
def test_event_may_not_name_other_files(path, client, uploads):
    given = path.replace("{uploads}", str(uploads)) if isinstance(path, str) else path
    assert client.post("/gradio_api/queue/join", content=event(given)).status_code == 400


@pytest.mark.parametrize("body", [b"no json", b'["' + b"x" * 1_000_001 + b'"]', b"[" * 100_000])
def test_invalid_event_is_refused(body, client):
    assert client.post("/gradio_api/queue/join", content=body).status_code == 400
