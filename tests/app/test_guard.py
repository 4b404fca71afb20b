"""Who may ask for what: everything that the page itself does not ask for is not there."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("starlette", reason="gradio is not installed: pip install 'posebridge[app]'")
from starlette.testclient import TestClient

from posebridge.app.guard import Guard, names_files_elsewhere

HOME = "http://127.0.0.1:7860"


async def echo(scope, receive, send):
    body = (await receive()).get("body", b"") if scope["method"] == "POST" else b"fine"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def client():
    return TestClient(Guard(echo, 7860), base_url=HOME)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/config", "/assets/index.js", "/static/img/logo.svg", "/theme.css"),
        *("/gradio_api/queue/data?session_hash=a", "/gradio_api/heartbeat/abc123"),
        *("/gradio_api/file=/tmp/x.json", "/gradio_api/startup-events"),
    ],
)
def test_what_the_page_asks_for_is_there_and_loads_nothing_else(client, path):
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
def test_what_it_does_not_ask_for_is_not(client, path):
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_only_this_machine_and_this_page_are_answered(client):
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


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (event("/tmp/gradio/abc/photo.png"), 200),
        (event("C:\\Temp\\photo.png"), 200),
        (event("http://169.254.169.254/latest"), 400),
        (event(" HTTPS://example.org/a.png"), 400),
        (event("file:///etc/passwd"), 400),
        (b"no json", 400),
        (json.dumps({"data": ["x" * 1_000_001]}).encode(), 400),
    ],
)
def test_files_come_by_upload_and_not_by_address(client, body, status):
    answer = client.post("/gradio_api/queue/join", content=body)
    assert answer.status_code == status
    assert status != 200 or answer.content == body


def test_a_nest_of_lists_is_refused_rather_than_followed():
    assert names_files_elsewhere(b"[" * 100_000)
