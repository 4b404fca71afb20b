"""OKS-AP: COCO's average precision with object keypoint similarity, through faster-coco-eval.

OKS of a prediction and a subject is the mean over labeled joints of
exp(-d^2 / (2 area (2 sigma_k)^2)), d in pixels (https://cocodataset.org/#keypoints-eval). AP and AR
are means over the OKS thresholds 0.50, 0.55, ..., 0.95, with at most 20 predictions an image. AP
ranks predictions by score over the whole set, so it depends on the confidence as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton, canonical_name

SIGMAS: dict[str, float] = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
    "head_top": 0.079,
    "neck": 0.079,
}
"""Per-joint spread, by the name without its side.

nose to ankle: COCO's official values, measured from repeated annotations (COCO keypoint evaluation,
``kpt_oks_sigmas``). head_top and neck: CrowdPose's convention (Li et al., CVPR 2019), which gives
them the shoulder's value. A skeleton with COCO's 17 names therefore gets COCO's sigmas exactly.
"""

DEFAULT_SIGMA = 0.05
"""For every name that is not in ``SIGMAS``: a convention of this project, not a measurement."""

AREA_OF_BOX = 0.53
"""Area of a subject as a fraction of its box, where the area of its segment is not known.

CrowdPose's evaluation uses this value for annotations without ``area``.
"""


def sigmas(skeleton: Skeleton) -> NDArray[np.float64]:
    """Return the (K,) OKS sigmas by keypoint name: ``SIGMAS``, else ``DEFAULT_SIGMA``."""
    bare = [
        canonical_name(name).removeprefix("left_").removeprefix("right_")
        for name in skeleton.keypoints
    ]
    return np.array([SIGMAS.get(name, DEFAULT_SIGMA) for name in bare])


def areas_from_boxes(labels: LabeledSamples) -> NDArray[np.float64]:
    """Return the (N,) area of each subject in square pixels, ``AREA_OF_BOX`` times its box.

    NaN where the box is "the whole image, whatever its size".
    """
    box = labels.images.boxes[:, 2:].astype(np.float64)
    return np.where((box > 0).all(axis=1), AREA_OF_BOX * box.prod(axis=1), np.nan)


def coco_results(
    points: ArrayLike, confidence: ArrayLike, labels: LabeledSamples
) -> list[dict[str, Any]]:
    """Return predictions in COCO's results format, one entry for each of the N subjects.

    Args:
        points: (N, K, 2) pixels of the original image.
        confidence: (N, K) in [0, 1]; an entry's score is the mean over its K joints.
        labels: for the image ids; no label is read.
    """
    xy = np.asarray(points, dtype=np.float64)
    each = np.asarray(confidence, dtype=np.float64)
    if xy.shape != (*each.shape, 2) or len(xy) != len(labels):
        raise ValueError(
            f"points {xy.shape} must be (N, K, 2), confidence {each.shape} (N, K), N {len(labels)}"
        )
    rows = np.concatenate([xy, each[..., None]], axis=-1).reshape(len(xy), -1).tolist()
    return [
        {"image_id": int(image), "category_id": 1, "keypoints": row, "score": score}
        for image, row, score in zip(
            labels.images.image_ids, rows, each.mean(axis=1).tolist(), strict=True
        )
    ]


def oks_average_precision(
    results: Sequence[Mapping[str, Any]],
    labels: LabeledSamples,
    areas: ArrayLike | None = None,
) -> dict[str, float]:
    """Return the OKS-AP of predictions against labeled subjects of one category.

    Args:
        results: COCO's results format: ``image_id``, ``keypoints`` (x, y, any value) * K in pixels
            of the original image, and ``score``. ``category_id`` is not read.
        labels: the subjects; a subject without a labeled joint is ignored, as in COCO. Subjects with
            the same image id are in the same image.
        areas: (N,) area of each subject in square pixels, from segments; by default
            :func:`areas_from_boxes`. Images with a subject whose area is NaN are left out.

    Returns:
        ``{"AP", "AP50", "AP75", "AR"}`` as percentages, NaN where nothing could be scored.

    Raises:
        InputError: an entry names an image without labels, or has another number of joints.
    """
    # Imported here: the other metrics do not need this library.
    from faster_coco_eval import COCO, COCOeval_faster

    size = areas_from_boxes(labels) if areas is None else np.asarray(areas, dtype=np.float64)
    if size.shape != (len(labels),):
        raise ValueError(f"areas {size.shape} must be ({len(labels)},)")
    images = labels.images.image_ids
    _check(results, set(images.tolist()), len(labels.skeleton))
    left_out = set(images[~(np.isfinite(size) & (size > 0))].tolist())

    silent = _silent
    truth = COCO(print_function=silent)
    truth.dataset = {
        "images": [{"id": image} for image in sorted(set(images.tolist()) - left_out)],
        "annotations": _annotations(labels, size, left_out),
        "categories": [
            {"id": 1, "name": labels.skeleton.name, "keypoints": list(labels.skeleton.keypoints)}
        ],
    }
    truth.createIndex()
    predicted = truth.loadRes(
        [
            {
                "image_id": int(entry["image_id"]),
                "category_id": 1,
                "keypoints": [float(value) for value in entry["keypoints"]],
                "score": float(entry["score"]),
            }
            for entry in results
            if int(entry["image_id"]) not in left_out
        ]
    )
    if not truth.dataset["annotations"]:
        return dict.fromkeys(("AP", "AP50", "AP75", "AR"), float("nan"))
    evaluation = COCOeval_faster(
        truth,
        predicted,
        iouType="keypoints",
        print_function=silent,
        kpt_oks_sigmas=sigmas(labels.skeleton).tolist(),
    )
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    stats = evaluation.stats_as_dict
    # The library marks "nothing to score" with -1.
    return {
        name: 100.0 * stats[key] if stats[key] >= 0 else float("nan")
        for name, key in (("AP", "AP_all"), ("AP50", "AP_50"), ("AP75", "AP_75"), ("AR", "AR_all"))
    }


def _silent(*_: object, **__: object) -> None:
    """Print nothing, in place of the library's print."""


def _check(results: Sequence[Mapping[str, Any]], known: set[int], joints: int) -> None:
    for number, entry in enumerate(results):
        if int(entry["image_id"]) not in known:
            raise InputError(
                f"prediction {number} is for image_id {entry['image_id']}, which the labels do "
                "not have; score predictions against the annotation file they were made for."
            )
        if len(entry["keypoints"]) != 3 * joints:
            raise InputError(
                f"prediction {number} has {len(entry['keypoints'])} values in 'keypoints', "
                f"expected {3 * joints} (x, y, confidence for each of {joints} joints)."
            )


def _annotations(
    labels: LabeledSamples, size: NDArray[np.float64], left_out: set[int]
) -> list[dict[str, Any]]:
    """Return the subjects as COCO annotations; flag 2 for a labeled joint, as OKS only checks for 0."""
    flags = np.where(labels.labeled, 2.0, 0.0)
    points = np.where(labels.labeled[..., None], labels.points, 0.0)
    rows = np.concatenate([points, flags[..., None]], axis=-1)
    # Ids count from 1: in COCO's matching an id of 0 means "no match".
    return [
        {
            "id": index + 1,
            "image_id": int(image),
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [float(value) for value in labels.images.boxes[index]],
            "area": float(size[index]),
            "num_keypoints": int(labels.labeled[index].sum()),
            "keypoints": rows[index].reshape(-1).tolist(),
        }
        for index, image in enumerate(labels.images.image_ids)
        if int(image) not in left_out
    ]
