"""Rendered Handpose: rendered people, both hands, 320 px (Zimmermann & Brox, ICCV 2017).

    RHD_published_v2/training/anno_training.pickle        {index: {uv_vis (42, 3), xyz, K}}
    RHD_published_v2/training/color/00000.png ...         41,258 images
    RHD_published_v2/evaluation/anno_evaluation.pickle    2,728 images
    or RHD_published_v2/annotations/rhd_{train,test}.json  as MMPose converts them

Native order: 21 joints of the left hand, then 21 of the right; wrist, then thumb to little finger,
each from its *tip* to the palm. Here each hand is a subject with the fingers from the palm to the
tip. MMPose's files keep the native order under names that say otherwise, and are turned as well.

Visibility: the third column. Which hands (the papers' rule): more than 16 visible joints, a square of
1.5 times the hand's extent, shifted into the image, of more than 64 px, and less than 30 % of it
covered by the other hand's extent. Box: the extent of all joints, visible or not; the papers cut at
1.5 times it and keep the square within the image, here the outside is black. They mirror
every hand to one side; here mirrored views in training show both.

Split: the dataset's own, ``train`` and ``test``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import column, extent, load_json, load_pickle, read_texts, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import HAND21
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

FROM_TIPS = np.array([0, *(4 * finger + joint for finger in range(5) for joint in (4, 3, 2, 1))])
"""For each joint from the palm outwards its place in a hand that is written from the tips."""

SIDE = 320


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train`` or ``test``.

    Raises:
        InputError: the files are not the ones described above.
    """
    part = {"train": "training", "test": "evaluation"}[split]
    file = folder / part / f"anno_{part}.pickle"
    converted = folder / "annotations" / f"rhd_{split}.json"
    if not file.is_file() and converted.is_file():
        return _converted(folder, converted)
    entries = load_pickle(file)
    if not isinstance(entries, dict) or not entries:
        raise InputError(f"{file} holds no table of images; copy it again from the archive.")
    if not all(isinstance(index, (int, np.integer)) for index in entries):
        raise InputError(f"{file} does not number its images; copy it again from the archive.")
    both = column(file, entries, "uv_vis", (42, 3)).reshape(-1, 2, 21, 3)[:, :, FROM_TIPS]
    points, visible = both[..., :2], both[..., 2] > 0
    image, hand = np.nonzero(usable_hands(points, visible))
    numbers = np.array(list(entries))[image]
    everything = np.ones((len(image), 21), dtype=bool)
    return table(
        file,
        [folder / part / "color" / f"{number:05d}.png" for number in numbers],
        extent(points[image, hand], everything),
        HAND21,
        points[image, hand],
        visible[image, hand],
    )


def usable_hands(points: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Return which hands the papers use: (N, 2) bool from (N, 2, 21, 2) and (N, 2, 21)."""
    low, high = points.min(axis=2), points.max(axis=2)
    side = np.minimum(np.round(1.5 * (high - low).max(axis=-1)), SIDE)
    start = np.round((low + high) / 2 - side[..., None] / 2)
    start = np.clip(start, 0, SIDE - side[..., None])
    end = start + side[..., None] - 1
    other_low, other_high = low[:, ::-1], high[:, ::-1]
    shared = np.minimum(end, other_high) - np.maximum(start, other_low) + 1
    covered = np.clip(shared, 0, None).prod(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        free = covered / side**2 < 0.3
    return (side - 1 > 64) & (visible.sum(axis=-1) > 16) & free


def _converted(folder: Path, file: Path) -> LabeledSamples:
    content = load_json(file, dict)
    images, annotations = content.get("images"), content.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise InputError(f"{file} has no lists 'images' and 'annotations'; it is not a COCO file.")
    names = dict(
        zip(column(file, images, "id", ()), read_texts(file, images, "file_name"), strict=True)
    )
    joints = column(file, annotations, "keypoints", (21, 3))[:, FROM_TIPS]
    boxes = column(file, annotations, "bbox", (4,))
    image_ids = column(file, annotations, "image_id", ())
    unknown = [number for number in image_ids if number not in names]
    if unknown:
        raise InputError(f"{file}: no image has the id {unknown[0]:g} that an annotation names.")
    paths = [folder / names[number] for number in image_ids]
    return table(file, paths, boxes, HAND21, joints[..., :2], joints[..., 2] > 0)


BENCHMARK = Benchmark(
    name="rhd",
    title="Rendered Handpose (Zimmermann & Brox 2017)",
    folder="RHD_published_v2",
    page="https://lmb.informatik.uni-freiburg.de/resources/datasets/RenderedHandposeDataset.en.html",
    licence="research use",
    layout="{training,evaluation}/anno_*.pickle, color/00000.png",
    skeleton=HAND21,
    splits={"train": "the training part", "test": "the evaluation part"},
    read=read,
    visibility="the third column of uv_vis",
    boxes="the extent of the hand's joints",
    expected=(
        Expected("training/anno_training.pickle", 1),
        Expected("training/color/*.png", 41258),
        Expected("evaluation/anno_evaluation.pickle", 1, optional=True, note="for 'test'"),
        Expected("evaluation/color/*.png", 2728, optional=True, note="for 'test'"),
    ),
)
