"""The dataset page in a browser, and the crops on it."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.data.formats.coco import read_labeled
from posebridge.data.quality import check_set
from posebridge.report.check_page import write_check
from posebridge.report.check_pictures import subject_crop
from posebridge.synthetic.figures import write_synthetic_figures
from tests.browser import chromium


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    file = write_synthetic_figures(
        tmp_path_factory.mktemp("figures") / "f", "camera", 8, seed=0, size=64
    )
    labels = read_labeled(file)
    labels.points[0, 0] = (90, 20)
    return check_set("<source>", labels)


@pytest.mark.slow
def test_page_shows_findings_images_and_charts(checked, tmp_path):
    page = write_check(tmp_path, [checked], [], "posebridge check", "0")[0]
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1200, "height": 800})
        tab.set_default_timeout(180_000)
        messages = []
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.goto(page.as_uri())
        assert messages == []
        assert tab.locator("#verdict h1").inner_text() == "2 warnings"
        assert tab.locator("#findings article.warn").count() == 2
        assert tab.locator("#findings .shot svg .ring").count() == 2
        assert tab.locator("#images .shot svg circle.joint").count() == 4 * 14
        assert tab.locator("#distributions figure.chart").count() == 9
        assert tab.locator("#keypoints .bars tr").count() == 1 + 14
        assert tab.locator("#sets b").inner_text() == "<source>"
        images = tab.evaluate("[...document.images].map(i => i.complete && i.naturalWidth > 0)")
        assert all(images)
        for width in (360, 768):
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_box_and_labels_are_in_pixels_of_the_crop(checked):
    """Drawing and painted crop agree: a visible joint is at its place in both."""
    crop = subject_crop(checked, 3)
    x, y = crop.points[crop.shown][0]
    assert f'cx="{np.round(x + 0.5, 2):g}" cy="{np.round(y + 0.5, 2):g}"' in crop.svg()
    assert '<rect class="box"' in crop.svg()
    painted = crop.painted()[round(y), round(x)].astype(int)
    assert np.abs(painted - crop.image[round(y), round(x)]).max() > 20
