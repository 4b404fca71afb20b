"""Where the image of a Label Studio task is on this machine."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posebridge.data.formats.label_studio_regions import get_kind
from posebridge.data.image_files import IMAGE_ENDINGS
from posebridge.data.image_names import ImageNames
from posebridge.data.videos.video import Reference, is_video
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr


class TaskImages:
    """The images of the tasks of one file; two names never give one file by a fallback.

    Args:
        file: the file of tasks. images: folder of the images, if not the file's or ``images`` in it.

    Raises:
        InputError: the folder does not exist.
    """

    def __init__(self, file: Path, images: Path | str | None) -> None:
        folders = [Path(images)] if images is not None else [file.parent, file.parent / "images"]
        if images is not None and not folders[0].is_dir():
            raise InputError(f"the image folder {images} does not exist.")
        self._file = file
        self._names = ImageNames(folders, other_names=_names, below=False)

    def of(self, task: Mapping[str, Any], row: int) -> Reference:
        """Return the image of a task.

        Raises:
            InputError: the task names no image, or the image is not in its place.
        """
        where = f"{self._file}: task {short_repr(task.get('id', row))}"
        data, meta = task.get("data"), task.get("meta")
        texts = [v for v in data.values() if isinstance(v, str)] if isinstance(data, dict) else []
        if isinstance(data, dict):
            texts.sort(key=lambda text: not _looks_like_image(text))
            for key in ("img", "image"):
                if isinstance(data.get(key), str):
                    texts.insert(0, data[key])
            _require_one_image(task, data, where)
        video = meta.get("video") if isinstance(meta, dict) else None
        if not texts and isinstance(video, dict):  # as sleap-io writes it
            name, number = video.get("filename"), video.get("frame_idx")
            if isinstance(name, list) and isinstance(number, int) and 0 <= number < len(name):
                return self._names.find(str(name[number]), where)
            if isinstance(name, str) and isinstance(number, int):
                return self._names.find(name, where), number
        if not texts:
            raise InputError(f"{where} names no image in 'data'.")
        return self._names.find(texts[0], where)


def _looks_like_image(reference: str) -> bool:
    """Return whether a text of a task ends like an image or a video; others are captions and so on."""
    ends = [Path(name) for name in (reference, *_names(reference))]
    return any(p.suffix.lower() in IMAGE_ENDINGS or is_video(p) for p in ends)


def _require_one_image(task: Mapping[str, Any], data: Mapping[str, Any], where: str) -> None:
    """Check that the regions of a task are on one image, and that it is known which.

    A region names the tag that it is on (``to_name``), and the tags ``image`` and ``img`` show the
    image of that name.
    """
    shown = {k: v for k, v in data.items() if isinstance(v, str) and _looks_like_image(v)}
    if len(set(shown.values())) < 2:
        return
    tags = sorted(_tags(task))
    if len(tags) > 1 or not {"img", "image"} & shown.keys():
        on = f", and regions on {short_repr(tags)}" if tags else ""
        raise InputError(
            f"{where} has several images ({', '.join(map(short_repr, shown))}){on}; labels of one must "
            "not go onto another: give each image its own task, under 'image'."
        )


def _tags(task: Mapping[str, Any]) -> set[str]:
    """Return the tags of the places of a task."""
    found: set[str] = set()
    for key in ("annotations", "completions", "predictions"):
        given = task.get(key)
        for annotation in given if isinstance(given, list) else []:
            result = annotation.get("result") if isinstance(annotation, dict) else None
            for region in result if isinstance(result, list) else []:
                if isinstance(region, dict) and get_kind(region) in ("keypoint", "rectangle"):
                    found.add(str(region.get("to_name", "")))
    return found


def _names(reference: str) -> list[str]:
    """Return the possible names of an image, which Label Studio has as a URL, an upload or a file."""
    try:
        url = urllib.parse.urlsplit(reference)
        query_paths = urllib.parse.parse_qs(url.query, errors="surrogateescape").get("d")
    except ValueError:
        return []
    path = (
        query_paths[0] if query_paths else urllib.parse.unquote(url.path, errors="surrogateescape")
    )
    last = path.rpartition("/")[2]
    own = re.sub(r"^[0-9a-f]{8}-", "", last)
    return list(dict.fromkeys(n for n in (path, path.lstrip("/"), last, own) if n))
