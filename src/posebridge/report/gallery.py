"""The gallery: photographs before and after, the skeletons as drawings over them.

The crops are small WebP images in the page itself; the skeletons are SVG, so they stay sharp on any
screen and name a joint under the pointer.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

from posebridge.data.crops import Region, UnreadableImage, cut, decode_image
from posebridge.evaluation.judgement import Judgement
from posebridge.inference.run_comparison import Pictures
from posebridge.skeleton import Skeleton

_SIDE = 320
_QUALITY = 80


@dataclass(frozen=True)
class Shot:
    """One photograph of the gallery.

    Attributes:
        name: of the file. image: a data URI. before, after: the skeletons.
        steady: (before, after) percent of the joints. moved: percent of the crop's side.
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
    judgement: Judgement,
    pictures: Pictures,
    *,
    most: int = 60,
    middle: int = 4,
    most_bytes: int = 14_000_000,
) -> Gallery:
    """Choose and draw.

    Args:
        most, middle: photographs of the bad end, and of the middle as far as they are others.
        most_bytes: what images may take in the page, all together; a photograph stands there twice.
    """
    count = len(judgement.photographs)
    centre = [r for r in range((count - middle) // 2, (count + middle) // 2) if r >= most]
    typical = _shots(judgement, pictures, centre, most_bytes // 4)
    worst = _shots(judgement, pictures, range(min(most, count)), most_bytes - most_bytes // 4)
    return Gallery(worst, typical)


def _shots(
    judgement: Judgement, pictures: Pictures, rows: Iterable[int], most_bytes: int
) -> list[Shot]:
    shots: list[Shot] = []
    spent = 0
    for row in rows:
        about = judgement.photographs[row]
        image = _image(pictures.samples.path(row), pictures.regions[row])
        if image is None:
            continue
        spent += 2 * len(image)
        if spent > most_bytes:
            break
        before, after = (
            skeleton_drawing(
                pictures.points[model][row],
                pictures.steady[model][row],
                pictures.skeleton,
                pictures.size,
            )
            for model in ("source", "adapted")
        )
        name = Path(about.file).name
        shots.append(Shot(name, image, before, after, about.steady, about.moved))
    return shots


def skeleton_drawing(
    points: np.ndarray, steady: np.ndarray, skeleton: Skeleton, size: int
) -> Markup:
    """A skeleton as SVG over a crop; left blue, right red, the middle green.

    Args:
        points: (K, 2) in pixels of a crop of ``size``. steady: (K,) bool; others are hollow.
    """
    side_of = {a: "left" for a, _ in skeleton.pairs} | {b: "right" for _, b in skeleton.pairs}
    sides = [side_of.get(j, "middle") for j in range(len(skeleton))]
    places = np.round((points + 0.5) * 100 / size, 1).tolist()
    bones = {"left": "", "right": "", "middle": ""}
    for a, b in skeleton.edges:
        named = {sides[a], sides[b]} - {"middle"}
        side = named.pop() if len(named) == 1 else "middle"
        (xa, ya), (xb, yb) = places[a], places[b]
        bones[side] += f"M{xa:g} {ya:g}L{xb:g} {yb:g}"
    every = "".join(bones.values())
    parts = [Markup('<path class="halo" d="{}"/>').format(every)] if every else []
    parts += [
        Markup('<path class="{}" d="{}"/>').format(side, path)
        for side, path in bones.items()
        if path
    ]
    parts += [
        Markup('<circle class="{}{}" cx="{:g}" cy="{:g}" r="1.9"><title>{}</title></circle>')
        .format(side, "" if sure else " hollow", x, y, name)
        for (x, y), side, sure, name in zip(
            places, sides, steady.tolist(), skeleton.keypoints, strict=True
        )
    ]  # fmt: skip
    return Markup('<svg viewBox="0 0 100 100" aria-hidden="true">{}</svg>').format(
        Markup("").join(parts)
    )


def _image(path: Path, region: np.ndarray) -> str | None:
    """The crop as a data URI, or None where it cannot be read any more."""
    try:
        image = decode_image(path)
    except UnreadableImage:
        return None
    x, y, side = (int(v) for v in region)
    crop = cut(image, Region(x, y, side), min(_SIDE, max(96, side)))
    done, encoded = cv2.imencode(".webp", crop[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    if not done:
        return None
    return "data:image/webp;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
