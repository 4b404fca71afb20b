"""COCO keypoint files and COCO results, written; CVAT takes the files as its "COCO Keypoints 1.0"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.annotations import Annotations, upright_size
from posebridge.data.file_names import name_below
from posebridge.data.samples import UnlabeledSamples
from posebridge.files.json_files import write_json, write_json_lists
from posebridge.skeleton import Skeleton

OF_PREDICTIONS = "posebridge predictions"
"""The beginning of the description in a file of predictions."""


def write_annotations(annotations: Annotations, path: Path) -> list[Path]:
    """Write a COCO keypoint file; images stay where they are.

    ``file_name`` is relative to the file's folder where the image lies below it, else absolute.
    Values that COCO has no field for get their own: ``keypoint_scores``, ``score``, ``individual``.
    """
    a = annotations
    listed = []
    for row, file in enumerate(a.files):
        width, height = (int(v) for v in a.sizes[row])
        if width == 0 and file.is_file():
            width, height = upright_size(file)
        name = name_below(file, path.parent)
        entry: dict[str, Any] = {"id": int(a.image_ids[row]), "file_name": name.as_posix()}
        listed.append(entry | ({"width": width, "height": height} if width else {}))
    rows = []
    triples = np.concatenate([a.points, a.visibility[..., None]], axis=2).reshape(len(a), -1)
    for row in range(len(a)):
        entry = {
            "id": int(a.ids[row]),
            "image_id": int(a.image_ids[a.image[row]]),
            "category_id": 1,
            "keypoints": [int(v) if v == int(v) else float(v) for v in triples[row]],
            "num_keypoints": int((a.visibility[row] > 0).sum()),
            "iscrowd": 0,
        }
        if a.boxes[row, 2] > 0:
            entry["bbox"] = [float(v) for v in a.boxes[row]]
            entry["area"] = float(a.boxes[row, 2] * a.boxes[row, 3])
        if a.subject_scores is not None and np.isfinite(a.subject_scores[row]):
            entry["score"] = float(a.subject_scores[row])
        if a.keypoint_scores is not None:
            entry["keypoint_scores"] = [
                float(v) if np.isfinite(v) else None for v in a.keypoint_scores[row]
            ]
        if a.individuals is not None and a.individuals[row]:
            entry["individual"] = a.individuals[row]
        rows.append(entry)
    content = {"images": listed, "annotations": rows, "categories": [category(a.skeleton)]}
    write_json(path, content)
    return [path]


def write_results(
    path: Path,
    images: UnlabeledSamples,
    points: np.ndarray,
    confidence: np.ndarray,
    skeleton: Skeleton,
    files: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    meaning: str = "the height of the heatmap's peak",
) -> None:
    """Write predictions as a COCO file: results in ``annotations``, a confidence for each keypoint.

    COCO's bare results list cannot name the image of an id when the input was a folder, so the
    file is a whole COCO file whose annotations are also valid results entries: ``keypoints`` holds
    x, y, confidence, ``score`` their mean.

    Args:
        points: (N, K, 2) in pixels of the original images. confidence: (N, K) in [0, 1].
        files, sizes: the name and the (width, height) of each subject's image.
        meaning: what a confidence is; the file's description contains it.
    """
    _, first = np.unique(images.image_ids, return_index=True)

    def each_image() -> Iterator[dict[str, Any]]:
        for row in np.sort(first).tolist():
            (width, height), image_id = sizes[row], int(images.image_ids[row])
            yield {"id": image_id, "file_name": files[row], "width": width, "height": height}

    def each_subject() -> Iterator[dict[str, Any]]:
        for row in range(len(images)):
            triples = np.concatenate([points[row], confidence[row][:, None]], axis=1)
            x, y, w, h = (float(v) for v in images.boxes[row])
            box = (x, y, w, h) if w > 0 else (0, 0, *sizes[row])
            yield {
                "id": int(images.annotation_ids[row]),
                "image_id": int(images.image_ids[row]),
                "category_id": 1,
                "bbox": [round(v, 2) for v in box],
                "keypoints": [round(float(v), 3) for v in triples.reshape(-1)],
                "score": round(float(confidence[row].mean()), 4),
            }

    write_json_lists(
        path,
        {
            "info": {
                "description": f"{OF_PREDICTIONS}; keypoints are x, y, confidence, "
                f"which is {meaning}"
            },
            "images": each_image(),
            "annotations": each_subject(),
            "categories": [category(skeleton)],
        },
    )


def category(skeleton: Skeleton) -> dict[str, Any]:
    """Return the COCO category of a skeleton; edges count from 1 there."""
    return {
        "id": 1,
        "name": skeleton.name,
        "keypoints": list(skeleton.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.edges],
    }
