"""Where the labeled frames of sleap-io's labels are: image files, frames of videos, images inside.

Points of a virtual crop are places in the crop. A video or an image is read whole, and the crop's
corner is added to its points; images inside the labels' file are extracted as the crop.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np

from posebridge.data.image_names import ImageNames
from posebridge.data.videos.frame_cache import cached_folder, store_image, stored
from posebridge.data.videos.video import Reference, is_video
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

_INSIDE = (".slp", ".h5", ".hdf5", ".nwb")


class FramePlaces(NamedTuple):
    """Where M labeled frames are.

    Attributes:
        references: (M,) image files, or a video and the number of a frame.
        origins: (M, 2) float64, the (0, 0) of each frame's points in pixels of its image.
        notes: what was changed, one sentence each.
    """

    references: list[Reference]
    origins: np.ndarray
    notes: list[str]


def frame_places(frames: Sequence[Any], path: Path, images: Path | str | None) -> FramePlaces:
    """Return where the labeled frames of ``path`` are.

    Raises:
        InputError: an image or a video is not there, or two names give one file.
    """
    finder = _Finder(path, images)
    inside: dict[int, list[int]] = {}
    videos: dict[int, Any] = {}
    places: dict[int, Any] = {}
    corners: dict[int, tuple[float, float]] = {}
    for frame in frames:
        key = id(frame.video)
        if key not in places:
            videos[key] = frame.video
            places[key] = _place(frame.video, finder)
            crop = get_crop(frame.video, path)
            corners[key] = (0.0, 0.0) if crop is None or places[key] is None else crop[:2]
        if places[key] is None:
            inside.setdefault(key, []).append(int(frame.frame_idx))
    embedded = {key: _embedded(videos[key], numbers, path) for key, numbers in inside.items()}
    found: list[Reference] = []
    for frame in frames:
        key, number = id(frame.video), int(frame.frame_idx)
        place = places[key]
        if place is None:
            found.append(embedded[key][number])
        elif isinstance(place, list):
            if not 0 <= number < len(place):
                raise InputError(f"{path} labels frame {number} of {len(place)} images.")
            found.append(finder.find(place[number]))
        else:
            found.append((place, number))
    origins = np.array([corners[id(frame.video)] for frame in frames]).reshape(-1, 2)
    moved = int((origins != 0).any(axis=1).sum())
    notes = [f"{moved} frames are crops; their points are moved into the whole frame."]
    return FramePlaces(found, origins, notes if moved else [])


def get_crop(video: Any, path: Path) -> tuple[float, float, float, float] | None:
    """Return left, top, right and bottom of a virtual crop, in pixels of the frame; None: no crop."""
    given = (video.backend_metadata or {}).get("crop")
    if given is None:
        return None
    try:
        left, top, right, bottom = (float(v) for v in given)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path} has the crop {short_repr(given)} of a video, which is not four numbers; save it "
            "again."
        ) from error
    if not (abs(left) < 1e6 and abs(top) < 1e6 and left < right < 2e6 and top < bottom < 2e6):
        raise InputError(
            f"{path} has the crop {short_repr(given)} of a video, which is not a part of an image; "
            "save it again."
        )
    return left, top, right, bottom


class _Finder:
    """Files that labels name by the path they had on another machine."""

    def __init__(self, path: Path, images: Path | str | None) -> None:
        self._path, self._given = path, images is not None
        folders = [path.parent, Path()] if images is None else [Path(images), Path(images).parent]
        self._names = ImageNames(folders, other_names=_ends, below=False, what="image or video")

    def find(self, name: str) -> Path:
        """Return the file of a name; a given folder comes before the path in the name."""
        if self._given:
            whole = PureWindowsPath(name)
            inner = whole.relative_to(whole.anchor).as_posix()
        else:
            inner = name
        try:
            return self._names.find(inner, str(self._path))
        except InputError as error:
            if "does not exist" not in str(error):
                raise
            raise InputError(
                f"{self._path} names the image or video {name}, which is neither there nor in its "
                "folder; "
                "give its folder."
            ) from error


def _ends(name: str) -> list[str]:
    parts = PureWindowsPath(name).parts
    return ["/".join(parts[-n:]) for n in range(min(4, len(parts)), 0, -1)]


def _place(video: Any, finder: _Finder) -> Any:
    """Return a video's file, the names of its images, or None for images inside a file."""
    name = video.filename
    if isinstance(name, (list, tuple)):
        return [str(n) for n in name]
    if Path(str(name)).suffix.lower() in _INSIDE:
        file = finder.find(str(name))
        if str(file) != str(name):
            video.replace_filename(str(file), open=False)
        return None
    if is_video(Path(str(name))):
        return finder.find(str(name))
    return [str(name)]


def _embedded(video: Any, numbers: Sequence[int], path: Path) -> dict[int, Path]:
    """Store images inside an HDF5 file as PNG files in the cache."""
    wanted = sorted(set(numbers))
    dataset = str((video.backend_metadata or {}).get("dataset", ""))
    inside = Path(str(video.filename))
    crop = get_crop(video, path)

    def write(part: Path) -> None:
        video.open()
        for number in wanted:
            try:
                picture = np.asarray(video[number])
            except (OSError, IndexError, KeyError, ValueError) as error:
                raise InputError(
                    f"{path}: frame {number} inside {inside} can't be read ({error}); write the file "
                    "again from the tool that made it."
                ) from error
            if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
                raise InputError(f"{path}: frame {number} is not an image of one or three colors.")
            store_image(part / f"frame_{number:08d}.png", picture)

    # Images may be in another file than the labels; two files may name their dataset alike,
    # and two crops of one image are two images.
    state = inside.stat()
    source = [str(inside.resolve()), state.st_size, state.st_mtime_ns]
    parts = ["embedded", source, dataset, wanted, *([] if crop is None else [list(crop)])]
    folder = cached_folder(path, json.dumps(parts))
    stored(folder, write)
    return {number: folder / f"frame_{number:08d}.png" for number in wanted}
