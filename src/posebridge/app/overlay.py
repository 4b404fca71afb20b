"""Images with skeletons, and the table of points, as HTML.

Elements with a confidence have it as ``data-c``; elements below the threshold have the class ``off``.
The page's script toggles that class when the slider moves, without a request to the server. The server
sets the class first, so that the page is right without the script.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

from posebridge.app.loaded_models import ShownModel
from posebridge.app.predictions import Answers
from posebridge.data.crops import decode_image
from posebridge.report.data_uri import data_uri
from posebridge.report.skeleton_svg import skeleton_svg

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
        drawing = skeleton_svg(
            found.points[row], skeleton, size, confidence=confidence, threshold=threshold
        )
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
    return data_uri(image, quality=_QUALITY)


def file_uri(path: Path) -> str:
    """Return an image file as a data URI, without enlarging it.

    Raises:
        UnreadableImage: the file is gone or incomplete.
    """
    return picture_uri(decode_image(path), least=0)


def _off(value: float, threshold: float) -> str:
    return "" if value >= threshold else " off"
