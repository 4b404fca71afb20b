"""What ``posebridge check`` looks for in data before training.

    record.py      a dataset after the checks
    facts.py       image files: sizes, colors, a fingerprint, damage
    duplicates.py  the same image twice
    sides.py       left and right exchanged, by the dataset's own poses
    findings.py    the kinds of findings, each with its rule
    images.py      checks of image files
    labels.py      checks of points and keypoints
    boxes.py       checks of boxes
    comparison.py  two datasets side by side

A dataset without labels is checked without them: keypoints of a target are not read here either.

To add a check: a function of a ``CheckedSet`` that returns findings, and its name in ``CHECKS`` below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from posebridge.data.quality import boxes, images, labels
from posebridge.data.quality.comparison import compare_sets, summary_rows
from posebridge.data.quality.facts import read_image_facts
from posebridge.data.quality.findings import Finding, Severity
from posebridge.data.quality.record import CheckedSet, declared_sizes
from posebridge.data.samples import LabeledSamples, UnlabeledSamples

__all__ = [
    "CHECKS",
    "CheckedSet",
    "Finding",
    "Severity",
    "check_set",
    "compare_sets",
    "declared_sizes",
    "summary_rows",
]

CHECKS: tuple[Callable[[CheckedSet], list[Finding]], ...] = (
    images.unreadable,
    images.cut_off,
    images.deep,
    images.other_size,
    images.shared_file,
    labels.outside,
    labels.at_origin,
    boxes.box_outside,
    boxes.box_misses_points,
    labels.exchanged,
    labels.never_labeled,
    labels.sparsely_labeled,
    boxes.below_a_pixel,
    boxes.small,
    images.repeated,
)


def check_set(
    name: str,
    data: LabeledSamples | UnlabeledSamples,
    declared: Mapping[str, tuple[int, int]] | None = None,
    progress: Callable[[int], None] | None = None,
    workers: int | None = None,
) -> CheckedSet:
    """Decode every image once and check the labels.

    Args:
        name: the dataset's name, for messages.
        data: samples with keypoints, or without.
        declared: width and height by path, from :func:`declared_sizes`.
        progress: called with the number of images done.
        workers: threads that decode; by default one for each core, at most 16.
    """
    with_points = isinstance(data, LabeledSamples)
    samples = data.images if with_points else data
    files, image_of = np.unique(samples.files, return_inverse=True)
    facts = read_image_facts(files, progress, workers)
    sizes = np.zeros((len(files), 2), np.int64)
    if declared:
        sizes[:] = [declared.get(str(facts.path(row)), (0, 0)) for row in range(len(files))]
    looked = CheckedSet(
        name, samples, data if with_points else None, facts, image_of.reshape(-1), sizes
    )
    return replace(looked, findings=tuple(f for check in CHECKS for f in check(looked)))
