"""Skeletons painted on images by supervision, and the files of these overlays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import supervision as sv

from posebridge.data.crops import Region, cut, decode_image
from posebridge.errors import InputError
from posebridge.files.whole import folder_written_whole, write_bytes
from posebridge.report.side_colors import ON_IMAGES, to_rgb
from posebridge.skeleton import Side, Skeleton

if TYPE_CHECKING:
    from posebridge.inference.predictor import PosePredictions

_ORDER: tuple[Side, ...] = ("middle", "left", "right")


def draw_poses(
    image: np.ndarray,
    points: np.ndarray,
    skeleton: Skeleton,
    shown: np.ndarray | None = None,
    thickness: int | None = None,
) -> np.ndarray:
    """Return a copy of an image with skeletons painted on it.

    Args:
        image: (H, W, 3) uint8 RGB.
        points: (N, K, 2) in pixels of the image.
        skeleton: the skeleton of the points.
        shown: (N, K) bool; a hidden joint and the bones that end in it are not drawn.
        thickness: width of the bones in pixels; the default depends on the size of the image.
    """
    thickness = thickness or max(1, round(max(image.shape[:2]) / 160))
    positions = np.array(points, dtype=np.float32, copy=True)
    hidden = np.zeros(positions.shape[:2], bool) if shown is None else ~shown
    # supervision leaves out points at (0, 0); a joint at exactly that position moves a little.
    positions[(positions == 0).all(axis=2)] = 0.01
    positions[hidden] = 0
    picture = np.ascontiguousarray(image[:, :, ::-1])
    for side in _ORDER:
        color = sv.Color(*to_rgb(ON_IMAGES[side]))
        edges = [  # supervision counts keypoints from 1
            (a + 1, b + 1)
            for (a, b), s in zip(skeleton.edges, skeleton.edge_sides, strict=True)
            if s == side
        ]
        if edges:
            picture = sv.EdgeAnnotator(color=color, thickness=thickness, edges=edges).annotate(
                picture, sv.KeyPoints(xy=positions)
            )
        joints = [k for k, s in enumerate(skeleton.sides) if s == side]
        if joints:
            some = np.zeros_like(positions)
            some[:, joints] = positions[:, joints]
            picture = sv.VertexAnnotator(color=color, radius=thickness + 1).annotate(
                picture, sv.KeyPoints(xy=some)
            )
    return np.ascontiguousarray(picture[:, :, ::-1])


def read_crop(file: Path, region: np.ndarray, side: int) -> np.ndarray:
    """Return a square region of an image file, resized to ``side`` pixels.

    Args:
        region: (3,) left, top and side in pixels of the image.
    """
    x, y, length = (int(v) for v in region)
    return cut(decode_image(file), Region(x, y, length), side)


def sheet(rows: Sequence[tuple[str, Sequence[np.ndarray]]], side: int = 192) -> np.ndarray:
    """Return rows of images with a title above each row, as one (H, W, 3) RGB image."""
    columns = max(len(pictures) for _, pictures in rows)
    gap, band = 4, 24
    width = columns * (side + gap) + gap
    canvas = np.full((len(rows) * (side + band + gap) + gap, width, 3), 255, np.uint8)
    for number, (title, pictures) in enumerate(rows):
        top = number * (side + band + gap) + gap
        cv2.putText(
            canvas,
            title,
            (gap, top + 16),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            (40, 40, 40),
            1,
            cv2.LINE_AA,
        )
        for column, picture in enumerate(pictures):
            x = gap + column * (side + gap)
            canvas[top + band : top + band + side, x : x + side] = cv2.resize(
                picture, (side, side), interpolation=cv2.INTER_AREA
            )
    return canvas


def write_picture(path: str, picture: np.ndarray) -> None:
    """Write an RGB image whole or not at all, in the format of the ending.

    Raises:
        InputError: the path can't be written, or the format can't hold the image.
    """
    ending = Path(path).suffix
    try:
        fine, content = cv2.imencode(ending, np.ascontiguousarray(picture[:, :, ::-1]))
    except cv2.error:
        fine, content = False, np.zeros(0, np.uint8)
    if not fine:
        height, width = picture.shape[:2]
        raise InputError(
            f"{path} can't be written: the format '{ending}' can't hold an image of "
            f"{width} x {height} pixels; give another ending."
        )
    write_bytes(Path(path), content.tobytes())


def overlay_file(folder: Path, name: str) -> Path:
    """Return the overlay file of an image: its name without folders, as PNG for an unknown format.

    >>> overlay_file(Path("drawn"), "indoors/a.jpg").as_posix()
    'drawn/indoors__a.jpg'
    """
    flat = name.strip("/").replace("../", "").replace("/", "__") or "image"
    stem, ending = os.path.splitext(flat)
    return folder / (f"{_cut(stem)}{ending}" if has_writer(ending) else f"{_cut(flat)}.png")


def has_writer(ending: str) -> bool:
    """Return whether images are written with an ending such as ``.jpg``.

    OpenCV gets the ending only, because a name that is not UTF-8 makes it end the process.
    """
    return ending.isascii() and len(ending) > 1 and cv2.haveImageWriter(f"image{ending}")


def _cut(stem: str, most: int = 200) -> str:
    """Return a name of at most ``most`` bytes: its start and its end."""
    content = os.fsencode(stem)
    if len(content) <= most:
        return stem
    half = most // 2 - 1
    parts = (content[:half], content[-half:])
    return "~".join(part.decode("utf-8", "ignore") for part in parts)


def overlay_files(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Return the overlay file of each image; two images never share a file.

    >>> [p.name for p in overlay_files(Path("drawn"), ["a/b.png", "a__b.png"]).values()]
    ['a__b.png', 'a__b_2.png']
    """
    found: dict[str, Path] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        plain = file = overlay_file(folder, name)
        number = 1
        while file.name.casefold() in taken:  # some disks take A and a for one name
            number += 1
            file = plain.with_name(f"{plain.stem}_{number}{plain.suffix}")
        taken.add(file.name.casefold())
        found[name] = file
    return found


def require_other_files(folder: Path, paths: Sequence[Path], files: Sequence[str]) -> None:
    """Raise InputError for an overlay that would replace an input image; the message names the image.

    Args:
        paths: N images.
        files: the N names of the images, as in :func:`write_overlays`.
    """
    read = {path.resolve() for path in paths}
    for file in overlay_files(folder, files).values():
        if file.resolve() in read:
            raise InputError(
                f"--overlays {folder} would overwrite the input image {file}; give another folder."
            )


def write_overlays(
    folder: Path,
    found: PosePredictions,
    skeleton: Skeleton,
    files: Sequence[str],
    least_confidence: float,
) -> int:
    """Write an overlay of each image with all its subjects; all overlays or none.

    Args:
        folder: the folder of the overlays.
        found: predictions for N subjects.
        skeleton: the skeleton of the predictions.
        files: the name of each subject's image, which becomes a safe file name.
        least_confidence: keypoints below it are not drawn.

    Returns:
        The number of images written.

    Raises:
        InputError: an overlay would replace an input image; nothing was written.
    """
    assert found.samples is not None
    paths = [found.samples.path(row) for row in range(len(found.samples))]
    require_other_files(folder, paths, files)
    by_image: dict[str, list[int]] = {}
    for row, name in enumerate(files):
        by_image.setdefault(name, []).append(row)
    with folder_written_whole(folder, merge=True) as partial:
        places = overlay_files(partial, files)
        for name, rows in by_image.items():
            image = decode_image(found.samples.path(rows[0]))
            picture = draw_poses(
                image, found.points[rows], skeleton, found.confidence[rows] >= least_confidence
            )
            write_picture(str(places[name]), picture)
    return len(by_image)
