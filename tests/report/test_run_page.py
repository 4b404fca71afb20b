"""The page: in a browser as a reader meets it, and as text where there is no browser."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from browser import chromium

from posebridge.data.formats.coco import read_labelled
from posebridge.evaluation.bootstrap import Interval
from posebridge.evaluation.verdict import Finding, Verdict
from posebridge.inference.run_comparison import judge_run
from posebridge.inference.run_folder import open_run
from posebridge.report import charts
from posebridge.report.charts import Line, interval_chart, line_chart, number
from posebridge.report.gallery import gallery, skeleton_drawing
from posebridge.report.run_page import render, tiles, warnings, write_run_page
from posebridge.skeleton import Skeleton

HURT = Verdict("probably_not", False, "Less steady.", (Finding("agreement", -1, "Less steady."),))


@pytest.fixture(scope="module")
def judged(finished_run, figures):
    labels = read_labelled(figures.test)
    return judge_run(open_run(finished_run), labels=labels, source_labels=labels)


def with_verdict(judged, verdict):
    judgement = dataclasses.replace(judged.judgement, verdict=verdict, labels={})
    return dataclasses.replace(judged, judgement=judgement)


@pytest.fixture(scope="module")
def page(judged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "report"
    return write_run_page(folder, judged, "posebridge report <runs>").page


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def visit(browser, page: Path):
    """The opened page, what it said on the console, and what it asked for."""
    tab = browser.new_page(viewport={"width": 1200, "height": 800})
    tab.set_default_timeout(180_000)
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    return tab, said, [url for url in asked if not url.startswith("data:")]


@pytest.fixture(scope="module")
def opened(browser, page):
    tab, said, asked = visit(browser, page)
    yield tab, said, asked
    tab.close()


def test_a_browser_shows_verdict_and_images_and_asks_for_nothing(opened, page, judged):
    tab, said, asked = opened
    assert said == []
    assert asked == [page.as_uri()]
    assert tab.locator("#verdict h1").is_visible()
    assert tab.locator("#verdict h1").inner_text() == judged.judgement.verdict.headline
    assert tab.locator("#evidence .row").count() == 1 + 2 + 9
    images = tab.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
    assert len(images) == 2 * 12
    assert all(complete and width >= 64 for complete, width in images)
    assert tab.locator("#gallery .shot svg circle").count() == 2 * 12 * 14


def test_nothing_sticks_out_on_a_phone(opened):
    tab, said, _ = opened
    for width in (360, 400, 768):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.set_viewport_size({"width": 1200, "height": 800})
    assert said == []


def test_light_and_dark_differ_and_both_can_be_read(opened):
    def contrast(scheme: str) -> tuple[float, float]:
        """Luminance of the ground, and WCAG's contrast of the least of the texts on their card."""
        opened[0].emulate_media(color_scheme=scheme)
        colours = opened[0].evaluate(
            """() => [...document.querySelectorAll('.lead, .asks, .because, h1, h2, td, figcaption')]
                .map(e => [getComputedStyle(e).color,
                           getComputedStyle(e.closest('section')).backgroundColor])"""
        )
        pairs = [[luminance(c) for c in pair] for pair in colours]
        ratios = [(max(p) + 0.05) / (min(p) + 0.05) for p in pairs]
        return pairs[-1][1], min(ratios)

    light, dark = contrast("light"), contrast("dark")
    assert light[0] > 0.9
    assert dark[0] < 0.05
    assert min(light[1], dark[1]) >= 4.5


def luminance(colour: str) -> float:
    """WCAG's relative luminance of a CSS rgb()."""
    channels = np.array([float(c) for c in re.findall(r"[\d.]+", colour)[:3]]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_run_that_was_hurt_says_so_at_the_top_and_offers_the_source(browser, judged, tmp_path):
    made = write_run_page(tmp_path / "report", with_verdict(judged, HURT), "x")
    tab, said, _ = visit(browser, made.page)
    assert said == []
    assert made.colour == "bad"
    top = tab.locator("section").first
    assert "Probably not: it looks worse." in top.inner_text()
    assert "--checkpoint source" in top.inner_text()
    assert "No label of a photograph was used" in top.inner_text()
    tab.close()


def test_the_file_is_whole_by_itself_and_small(page):
    text = page.read_text()
    # Escaped, and nothing to load from anywhere.
    assert "posebridge report &lt;runs&gt;" in text
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", text)
    assert "<script" not in text
    assert page.stat().st_size < 20_000_000
    assert {p.name for p in page.parent.iterdir()} == {
        *("index.html", "report.json", "calibration.json")
    }


def test_a_gallery_keeps_to_its_budget_and_shows_the_worst(judged):
    whole = gallery(judged.judgement, judged.pictures, most=5)
    assert [s.name for s in whole.worst] == [
        Path(p.file).name for p in judged.judgement.photographs[:5]
    ]
    # Of 12 the middle are 5, 6, 7 and 8, counted from 1; the fifth is among the worst.
    assert [s.name for s in whole.middle] == [
        Path(p.file).name for p in judged.judgement.photographs[5:8]
    ]
    room = 8 * len(whole.worst[0].image)
    bounded = gallery(judged.judgement, judged.pictures, most=12, most_bytes=room)
    assert 0 < len(bounded.worst) < 5
    assert sum(2 * len(s.image) for s in bounded.worst) <= room


def test_names_of_files_and_joints_are_text(judged):
    photographs = tuple(
        dataclasses.replace(p, file="/x/<script>alert(1)<script>.png")
        for p in judged.judgement.photographs
    )
    judgement = dataclasses.replace(judged.judgement, photographs=photographs)
    page = render(judgement, gallery(judgement, judged.pictures), "x")
    assert "<script" not in page
    drawn = skeleton_drawing(np.zeros((1, 2)), np.ones(1, bool), Skeleton("x", ("<b>",)), size=32)
    assert "&lt;b&gt;" in drawn


def test_a_skeleton_lies_on_the_picture():
    """On a crop of 50 px the centre of pixel (24, 9) is at 49 and 19 percent."""
    arms = Skeleton.from_names("arms", ["left_hand", "right_hand", "nose"], [(0, 2), (0, 1)])
    points = np.array([[24.0, 9], [0, 0], [49, 49]])
    drawn = skeleton_drawing(points, np.array([True, False, True]), arms, size=50)
    assert '<circle class="left" cx="49" cy="19"' in drawn
    assert '<circle class="right hollow" cx="1" cy="1"' in drawn
    assert '<path class="left" d="M49 19L99 99"/>' in drawn
    assert '<path class="middle" d="M49 19L1 1"/>' in drawn


def test_tiles_say_what_is_clear(judged):
    shown = {tile.title: tile for tile in tiles(with_verdict(judged, HURT).judgement)}
    assert shown["Steadiness"].kind == "bad"
    assert shown["Plausible poses (log-likelihood)"].kind == "plain"
    assert {t.says for t in shown.values()} <= {
        *("a clear rise", "within chance", "a clear fall", "a small fall, the usual price")
    }


@pytest.mark.parametrize(
    ("images", "held_out", "words"),
    [
        (12, 12, "Only 12 photographs were held out"),
        (12, None, "Only 12 photographs were held out"),
        (5, 12, "Of 12 photographs that were held out only 5 were looked at (--images)"),
        (5, 900, "Of 900 photographs that were held out only 5 were looked at (--images)"),
        (20, 900, None),
    ],
)
def test_few_photographs_are_told_by_why_they_are_few(images, held_out, words, judged):
    told = warnings(dataclasses.replace(judged.judgement, images=images), held_out)
    found = [warning for warning in told if "held out" in warning]
    assert [warning.partition(".")[0] for warning in found] == ([] if words is None else [words])


def test_a_run_that_was_stopped_says_so_on_its_page(judged, tmp_path):
    assert (judged.held_out, judged.stopped) == (12, None)
    stopped = dataclasses.replace(judged, stopped=(7, 10))
    page = write_run_page(tmp_path / "report", stopped, "x").page.read_text()
    assert "stopped at step 7 of 10" in page
    assert "stopped at step" not in write_run_page(tmp_path / "whole", judged, "x").page.read_text()


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [
        (12.345, "%", False, "12.3"),
        (-0.04, "%", True, "+0.0"),
        (-1.25, "%", True, "\u22121.2"),
        (2.0, "", False, "2.00"),
        (0.0474, "", True, "+0.047"),
        (None, "%", False, "\u2013"),
        (float("nan"), "", False, "\u2013"),
    ],
)
def test_numbers(value, unit, signed, text):
    assert number(value, unit, signed=signed) == text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (44.5, 63.9, [45, 50, 55, 60]),
        (0.1, 0.32, [0.1, 0.15, 0.2, 0.25, 0.3]),
        (1000, 1500, [1000, 1100, 1200, 1300, 1400, 1500]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert charts._ticks(low, high) == pytest.approx(ticks)


def test_charts_by_hand():
    """The difference lies right of the dashed zero at 100, symmetrically scaled to 92 / 1.15."""
    drawn = interval_chart(Interval(2.0, 1.0, 4.0), "good")
    assert 'x1="120.0"' in drawn
    assert 'x2="180.0"' in drawn
    assert 'cx="140.0"' in drawn
    assert interval_chart(Interval(2.0, None, None), "good") == ""
    assert line_chart([Line("a", "line-a", [])], "x") == ""
    level = line_chart([Line("a", "line-a", [(0, 5.0), (10, 5.0)])], "x")
    (y1,), (y2,) = ({p.split(",")[1]} for p in re.findall(r'points="(.*?)"', level)[0].split())
    assert y1 == y2


def test_a_run_without_a_teacher_says_why_its_curves_are_missing(judged):
    judgement = dataclasses.replace(
        judged.judgement, course={}, keep=None, method="none: the source alone, for longer"
    )
    page = render(judgement, gallery(judgement, judged.pictures), "x")
    assert "Without a mean teacher there are no pseudo-labels" in page
    assert 'id="course"' not in page
    assert 'id="course"' in render(judged.judgement, gallery(judgement, judged.pictures), "x")
