"""The gallery of the run page: photographs with the skeletons before and after the adaptation.

The crops are small WebP images inside the page; the skeletons are SVG over them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from posebridge.data.crops import UnreadableImage
from posebridge.evaluation.run_comparison import RunComparison
from posebridge.inference.run_comparison import Pictures
from posebridge.report.data_uri import data_uri
from posebridge.report.overlays import read_crop
from posebridge.report.skeleton_svg import skeleton_svg

_SIDE = 320
_SCALE = 2.0
_QUALITY = 80


@dataclass(frozen=True)
class Shot:
    """One photograph of the gallery.

    Attributes:
        name: the file name.
        image: the crop as a data URI.
        before, after: the skeletons as SVG.
        steady: percent of steady joints before and after.
        moved: mean displacement in percent of the crop's side.
    """

    name: str
    image: str
    before: Markup
    after: Markup
    steady: tuple[float | None, float | None]
    moved: float


@dataclass(frozen=True)
class Gallery:
    """The least steady photographs, worst first, and some from the middle of the order."""

    worst: list[Shot]
    middle: list[Shot]


def gallery(
    judgment: RunComparison,
    pictures: Pictures,
    *,
    most: int = 60,
    middle: int = 4,
    most_bytes: int = 14_000_000,
) -> Gallery:
    """Choose photographs and draw the skeletons on them.

    Args:
        judgment: the numbers of the report, which order the photographs.
        pictures: the predictions of both models.
        most: number of the least steady photographs.
        middle: number of photographs from the middle of the order that are not among the former.
        most_bytes: limit of all images in the page; each photograph is in the page twice.
    """
    count = len(judgment.photographs)
    center = [r for r in range((count - middle) // 2, (count + middle) // 2) if r >= most]
    typical = _shots(judgment, pictures, center, most_bytes // 4)
    worst = _shots(judgment, pictures, range(min(most, count)), most_bytes - most_bytes // 4)
    return Gallery(worst, typical)


def _shots(
    judgment: RunComparison, pictures: Pictures, rows: Iterable[int], most_bytes: int
) -> list[Shot]:
    shots: list[Shot] = []
    spent = 0
    for row in rows:
        about = judgment.photographs[row]
        image = _image(pictures.samples.path(row), pictures.regions[row])
        if image is None:
            continue
        spent += 2 * len(image)
        if spent > most_bytes:
            break
        before, after = (
            skeleton_svg(
                pictures.points[model][row],
                pictures.skeleton,
                (pictures.size, pictures.size),
                scale=_SCALE,
                hollow=~pictures.steady[model][row],
            )
            for model in ("source", "adapted")
        )
        name = Path(about.file).name
        shots.append(Shot(name, image, before, after, about.steady, about.moved))
    return shots


def _image(path: Path, region: np.ndarray) -> str | None:
    """Return the crop as a data URI, or None where the image can no longer be read."""
    side = min(_SIDE, max(96, int(region[2])))
    try:
        return data_uri(read_crop(path, region, side), quality=_QUALITY)
    except UnreadableImage:
        return None
