"""Whether coordinates are in the unit of the format: pixels, or fractions of the image.

A file in the other unit is refused as a whole, since every number of it would be wrong. One odd
annotation in a good file is not refused; ``posebridge check`` shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from posebridge.data.annotations import Annotations, Boxes, upright_size
from posebridge.errors import InputError

SHARE = 1.5
"""All coordinates of a file in fractions are below it, a little outside of the image included."""
TINY = 16
"""Longer side of an image up to which coordinates below ``SHARE`` may be pixels."""
LOOKED_AT = 32
"""Number of images whose size is read, spread evenly over a dataset."""
_REMEDY = "give them in pixels (fractions times the image's width and height)"


def require_pixels(annotations: Annotations) -> None:
    """Check that points and boxes are pixels of their images.

    Raises:
        InputError: all points or most boxes are fractions of the image, or most points are far
            outside of their images.
    """
    a = annotations
    known = a.visibility > 0
    points = a.points[known]
    row_of = np.broadcast_to(a.image[:, None], known.shape)[known]
    near = len(points) > 0 and np.abs(points).max() <= SHARE and _fractions(points) >= 2
    if near and not _all_tiny(a.files, np.unique(row_of)):
        x, y = points[np.argmax(points.max(axis=1))]
        raise InputError(
            f"{a.name}: all keypoints are within {SHARE:g} pixels of the corner, such as ({x:.3g}, "
            f"{y:.3g}); they look like fractions of the image, where pixels are expected; {_REMEDY}."
        )
    _require_boxes(a.name, a.boxes, a.files, a.image, "annotation", a.ids)
    _require_near(a.name, a.files, row_of, points)


def require_pixel_boxes(boxes: Boxes) -> None:
    """Check that boxes are pixels of their images, as :func:`require_pixels` does."""
    samples = boxes.samples
    given = samples.boxes[:, 2] > 0
    if not given.any():
        return
    _, first, image = np.unique(samples.files, return_index=True, return_inverse=True)
    paths = [samples.path(int(i)) for i in first]
    image = image.reshape(-1)
    _require_boxes(samples.name, samples.boxes, paths, image, "box", samples.annotation_ids)
    middle = samples.boxes[given, :2] + samples.boxes[given, 2:] / 2
    _require_near(samples.name, paths, image[given], middle, "boxes")


def require_fractions(values: np.ndarray, name: str, what: str) -> None:
    """Check that coordinates (N, ...) of N entries are fractions of the image.

    Raises:
        InputError: the coordinates of most entries are beyond what fractions can be.
    """
    far = np.abs(values).reshape(len(values), -1).max(axis=1, initial=0) > 2
    if len(values) and 2 * far.sum() > len(values):
        raise InputError(
            f"{name}: {far.sum()} of {len(values)} {what} have coordinates far above 1, such as "
            f"{np.abs(values).max():.4g}; they look like pixels, where fractions of the image are "
            "expected; "
            "divide them by the image's width and height."
        )


def require_percentages(values: Sequence[Sequence[float]], name: str, what: str) -> None:
    """Check that places, N times x and y or x, y, width and height, are percentages of the image.

    Raises:
        InputError: all look like fractions, or most can only be pixels.
    """
    if not values:
        return
    table = np.asarray(values, dtype=np.float64)
    example = ", ".join(f"{v:.4g}" for v in table[np.abs(table).max(axis=1).argmax()])
    alone = table.shape[1] == 2  # a point is weaker evidence than a box
    if np.abs(table).max() <= SHARE and _fractions(table) > alone:
        raise InputError(
            f"{name}: all {what} are within {SHARE:g} percent of the corner, such as ({example}); "
            "they look like fractions of the image, where percentages are expected; multiply them "
            "by 100."
        )
    far = (table[:, :2] > 110).any(axis=1) | (table[:, 2:] > 110).any(axis=1)
    if 2 * far.sum() >= len(table):
        raise InputError(
            f"{name}: {far.sum()} of {len(table)} {what} are beyond 100 percent of the image, such as "
            f"({example}); they look like pixels, where percentages are expected; divide them by the "
            "image's width and height, times 100."
        )


def _require_boxes(
    name: str,
    boxes: np.ndarray,
    files: Sequence[Path],
    image: np.ndarray,
    what: str,
    ids: np.ndarray,
) -> None:
    given = np.flatnonzero(boxes[:, 2] > 0)
    small = given[
        (boxes[given, 2:] <= 1).all(axis=1) & (np.abs(boxes[given, :2]) <= SHARE).all(axis=1)
    ]
    # A box of exactly one pixel at the corner is not a fraction.
    small = small[(boxes[small] % 1 != 0).any(axis=1)]
    if len(small) == 0 or 2 * len(small) <= len(given) or _all_tiny(files, np.unique(image[small])):
        return
    box = ", ".join(f"{v:.3g}" for v in boxes[small[0]])
    raise InputError(
        f"{name}: {len(small)} of {len(given)} boxes are smaller than a pixel, such as ({box}) of "
        f"{what} {ids[small[0]]}; they look like fractions of the image, where pixels are expected; "
        f"{_REMEDY}."
    )


def _require_near(
    name: str, files: Sequence[Path], image: np.ndarray, points: np.ndarray, what: str = "keypoints"
) -> None:
    """Check on a sample of the images that most points are at most half an image outside."""
    used = np.unique(image)
    rows = (
        used[np.unique(np.linspace(0, len(used) - 1, LOOKED_AT).astype(int))] if len(used) else []
    )
    far, seen, example = 0, 0, ""
    for row in rows:
        size = _size(files[int(row)])
        if size is None:
            continue
        here = points[image == row]
        margin = max(size) / 2
        outside = ((here < -margin) | (here > np.array(size) + margin)).any(axis=1)
        seen, far = seen + len(here), far + int(outside.sum())
        if outside.any() and not example:
            x, y = here[outside.argmax()]
            example = f"({x:.5g}, {y:.5g}) in {files[int(row)]}, an image of {size[0]} x {size[1]}"
    if 2 * far > seen:
        raise InputError(
            f"{name}: {far} of {seen} {what} checked are far outside of their images, such as "
            f"{example} pixels; they are not pixels of these images, but of images of another size, "
            "or in another unit; scale them, or give the folder of the images that were labeled."
        )


def _fractions(points: np.ndarray) -> int:
    """Return the number of different points that are not at whole numbers."""
    return len(np.unique(points[(points % 1 != 0).any(axis=1)], axis=0))


def _all_tiny(files: Sequence[Path], rows: np.ndarray) -> bool:
    sizes = [_size(files[int(row)]) for row in rows[:LOOKED_AT]]
    known = [size for size in sizes if size is not None]
    return bool(known) and max(map(max, known)) <= TINY


def _size(file: Path) -> tuple[int, int] | None:
    try:
        return upright_size(file)
    except InputError:
        return None
