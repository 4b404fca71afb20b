"""FreiHAND: photographs of right hands, 224 px (Zimmermann et al., ICCV 2019).

    FreiHAND/training_xyz.json, training_K.json       32,560 hands: (21, 3) meters, (3, 3) camera
    FreiHAND/training/rgb/00000000.jpg ...            4 x 32,560 images: each hand before the green
                                                      screen, then in three artificial backgrounds
    FreiHAND/evaluation_xyz.json, evaluation_K.json   3,960 hands, published later
    FreiHAND/evaluation/rgb/00000000.jpg ...

Joints: wrist, then thumb to little finger from the palm to the tip; projected, K xyz / z.
Visibility: every joint counts. Box: the extent of the joints (the papers cut at 1.5 times it and
keep the square within the image; here the outside is black).
The papers mirror every hand to one side; here hands stay as they are, and mirrored views in training
(``flip: 0.5`` in the presets) show both.

Split: a shuffle of the 32,560 hands (Python's generator, seed 42) sets a fifth, at most 3,200 hands,
apart to test, with all four images of each. The released reader shuffles the images instead, so
that the same hand trains in one background and scores in another: ``train-released`` and
``test-released``, and results on these say so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import extent, load_json, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.shuffles import first_fifth
from posebridge.data.datasets.skeletons import HAND21
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

_SAME = "the same hands train and score, in other backgrounds, as the released reader draws them"


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of one of the splits below.

    Raises:
        InputError: the files are not the ones described above.
    """
    part = "evaluation" if split == "evaluation" else "training"
    file = folder / f"{part}_xyz.json"
    points = _projected(file, folder / f"{part}_K.json")
    count = len(points)
    if split == "evaluation":
        chosen = np.arange(count)
    elif split.endswith("-released"):
        # The released order of versions: green screen, two automatic colorings, homogenized.
        order = (np.array([[0], [3], [2], [1]]) * count + np.arange(count)).reshape(-1)
        test, train = first_fifth(4 * count, 3200)
        chosen = order[test if split == "test-released" else train]
    else:
        test, train = first_fifth(count, 3200)
        hands = test if split == "test" else train
        chosen = (np.arange(4)[:, None] * count + hands).reshape(-1)
    joints = points[chosen % count]
    labeled = np.ones((len(chosen), 21), dtype=bool)
    return table(
        file,
        [folder / part / "rgb" / f"{index:08d}.jpg" for index in chosen],
        extent(joints, labeled),
        HAND21,
        joints,
        labeled,
    )


def _projected(xyz_file: Path, camera_file: Path) -> np.ndarray:
    """Return the (N, 21, 2) pixels."""
    xyz = _array(xyz_file, (21, 3))
    camera = _array(camera_file, (3, 3))
    if len(xyz) != len(camera):
        raise InputError(
            f"{xyz_file} has {len(xyz)} hands and {camera_file.name} {len(camera)} cameras; they "
            "must come from the same release."
        )
    seen = np.einsum("nij,nkj->nki", camera, xyz)
    with np.errstate(divide="ignore", invalid="ignore"):
        return seen[..., :2] / seen[..., 2:]


def _array(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    values = load_json(file, list)
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape[1:] != shape:
        rows = " x ".join(map(str, shape))
        raise InputError(f"{file} is not a list of {rows} numbers; copy it again from the archive.")
    return array


BENCHMARK = Benchmark(
    name="freihand",
    title="FreiHAND (Zimmermann et al. 2019)",
    folder="FreiHAND",
    page="https://lmb.informatik.uni-freiburg.de/projects/freihand/",
    licence="research use",
    layout="training_{xyz,K}.json, training/rgb/00000000.jpg",
    skeleton=HAND21,
    splits={
        "train": "all hands but the shuffled fifth, in four backgrounds",
        "test": "the shuffled fifth of the hands, at most 3,200, in four backgrounds",
        "train-released": "the released reader's draw, all images but 3,200",
        "test-released": "the released reader's draw, 3,200 images",
        "evaluation": "the evaluation part, 3,960 images",
    },
    read=read,
    visibility="all joints",
    boxes="the extent of the joints, so known from the labels, as in the papers",
    expected=(
        Expected("training_xyz.json", 1),
        Expected("training_K.json", 1),
        Expected("training/rgb/*.jpg", 130240),
        Expected("evaluation_xyz.json", 1, optional=True, note="for the split 'evaluation'"),
        Expected("evaluation_K.json", 1, optional=True, note="for the split 'evaluation'"),
        Expected("evaluation/rgb/*.jpg", 3960, optional=True, note="for the split 'evaluation'"),
    ),
    shared={"train-released": _SAME, "test-released": _SAME},
)
