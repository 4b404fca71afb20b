"""Built-in figures: a benchmark of adaptation that needs no download.

Procedural people with the 14 joints of the Leeds Sports Pose set, in two looks. *Rendered* is plain
and comes with labels; *camera* resembles photographs and is the look to adapt to. Image ``index`` of
a look and a seed depends on these three alone, so that any part of a dataset can be made in any order,
in any process. The poses are in ``poses.py``, the bodies in ``bodies.py``, the looks in ``looks.py``
and ``camera.py``.

A new look is a function (generator, size) -> Drawing, and a line in ``_LOOKS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np

from posebridge.errors import InputError
from posebridge.files.json_files import write_json
from posebridge.files.whole import folder_written_whole, require_writable
from posebridge.skeleton import Skeleton
from posebridge.synthetic.camera import draw_camera
from posebridge.synthetic.looks import Drawing, draw_rendered
from posebridge.synthetic.poses import EDGES, KEYPOINTS

Look = Literal["rendered", "camera"]
Progress = Callable[[int], None]

FIGURE_SKELETON = Skeleton.from_names("person", KEYPOINTS, EDGES)

# The number is part of the seed: it may never change for a look that has been released.
_LOOKS: dict[str, tuple[int, Callable[[np.random.Generator, int], Drawing]]] = {
    "rendered": (1, draw_rendered),
    "camera": (2, draw_camera),
}
_SMALLEST, _MARGIN = 32, 0.1
_TEST_START = 1_000_000
"""First index of the benchmark's test set: far from the target's indices at any size."""


@dataclass(frozen=True)
class SyntheticBenchmark:
    """The annotation files of the three sets.

    Attributes:
        source: rendered, with keypoints.
        target: camera, boxes alone.
        test: camera, with keypoints; for evaluation only.
    """

    source: Path
    target: Path
    test: Path


def render_figure(look: Look, seed: int, index: int, size: int = 96) -> Drawing:
    """Draw one figure and its labels: points, flags and the mask of the body.

    Args:
        look: ``"rendered"`` or ``"camera"``.
        seed, index: not negative; every pair has a stream of random numbers of its own.
        size: side of the square image in pixels, at least 32.

    Raises:
        InputError: the look is unknown, or a number is out of range.
    """
    if look not in _LOOKS:
        raise InputError(f"unknown look '{look}' of figures; use {' or '.join(get_args(Look))}.")
    if index < 0:
        raise InputError(f"index {index} of a figure must not be negative.")
    require_drawable(1, seed, size)
    stream, draw = _LOOKS[look]
    return draw(np.random.default_rng([stream, seed, index]), size)


def require_drawable(count: int, seed: int, size: int) -> None:
    """Check that this many figures of this side (px) can be drawn with this seed."""
    if count < 1:
        raise InputError(f"cannot draw {count} figures; give a number of at least 1.")
    if seed < 0:
        raise InputError(f"seed {seed} of figures must not be negative.")
    if size < _SMALLEST:
        raise InputError(
            f"figures of {size} px are too small to show a body; use {_SMALLEST} or more."
        )


def draw_figure(
    look: Look, seed: int, index: int, size: int = 96
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one figure; arguments and errors as in :func:`render_figure`.

    Returns:
        The image (size, size, 3) uint8 in RGB; the points (14, 2) float32, x and y in pixels of
        the image, an integer being the center of a pixel; COCO's flags (14,) int64, 2 for visible
        and 1 for a joint behind the body itself or behind something else.
    """
    drawing = render_figure(look, seed, index, size)
    return drawing.image, drawing.points, drawing.flags


def write_synthetic_figures(
    out: Path,
    look: Look,
    count: int,
    seed: int,
    size: int = 96,
    labeled: bool = True,
    start: int = 0,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Path:
    """Write figures as a COCO folder: ``out/annotations.json`` and ``out/images/*.jpg``.

    The folder appears as a whole at the end or not; the annotations are last.

    Args:
        out: the folder; made where it does not exist.
        look, seed, size: as in :func:`render_figure`.
        count: how many, at least 1.
        labeled: whether the annotations have keypoints, or boxes alone.
        start: index of the first figure.
        progress: called after each image with the number of images written.
        overwrite: replace the figures that an earlier call wrote there.

    Returns:
        The path of ``annotations.json``.

    Raises:
        InputError: ``out`` holds annotations already and ``overwrite`` is not set, a number is out
            of range, or the place can't be written.
    """
    out = Path(out)
    annotations = out / "annotations.json"
    require_drawable(count, seed, size)
    _require_room([out], overwrite)
    require_writable(out, folder=True)
    with folder_written_whole(out, merge=True) as partial:
        document = _draw_all(partial / "images", look, count, seed, size, labeled, start, progress)
        write_json(partial / annotations.name, document)
        _clear(out)
    return annotations


def _draw_all(
    folder: Path,
    look: Look,
    count: int,
    seed: int,
    size: int,
    labeled: bool,
    start: int,
    progress: Progress | None,
) -> dict[str, Any]:
    """Write the images and return the annotations; see :func:`write_synthetic_figures`."""
    folder.mkdir()
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        index = start + number - 1
        drawing = render_figure(look, seed, index, size)
        name = f"figure_{index:07d}.jpg"
        _write_image(folder / name, drawing.image)
        images.append({"id": number, "file_name": name, "width": size, "height": size})
        rows.append(_annotation(number, drawing, labeled))
        if progress is not None:
            progress(number)

    return {
        "info": {"description": f"posebridge synth: {look}, seed {seed}, from {start}"},
        "images": images,
        "annotations": rows,
        "categories": [_category()],
    }


def write_synthetic_benchmark(
    out: Path,
    seed: int,
    size: int = 96,
    source: int = 2000,
    target: int = 2000,
    test: int = 500,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SyntheticBenchmark:
    """Write the three sets of the built-in benchmark: ``out/source``, ``out/target``, ``out/test``.

    No image of one set is in another, and a set does not depend on the size of the others.

    Args:
        out, seed, size, overwrite: as in :func:`write_synthetic_figures`.
        source, target, test: how many images each set has.
        progress: called after each image with the number of images written in all three sets.

    Raises:
        InputError: as :func:`write_synthetic_figures`, before anything is written if a set exists already.
    """
    out = Path(out)
    if target > _TEST_START:
        raise InputError(f"{target} target figures are too many; use at most {_TEST_START}.")
    plans: dict[str, tuple[Look, int, bool, int]] = {
        "source": ("rendered", source, True, 0),
        "target": ("camera", target, False, 0),
        "test": ("camera", test, True, _TEST_START),
    }
    for _, count, _, _ in plans.values():
        require_drawable(count, seed, size)
    _require_room([out / name for name in plans], overwrite)
    require_writable(out, folder=True)
    done = 0
    with folder_written_whole(out, merge=True) as partial:
        for name, (look, count, labeled, start) in plans.items():
            report = None if progress is None else _shifted(progress, done)
            write_synthetic_figures(partial / name, look, count, seed, size, labeled, start, report)
            done += count
        for name in plans:
            _clear(out / name)
    return SyntheticBenchmark(**{name: out / name / "annotations.json" for name in plans})


def _shifted(progress: Progress, done: int) -> Progress:
    return lambda number: progress(done + number)


def _require_room(folders: list[Path], overwrite: bool) -> None:
    """Check that the folders are free."""
    taken = [folder for folder in folders if (folder / "annotations.json").exists()]
    if taken and not overwrite:
        raise InputError(
            f"{taken[0]} already holds annotations.json; choose another folder or overwrite it."
        )


def _clear(folder: Path) -> None:
    """Remove earlier figures from a folder, their annotations first."""
    if (folder / "annotations.json").exists():
        (folder / "annotations.json").unlink()
        for image in (folder / "images").glob("figure_*.jpg"):
            image.unlink()


def _write_image(path: Path, image: np.ndarray) -> None:
    """Write RGB as a JPEG with full chroma, so that thin limbs keep their colors."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, file = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    path.write_bytes(file.tobytes())


def _annotation(number: int, drawing: Drawing, labeled: bool) -> dict[str, Any]:
    """Return one COCO annotation; its box surrounds the joints with a margin of 10 % of their extent.

    The longer side of the joints is about 2/3 of the image, the longer side of the box 4/5: a crop of
    1.25 times the box is about the image.
    """
    low, high = drawing.points.min(axis=0), drawing.points.max(axis=0)
    margin = _MARGIN * float((high - low).max())
    # A joint at pixel x is at x + 0.5 on the scale of COCO's boxes, where pixel 0 covers [0, 1).
    corner = np.maximum(low + 0.5 - margin, 0)
    extent = np.minimum(high + 0.5 + margin, drawing.image.shape[0]) - corner
    width, height = (round(float(side), 2) for side in extent)
    row: dict[str, Any] = {
        "id": number,
        "image_id": number,
        "category_id": 1,
        "bbox": [round(float(corner[0]), 2), round(float(corner[1]), 2), width, height],
        "area": round(width * height, 2),
        "iscrowd": 0,
    }
    if labeled:
        joints = zip(drawing.points.tolist(), drawing.flags.tolist(), strict=True)
        row["num_keypoints"] = len(drawing.points)
        row["keypoints"] = [v for (x, y), flag in joints for v in (round(x, 3), round(y, 3), flag)]
    return row


def _category() -> dict[str, Any]:
    return {
        "id": 1,
        "name": FIGURE_SKELETON.name,
        "supercategory": "figure",
        "keypoints": list(FIGURE_SKELETON.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in FIGURE_SKELETON.edges],
    }
