"""Leeds Sports Pose: 2,000 photographs of athletes, 14 joints (Johnson & Everingham, BMVC 2010).

    lsp/joints.mat                'joints' (3, 14, 2000): x, y, flag; flag 1 = occluded
    lsp/images/im0001.jpg ...     each scaled so that the person is about 150 px long

Joints: right ankle, knee, hip, left hip, knee, ankle, right wrist, elbow, shoulder, left shoulder,
elbow, wrist, neck, head top; left and right are the person's own. They come in the 16-joint order
of the human sets, pelvis and thorax without a label, as RegDA's reader places them (``@body14``
leaves these two out). Positions are taken as they stand, as the released readers take them.

Visibility: only joints that are not occluded count (RegDA: weight 1 - flag). Crop: the whole image,
padded to a square.

Split: the dataset's own, the first half to train and the second to test. The papers adapt to all
2,000 images and score on the same ones; that is the split ``transductive``, and results on it say
so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import load_mat, numbers, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import BODY16
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

LSP_ROWS = (0, 1, 2, 3, 4, 5, -1, -1, 12, 13, 6, 7, 8, 9, 10, 11)
"""For each of the 16 joints LSP's row, -1 where it has none."""


def to_body16(points: np.ndarray, labeled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return LSP's (N, 14, 2) and (N, 14) in the 16-joint order, two joints unlabeled."""
    rows = np.array(LSP_ROWS)
    has = rows >= 0
    return points[:, rows], labeled[:, rows] & has


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``test`` or ``transductive``.

    Raises:
        InputError: the files are not the ones described above.
    """
    file = folder / "joints.mat"
    joints = load_mat(file, "joints")
    if joints.ndim == 3 and joints.shape[:2] == (14, 3):
        raise InputError(
            f"{file} has the (14, 3, N) layout of LSP extended, in which the flag means the "
            "opposite; put that set into 'lspet' and name it lspet:SPLIT."
        )
    joints = numbers(file, "joints", joints, (3, 14, None)).transpose(2, 1, 0)
    count = len(joints)
    half = count // 2
    chosen = {
        "train": np.arange(half),
        "test": np.arange(half, count),
        "transductive": np.arange(count),
    }[split]
    images = folder / "images"
    if not images.is_dir():
        images = folder / "lsp" / "images"  # where RegDA's archive puts them
    points, labeled = to_body16(joints[..., :2], joints[..., 2] == 0)
    return table(
        file,
        [images / f"im{index + 1:04d}.jpg" for index in chosen],
        None,
        BODY16,
        points[chosen],
        labeled[chosen],
    )


BENCHMARK = Benchmark(
    name="lsp",
    title="Leeds Sports Pose (Johnson & Everingham 2010)",
    folder="lsp",
    page="http://sam.johnson.io/research/lsp.html",
    licence="see the page; the photographs are their Flickr owners'",
    layout="joints.mat (3, 14, 2000), images/im0001.jpg",
    skeleton=BODY16,
    splits={
        "train": "images 1 to 1,000",
        "test": "images 1,001 to 2,000",
        "transductive": "all 2,000, which the papers use to adapt and to score",
    },
    read=read,
    visibility="joints that are not occluded (flag 0)",
    boxes="the whole image",
    expected=(Expected("joints.mat", 1), Expected("**/im????.jpg", 2000)),
    transductive=frozenset({"transductive"}),
)
