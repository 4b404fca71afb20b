"""Painting a body, and its plain look: flat limbs before a plain background.

Every look paints with :func:`paint_body` and ends with :func:`finish_drawing`, so that the points,
the flags and the mask mean the same in every look. The camera look is in ``camera.py``.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from posebridge.synthetic import bodies
from posebridge.synthetic.bodies import Body
from posebridge.synthetic.poses import Proportions

_ANGLES = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_SHIFT = 4


@dataclass(frozen=True, eq=False)
class Drawing:
    """An image and its labels.

    Attributes:
        image: (size, size, 3) uint8, RGB.
        points: (14, 2) float32, x, y in pixels of the image, an integer is a pixel's center.
        flags: (14,) int64, COCO's: 2 visible, 1 behind the body itself or behind an occluder.
        body: (size, size) bool, the pixels that show the body.
    """

    image: np.ndarray
    points: np.ndarray
    flags: np.ndarray
    body: np.ndarray


def draw_rendered(rng: np.random.Generator, size: int) -> Drawing:
    """Return a flat-shaded body before a plain background."""
    form = Proportions().scaled(
        girth=rng.uniform(0.95, 1.1),
        shoulders=rng.uniform(0.95, 1.05),
        head=rng.uniform(0.97, 1.03),
    )
    body = bodies.draw_body(rng, size, form, tilt=6.0)
    palette = make_palette(
        skin=hsv_color(rng.uniform(0.06, 0.08), rng.uniform(0.3, 0.4), rng.uniform(0.85, 0.95)),
        shirt=hsv_color(rng.random(), rng.uniform(0.1, 0.5), rng.uniform(0.5, 0.9)),
        pants=hsv_color(rng.random(), rng.uniform(0.0, 0.35), rng.uniform(0.25, 0.5)),
        right=hsv_color(rng.uniform(-0.02, 0.05), rng.uniform(0.8, 0.95), rng.uniform(0.8, 0.95)),
        left=hsv_color(rng.uniform(0.54, 0.62), rng.uniform(0.75, 0.95), rng.uniform(0.75, 0.95)),
        hair=hsv_color(0.08, 0.5, rng.uniform(0.15, 0.3)),
    )
    light = unit_vector(np.array([rng.uniform(-0.5, 0.5), 0.8, 0.6]))
    layers = paint_body(body, size, palette, light, flat=True)

    top = hsv_color(rng.random(), rng.uniform(0.0, 0.25), rng.uniform(0.55, 0.95))
    bottom = top if rng.random() < 0.5 else top * rng.uniform(0.6, 1.0)
    ramp = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    column = top.astype(np.float32) * (1 - ramp) + bottom.astype(np.float32) * ramp
    plain = np.repeat(column[:, None], size, axis=1)
    image = layers.color + plain * repeat_plane(1 - layers.cover)
    return finish_drawing(image.astype(np.uint8), body, layers, None)


@dataclass(frozen=True, eq=False)
class Layers:
    """A painted body; what is smooth has the image's side, what is an index twice that.

    ``color`` (size, size, 3) float32 in 0..255, already multiplied by ``cover`` (size, size)
    float32 in 0..1; ``shade`` (size, size) float32 likewise, 1 is neutral light. ``part``
    (2 size, 2 size) uint8 is 1 + the index in the body's parts, 0 outside; ``material`` (size,
    size) uint8.
    """

    color: np.ndarray
    cover: np.ndarray
    shade: np.ndarray
    part: np.ndarray
    material: np.ndarray


def paint_body(body: Body, size: int, palette: np.ndarray, light: np.ndarray, flat: bool) -> Layers:
    """Paint the parts from back to front; ``flat`` shades each as a whole, else across it."""
    parts = body.parts
    circles = np.array([(part.circles + part.circles[-1:] * 3)[:4] for part in parts])
    materials = np.array([part.material for part in parts])
    depths = np.array([part.depth for part in parts])
    slants = np.sqrt(np.maximum(0, 1 - (np.stack([part.axis for part in parts]) @ light) ** 2))
    gains = np.clip(0.62 + 0.3 * slants + 0.5 * depths, 0.45, 1.1) if flat else np.ones(len(parts))
    levels = np.clip(70 + 40 * slants + 60 * depths, 40, 160)
    lit = circles * (1, 1, 0.5)
    lit[..., :2] += np.array([light[0], -light[1]]) * circles[..., 2:] * 0.38

    # One canvas takes it all: a pixel holds 2 x (1 + part), one more where light falls on it.
    canvas = np.zeros((2 * size, 2 * size), np.uint8)
    outlines, inner = _hulls(circles), None if flat else _hulls(lit)
    for index, outline in enumerate(outlines):
        cv2.fillConvexPoly(canvas, outline, (2 * index + 2,), shift=_SHIFT)
        if inner is not None and materials[index] != bodies.EYE:
            cv2.fillConvexPoly(canvas, inner[index], (2 * index + 3,), shift=_SHIFT)

    known = slice(2, 2 + 2 * len(parts))
    tones = np.zeros((256, 1, 3), np.uint8)
    tones[known, 0] = np.repeat(np.clip(palette[materials] * gains[:, None], 0, 255), 2, axis=0)
    shades, kinds = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    shades[known] = (levels[:, None] + (0, 80)).ravel()
    kinds[known] = np.repeat(materials, 2)
    return Layers(
        _halve(cv2.LUT(repeat_plane(canvas), tones)).astype(np.float32),
        _halve(cv2.threshold(canvas, 0, 255, cv2.THRESH_BINARY)[1]).astype(np.float32)
        * np.float32(1 / 255),
        _halve(cv2.LUT(canvas, shades)).astype(np.float32) * np.float32(1 / 150),
        canvas >> 1,
        cv2.LUT(np.ascontiguousarray(canvas[::2, ::2]), kinds),
    )


def _halve(canvas: np.ndarray) -> np.ndarray:
    side = canvas.shape[0] // 2
    return cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)


def repeat_plane(plane: np.ndarray) -> np.ndarray:
    """Return one plane as all three channels; far faster than broadcasting over the last axis."""
    return cv2.merge((plane, plane, plane))


def _hulls(circles: np.ndarray) -> list[np.ndarray]:
    """Return the outlines round circles (parts, n, 3) in image pixels, in OpenCV's fixed point."""
    rims = circles[:, :, None, :2] + circles[:, :, None, 2:] * _CIRCLE
    canvas = ((rims.reshape(len(circles), -1, 2) + 0.5) * 2 - 0.5) * (1 << _SHIFT)
    return [cv2.convexHull(rim) for rim in np.rint(canvas).astype(np.int32)]


def finish_drawing(
    image: np.ndarray, body: Body, layers: Layers, hidden: np.ndarray | None
) -> Drawing:
    """Mark the joints and the pixels of the body that are visible."""
    points = body.points.astype(np.float32)
    seen = layers.cover > 0.5
    if hidden is not None:
        seen &= ~hidden
    fine = np.rint((body.points + 0.5) * 2 - 0.5).astype(int)
    coarse = np.rint(points).astype(int)
    flags = np.ones(len(points), np.int64)
    for joint in range(len(points)):
        part = int(layers.part[fine[joint, 1], fine[joint, 0]])
        x, y = coarse[joint]
        if part and seen[y, x] and joint in body.parts[part - 1].joints:
            flags[joint] = 2
    return Drawing(image, points, flags, seen)


def hsv_color(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return RGB, (3,) float in 0..255; the hue wraps around at 1."""
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value)) * 255


def unit_vector(vector: np.ndarray) -> np.ndarray:
    """Return the vector at length 1."""
    return vector / np.linalg.norm(vector)


def make_palette(
    skin: np.ndarray,
    shirt: np.ndarray,
    pants: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    hair: np.ndarray,
) -> np.ndarray:
    """Return the (MATERIALS, 3) float, RGB of every material."""
    palette = np.zeros((bodies.MATERIALS, 3))
    palette[bodies.SKIN], palette[bodies.SHIRT], palette[bodies.PANTS] = skin, shirt, pants
    palette[bodies.RIGHT], palette[bodies.LEFT], palette[bodies.HAIR] = right, left, hair
    palette[bodies.BIB] = 0.3 * shirt + 0.7 * 245
    palette[bodies.EYE] = 25
    palette[bodies.RIGHT_SHOE], palette[bodies.LEFT_SHOE] = 0.65 * right, 0.65 * left
    return palette
