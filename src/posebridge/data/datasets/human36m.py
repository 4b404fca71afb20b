"""Human3.6M, cropped (Ionescu et al., TPAMI 2014), as RegDA's preprocessing leaves it.

    human36m/annotations/keypoints2d_{1,5,6,7,8,9,11}.json   a list of {name, keypoint2d (16, 2), ...}
    human36m/crop_images/NAME                                every fifth frame, 512 px crops

The dataset's license allows no redistribution: one downloads the frames and 3D annotations and runs
RegDA's preprocessing, which projects the joints, cuts at 1.5 times their extent and resizes.

Joints: the 16 of the human sets; the thorax is the middle of the shoulders.
Visibility: every joint counts. Crop: the whole image.

Split: subjects 1, 5, 6, 7, 8 to train, 9 and 11 to test. The papers score on 3,200 test images drawn
with repetition (Python's generator, seed 42): ``test3200``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import column, load_json, read_texts, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.shuffles import drawn_with_repetition
from posebridge.data.datasets.skeletons import BODY16
from posebridge.data.samples import LabeledSamples

TRAIN, TEST = (1, 5, 6, 7, 8), (9, 11)


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``test`` or ``test3200``.

    Raises:
        InputError: the files are not the ones described above.
    """
    paths: list[Path] = []
    points: list[np.ndarray] = []
    for subject in TRAIN if split == "train" else TEST:
        file = folder / "annotations" / f"keypoints2d_{subject}.json"
        entries = load_json(file, list)
        points.append(column(file, entries, "keypoint2d", (16, 2)))
        paths += [folder / "crop_images" / name for name in read_texts(file, entries, "name")]
    joints = np.concatenate(points)
    chosen = np.arange(len(paths))
    if split == "test3200":
        chosen = drawn_with_repetition(len(paths), 3200)
    return table(
        folder / "annotations",
        [paths[i] for i in chosen],
        None,
        BODY16,
        joints[chosen],
        np.ones((len(chosen), 16), dtype=bool),
    )


BENCHMARK = Benchmark(
    name="human36m",
    title="Human3.6M, cropped (Ionescu et al. 2014; crops by RegDA's preprocessing)",
    folder="human36m",
    page="http://vision.imar.ro/human3.6m/",
    licence="academic use, after registering; no redistribution",
    layout="annotations/keypoints2d_SUBJECT.json, crop_images/",
    skeleton=BODY16,
    splits={
        "train": "subjects 1, 5, 6, 7, 8",
        "test": "subjects 9 and 11",
        "test3200": "3,200 draws from the test images, with repetition, as the papers score",
    },
    read=read,
    visibility="all joints",
    boxes="the whole image (cut at 1.5 times the joints' extent by the preprocessing)",
    expected=(
        *(Expected(f"annotations/keypoints2d_{s}.json", 1) for s in (*TRAIN, *TEST)),
        Expected("crop_images/**/*.*"),
    ),
)
