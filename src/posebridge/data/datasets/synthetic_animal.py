"""Synthetic animals: CAD models in random scenes and textures, 640 x 480 px (Mu et al., CVPR 2020).

    synthetic_animal/ANIMAL_combineds5r5_texture/*_img.png     10,000 for each animal
    synthetic_animal/ANIMAL_combineds5r5_texture/*_kpts.npy    (V, 3): x, y, seen, for every vertex
    synthetic_animal/ANIMAL_combineds5r5_texture/{train,valid}_idxs.npy

The last two lie in the folder ``data`` of the code's repository
(https://github.com/JitengMu/Learning-from-Synthetic-Animals); copied over the data root it puts
them in place. ``ANIMAL-all`` does without.

Joints: TigDog's 18 by the vertices that CC-SSL's reader picks for each animal. Visibility: every
joint within the image, hidden or not, as the papers train. Box: the extent of all vertices, cut to
the image; the papers pad by 1.25.

Split: the published indices into the sorted file names, 8,000 and 2,000 for each animal.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import existing, load_npy, table
from posebridge.data.datasets.indices import published_indices
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import ANIMAL18
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

VERTICES: dict[str, tuple[int, ...]] = {
    "horse": (
        *(1718, 1684, 1271, 1634, 1650, 1643, 1659, 925, 392),
        *(564, 993, 726, 1585, 1556, 427, 1548, 967, 877),
    ),
    "tiger": (
        *(2753, 2679, 2032, 1451, 1287, 3085, 1632, 229, 1441),
        *(1280, 2201, 1662, 266, 158, 270, 152, 219, 129),
    ),
    "hound": (
        *(2028, 2580, 912, 878, 977, 1541, 1734, 480, 799),
        *(1575, 1446, 602, 755, 673, 780, 1580, 466, 631),
    ),
    "sheep": (
        *(2046, 1944, 1267, 1875, 1900, 1868, 1894, 687, 173),
        *(1829, 1422, 821, 624, 580, 622, 575, 1370, 716),
    ),
}
"""For each animal the vertices of the 18 joints."""

_SHA256 = {
    "horse": (
        "74d0d77dadfeb22b1e7375c1cc0dc0857a4de16c1a294f2e5a972e2a370643eb",
        "ce9e64971253affc05f0edbea28995259291341cca2a28ed2a036995084d8a8b",
    ),
    "tiger": (
        "08f6d96f1e00b279522dd5fe0077040efb6d9cd73c21898d9c6a160a7afbbba4",
        "b18d4d5be97ad5d519c97e22e75ee240985370a412c2ec386d22af030bc6ed19",
    ),
    "hound": (
        "21af964a2dccdc64c647955e22579bf347859e69edc219cc58550e63463d58f1",
        "f4a4c5d49c04096726c77bb52b0e3cd9b57881c862bffd491317054da240239e",
    ),
    "sheep": (
        "888366264cb7da9dd7d7f543ded5123c378f6ea6d673675f43cea73db8c04962",
        "3f05169fc3498ffc8ddb07aac2c1d147d845a66a81dc4571b215ca31d588766c",
    ),
}


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``ANIMAL-train``, ``ANIMAL-valid`` or ``ANIMAL-all``.

    Raises:
        InputError: the files are not the ones described above.
    """
    animal, _, part = split.partition("-")
    inside = folder / f"{animal}_combineds5r5_texture"
    images = sorted(inside.glob("*img.png"))
    if not images:
        raise InputError(f"{inside} holds no *_img.png; unpack {inside.name}.zip there.")
    if part != "all":
        chosen = published_indices(inside / f"{part}_idxs.npy", len(images), f"{animal}-all")
        images = [images[i] for i in chosen]
    vertices = np.array(VERTICES[animal])
    points = np.zeros((len(images), len(vertices), 2))
    boxes = np.zeros((len(images), 4))
    width, height = _size(images[0])
    limit = np.array([width, height], dtype=np.float64)
    for row, image in enumerate(images):
        file = image.with_name(image.name[: -len("img.png")] + "kpts.npy")
        body = load_npy(file, (None, 3))[:, :2].astype(np.float64)
        if len(body) <= vertices.max():
            raise InputError(
                f"{file} has {len(body)} vertices, fewer than the model of the {animal}; "
                "is it another animal's?"
            )
        points[row] = body[vertices]
        low, high = body.min(axis=0).clip(0, limit), body.max(axis=0).clip(0, limit)
        boxes[row] = [*low, *(high - low)]
    inside_image = np.asarray(((points >= 0) & (points <= limit)).all(axis=-1))
    return table(inside, images, boxes, ANIMAL18, points, inside_image)


def _size(image: Path) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(existing(image)) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{image} is not an image ({error}); unpack the archive again.") from error


_FOLDER = "{}_combineds5r5_texture"

BENCHMARK = Benchmark(
    name="synthetic_animal",
    title="Synthetic animals (Mu et al. 2020)",
    folder="synthetic_animal",
    page="https://www.cs.jhu.edu/~qiuwch/animal/",
    licence="see the page; splits GPL-3.0 with the authors' code",
    layout="ANIMAL_combineds5r5_texture/*_img.png, *_kpts.npy, {train,valid}_idxs.npy",
    skeleton=ANIMAL18,
    splits={
        f"{animal}-{part}": text
        for animal in VERTICES
        for part, text in (
            ("train", f"{animal}, the published 8,000"),
            ("valid", f"{animal}, the published 2,000"),
            ("all", f"{animal}, all 10,000"),
        )
    },
    read=read,
    visibility="joints within the image, hidden or not",
    boxes="the extent of all vertices",
    expected=tuple(
        expected
        for animal in VERTICES
        for expected in (
            Expected(f"{_FOLDER.format(animal)}/*img.png", 10000, optional=True),
            Expected(f"{_FOLDER.format(animal)}/*kpts.npy", 10000, optional=True),
            *(
                Expected(f"{_FOLDER.format(animal)}/{part}_idxs.npy", 1, digest, optional=True)
                for part, digest in zip(("train", "valid"), _SHA256[animal], strict=True)
            ),
        )
    ),
)
