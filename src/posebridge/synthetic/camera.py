"""The camera look: a body as a photograph might show it.

It differs from the rendering in everything but the kind of body and its side colors: patterned
clothes, a background with things that resemble limbs, light from one side, other proportions,
occluders, and a camera's blur, color cast, noise and compression.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from posebridge.synthetic import bodies
from posebridge.synthetic.bodies import Body
from posebridge.synthetic.looks import (
    Drawing,
    Layers,
    finish_drawing,
    hsv_color,
    make_palette,
    paint_body,
    repeat_plane,
    unit_vector,
)
from posebridge.synthetic.poses import Proportions


def draw_camera(rng: np.random.Generator, size: int) -> Drawing:
    """Return a body as a camera might see it."""
    body = bodies.draw_body(
        rng,
        size,
        _draw_form(rng),
        tilt=12.0,
        long_sleeves=bool(rng.random() < 0.4),
        long_pants=bool(rng.random() < 0.4),
    )
    palette = _draw_clothes(rng)
    angle = rng.uniform(0.15 * np.pi, 0.85 * np.pi)
    light = unit_vector(np.array([np.cos(angle), np.sin(angle), rng.uniform(0.1, 0.7)]))
    layers = paint_body(body, size, palette, light, flat=False)

    image = _draw_scene(rng, body, palette, size)
    image *= repeat_plane(1 - layers.cover)
    image += _dress(rng, layers, palette)
    hidden = _draw_occluders(rng, image, body)
    return finish_drawing(_photograph(rng, image, light), body, layers, hidden)


def _draw_clothes(rng: np.random.Generator) -> np.ndarray:
    """Return duller and more varied colors than the rendering's, warm right and cool left."""
    return make_palette(
        skin=hsv_color(rng.uniform(0.03, 0.09), rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.95)),
        shirt=hsv_color(rng.random(), rng.uniform(0.0, 0.7), rng.uniform(0.2, 0.95)),
        pants=hsv_color(rng.random(), rng.uniform(0.0, 0.6), rng.uniform(0.15, 0.8)),
        right=hsv_color(rng.uniform(-0.05, 0.1), rng.uniform(0.5, 0.85), rng.uniform(0.5, 0.95)),
        left=hsv_color(rng.uniform(0.5, 0.68), rng.uniform(0.45, 0.85), rng.uniform(0.45, 0.95)),
        hair=hsv_color(rng.uniform(0.03, 0.13), rng.uniform(0.1, 0.7), rng.uniform(0.08, 0.75)),
    )


def _draw_form(rng: np.random.Generator) -> Proportions:
    """Return a child, somebody long-limbed, somebody stout, or the rendering's own kind of adult."""
    kind = rng.random()
    if kind < 0.25:
        form = Proportions().scaled(
            shin=0.8, thigh=0.8, upper_arm=0.8, forearm=0.82, shoulders=0.85, head=1.15, skull=1.15
        )
    elif kind < 0.5:
        form = Proportions().scaled(
            shin=1.15, thigh=1.15, upper_arm=1.15, forearm=1.2, girth=0.85, head=0.9, skull=0.9
        )
    elif kind < 0.7:
        form = Proportions().scaled(girth=1.35, hips=1.15, shoulders=1.1, head=0.95)
    else:
        form = Proportions()
    names = ("shin", "thigh", "hips", "torso", "shoulders", "upper_arm", "forearm", "girth")
    return form.scaled(**{name: rng.uniform(0.93, 1.07) for name in names})


def _noise(rng: np.random.Generator, side: int, cells: tuple[int, ...]) -> np.ndarray:
    """Return smooth noise (side, side) float32 of about unit spread; coarse grids weigh more."""
    total = np.zeros((side, side), np.float32)
    weight = 1.0
    for count in cells:
        grid = rng.standard_normal((count, count), dtype=np.float32) * np.float32(weight)
        total += cv2.resize(grid, (side, side), interpolation=cv2.INTER_LINEAR)
        weight *= 0.7
    return total


def _pattern(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return a pattern (side, side) float32 in 0..1: stripes, checks, dots or blotches."""
    kind = int(rng.integers(5))
    if kind == 4:
        return (_noise(rng, side, (12, 24)) > 0.2).astype(np.float32)
    angle, period = rng.uniform(0, np.pi), side * rng.uniform(0.04, 0.09)
    along = np.arange(side, dtype=np.float32) * np.float32(2 * np.pi / period)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    bend = 0.7 * _noise(rng, side, (6,))
    wave = np.sin(c * along[None, :] + s * along[:, None] + bend)
    if kind > 1:
        across = np.sin(c * along[:, None] - s * along[None, :] + bend)
        wave = wave * across if kind == 2 else wave + across - np.float32(0.8)
    return np.minimum(np.maximum(0.5 + 2.5 * wave, 0), 1)


def _dress(rng: np.random.Generator, layers: Layers, palette: np.ndarray) -> np.ndarray:
    """Return the body with patterned clothes, folds and modeled light, multiplied by its cover."""
    size = len(layers.cover)
    other = np.clip(palette * rng.uniform(0.3, 1.6, (len(palette), 1)), 0, 255)
    other[bodies.SHIRT] = hsv_color(rng.random(), rng.uniform(0, 0.7), rng.uniform(0.15, 1.0))
    strength = np.zeros(256, np.float32)
    strength[bodies.SHIRT] = rng.uniform(0.3, 1.0)
    strength[bodies.PANTS] = rng.uniform(0.0, 0.7)
    strength[[bodies.RIGHT, bodies.LEFT]] = rng.uniform(0.0, 0.5)
    strength[bodies.HAIR] = 0.3
    mix = cv2.LUT(layers.material, strength) * _pattern(rng, size)
    table = np.zeros((256, 1, 3), np.float32)
    table[: len(other), 0] = other
    second = cv2.LUT(repeat_plane(layers.material), table) * repeat_plane(layers.cover)
    person = layers.color + (second - layers.color) * repeat_plane(mix)

    soft = (0, 0), 0.012 * size
    gain = cv2.GaussianBlur(layers.shade, *soft)
    gain /= np.maximum(cv2.GaussianBlur(layers.cover, *soft), np.float32(0.05))
    gain = 1 + (gain - 1) * np.float32(rng.uniform(0.8, 1.3))
    gain += np.float32(0.08) * _noise(rng, size, (24, 48))
    return person * repeat_plane(np.minimum(np.maximum(gain, 0.15), 1.7))


def _draw_scene(rng: np.random.Generator, body: Body, palette: np.ndarray, size: int) -> np.ndarray:
    """Return a cluttered background (size, size, 3) float32, roughly 0..255, without the body."""
    wall = hsv_color(rng.random(), rng.uniform(0, 0.4), rng.uniform(0.2, 0.9))
    floor = hsv_color(rng.uniform(0.05, 0.4), rng.uniform(0.05, 0.5), rng.uniform(0.2, 0.8))
    horizon = int(size * rng.uniform(0.45, 0.9))
    picture = np.empty((size, size, 3), np.uint8)
    picture[:horizon], picture[horizon:] = wall, floor
    if rng.random() < 0.6:
        second = hsv_color(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.2, 0.9)).astype(
            np.float32
        )
        mix = repeat_plane(_pattern(rng, size)[:horizon] * np.float32(rng.uniform(0.2, 0.8)))
        picture[:horizon] = picture[:horizon] * (1 - mix) + second * mix

    low = (0, 0, 0.04, 0.04, 0, 0, 0.1, 0)
    high = (1, 1, 0.22, 0.22, 1, 0.6, 0.95, 1)
    for x, y, wide, tall, *tone, kind in rng.uniform(low, high, (rng.integers(3, 8), 8)).tolist():
        color = hsv_color(*tone).tolist()  # furniture, houses, windows
        if kind < 0.65:
            corner, other = (x - wide, y - tall), (x + wide, y + tall)
            cv2.rectangle(picture, _pixel(corner, size), _pixel(other, size), color, -1)
        else:
            reach = _pixel((wide, tall), size)
            cv2.ellipse(picture, _pixel((x, y), size), reach, 0, 0, 360, color, -1)
    clothes = (bodies.SKIN, bodies.RIGHT, bodies.LEFT, bodies.SHIRT, bodies.PANTS)
    low = (0, 0, 0, -1.2, 0.1, 0.1, 0.6, 0.025)
    high = (1, 1, 6.3, 1.2, 0.22, 0.22, 1.2, 0.065)
    bars = rng.uniform(low, high, (rng.integers(2, 7), 8)).tolist()
    for x, y, turn, bend, upper, lower, gain, width in bars:  # bent and colored much like limbs
        knee = (x + upper * math.cos(turn), y + upper * math.sin(turn))
        end = (knee[0] + lower * math.cos(turn + bend), knee[1] + lower * math.sin(turn + bend))
        chain = np.array([_pixel(at, size) for at in ((x, y), knee, end)], np.int32)
        color = (palette[rng.choice(clothes)] * gain).tolist()
        cv2.polylines(picture, [chain], False, color, max(1, round(size * width)))

    blur = size / 96 * rng.uniform(0.3, 1.4)
    scene = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), blur)
    grain = np.float32(rng.uniform(7, 22)) * _noise(rng, size, (5, 12, 32))
    scene += cv2.merge([grain * np.float32(t) for t in rng.uniform(0.6, 1.4, 3)])
    shadow = np.ones((size, size), np.float32)
    x, y = body.points[[0, 5], 0].mean(), body.points[:, 1].max() + 0.03 * size
    reach = (rng.uniform(0.15, 0.3), 0.03)
    cv2.ellipse(shadow, _pixel((x, y)), _pixel(reach, size), 0, 0, 360, (0.5,), -1)
    scene *= repeat_plane(cv2.GaussianBlur(shadow, (0, 0), 0.02 * size))
    return scene


def _pixel(at: np.ndarray | tuple[float, float], scale: float = 1.0) -> tuple[int, int]:
    return round(float(at[0]) * scale), round(float(at[1]) * scale)


def _draw_occluders(rng: np.random.Generator, image: np.ndarray, body: Body) -> np.ndarray | None:
    """Paint things in front of the body into ``image``; return their mask, None without things."""
    if rng.random() > 0.4:
        return None
    size = len(image)
    cover = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 3)):
        around = body.points[rng.integers(12)] + rng.normal(0, 0.03 * size, 2)
        kind = rng.random()
        if kind < 0.35:  # a pole or a branch across the image
            angle = rng.uniform(0, np.pi)
            way = np.array([math.cos(angle), math.sin(angle)]) * 1.5 * size
            width = max(1, round(size * rng.uniform(0.02, 0.05)))
            cv2.line(cover, _pixel(around - way), _pixel(around + way), (255,), width, cv2.LINE_AA)
        elif kind < 0.7:  # a box
            turned = (
                around.tolist(),
                (size * rng.uniform(0.1, 0.2, 2)).tolist(),
                rng.uniform(0, 90),
            )
            corners = np.rint(cv2.boxPoints(turned)).astype(np.int32)
            cv2.fillConvexPoly(cover, corners, (255,), cv2.LINE_AA)
        else:  # leaves
            for spot in around + rng.normal(0, 0.05 * size, (7, 2)):
                axes = _pixel(size * rng.uniform(0.01, 0.045, 2))
                turn = rng.uniform(0, 180)
                cv2.ellipse(cover, _pixel(spot), axes, turn, 0, 360, (255,), -1, cv2.LINE_AA)
    tone = hsv_color(rng.random(), rng.uniform(0, 0.7), rng.uniform(0.15, 0.85)).astype(np.float32)
    thing = tone + repeat_plane(np.float32(16) * _noise(rng, size, (16, 40)))
    share = repeat_plane(cover.astype(np.float32) * np.float32(1 / 255))
    image += (thing - image) * share
    return cover > 127


def _photograph(rng: np.random.Generator, image: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Apply light, lens, sensor and file: (size, size, 3) float32 in 0..255 to uint8."""
    size = len(image)
    ramp = np.linspace(-1, 1, size, dtype=np.float32) * np.float32(rng.uniform(0.05, 0.35))
    fall = np.float32(light[0]) * ramp[None, :] - np.float32(light[1]) * ramp[:, None]
    gray = 1 - rng.uniform(0.6, 1.1)  # 1 - saturation
    cast = rng.uniform(0.85, 1.15, 3)
    colors = (np.full((3, 3), gray / 3) + np.eye(3) * (1 - gray)) * cast[:, None]
    picture = cv2.transform(image * repeat_plane(1 + fall), colors.astype(np.float32))

    lens = rng.random()
    if lens < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), size / 96 * rng.uniform(0.25, 0.85))
    elif lens < 0.8:  # a hand that moved
        length = max(2, round(size / 96 * rng.uniform(2, 4)))
        reach = (length, 1) if rng.random() < 0.5 else (1, length)
        picture = cv2.blur(picture, reach)

    levels = np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.35, 0.35))
    levels = (levels - 0.5) * rng.uniform(0.6, 1.1) + 0.5 + rng.uniform(-0.08, 0.08)
    curve = np.clip(levels * 255, 0, 255).astype(np.uint8)
    picture = cv2.LUT(cv2.convertScaleAbs(picture), curve)
    # The sum of two bytes is near enough to a normal draw, and several times as fast.
    grain = rng.integers(0, 256, (2, *picture.shape), np.uint8).astype(np.float32).sum(axis=0)
    grain = (grain - 255) * np.float32(rng.uniform(2, 12) / 104.5)
    picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
    quality = int(rng.integers(35, 90))
    picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    picture = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert picture is not None  # it was encoded just above
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
