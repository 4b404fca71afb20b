"""AP-10K: photographs of 54 species, 17 joints (Yu et al., NeurIPS 2021).

    ap-10k/annotations/ap10k-{train,val,test}-split{1,2,3}.json   COCO files, 54 categories
    ap-10k/data/000000000001.jpg ...                              10,015 images

Joints, visibility and boxes as COCO has them. Split: the published three, 7 : 1 : 2 for each species;
``train``, ``val`` and ``test`` are those of the first.
"""

from __future__ import annotations

from pathlib import Path

from posebridge.data.datasets.files import existing
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.formats.coco import read_labeled
from posebridge.data.samples import LabeledSamples
from posebridge.skeleton import Skeleton


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``val`` or ``test``, also of ``-split2`` and ``-split3``.

    Raises:
        InputError: the files are not the ones described above.
    """
    name = split if "split" in split else f"{split}-split1"
    file = existing(folder / "annotations" / f"ap10k-{name}.json")
    return read_labeled(file, folder / "data")


SKELETON = Skeleton.from_names(
    "animal",
    [
        *("left_eye", "right_eye", "nose", "neck", "root_of_tail"),
        *("left_shoulder", "left_elbow", "left_front_paw"),
        *("right_shoulder", "right_elbow", "right_front_paw"),
        *("left_hip", "left_knee", "left_back_paw", "right_hip", "right_knee", "right_back_paw"),
    ],
)
"""What the files' categories name, for ``posebridge datasets list``."""

BENCHMARK = Benchmark(
    name="ap10k",
    title="AP-10K (Yu et al. 2021)",
    folder="ap-10k",
    page="https://github.com/AlexTheBad/AP-10K",
    licence="annotations MIT; research use of the photographs",
    layout="annotations/ap10k-{train,val,test}-split{1,2,3}.json, data/",
    skeleton=SKELETON,
    splits={
        "train": "split 1, training",
        "val": "split 1, validation",
        "test": "split 1, test",
        **{
            f"{part}-split{number}": f"split {number}, {part}"
            for number in (2, 3)
            for part in ("train", "val", "test")
        },
    },
    read=read,
    visibility="COCO's flags 1 and 2",
    boxes="bbox",
    expected=(
        *(
            Expected(f"annotations/ap10k-{part}-split1.json", 1)
            for part in ("train", "val", "test")
        ),
        *(
            Expected(f"annotations/ap10k-{part}-split{number}.json", 1, optional=True)
            for number in (2, 3)
            for part in ("train", "val", "test")
        ),
        Expected("data/*.jpg", 10015),
    ),
)
