"""Images with skeletons, and the table of points, as HTML.

Elements with a confidence have it as ``data-c``; elements below the threshold have the class ``off``.
The page's script toggles that class when the slider moves, without a request to the server. The server
sets the class first, so that the page is right without the script.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

from posebridge.app.loaded_models import ShownModel
from posebridge.app.predictions import Answers
from posebridge.data.crops import decode_image
from posebridge.skeleton import Skeleton

_SIDE = 1280
_LEAST = 640
_QUALITY = 88


def panels(
    answers: Answers, models: Sequence[ShownModel], picture: int, threshold: float
) -> list[str]:
    """Return a panel for each model: title, number of visible joints, and the image with them."""
    image = decode_image(answers.upload.samples.path(picture))
    size = (image.shape[1], image.shape[0])
    uri = picture_uri(image)
    made = []
    for model, found in zip(models, answers.found, strict=True):
        row = int(np.flatnonzero(found.rows == picture)[0])
        skeleton = model.predictor.skeleton
        confidence = found.confidence[row]
        drawing = skeleton_drawing(found.points[row], confidence, skeleton, size, threshold)
        made.append(
            Markup(
                '<figure class="pb-panel"><figcaption><b>{name}</b><span>{detail}</span>'
                "<em><i data-shown>{shown}</i> of {all} joints</em></figcaption>"
                '<div class="pb-shot" style="--w:{w};--h:{h}">'
                '<img src="{uri}" alt="{file} with the joints found by {name}">{drawing}</div>'
                "</figure>"
            ).format(
                name=model.name,
                detail=model.detail,
                shown=int((confidence >= threshold).sum()),
                all=len(skeleton),
                w=size[0],
                h=size[1],
                uri=uri,
                file=answers.upload.files[picture],
                drawing=drawing,
            )
        )
    return made


def skeleton_drawing(
    points: np.ndarray,
    confidence: np.ndarray,
    skeleton: Skeleton,
    size: tuple[int, int],
    threshold: float,
) -> Markup:
    """Return a skeleton as SVG over a whole image; left blue, right red, the middle green.

    The confidence of a bone is the lower one of its ends.

    Args:
        points: (K, 2) in pixels of the image, whose centers are whole numbers. confidence: (K,).
        size: width and height of the image.
    """
    side_of = {a: "left" for a, _ in skeleton.pairs} | {b: "right" for _, b in skeleton.pairs}
    sides = [side_of.get(joint, "middle") for joint in range(len(skeleton))]
    unit = max(size) / 100
    places = np.round(points + 0.5, 2).tolist()
    sure = np.round(confidence.astype(np.float64), 4).tolist()
    parts = []
    for a, b in skeleton.edges:
        named = {sides[a], sides[b]} - {"middle"}
        least = min(sure[a], sure[b])
        parts.append(
            Markup('<g class="bone {}{}" data-c="{:g}"><path d="{d}"/><path d="{d}"/></g>').format(
                named.pop() if len(named) == 1 else "middle",
                _off(least, threshold),
                least,
                d="M{:g} {:g}L{:g} {:g}".format(*places[a], *places[b]),
            )
        )
    parts += [
        Markup(
            '<circle class="joint {}{}" data-c="{:g}" cx="{:g}" cy="{:g}" r="{:g}">'
            "<title>{}, {:.2f}</title></circle>"
        ).format(side, _off(value, threshold), value, x, y, 1.05 * unit, name, value)
        for (x, y), side, value, name in zip(places, sides, sure, skeleton.keypoints, strict=True)
    ]
    return Markup(
        '<svg viewBox="0 0 {} {}" style="--u:{:g}" preserveAspectRatio="none">{}</svg>'
    ).format(*size, unit, Markup("").join(parts))


def point_table(
    answers: Answers, models: Sequence[ShownModel], picture: int, threshold: float
) -> str:
    """Return a table of joints: x, y and confidence of each model, and for two their distance.

    Models with different keypoints share the rows of common names.
    """
    rows = [int(np.flatnonzero(found.rows == picture)[0]) for found in answers.found]
    names = list(
        dict.fromkeys(name for model in models for name in model.predictor.skeleton.keypoints)
    )
    apart = len(models) == 2
    head = Markup("").join(Markup('<th colspan="3">{}</th>').format(m.name) for m in models)
    below = Markup('<th class="num">x</th><th class="num">y</th><th>confidence</th>') * len(models)
    body = []
    for name in names:
        cells, places = [], []
        for model, found, row in zip(models, answers.found, rows, strict=True):
            keypoints = model.predictor.skeleton.keypoints
            if name not in keypoints:
                cells.append(Markup('<td class="num none" colspan="3">\u2013</td>'))
                continue
            joint = keypoints.index(name)
            (x, y), value = found.points[row, joint].tolist(), float(found.confidence[row, joint])
            places.append((x, y))
            cells.append(
                Markup(
                    '<td class="num{off}" data-c="{c:g}">{x:.1f}</td>'
                    '<td class="num{off}" data-c="{c:g}">{y:.1f}</td>'
                    '<td class="meter{off}" data-c="{c:g}"><span style="--v:{v:.3f}"></span>'
                    "{c2:.2f}</td>"
                ).format(
                    off=_off(round(value, 4), threshold),
                    c=round(value, 4),
                    x=x,
                    y=y,
                    v=value,
                    c2=value,
                )
            )
        if apart:
            moved = f"{np.hypot(*np.subtract(*places)):.1f}" if len(places) == 2 else "\u2013"
            cells.append(Markup('<td class="num">{}</td>').format(moved))
        body.append(
            Markup("<tr><th>{}</th>{}</tr>").format(name.replace("_", " "), Markup("").join(cells))
        )
    return Markup(
        '<div class="pb-table"><table><thead><tr><th rowspan="2">joint</th>{}{}</tr><tr>{}</tr>'
        "</thead><tbody>{}</tbody></table></div>"
    ).format(
        head,
        Markup('<th rowspan="2" class="num">apart</th>') if apart else "",
        below,
        Markup("").join(body),
    )


def picture_uri(image: np.ndarray, side: int = _SIDE, least: int = _LEAST) -> str:
    """Return an (H, W, 3) RGB image as a data URI, at most ``side`` pixels wide and high.

    An image smaller than ``least`` is enlarged smoothly, so that browsers do not have to.
    """
    longest = max(image.shape[:2])
    scale = min(1.0, side / longest) if longest >= least else least / longest
    if scale != 1.0:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        shape = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, shape, interpolation=method)
    done, content = cv2.imencode(".webp", image[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    assert done
    return "data:image/webp;base64," + base64.b64encode(content.tobytes()).decode("ascii")


def file_uri(path: Path) -> str:
    """Return an image file as a data URI, without enlarging it.

    Raises:
        UnreadableImage: the file is gone or incomplete.
    """
    return picture_uri(decode_image(path), least=0)


def _off(value: float, threshold: float) -> str:
    return "" if value >= threshold else " off"
