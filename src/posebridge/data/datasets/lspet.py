"""Leeds Sports Pose extended: 10,000 photographs, crowd-labeled (Johnson & Everingham, CVPR 2011).

    lspet/joints.mat              'joints' (14, 3, 10000): x, y, flag; flag 1 = labeled
    lspet/images/im00001.jpg ...

Joints as in LSP, in the 16-joint order of the human sets; note that axes and flag are not LSP's.
Visibility: flag 1. A joint without a label may have any position.
Box: the extent of the labeled joints.

Split: the authors publish the whole set for training. Here the last tenth tests: the images come
in no order of subject or sport that is documented, and no image is in both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import extent, load_mat, numbers, table
from posebridge.data.datasets.lsp import to_body16
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import BODY16
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``test`` or ``all``.

    Raises:
        InputError: the files are not the ones described above.
    """
    file = folder / "joints.mat"
    joints = load_mat(file, "joints")
    if joints.ndim == 3 and joints.shape[:2] == (3, 14):
        raise InputError(
            f"{file} has the (3, 14, N) layout of LSP, in which the flag means the opposite; put "
            "that set into 'lsp' and name it lsp:SPLIT."
        )
    joints = numbers(file, "joints", joints, (14, 3, None)).transpose(2, 0, 1)
    count = len(joints)
    first_test = count - count // 10
    chosen = {
        "train": np.arange(first_test),
        "test": np.arange(first_test, count),
        "all": np.arange(count),
    }[split]
    points, labeled = to_body16(joints[..., :2], joints[..., 2] == 1)
    points, labeled = points[chosen], labeled[chosen]
    return table(
        file,
        [folder / "images" / f"im{index + 1:05d}.jpg" for index in chosen],
        extent(points, labeled),
        BODY16,
        points,
        labeled,
    )


BENCHMARK = Benchmark(
    name="lspet",
    title="Leeds Sports Pose extended (Johnson & Everingham 2011)",
    folder="lspet",
    page="http://sam.johnson.io/research/lspet.html",
    licence="see the page; the photographs are their Flickr owners'",
    layout="joints.mat (14, 3, 10000), images/im00001.jpg",
    skeleton=BODY16,
    splits={
        "train": "the first nine tenths",
        "test": "the last tenth",
        "all": "all 10,000, as published",
    },
    read=read,
    visibility="flag 1",
    boxes="the extent of the labeled joints",
    expected=(Expected("joints.mat", 1), Expected("images/im?????.jpg", 10000)),
)
