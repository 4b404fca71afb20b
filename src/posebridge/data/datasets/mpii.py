"""MPII Human Pose: photographs of everyday activities, 16 joints (Andriluka et al., CVPR 2014).

    mpii/annot/{train,valid}.json    a list of {image, joints (16, 2), joints_vis (16), center, scale}
    mpii/images/015601864.jpg ...

The JSON files are the split of the labeled part that Simple Baselines and HRNet publish; the
dataset's own ``.mat`` has no labels for its test part. Positions count from 1 (MATLAB) and are
moved by one pixel, as those readers do.

Joints: the 16 of the human sets, whose order this is. Visibility: ``joints_vis``.
Box: the published center, 15 scale units lower, and a side of 200 scale units; padded by 1.25 that
is HRNet's crop.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import column, load_json, read_texts, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import BODY16
from posebridge.data.samples import LabeledSamples


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train`` or ``valid``.

    Raises:
        InputError: the files are not the ones described above.
    """
    file = folder / "annot" / f"{split}.json"
    entries = load_json(file, list)
    points = column(file, entries, "joints", (16, 2)) - 1
    labeled = column(file, entries, "joints_vis", (16,)) > 0
    scale = column(file, entries, "scale", ())
    center = column(file, entries, "center", (2,)) - 1
    center[:, 1] += 15 * scale
    side = 200 * scale
    boxes = np.stack([center[:, 0] - side / 2, center[:, 1] - side / 2, side, side], axis=1)
    paths = [folder / "images" / name for name in read_texts(file, entries, "image")]
    return table(file, paths, boxes, BODY16, points, labeled)


BENCHMARK = Benchmark(
    name="mpii",
    title="MPII Human Pose (Andriluka et al. 2014)",
    folder="mpii",
    page="http://human-pose.mpi-inf.mpg.de/",
    licence="simplified BSD for the annotations; research use of the photographs",
    layout="annot/{train,valid}.json (Simple Baselines' form), images/",
    skeleton=BODY16,
    splits={"train": "22,246 people", "valid": "2,958 people, images that do not train"},
    read=read,
    visibility="joints_vis",
    boxes="published center and scale",
    expected=(
        Expected("annot/train.json", 1),
        Expected("annot/valid.json", 1),
        Expected("images/*.jpg", 24984),
    ),
)
