"""The images of a DeepLabCut table's rows, and the crop that an analysis was run on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from posebridge.data.image_names import ImageNames, MissingFile
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.plain_pickles import read_plain
from posebridge.files.yaml_files import read_yaml_mapping

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg")


class RowImages(NamedTuple):
    """The images of the rows of a table.

    Attributes:
        files: (M,) the image of each row that is kept. rows: (M,) int64, the kept rows.
        origin: x, y in the images' pixels of the table's (0, 0).
        notes: a sentence for each thing that was left out or changed.
    """

    files: list[Path]
    rows: np.ndarray
    origin: tuple[float, float]
    notes: list[str]


def row_images(
    file: Path, index: Sequence[tuple[str, ...]], labeled: np.ndarray, images: Path | str | None
) -> RowImages:
    """Return the image of each row; frames of a video where rows are numbers.

    Args:
        file: the table. index: for each row the parts of its image's path, or one number.
        labeled: (rows,) bool, whether a row holds a label; a row without one may lack its image.
        images: folder of the images, or of the video, if not where DeepLabCut has them.

    Raises:
        InputError: an image or video is not there, or two names give one image.
    """
    named = [row for row, parts in enumerate(index) if labeled[row] or any(parts)]
    is_number = [_is_number(parts) for parts in index]
    numbers = [row for row in named if is_number[row]]
    # pandas may put the name of the index, such as 'frame', in a row of its own.
    if numbers and all(is_number[row] or not labeled[row] for row in named):
        from posebridge.data.videos.video import extract_frames

        video = _video(file, images)
        files = extract_frames(video, [int(index[row][0]) for row in numbers])
        origin, notes = _origin(file, files)
        return RowImages(files, np.array(numbers, dtype=np.int64), origin, notes)
    files, rows, notes = _named_images(file, index, labeled, images)
    if len(rows) < len(index):
        notes.append(
            f"{len(index) - len(rows)} rows without an image and without a label are left out."
        )
    return RowImages(files, np.array(rows, dtype=np.int64), (0.0, 0.0), notes)


def _is_number(parts: tuple[str, ...]) -> bool:
    return len(parts) == 1 and re.fullmatch(r"\d{1,9}", parts[0], re.ASCII) is not None


def _named_images(
    file: Path, index: Sequence[tuple[str, ...]], labeled: np.ndarray, images: Path | str | None
) -> tuple[list[Path], list[int], list[str]]:
    base = file.parent
    # DeepLabCut's paths start at the project, two folders above the file; other paths in its folder.
    project = base.parent.parent
    names = ["/".join(part for part in parts if part) for parts in index]
    folders = [base, base.parent, project]
    if any(name.startswith(("labeled-data/", "labeled-data\\")) for name in names):
        folders = [project, base, base.parent]
    if images is not None:
        folders = [Path(images), base]
        if not folders[0].is_dir():
            raise InputError(f"the image folder {images} does not exist.")
    # The base name alone, as in a copy of one folder of labeled-data.
    resolver = ImageNames(
        folders, other_names=lambda n: [n.replace("\\", "/").rpartition("/")[2]], below=False
    )
    files, rows = [], []
    for row, name in enumerate(names):
        if not name and not labeled[row]:
            continue
        try:
            files.append(resolver.find(name, f"{file}: row {row + 1}"))
        except MissingFile:
            if labeled[row]:
                raise
            continue
        rows.append(row)
    if not rows:
        raise InputError(
            f"{file}: the image of none of its {len(index)} rows exists; "
            "put the images where the rows name them, or give their folder."
        )
    kept = [names[row] for row in rows]
    return files, rows, _one_folder_each(file, kept, files)


def _one_folder_each(file: Path, names: Sequence[str], files: Sequence[Path]) -> list[str]:
    """Return a note on images that are in a folder of another name than the table's.

    Raises:
        InputError: names of two folders were found in one folder, so that labels may be swapped.
    """
    homes: dict[Path, str] = {}
    strayed: set[Path] = set()
    elsewhere: list[tuple[str, Path]] = []
    for written, found in zip(names, files, strict=True):
        name = written.replace("\\", "/")
        if found.name == written.rpartition("/")[2]:  # a backslash that is part of the name
            name = written
        if Path(name).parent.name not in ("", found.parent.name):
            elsewhere.append((name, found))
        first = homes.setdefault(found.parent, name)
        if (
            not found.as_posix().endswith("/" + name.removeprefix("./"))
            and found.as_posix() != name
        ):
            strayed.add(found.parent)
        if found.parent in strayed and Path(first).parent != Path(name).parent:
            raise InputError(
                f"{file}: {short_repr(first)} and {short_repr(name)} name different folders, but "
                f"both would be taken from {found.parent}; put the images where their names say, or "
                "give their folder."
            )
    if not elsewhere:
        return []
    return [
        f"{len(elsewhere)} images are in a folder of another name than their rows have, the first, "
        f"{short_repr(elsewhere[0][0])}, in {elsewhere[0][1].parent}."
    ]


def _video(file: Path, images: Path | str | None) -> Path:
    folder = file.parent if images is None else Path(images)
    if folder.is_file():
        return folder
    near = [p for p in folder.glob("*") if p.suffix.lower() in _VIDEOS]
    # mouse12DLC_resnet50... belongs to mouse12.mp4, not to mouse1.mp4.
    fits = [p for p in near if re.match(re.escape(p.stem) + r"(DLC|_|-|\W|$)", file.stem)]
    if not fits:
        raise InputError(
            f"{file} counts the frames of a video, and no video in {folder} has a name "
            "that the table's name begins with; give the video as the folder of images."
        )
    longest = max(len(p.stem) for p in fits)
    best = [p for p in fits if len(p.stem) == longest]
    if len(best) > 1:
        raise InputError(
            f"{file} counts the frames of a video, and {best[0].name} and {best[1].name} both have "
            "a name that the table's name begins with; give the video as the folder of images."
        )
    return best[0]


def _origin(file: Path, frames: Sequence[Path]) -> tuple[tuple[float, float], list[str]]:
    """Return where the crop of an analysis begins in its video, and a note on it.

    DeepLabCut keeps places in a crop, and the crop in a pickle beside, whose name the analysis begins
    with.
    """
    metas = [
        (meta, meta.stem.removesuffix("_meta"))
        for meta in file.parent.glob("*_meta.pickle")
        if meta.is_file()
    ] + [
        (meta, meta.stem.removesuffix("includingmetadata"))
        for meta in file.parent.glob("*includingmetadata.pickle")
        if meta.is_file()
    ]
    own = [(m, stem) for m, stem in metas if re.match(re.escape(stem) + "(_|$)", file.stem)]
    if not own:
        _require_uncropped_project(file)
        return (0.0, 0.0), []
    meta = max(own, key=lambda pair: len(pair[1]))[0]
    crop = _crop(meta)
    if crop is None:
        return (0.0, 0.0), []
    from posebridge.data.annotations import upright_size

    x1, x2, y1, y2 = crop
    shown = next((frame for frame in frames if frame.is_file()), None)
    width, height = upright_size(shown) if shown is not None else (x2, y2)
    if x2 > width or y2 > height:
        raise InputError(
            f"{meta} has the crop x {x1:g} to {x2:g}, y {y1:g} to {y2:g}, which does not fit the video "
            f"of {width} x {height}; give the video that was analyzed."
        )
    return (x1, y1), [
        f"the analysis was run on a crop that begins at ({x1:g}, {y1:g}) of the frame, by "
        f"{meta.name}; its places are moved there."
    ]


def _crop(meta: Path) -> tuple[float, float, float, float] | None:
    """Return x1, x2, y1, y2 of the crop that an analysis was run on; None: the whole frame."""
    try:
        data = read_plain(meta.read_bytes(), others_inert=True)["data"]
        if not data["cropping"]:
            return None
        values: list[Any] = list(data["cropping_parameters"])
        x1, x2, y1, y2 = (float(v) for v in values)
    # A damaged pickle raises nearly anything.
    except Exception as error:
        raise InputError(
            f"{meta}, which records whether the analysis was run on a crop, can't be read "
            f"({type(error).__name__}: {' '.join(str(error).split())[:120]}); write the analysis "
            "again, or remove this file if nothing was cropped."
        ) from error
    if not (0 <= x1 < x2 < 1e6 and 0 <= y1 < y2 < 1e6):
        raise InputError(
            f"{meta} has the crop {short_repr(values)}, which is not x1, x2, y1, y2 within an image; "
            "write the analysis again."
        )
    return x1, x2, y1, y2


def _require_uncropped_project(file: Path) -> None:
    """Check that a project whose videos are cropped has a record of the analysis's crop."""
    for folder in list(file.resolve().parents)[:2]:
        config = folder / "config.yaml"
        if not config.is_file() or not (folder / "labeled-data").is_dir():
            continue
        if read_yaml_mapping(config, "DeepLabCut project").get("cropping") is True:
            raise InputError(
                f"{config} has 'cropping: true', and the *_meta.pickle of {file.name}, which records "
                "whether its places are in a crop, is not in its folder; put it there, or set "
                "cropping to "
                "false if nothing was cropped."
            )
