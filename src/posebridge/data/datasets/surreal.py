"""SURREAL, cropped: rendered people over photographs (Varol et al., CVPR 2017), RegDA's release.

    surreal/{train,val,test}/run{0,1,2}.json    a list of {name, keypoint2d (24, 2), ...}
    surreal/{train,val,test}/run{0,1,2}/NAME    frames cut at 1.5 times the person's extent

Joints: the 24 of SMPL, of which the 16 of the human sets are taken as RegDA takes them: ankles 7, 8,
knees 4, 5, hips 1, 2, pelvis 0, spine 9 as thorax, neck 12, head 15, wrists 20, 21, elbows 18, 19,
and the collars 13, 14 as shoulders (SURREAL's own code takes 16, 17). SMPL's left is the right side
of the person in these renderings, which SURREAL's own table of joints to MPII does as well.

Visibility: every joint counts. Crop: the whole image, which is square already.

Split, RegDA's: a shuffle of a part's entries (Python's generator, seed 42) sets a fifth, at most
3,200, apart: of ``test`` these are the test set, of ``train`` all others train.

The distributed videos are read by ``surreal_video``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import column, load_json, read_texts, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.shuffles import first_fifth
from posebridge.data.datasets.skeletons import BODY16
from posebridge.data.samples import LabeledSamples

SMPL_ROWS = (7, 4, 1, 2, 5, 8, 0, 9, 12, 15, 20, 18, 13, 14, 19, 21)
"""For each of the 16 joints the row of SMPL's 24."""

PAGE = "https://www.di.ens.fr/willow/research/surreal/data/"
LICENCE = "research use, after accepting the terms by mail"


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``val`` or ``test``.

    Raises:
        InputError: the files are not the ones described above.
    """
    paths: list[Path] = []
    points: list[np.ndarray] = []
    for part in range(3):
        file = folder / split / f"run{part}.json"
        entries = load_json(file, list)
        points.append(column(file, entries, "keypoint2d", (24, 2)))
        frames = folder / split / f"run{part}"
        paths += [frames / name for name in read_texts(file, entries, "name")]
    joints = np.concatenate(points)[:, SMPL_ROWS]
    apart, others = first_fifth(len(paths), 3200)
    chosen = {"train": others, "test": apart, "val": np.arange(len(paths))}[split]
    return table(
        folder / split,
        [paths[i] for i in chosen],
        None,
        BODY16,
        joints[chosen],
        np.ones((len(chosen), 16), dtype=bool),
    )


BENCHMARK = Benchmark(
    name="surreal",
    title="SURREAL, cropped (Varol et al. 2017; crops by RegDA)",
    folder="surreal",
    page=f"{PAGE} (terms); crops: https://github.com/thuml/Transfer-Learning-Library",
    licence=LICENCE,
    layout="{train,val,test}/run{0,1,2}.json and run{0,1,2}/*.jpg",
    skeleton=BODY16,
    splits={
        "train": "the training part but for the shuffled fifth",
        "val": "the validation part",
        "test": "the shuffled fifth of the test part, at most 3,200",
    },
    read=read,
    visibility="all joints",
    boxes="the whole image (cut at 1.5 times the joints' extent by the publisher)",
    expected=(
        *(Expected(f"train/run{i}.json", 1) for i in range(3)),
        *(Expected(f"train/run{i}/**/*.*") for i in range(3)),
        *(
            Expected(f"{s}/run{i}.json", 1, optional=True)
            for s in ("val", "test")
            for i in range(3)
        ),
    ),
)
