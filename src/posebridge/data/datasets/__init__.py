"""Published datasets, in the layout in which they are distributed.

    record.py         what is known of a dataset; references such as surreal:train
    skeletons.py      the joint sets in which the papers compare
    files.py          .mat, .npy, .json, .pickle, read so that damage becomes a sentence
    matlab.py         MATLAB files, checked before they are read
    shuffles.py       random splits that released readers draw, drawn again
    indices.py        splits that authors publish as row numbers
    verify.py         what of a dataset is in a folder
    surreal_video.py  the videos of SURREAL

One file for each dataset, from its layout on disk to LabeledSamples: animalpose.py ap10k.py
freihand.py hand3dstudio.py human36m.py lsp.py lspet.py mpii.py rhd.py surreal.py
synthetic_animal.py tigdog.py

To add a dataset: a file whose docstring gives layout, joints, visibility, box and split, with a
``read(folder, split)`` and a ``BENCHMARK``; its name in ``_MODULES`` below; its layout in
``tests/data/benchmarks/native_layouts.py`` and a line in ``tests/data/benchmarks/miniatures.py``, which
the shared tests then read, damage and train on.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.datasets.record import (
    Benchmark,
    Expected,
    Reference,
    is_reference,
    parse_reference,
)
from posebridge.data.datasets.skeletons import JOINTS, with_joints
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError

__all__ = [
    "BENCHMARKS",
    "JOINTS",
    "Benchmark",
    "Expected",
    "Reference",
    "benchmark_protocol",
    "is_reference",
    "parse_reference",
    "read_benchmark",
    "read_benchmark_unlabeled",
]

_MODULES = (
    *("surreal", "surreal_video", "lsp", "lspet", "human36m", "mpii"),
    *("rhd", "hand3dstudio", "freihand"),
    *("synthetic_animal", "tigdog", "animalpose", "ap10k"),
)

BENCHMARKS: Mapping[str, Benchmark] = {
    record.name: record
    for record in (
        importlib.import_module(f"posebridge.data.datasets.{name}").BENCHMARK for name in _MODULES
    )
}
"""Every dataset that can be named, by name."""


def read_benchmark(reference: Path | str, root: Path | str | None = None) -> LabeledSamples:
    """Return the samples that a reference names.

    Args:
        reference: ``[ROOT/]NAME:SPLIT[+SPLIT][@JOINTS]``.
        root: the data root that the dataset's documented folder lies below, if the reference does
            not carry it.

    Raises:
        InputError: an unknown name, split or joint set (the known ones are listed), no data root,
            or files that are missing or damaged.
    """
    parsed, record, folder = _found(reference, root)
    parts = [record.read(folder, split) for split in parsed.splits]
    samples = parts[0] if len(parts) == 1 else _joined(parts)
    if parsed.joints is not None:
        samples = with_joints(samples, JOINTS[parsed.joints])
    return _named(samples, str(parsed))


def read_benchmark_unlabeled(
    reference: Path | str, root: Path | str | None = None
) -> UnlabeledSamples:
    """Return the images and boxes that a reference names; the type has no field for keypoints."""
    return read_benchmark(reference, root).images


def benchmark_protocol(
    reference: Path | str,
    samples: LabeledSamples,
    root: Path | str | None = None,
    adapted_to: str | None = None,
) -> dict[str, Any]:
    """Return the facts that a score on a benchmark must state.

    Args:
        reference: the labeled set that was scored, and ``samples`` what was read of it.
        root: the data root.
        adapted_to: the target that the model was adapted to, as its configuration has it.

    Returns:
        ``benchmark`` (the reference), ``split`` (what it is), ``boxes``, ``visibility_rule``,
        ``transductive``: whether images that adapted the model score it, by the split's name or by
        comparing the two sets; ``images_adapted_to``: how many of the scored images those are, None
        where the target cannot be read here; and ``shared_scenes`` where a split says so. Nothing
        for labels that are not a benchmark.
    """
    if not is_reference(reference):
        return {}
    parsed, record, _ = _found(reference, root)
    seen = _adapted_images(adapted_to, parsed.root if parsed.root is not None else root)
    common = None if seen is None else len(_places(samples.images) & seen)
    named = any(split in record.transductive for split in parsed.splits)
    protocol: dict[str, Any] = {
        "benchmark": str(parsed),
        "split": "; ".join(record.splits[split] for split in parsed.splits),
        "boxes": record.boxes,
        "visibility_rule": record.visibility,
        "transductive": named or bool(common),
        "images_adapted_to": common,
    }
    shared = {record.shared[split] for split in parsed.splits if split in record.shared}
    if shared:
        protocol["shared_scenes"] = "; ".join(sorted(shared))
    return protocol


def _adapted_images(adapted_to: str | None, root: Path | str | None) -> set[bytes] | None:
    """Return the images of a target, from where the run found it or, if it moved, below ``root``."""
    if adapted_to is None or not is_reference(adapted_to):
        return None
    for place in (adapted_to, str(parse_reference(adapted_to))):
        try:
            return _places(read_benchmark_unlabeled(place, root))
        except InputError:
            continue
    return None


def _places(images: UnlabeledSamples) -> set[bytes]:
    """Real paths, so that one folder under two names is one folder."""
    folders: dict[bytes, bytes] = {}
    places = set()
    for file in images.files.tolist():
        folder, name = os.path.split(file)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        places.add(os.path.join(folders[folder], name))
    return places


def _found(reference: Path | str, root: Path | str | None) -> tuple[Reference, Benchmark, Path]:
    parsed = parse_reference(reference)
    record = BENCHMARKS.get(parsed.name)
    if record is None:
        raise InputError(f"unknown dataset '{parsed.name}'; known are {', '.join(BENCHMARKS)}.")
    for split in parsed.splits:
        if split not in record.splits:
            raise InputError(
                f"{parsed.name} has no split '{split}'; it has {', '.join(record.splits)}."
            )
    if parsed.joints is not None and parsed.joints not in JOINTS:
        raise InputError(f"unknown joint set '{parsed.joints}'; known are {', '.join(JOINTS)}.")
    base = parsed.root if parsed.root is not None else root
    if base is None:
        raise InputError(
            f"{parsed} needs the folder of datasets; give it with --data-root (this one "
            f"belongs into {record.folder} there)."
        )
    folder = Path(base) / record.folder
    if not folder.is_dir():
        raise InputError(
            f"{parsed} is read from {folder}, which does not exist; download it from {record.page} "
            f"and put it there ('posebridge datasets prepare {parsed.name} {base}' checks it)."
        )
    return parsed, record, folder


def _joined(parts: list[LabeledSamples]) -> LabeledSamples:
    files = np.concatenate([part.images.files.astype(object) for part in parts]).astype(np.bytes_)
    images = UnlabeledSamples(
        parts[0].images.name,
        files,
        np.concatenate([part.images.boxes for part in parts]),
        np.unique(files, return_inverse=True)[1].reshape(-1).astype(np.int64),
        np.arange(len(files)),
    )
    return LabeledSamples(
        images,
        parts[0].skeleton,
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.labeled for part in parts]),
    )


def _named(samples: LabeledSamples, name: str) -> LabeledSamples:
    old = samples.images
    images = UnlabeledSamples(name, old.files, old.boxes, old.image_ids, old.annotation_ids)
    return LabeledSamples(images, samples.skeleton, samples.points, samples.labeled)
