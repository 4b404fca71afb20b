"""Two datasets side by side: shared images, other keypoints, other habits of labeling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from posebridge.data.quality.duplicates import RULE, find_duplicates
from posebridge.data.quality.findings import Finding, counted, share
from posebridge.data.quality.record import CheckedSet
from posebridge.data.quality.sides import facing
from posebridge.errors import InputError
from posebridge.skeleton import match_skeletons

FACING_GAP = 0.4
FACING_SUBJECTS = 50
BOX_RATIO = 1.25

_SHARED = {
    ("source", "target"): "Labeled images among the target: the domains overlap, and the gap "
    "between them looks smaller than it is.",
    (
        "source",
        "test",
    ): "The model learns the labels of test images: scores will be too high. Take "
    "them out of one of the two datasets.",
    (
        "target",
        "test",
    ): "The model adapts to the test images themselves (transductive): report it with "
    "the scores, or take them out of the target.",
}


def compare_sets(one: CheckedSet, other: CheckedSet) -> list[Finding]:
    """Return the findings between two datasets."""
    return [
        finding
        for check in (_shared_pictures, _keypoints, _facing, _box_kinds)
        for finding in check(one, other)
    ]


def summary_rows(sets: Sequence[CheckedSet]) -> list[tuple[str, list[str]]]:
    """Return medians of each dataset with the middle half in brackets: (name, a text for each)."""

    def spread(values: np.ndarray, unit: str) -> str:
        values = values[np.isfinite(values)]
        if len(values) == 0:
            return "-"
        low, middle, high = np.percentile(values, [25, 50, 75])
        digits = 0 if high >= 10 else 2
        if low == high:
            return f"{middle:.{digits}f}{unit}"
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}){unit}"

    rows: list[tuple[str, list[str]]] = [
        ("images", [f"{len(s.facts):,}" for s in sets]),
        ("subjects", [f"{len(s.samples):,}" for s in sets]),
        ("keypoints", ["-" if s.labels is None else str(len(s.labels.skeleton)) for s in sets]),
        (
            "labeled keypoints",
            ["-" if s.labels is None else f"{int(s.labels.labeled.sum()):,}" for s in sets],
        ),
        (
            "joints labeled",
            [
                "-"
                if s.labels is None
                else share(int(s.labels.labeled.sum()), s.labels.labeled.size)
                for s in sets
            ],
        ),
    ]
    for what, measure, unit in MEASURES:
        rows.append((what, [spread(measure(s), unit) for s in sets]))
    rows.append(("seen from the front", [_facing_text(s) for s in sets]))
    return rows


def image_width(looked: CheckedSet) -> np.ndarray:
    """Return the (M,) width of the readable images, pixels."""
    return looked.facts.sizes[looked.facts.readable, 0].astype(np.float64)


def image_height(looked: CheckedSet) -> np.ndarray:
    """Return the (M,) height of the readable images, pixels."""
    return looked.facts.sizes[looked.facts.readable, 1].astype(np.float64)


def subject_size(looked: CheckedSet) -> np.ndarray:
    """Return the (N,) longer side of the box, pixels, which sets the size of the crop."""
    return looked.boxes[looked.seen, 2:].max(axis=1)


def subject_shape(looked: CheckedSet) -> np.ndarray:
    """Return the (N,) width over height of the box: below 1 for standing people, above for lying."""
    boxes = looked.boxes[looked.seen]
    return boxes[:, 2] / np.maximum(boxes[:, 3], 1e-9)


def points_in_box(looked: CheckedSet) -> np.ndarray:
    """Return the (N',) longer side of the labeled points' extent over the box's; empty without labels.

    Subjects with fewer than half of their keypoints are left out.
    """
    if looked.labels is None or not looked.own_box.any():
        return np.zeros(0)
    labeled = looked.labels.labeled
    kept = looked.seen & (2 * labeled.sum(axis=1) >= labeled.shape[1])
    points = looked.labels.points.astype(np.float64)
    low = np.where(labeled[..., None], points, np.inf).min(axis=1)
    high = np.where(labeled[..., None], points, -np.inf).max(axis=1)
    return (high - low)[kept].max(axis=1) / looked.boxes[kept, 2:].max(axis=1)


def _color(name: str):
    def measure(looked: CheckedSet) -> np.ndarray:
        return looked.facts.colors[name][looked.facts.readable]

    measure.__doc__ = f"(M,) {name} of the readable images, percent."
    return measure


MEASURES = (
    ("image width", image_width, " px"),
    ("image height", image_height, " px"),
    ("subject's longer side", subject_size, " px"),
    ("subject's width / height", subject_shape, ""),
    ("points' extent / box", points_in_box, ""),
    ("brightness", _color("brightness"), " %"),
    ("contrast", _color("contrast"), " %"),
    ("saturation", _color("saturation"), " %"),
)
"""The measures to compare: name, a number for each image or subject, unit."""


def _shared_pictures(one: CheckedSet, other: CheckedSet) -> list[Finding]:
    same = find_duplicates(one.facts, other.facts)
    if not same:
        return []
    here, there = one.first_subject, other.first_subject
    equal = sum(d.identical for d in same)
    return [
        Finding(
            "shared",
            "warning",
            f"{counted(len(same), 'image')} of {one.name} ({share(len(same), len(one.facts))}) also in "
            f"{other.name} ({equal:,} equal byte for byte)",
            _SHARED.get((one.name, other.name), "The datasets are not independent of each other."),
            RULE,
            (one.name, other.name),
            np.array([(here[d.first], there[d.second]) for d in same], np.int64),
            [f"{one.facts.path(d.first)} and {other.facts.path(d.second)}" for d in same],
        )
    ]


def _keypoints(one: CheckedSet, other: CheckedSet) -> list[Finding]:
    if one.labels is None or other.labels is None:
        return []
    if one.labels.skeleton.keypoints == other.labels.skeleton.keypoints:
        return []
    try:
        match = match_skeletons(one.labels.skeleton, other.labels.skeleton)
    except InputError as error:
        return [
            Finding(
                "no keypoint in common",
                "error",
                f"{one.name} and {other.name} have no keypoint in common",
                str(error),
                "Keypoints are matched by name and by synonyms.",
                (one.name, other.name),
            )
        ]
    missing = [n for n, p in zip(match.target.keypoints, match.partners, strict=True) if not p]
    return [
        Finding(
            "other keypoints",
            "warning" if missing else "note",
            f"{len(match.matched)} of the {len(match.target)} keypoints of {other.name} are in "
            f"{one.name}",
            (f"Without partner: {', '.join(missing)}. " if missing else "")
            + "See them with 'posebridge skeleton match'; a mapping file can name the others.",
            "Keypoints are matched by name and by synonyms.",
            (one.name, other.name),
        )
    ]


def _facing(one: CheckedSet, other: CheckedSet) -> list[Finding]:
    if one.labels is None or other.labels is None:
        return []
    here, there = facing(one.labels), facing(other.labels)
    if here is None or there is None or min(here[1], there[1]) < FACING_SUBJECTS:
        return []
    if abs(here[0] - there[0]) < FACING_GAP:
        return []
    return [
        Finding(
            "left means another side",
            "warning",
            f"{here[0]:.0%} of {one.name} but {there[0]:.0%} of {other.name} seem to face the camera",
            "One of the two may name the viewer's left, not the person's left. Look at "
            "the images: blue is left.",
            "The side of the left shoulder and hip on the line from hips to shoulders, over at least "
            f"{FACING_SUBJECTS} subjects of each dataset; {FACING_GAP:.0%} apart or more.",
            (one.name, other.name),
        )
    ]


def _box_kinds(one: CheckedSet, other: CheckedSet) -> list[Finding]:
    here, there = points_in_box(one), points_in_box(other)
    if min(len(here), len(there)) < 10:
        return []
    ratio = float(np.median(here) / max(np.median(there), 1e-9))
    if max(ratio, 1 / max(ratio, 1e-9)) < BOX_RATIO:
        return []
    return [
        Finding(
            "boxes of another kind",
            "warning",
            f"boxes are of another kind: points fill {np.median(here):.0%} of the box in {one.name}, "
            f"{np.median(there):.0%} in {other.name}",
            "Crops show subjects at different sizes. Make the boxes by one rule: around the keypoints, "
            "or around the whole body.",
            "The longer side of the points' extent over the longer side of the box, medians, "
            f"{BOX_RATIO:g} times apart or more.",
            (one.name, other.name),
        )
    ]


def _facing_text(looked: CheckedSet) -> str:
    if looked.labels is None:
        return "-"
    found = facing(looked.labels)
    return "-" if found is None else f"{100 * found[0]:.0f} % of {found[1]:,}"
