"""The run page in a browser and as text."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from posebridge.data.formats.coco import read_labeled
from posebridge.evaluation.verdict import Finding, Verdict
from posebridge.inference.run_comparison import compare_run
from posebridge.inference.run_folder import open_run
from posebridge.report.gallery import gallery
from posebridge.report.run_page import render, tiles, warnings, write_run_page
from tests.browser import chromium

HURT = Verdict("probably_not", False, "Less steady.", (Finding("agreement", -1, "Less steady."),))


@pytest.fixture(scope="module")
def judged(finished_run, figures):
    labels = read_labeled(figures.test)
    return compare_run(open_run(finished_run), labels=labels, source_labels=labels)


def with_verdict(judged, verdict):
    judgment = dataclasses.replace(judged.judgment, verdict=verdict, labels={})
    return dataclasses.replace(judged, judgment=judgment)


@pytest.fixture(scope="module")
def page(judged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "report"
    return write_run_page(folder, judged, "posebridge report <runs>").page


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def visit(browser, page: Path):
    """Open a page; return it, its console messages and the URLs of its requests."""
    tab = browser.new_page(viewport={"width": 1200, "height": 800})
    tab.set_default_timeout(180_000)
    messages, requests = [], []
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(page.as_uri())
    return tab, messages, [url for url in requests if not url.startswith("data:")]


@pytest.fixture(scope="module")
def opened(browser, page):
    tab, messages, requests = visit(browser, page)
    yield tab, messages, requests
    tab.close()


@pytest.mark.slow
def test_browser_shows_verdict_and_images_without_requests(opened, page, judged):
    tab, messages, requests = opened
    assert messages == []
    assert requests == [page.as_uri()]
    assert tab.locator("#verdict h1").is_visible()
    assert tab.locator("#verdict h1").inner_text() == judged.judgment.verdict.headline
    assert tab.locator("#evidence .row").count() == 1 + 2 + 9
    images = tab.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
    assert len(images) == 2 * 12
    assert all(complete and width >= 64 for complete, width in images)
    assert tab.locator("#gallery .shot svg circle").count() == 2 * 12 * 14


@pytest.mark.slow
def test_page_fits_a_phone(opened):
    tab, messages, _ = opened
    for width in (360, 400, 768):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.set_viewport_size({"width": 1200, "height": 800})
    assert messages == []


@pytest.mark.slow
def test_light_and_dark_mode_have_enough_contrast(opened):
    def contrast(scheme: str) -> tuple[float, float]:
        """Return the luminance of the background, and the lowest WCAG contrast of the texts."""
        opened[0].emulate_media(color_scheme=scheme)
        colors = opened[0].evaluate(
            """() => [...document.querySelectorAll('.lead, .asks, .because, h1, h2, td, figcaption')]
                .map(e => [getComputedStyle(e).color,
                           getComputedStyle(e.closest('section')).backgroundColor])"""
        )
        pairs = [[luminance(c) for c in pair] for pair in colors]
        ratios = [(max(p) + 0.05) / (min(p) + 0.05) for p in pairs]
        return pairs[-1][1], min(ratios)

    light, dark = contrast("light"), contrast("dark")
    assert light[0] > 0.9
    assert dark[0] < 0.05
    assert min(light[1], dark[1]) >= 4.5


def luminance(color: str) -> float:
    """Return WCAG's relative luminance of a CSS rgb()."""
    channels = np.array([float(c) for c in re.findall(r"[\d.]+", color)[:3]]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.slow
def test_failed_adaptation_recommends_the_source_checkpoint(browser, judged, tmp_path):
    made = write_run_page(tmp_path / "report", with_verdict(judged, HURT), "x")
    tab, messages, _ = visit(browser, made.page)
    assert messages == []
    assert made.tone == "bad"
    top = tab.locator("section").first
    assert "Probably not: it looks worse." in top.inner_text()
    assert "--checkpoint source" in top.inner_text()
    assert "No label of a photograph was used" in top.inner_text()
    tab.close()


def test_page_is_self_contained_and_small(page):
    text = page.read_text()
    # The command is escaped, and the page loads nothing.
    assert "posebridge report &lt;runs&gt;" in text
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", text)
    assert "<script" not in text
    assert page.stat().st_size < 20_000_000
    assert {p.name for p in page.parent.iterdir()} == {
        *("index.html", "report.json", "calibration.json")
    }


def test_gallery_keeps_its_size_limit_and_shows_the_worst(judged):
    whole = gallery(judged.judgment, judged.pictures, most=5)
    assert [s.name for s in whole.worst] == [
        Path(p.file).name for p in judged.judgment.photographs[:5]
    ]
    # The middle of 12 is 5 to 8, counted from 1; the fifth is already among the worst.
    assert [s.name for s in whole.middle] == [
        Path(p.file).name for p in judged.judgment.photographs[5:8]
    ]
    room = 8 * len(whole.worst[0].image)
    bounded = gallery(judged.judgment, judged.pictures, most=12, most_bytes=room)
    assert 0 < len(bounded.worst) < 5
    assert sum(2 * len(s.image) for s in bounded.worst) <= room


def test_file_names_are_escaped(judged):
    photographs = tuple(
        dataclasses.replace(p, file="/x/<script>alert(1)<script>.png")
        for p in judged.judgment.photographs
    )
    judgment = dataclasses.replace(judged.judgment, photographs=photographs)
    page = render(judgment, gallery(judgment, judged.pictures), "x")
    assert "<script" not in page


def test_tiles_show_clear_changes(judged):
    shown = {tile.title: tile for tile in tiles(with_verdict(judged, HURT).judgment)}
    assert shown["Agreement of two views"].kind == "bad"
    assert shown["Plausible poses (log-likelihood)"].kind == "plain"
    assert {t.change for t in shown.values()} <= {
        *("a clear rise", "no clear change", "a clear fall", "a small fall, as usual")
    }


@pytest.mark.parametrize(
    ("images", "held_out", "words"),
    [
        (12, 12, "Only 12 photographs were held out"),
        (12, None, "Only 12 photographs were held out"),
        (5, 12, "Of 12 photographs that were held out only 5 were compared (--max-images)"),
        (5, 900, "Of 900 photographs that were held out only 5 were compared (--max-images)"),
        (20, 900, None),
    ],
)
def test_few_photographs_are_warned_about_with_the_cause(images, held_out, words, judged):
    lines = warnings(dataclasses.replace(judged.judgment, images=images), held_out)
    found = [warning for warning in lines if "held out" in warning]
    assert [warning.partition(".")[0] for warning in found] == ([] if words is None else [words])


def test_stopped_run_has_a_warning(judged, tmp_path):
    assert (judged.held_out, judged.stopped) == (12, None)
    stopped = dataclasses.replace(judged, stopped=(7, 10))
    page = write_run_page(tmp_path / "report", stopped, "x").page.read_text()
    assert "stopped at step 7 of 10" in page
    assert "stopped at step" not in write_run_page(tmp_path / "whole", judged, "x").page.read_text()


def test_run_without_teacher_explains_missing_curves(judged):
    judgment = dataclasses.replace(
        judged.judgment, course={}, keep=None, method="none: the source alone, for longer"
    )
    page = render(judgment, gallery(judgment, judged.pictures), "x")
    assert "Without a mean teacher the run has no pseudo-labels" in page
    assert 'id="course"' not in page
    assert 'id="course"' in render(judged.judgment, gallery(judgment, judged.pictures), "x")
