"""Conversion from one format to another, and what the target format cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from posebridge.data.annotations import Annotations
from posebridge.data.formats import registry
from posebridge.data.formats.deeplabcut_writer import has_tables
from posebridge.data.formats.label_studio_writer import needs_rectangle
from posebridge.data.formats.registry import FORMATS, Format, format_named
from posebridge.data.formats.yolo_writer import fitted
from posebridge.data.optional_dependencies import need
from posebridge.data.reading import read_annotations
from posebridge.errors import InputError
from posebridge.files.given import require_given
from posebridge.files.whole import require_writable
from posebridge.skeleton import Skeleton


class Conversion(NamedTuple):
    """The result of a conversion: what was read, the files written, and a sentence for each loss."""

    annotations: Annotations
    target: Format
    files: Sequence[Path]
    losses: Sequence[str]


def convert(
    source: Path | str,
    out: Path | str,
    *,
    images: Path | str | None = None,
    source_format: str | None = None,
    target_format: str | None = None,
) -> Conversion:
    """Read labels of one format and write them in another.

    Args:
        source: an annotation file or folder. out: the file or folder to write.
        images: folder of the images or videos, if not where the annotations say.
        source_format, target_format: names of formats; None: by content and ending.

    Raises:
        InputError: the source cannot be read, the target's format cannot be recognized or written,
            or the output exists already.
    """
    require_given(out, "files to write")
    path = Path(out)
    target = get_writer(path, target_format)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path} exists already; remove it or give another name.")
    require_library(target, path)
    folder = target.name in _FOLDERS and path.name != "data.yaml"
    require_writable(path, folder=folder)
    annotations = read_annotations(source, images, source_format)
    missing = next((file for file in annotations.files if not file.is_file()), None)
    if missing is not None and target.name != "coco":
        raise InputError(
            f"{annotations.name} lists the image {missing}, which does not exist; {target.title} "
            "needs it."
        )
    assert target.write is not None
    losses = [*annotations.notes, *_predicted(annotations), *lost(annotations, target)]
    return Conversion(annotations, target, target.write(annotations, path), losses)


def _predicted(a: Annotations) -> list[str]:
    """Return a sentence if a model predicted every subject, mistakes included."""
    if a.predicted is None or len(a) == 0 or not a.predicted.all():
        return []
    return [f"All {len(a)} subjects are a model's predictions, no hand labels."]


def get_writer(path: Path, name: str | None) -> Format:
    """Return the format to write, by its name or by the path's ending.

    ``.json`` is COCO, ``.csv`` and ``.h5`` a DeepLabCut table and ``data.yaml`` YOLO; for a folder
    the format has to be named.
    """
    writable = [format for format in FORMATS if format.write is not None]
    if name is not None:
        target = format_named(name)
        if target.write is None:
            raise InputError(
                f"{target.title} is read but not written; known for writing are "
                f"{', '.join(f.name for f in writable)}."
            )
        if target.endings and path.suffix.lower() not in target.endings:
            raise InputError(
                f"{path} does not end in {' or '.join(target.endings)}, as {target.title} does."
            )
        return target
    if path.name == "data.yaml":
        return format_named("yolo")
    found = next((f for f in writable if path.suffix.lower() in f.endings), None)
    if found is None:
        raise InputError(
            f"the format of {path} can't be recognized by its ending; name one with --to: "
            f"{', '.join(f.name for f in writable)}."
        )
    return found


def require_library(target: Format, path: Path) -> None:
    """Check that the library that writes a format is installed."""
    if target.name in ("slp", "nwb"):
        need("sleap_io", "formats", f"writing {path}")
    elif target.name == "deeplabcut" and path.suffix.lower() == ".h5":
        need("tables", "formats", f"writing {path}")


def lost(a: Annotations, target: Format) -> list[str]:
    """Return one sentence for each thing in the annotations that the target format cannot hold."""
    named = Skeleton.from_names(a.skeleton.name, a.skeleton.keypoints)
    posed = (a.visibility > 0).any(axis=1)
    seen = np.bincount(a.image, minlength=len(a.files)) > 0
    counts: dict[str, int] = {
        registry.BOXES: int((a.boxes[:, 2] > 0).sum()),
        registry.HIDDEN: int((a.visibility == 1).sum()),
        registry.BONES: len(a.skeleton.edges),
        registry.PAIRS: len(set(a.skeleton.pairs) - set(named.pairs)),
        registry.KEYPOINT_SCORES: _finite(a.keypoint_scores),
        registry.SUBJECT_SCORES: _finite(a.subject_scores),
        registry.NAMES: sum(map(bool, a.individuals or ())),
        registry.EMPTY: int((~seen).sum()),
        registry.UNPOSED: int((~posed).sum()),
    }
    sentences = [
        f"{target.title} does not hold {thing}: {count} {_becomes(thing)}."
        for thing, count in counts.items()
        if count and thing not in target.holds
    ]
    if registry.KIND not in target.holds:
        sentences.append(f"{target.title} does not hold {registry.KIND}, '{a.skeleton.name}'.")
    if registry.IDS not in target.holds and _own_ids(a):
        sentences.append(f"{target.title} does not hold {registry.IDS}; they are numbered anew.")
    special = _SPECIAL.get(target.name)
    return sentences + (special(a) if special else [])


def _finite(values: np.ndarray | None) -> int:
    return 0 if values is None else int(np.isfinite(values).sum())


def _own_ids(a: Annotations) -> bool:
    counted = np.arange(len(a.files)), np.arange(len(a))
    return not (np.array_equal(a.image_ids, counted[0]) and np.array_equal(a.ids, counted[1]))


def _becomes(thing: str) -> str:
    return {
        registry.HIDDEN: "become visible ones",
        registry.PAIRS: "that the names of the keypoints do not show are left out",
    }.get(thing, "are left out")


def _for_yolo(a: Annotations) -> list[str]:
    boxes, _, flags, _ = fitted(a)
    having = a.boxes[:, 2] > 0
    cut = having & (np.abs(boxes - a.boxes) > 1e-6).any(axis=1)
    outside = (flags == 0) & (a.visibility > 0)
    return [
        sentence.format(int(count))
        for count, sentence in (
            (cut.sum(), "{} boxes reach beyond their image and are cut at its edge."),
            (outside.sum(), "{} keypoints lie outside of their image and are left out."),
            ((~having).sum(), "{} subjects have no box and get the extent of their keypoints."),
            (1, "val is the same images as train; name others in data.yaml before you train."),
        )
        if count
    ]


def _for_label_studio(a: Annotations) -> list[str]:
    said = ["Images are local files there; set Label Studio's document root to the file's folder."]
    given = int(needs_rectangle(a).sum())
    if given:
        said.append(f"{given} subjects have no box and get the extent of their keypoints.")
    if a.individuals is not None:
        said.append(f"Rectangles have the individuals' names, not '{a.skeleton.name}'.")
    return said


def _for_project(_: Annotations) -> list[str]:
    if has_tables():
        return []
    return [
        "DeepLabCut trains from .h5: pip install 'posebridge[formats]' writes them as well, or run "
        "deeplabcut.convertcsv2h5 on config.yaml first."
    ]


_FOLDERS = ("yolo", "deeplabcut-project")
"""Names of the formats that are folders."""

_SPECIAL: dict[str, Callable[[Annotations], list[str]]] = {
    "yolo": _for_yolo,
    "label-studio": _for_label_studio,
    "deeplabcut-project": _for_project,
}
