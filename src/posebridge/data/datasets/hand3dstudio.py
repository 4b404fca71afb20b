"""Hand-3D-Studio, cropped: photographs of hands (Zhao et al., 2020), RegDA's release.

    H3D_crop/annotation.json    a list of {name, keypoint2d (21, 2), without_object, ...}
    H3D_crop/part{1..5}/...     crops at 1.5 times the hand's extent

Joints: wrist, then thumb to little finger from the palm to the tip. Visibility: every joint counts.
Crop: the whole image. Only hands without an object are used, as the papers do.

Split, RegDA's: a shuffle (Python's generator, seed 42) sets a fifth, at most 3,200, apart to test.
Neighboring frames of one recording fall on both sides, which the results' protocol says.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import column, load_json, read_texts, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.shuffles import first_fifth
from posebridge.data.datasets.skeletons import HAND21
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

_SAME = "frames of the same recordings train and test; a random draw, as released"


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``test`` or ``all``.

    Raises:
        InputError: the files are not the ones described above.
    """
    file = folder / "annotation.json"
    entries = load_json(file, list)
    alone = column(file, entries, "without_object", ()) == 1
    entries = [entry for entry, wanted in zip(entries, alone, strict=True) if wanted]
    if not entries:
        raise InputError(f"{file} lists no hand without an object; copy the file again.")
    points = column(file, entries, "keypoint2d", (21, 2))
    paths = [folder / name for name in read_texts(file, entries, "name")]
    apart, others = first_fifth(len(paths), 3200)
    chosen = {"train": others, "test": apart, "all": np.arange(len(paths))}[split]
    return table(
        file,
        [paths[i] for i in chosen],
        None,
        HAND21,
        points[chosen],
        np.ones((len(chosen), 21), dtype=bool),
    )


BENCHMARK = Benchmark(
    name="h3d",
    title="Hand-3D-Studio, cropped (Zhao et al. 2020; crops by RegDA)",
    folder="H3D_crop",
    page="https://www.yangangwang.com/papers/ZHAO-H3S-2020-02.html",
    licence="see the page",
    layout="annotation.json, part{1..5}/",
    skeleton=HAND21,
    splits={
        "train": "hands without object but for the shuffled fifth",
        "test": "the shuffled fifth, at most 3,200",
        "all": "all hands without object",
    },
    read=read,
    visibility="all joints",
    boxes="the whole image (cut at 1.5 times the hand's extent by the publisher)",
    expected=(
        Expected("annotation.json", 1),
        *(Expected(f"part{i}/**/*.*") for i in range(1, 6)),
    ),
    shared={"train": _SAME, "test": _SAME},
)
