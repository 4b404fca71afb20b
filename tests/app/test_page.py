"""The page in a browser, served by the command itself, with a tiny run and a growing one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from posebridge.cli.main import main
from posebridge.training.heartbeat import PROGRESS, read_progress
from tests.browser import chromium

pytest.importorskip("gradio", reason="gradio is not installed: pip install 'posebridge[app]'")
PATIENCE = 120_000


@dataclass
class Served:
    process: subprocess.Popen
    url: str
    temporary: Path
    growing: Path
    finished: Path


@pytest.fixture(scope="module")
def served(finished_run, tmp_path_factory):
    """Run ``posebridge app RUN --runs GROWING`` as a process; end it like Ctrl-C."""
    temporary = tmp_path_factory.mktemp("temporary")
    growing = tmp_path_factory.mktemp("runs") / "growing"
    process = subprocess.Popen(
        [
            *(sys.executable, "-u", "-m", "posebridge.cli.main", "app", str(finished_run)),
            *("--runs", str(growing), "--port", "0", "--no-open", "--max-frames", "3"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # gradio's variables in the environment must not open the page to others.
        env={
            **os.environ,
            "TMPDIR": str(temporary),
            "GRADIO_SHARE": "True",
            "GRADIO_SERVER_NAME": "0.0.0.0",
            "GRADIO_ALLOWED_PATHS": "/",
        },
    )
    said: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        found = re.search(r"page:\s+(http://\S+)", line)
        if found:
            break
    else:
        pytest.fail("".join(said))
    threading.Thread(target=lambda: said.extend(process.stdout), daemon=True).start()
    yield Served(process, found[1], temporary, growing, finished_run)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert "Traceback" not in "".join(said)
    assert list(temporary.glob("posebridge-app-*")) == []


def note_failure(said: list[str], answer) -> None:
    # gradio responds so when an upload ends before its progress is requested.
    if answer.status >= 400 and "/upload_progress?" not in answer.url:
        said.append(f"{answer.status} {answer.url}")


def note_error(said: list[str], message) -> None:
    # Failed loads are logged with their address; "Response" repeats them.
    known = message.text == "Response" or message.text.startswith("Failed to load resource")
    if message.type == "error" and not known:
        said.append(message.text)


@pytest.fixture(scope="module")
def tab(served):
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        opened.set_default_timeout(PATIENCE)
        opened.tta, opened.said = [], []
        opened.on("request", lambda request: opened.tta.append(request.url))
        opened.on("response", lambda answer: note_failure(opened.said, answer))
        opened.on("console", lambda message: note_error(opened.said, message))
        opened.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.goto(served.url)
        opened.wait_for_selector(".pb-nothing")
        yield opened


def drop(tab, path: Path) -> None:
    """Drop a file on the drop zone as a browser does."""
    tab.set_input_files(".pb-drop input[type=file]", str(path))


def shown_joints(tab) -> list[int]:
    return tab.evaluate(
        "[...document.querySelectorAll('.pb-panel')].map(p => [...p.querySelectorAll("
        "'circle.joint')].filter(c => getComputedStyle(c).display != 'none').length)"
    )


@pytest.fixture(scope="module")
def predicted(tab, figures):
    drop(tab, sorted((figures.test.parent / "images").iterdir())[0])
    tab.wait_for_selector(".pb-panel img")
    return tab


@pytest.mark.slow
def test_two_overlays_are_side_by_side(predicted):
    assert predicted.locator(".pb-panel figcaption b").all_inner_texts() == ["before", "after"]
    assert predicted.locator(".pb-panel").count() == 2
    assert predicted.locator(".pb-panel circle.joint").count() == 2 * 14
    loaded = predicted.evaluate(
        "[...document.querySelectorAll('.pb-shot img')].map(i => i.naturalWidth)"
    )
    assert loaded == [640, 640]
    left, right = (predicted.locator(".pb-shot").nth(i).bounding_box() for i in range(2))
    assert left["y"] == right["y"] and left["x"] + left["width"] < right["x"]
    assert left["width"] > 300
    before, after = (predicted.locator(".pb-panel svg").nth(i).inner_html() for i in range(2))
    assert before != after
    assert predicted.locator(".pb-table tbody tr").count() == 14


@pytest.mark.slow
def test_slider_redraws_without_requests(predicted, served):
    values = predicted.evaluate(
        "[...document.querySelectorAll('.pb-panel')].map(p => "
        "[...p.querySelectorAll('circle.joint')].map(c => Number(c.dataset.c)))"
    )
    for least in (0.0, 1.0, float(np.round(np.median(values), 2))):
        tta = len(predicted.tta)
        predicted.locator(".pb-threshold input[type=number]").fill(f"{least:g}")
        predicted.locator(".pb-threshold input[type=number]").press("Enter")
        expected = [sum(v >= least for v in column) for column in values]
        predicted.wait_for_function(
            "e => [...document.querySelectorAll('[data-shown]')].every("
            "(n, i) => Number(n.textContent) == e[i])",
            arg=expected,
        )
        assert shown_joints(predicted) == expected
        assert [u for u in predicted.tta[tta:] if "heartbeat" not in u] == []


@pytest.mark.slow
def test_points_are_downloaded_as_coco_and_csv(predicted, served, figures):
    import posebridge

    image = sorted((figures.test.parent / "images").iterdir())[0]
    for place, weights in enumerate(("source", "last")):
        found = posebridge.load(served.finished, weights).predict(image)
        files = []
        for name in ("COCO JSON", "CSV"):
            with predicted.expect_download() as caught:
                predicted.get_by_text(name, exact=True).nth(place).click()
            files.append(Path(caught.value.path()))
            assert caught.value.suggested_filename.startswith(f"{image.stem}_{place + 1}_")
        content = json.loads(files[0].read_text())
        triples = np.array(content["annotations"][0]["keypoints"]).reshape(-1, 3)
        np.testing.assert_allclose(triples[:, :2], found.points[0], atol=0.05)
        cells = files[1].read_text().splitlines()[1].split(",")
        assert cells[0] == image.name
        np.testing.assert_allclose(float(cells[5]), found.points[0, 0, 0], atol=0.05)


@pytest.mark.slow
def test_refused_files_show_a_message_and_keep_the_image(predicted, figures, tmp_path):
    image = sorted((figures.test.parent / "images").iterdir())[0]
    (tmp_path / "notes.png").write_text("not a picture")
    (tmp_path / "broken.jpg").write_bytes(image.read_bytes()[:200])
    for name, words in (("notes.png", "is neither an image"), ("broken.jpg", "damaged image")):
        drop(predicted, tmp_path / name)
        predicted.wait_for_selector(f".pb-notice.bad:has-text('{name}')")
        text = predicted.locator(".pb-notice.bad").inner_text()
        assert words in text and "Traceback" not in text and str(tmp_path) not in text
    with (tmp_path / "large.png").open("wb") as stream:
        stream.truncate(105_000_000)
    drop(predicted, tmp_path / "large.png")
    predicted.get_by_text('exceed the maximum allowed size of 100.0 Mb: "large.png"').wait_for()
    assert predicted.locator(".pb-panel").count() == 2


@pytest.mark.slow
def test_video_frames_can_be_browsed(predicted, tmp_path):
    av = pytest.importorskip("av", reason="av is not installed: pip install 'posebridge[app]'")
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(9):
            picture = np.full((48, 64, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    drop(predicted, tmp_path / "clip.mp4")
    predicted.wait_for_selector("text=3 of the video's 9 frames")
    assert predicted.get_by_text("Frame of 3").is_visible()
    first = predicted.locator(".pb-shot img").first.get_attribute("src")
    predicted.get_by_label("number input for Frame of 3").fill("3")
    predicted.get_by_label("number input for Frame of 3").press("Enter")
    predicted.wait_for_function(
        "before => document.querySelector('.pb-shot img').src != before", arg=first
    )
    assert "frame_00000007" in predicted.locator(".pb-shot img").first.get_attribute("alt")


@pytest.mark.slow
def test_growing_run_is_refreshed(tab, served):
    """Follow a missing folder to a finished run, and a killed one."""
    tab.get_by_role("tab", name="Training").click()
    state = tab.locator(".pb-state b")
    tab.wait_for_selector(".pb-state:has-text('Not started')")
    served.growing.mkdir()
    whole = (served.finished / "metrics.csv").read_text().splitlines(keepends=True)
    word = json.loads((served.finished / PROGRESS).read_text())

    def grow(step: int, **more: object) -> None:
        rows = [r for r in whole if r.startswith("step") or int(r.split(",")[0]) < step]
        (served.growing / "metrics.csv").write_text("".join(rows))
        now = {"step": step, "state": "training", "updated": time.time(), **more}
        (served.growing / PROGRESS).write_text(json.dumps({**word, **now}))

    grow(3)
    tab.wait_for_selector(".pb-state:has-text('Training')")
    tab.wait_for_selector(".pb-steps:has-text('step 3 of 10')")
    assert tab.locator(".chart polyline").count() == 1
    assert tab.get_by_text("No preview so far.").is_visible()
    grow(8)
    (served.growing / "pictures").mkdir()
    cv2.imwrite(str(served.growing / "pictures/step_000005.png"), np.zeros((60, 90, 3), np.uint8))
    tab.wait_for_selector(".pb-steps:has-text('step 8 of 10')")
    tab.wait_for_function("document.querySelectorAll('.chart polyline').length >= 6")
    tab.wait_for_selector(".pb-sheet img[alt='preview of step 5']")
    cv2.imwrite(str(served.growing / "pictures/step_000007.png"), np.zeros((60, 90, 3), np.uint8))
    tab.wait_for_selector(".pb-sheet img[alt='preview of step 7']")
    tab.get_by_role("combobox", name="Step").click()
    tab.get_by_role("option", name="step 5").click()
    tab.wait_for_selector(".pb-sheet img[alt='preview of step 5']")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    grow(8, pid=gone.pid)
    tab.wait_for_selector(".pb-state:has-text('Killed')")
    assert (
        f"posebridge adapt --resume --out {served.growing}" in tab.locator(".pb-state").inner_text()
    )
    grow(10, state="done")
    tab.wait_for_selector(".pb-state:has-text('Done')")
    assert state.inner_text() == "Done"
    assert read_progress(served.growing) is not None


@pytest.mark.slow
def test_no_foreign_requests_and_no_console_errors(tab, served):
    tta = [url for url in tab.tta if not url.startswith(("data:", "blob:"))]
    assert len(tta) > 10
    assert [url for url in tta if not url.startswith(served.url + "/")] == []
    assert tab.said == []
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.slow
def test_server_is_local_and_serves_no_files(served):
    port = int(served.url.rpartition(":")[2])
    listening = Path("/proc/net/tcp")
    if listening.exists():
        rows = [line.split()[1] for line in listening.read_text().splitlines()[1:]]
        assert {row.split(":")[0] for row in rows if int(row.split(":")[1], 16) == port} == {
            "0100007F"
        }
    for path in ("gradio_api/file=/etc/hostname", "gradio_api/info", "docs"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{served.url}/{path}", timeout=60)
        assert caught.value.code in (403, 404)


@pytest.mark.slow
def test_path_outside_the_uploads_is_not_read(served, figures):
    """Send an event that names a file of this machine as an upload."""
    config = json.loads(urllib.request.urlopen(f"{served.url}/config", timeout=60).read())
    uploads = [d["id"] for d in config["dependencies"] if d["targets"][0][1] == "upload"]
    assert len(uploads) == 1
    image = sorted((figures.test.parent / "images").iterdir())[0]
    file = {"path": str(image), "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
    event = {"data": [file, 0.2, None], "fn_index": uploads[0], "session_hash": "abcdef"}
    request = urllib.request.Request(
        f"{served.url}/gradio_api/queue/join",
        json.dumps(event).encode(),
        {"content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == 400
    assert caught.value.read() == b"This page takes files by upload only."


@pytest.mark.slow
def test_taken_port_is_refused(served, capsys):
    port = served.url.rpartition(":")[2]
    assert main(["app", "--runs", "x", "--port", port, "--no-open"]) == 2
    assert f"port {port} cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a MODEL to predict with, or --runs"),
        (["gone"], "neither a model folder nor a run folder"),
        (["gone", "--min-confidence", "2"], "--min-confidence is 2"),
        (["gone", "--max-frames", "0"], "--max-frames is 0"),
        (["--runs", __file__], "is a file; give a run folder"),
        (["--runs", "x", "--port", "70000"], "port 70000 cannot be used"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, words, capsys):
    assert main(["app", "--no-open", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_missing_gradio_names_the_pip_command(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["app", "--runs", "x", "--no-open"]) == 2
    assert "pip install 'posebridge[app]'" in capsys.readouterr().err
