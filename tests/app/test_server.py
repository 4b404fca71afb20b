"""The server's temporary folder: no content of it disturbs the page's end."""

from __future__ import annotations

import os
import time

import pytest

pytest.importorskip("gradio", reason="gradio is not installed: pip install 'posebridge[app]'")

from starlette.testclient import TestClient

from posebridge.app.run_monitor import RunWatch
from posebridge.app.server import (
    get_upload_folder,
    make_application,
    remove_old,
    removing_old_uploads,
    temporary_place,
)
from posebridge.app.upload import Limits


def test_server_ends_in_order_with_a_folder_among_the_uploads(tmp_path):
    with temporary_place() as place:
        application = make_application([], [RunWatch(tmp_path)], place, 7860, Limits())
        inside = get_upload_folder(place) / "abc" / "photo.png"
        inside.mkdir(parents=True)
        with (
            removing_old_uploads(get_upload_folder(place)),
            TestClient(application, base_url="http://127.0.0.1:7860") as client,
        ):
            sent = {"files": ("a.txt", b"text")}
            assert client.post("/gradio_api/upload", files=sent).status_code == 200
            page = application.app.routes[-1].app.get_blocks()
            page.upload_file_set.add(str(inside))
        assert page.delete_cache is None
    assert not place.exists()


def test_old_uploads_are_removed_despite_folders(tmp_path):
    for name in ("a/old", "b/c/old", "b/new"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "link").symlink_to(tmp_path / "gone")
    hours_ago = time.time() - 9000
    for name in ("a/old", "b/c/old"):
        os.utime(tmp_path / name, (hours_ago, hours_ago))
    remove_old(tmp_path, kept=3600)
    left = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if not file.is_dir()}
    assert left == {"b/new", "b/link"}
