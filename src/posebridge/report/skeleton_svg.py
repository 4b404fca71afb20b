"""Skeletons as SVG over an image: sharp on any screen, with the keypoint's name under the pointer.

The run page, the dataset page and the app draw their skeletons here; ``page/skeleton.css`` styles them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from posebridge.report.side_colors import ON_IMAGES
from posebridge.skeleton import Skeleton

_CSS = Path(__file__).with_name("page") / "skeleton.css"


def skeleton_css() -> str:
    """Return the style sheet of the drawings, with the colors of the sides."""
    colors = " ".join(f"--{side}: {color};" for side, color in ON_IMAGES.items())
    return f".skeleton, .side {{ {colors} }}\n{_CSS.read_text(encoding='utf-8')}"


def skeleton_svg(
    points: np.ndarray,
    skeleton: Skeleton,
    size: tuple[int, int],
    *,
    scale: float = 1.0,
    **options: Any,
) -> Markup:
    """Return a skeleton as an SVG that covers an image; arguments as in :func:`skeleton_shapes`."""
    shapes = skeleton_shapes(points, skeleton, size, scale=scale, **options)
    return svg_over_image(shapes, size, scale)


def skeleton_shapes(
    points: np.ndarray,
    skeleton: Skeleton,
    size: tuple[int, int],
    *,
    scale: float = 1.0,
    shown: np.ndarray | None = None,
    hollow: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
    threshold: float = 0.0,
) -> list[Markup]:
    """Return the halos, bones and joints of a skeleton as SVG elements.

    Each bone is a dark halo under a colored line. A bone has the lower confidence of its two ends.

    Args:
        points: (K, 2) in pixels of the image; an integer is the center of a pixel.
        size: width and height of the image.
        scale: factor of the line widths and radii; larger for smaller images.
        shown: (K,) bool; other keypoints and their bones are left out.
        hollow: (K,) bool; keypoints that are drawn as rings.
        confidence: (K,) values that become ``data-c``. Keypoints and bones below ``threshold`` have
            the class ``off``, which hides them.
    """
    unit = max(size) * scale / 100
    shown = np.ones(len(skeleton), bool) if shown is None else shown
    hollow = np.zeros(len(skeleton), bool) if hollow is None else hollow
    values = None if confidence is None else np.round(confidence.astype(np.float64), 4).tolist()
    xy = np.round(points + 0.5, 2).tolist()

    def state(*joints: int) -> Markup:
        if values is None:
            return Markup('"')
        value = min(values[j] for j in joints)
        off = "" if value >= threshold else " off"
        return Markup('{}" data-c="{:g}"').format(off, value)

    halos, bones, joints = [], [], []
    for (a, b), side in zip(skeleton.edges, skeleton.edge_sides, strict=True):
        if shown[a] and shown[b]:
            path = "M{:g} {:g}L{:g} {:g}".format(*xy[a], *xy[b])
            halos.append(Markup('<path class="halo{} d="{}"/>').format(state(a, b), path))
            bones.append(Markup('<path class="bone {}{} d="{}"/>').format(side, state(a, b), path))
    for k in np.flatnonzero(shown).tolist():
        title = skeleton.keypoints[k] + ("" if values is None else f", {values[k]:.2f}")
        kind = skeleton.sides[k] + (" hollow" if hollow[k] else "")
        joints.append(
            Markup(
                '<circle class="joint {}{} cx="{:g}" cy="{:g}" r="{:g}"><title>{}</title></circle>'
            ).format(kind, state(k), *xy[k], unit, title)
        )
    return [*halos, *bones, *joints]


def svg_over_image(shapes: Sequence[Markup], size: tuple[int, int], scale: float = 1.0) -> Markup:
    """Return an SVG that covers an image.

    Args:
        shapes: elements in the image's plane, where pixel (0, 0) reaches from 0 to 1.
        size: width and height of the image.
        scale: factor of the line widths; the style sheet has the widths in units of ``--u``.
    """
    return Markup(
        '<svg class="skeleton" viewBox="0 0 {} {}" style="--u:{:g}" preserveAspectRatio="none" '
        'aria-hidden="true">{}</svg>'
    ).format(*size, max(size) * scale / 100, Markup("").join(shapes))
