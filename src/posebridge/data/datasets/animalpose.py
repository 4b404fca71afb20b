"""AnimalPose: photographs of dogs, cats, cows, horses, sheep (Cao et al., ICCV 2019).

    animal-pose/keypoints.json    {images: {"1": NAME}, annotations: [{image_id, category_id,
                                  bbox [x0, y0, x1, y1], keypoints (20, 3)}], categories}
    animal-pose/images/NAME       4,608 images, 6,117 animals

Joints: the file's 20; ``@animal14`` are those that the synthetic animals have (UniFrame: eyes, paws,
knees, elbows). Visibility: the third column. Box: ``bbox``, whose last two numbers are a corner, not
a size.

Split: none is published (UniFrame's lies in files that its repository does not hold). Here every
fifth image, by the number of the image, tests, for all species alike, so that no image trains and
scores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import column, load_json, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import ANIMALPOSE20
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

SPECIES = ("dog", "cat", "cow", "horse", "sheep")


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``SPECIES-train`` or ``SPECIES-test``; ``train`` or ``test`` for all species.

    Raises:
        InputError: the files are not the ones described above.
    """
    file = folder / "keypoints.json"
    content = load_json(file, dict)
    images, annotations = content.get("images"), content.get("annotations")
    if not isinstance(images, dict) or not isinstance(annotations, list):
        raise InputError(
            f"{file} does not hold 'images' by number and a list 'annotations'; it is another file "
            "than the dataset's keypoints.json."
        )
    species, _, part = split.rpartition("-")
    if species:
        wanted = _category(file, content, species)
        category = column(file, annotations, "category_id", ())
        annotations = [a for a, c in zip(annotations, category, strict=True) if c == wanted]
    if not annotations:
        raise InputError(f"{file} has no annotation of '{split}'; copy it again.")
    ids = column(file, annotations, "image_id", ())
    by_number = {_number(file, key): name for key, name in images.items()}
    known = np.array(sorted(by_number), dtype=np.float64)
    position = np.searchsorted(known, ids).clip(0, max(len(known) - 1, 0))
    if not len(known) or (known[position] != ids).any():
        raise InputError(f"{file}: an annotation names an image that 'images' does not have.")
    names = [by_number[int(number)] for number in ids]
    if not all(isinstance(name, str) and name and "\0" not in name for name in names):
        raise InputError(f"{file}: an image under 'images' has no file name.")
    tests = position % 5 == 4
    chosen = np.flatnonzero(tests if part == "test" else ~tests)
    if not len(chosen):
        raise InputError(f"{file} has no image in '{split}'; is it the whole file?")
    joints = column(file, annotations, "keypoints", (20, 3))[chosen]
    corners = column(file, annotations, "bbox", (4,))[chosen]
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return table(
        file,
        [folder / "images" / names[i] for i in chosen],
        boxes,
        ANIMALPOSE20,
        joints[..., :2],
        joints[..., 2] > 0,
    )


def _number(file: Path, key: str) -> int:
    if not key.isascii() or not key.isdigit() or len(key) > 12:
        raise InputError(
            f"{file}: '{key[:20]}' under 'images' is not a number; copy the file again."
        )
    return int(key)


def _category(file: Path, content: dict, species: str) -> int:
    categories = content.get("categories")
    for entry in categories if isinstance(categories, list) else []:
        if isinstance(entry, dict) and entry.get("name") == species:
            number = entry.get("id")
            if isinstance(number, int):
                return number
    raise InputError(f"{file} has no category '{species}' with a number; copy the file again.")


BENCHMARK = Benchmark(
    name="animalpose",
    title="AnimalPose (Cao et al. 2019)",
    folder="animal-pose",
    page="https://sites.google.com/view/animal-pose/",
    licence="see the page; photographs from PASCAL VOC and the web",
    layout="keypoints.json, images/",
    skeleton=ANIMALPOSE20,
    splits={
        "train": "four of five images, all species",
        "test": "every fifth image, all species",
        **{
            f"{species}-{part}": f"{text}, {species}"
            for species in SPECIES
            for part, text in (("train", "four of five images"), ("test", "every fifth image"))
        },
    },
    read=read,
    visibility="the third column of keypoints",
    boxes="bbox",
    expected=(Expected("keypoints.json", 1), Expected("images/*", 4608)),
)
