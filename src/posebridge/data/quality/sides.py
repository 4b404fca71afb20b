"""Subjects whose left and right look exchanged, by the poses of the dataset itself.

Links are bones that both sides have, such as elbow to wrist. For a subject, ``same`` is the length
of the left plus the right bone as labeled, ``cross`` the length where left goes to right and right
to left. Both are divided by the subject's size: the root mean square over its links of the shorter
of the two, which no exchange of labels changes. Arms and legs that really cross have cross < same,
but their bones keep a bone's length; foreshortening only shortens. So a link looks exchanged where

1. the labeled bones together are longer than the crossed ones by at least ``LEAST_EXCESS`` sizes,
2. one labeled bone is longer than ``STRETCH`` times the length that 95 % of the set's bones of
   this link stay below, and
3. neither of the crossed bones is.

The pairs on the smaller side of such links are the suspects. A subject that is exchanged as a whole
(a mirrored image with its labels left) cannot be recognized this way, because a person's front seen
in a mirror is a back; :func:`facing` shows it over a whole dataset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posebridge.data.samples import LabeledSamples
from posebridge.skeleton import Skeleton, canonical_name

LEAST_SUBJECTS = 30
LEAST_EXCESS = 0.3
STRETCH = 1.25
USUAL = 95.0

RULE = (
    "Both bones between two left/right pairs (elbow to wrist, for instance) are compared with the "
    "same bones drawn crosswise, in units of the subject's own size. A pair is suspected where the "
    f"labeled bones are longer by at least {LEAST_EXCESS:g} and one of them exceeds {STRETCH:g} "
    f"times the length that {USUAL:g} % of this dataset's bones stay below, while the crossed ones do "
    "not. Limbs that really cross keep their length and pass."
)


@dataclass(frozen=True)
class SideSuspect:
    """One subject with pairs that look exchanged.

    Attributes:
        row: the row of the samples.
        pairs: indices into ``skeleton.pairs``.
        excess: the largest excess of the labeled over the crossed bones, in sizes of the subject.
    """

    row: int
    pairs: tuple[int, ...]
    excess: float


def side_links(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Return pairs of indices into ``skeleton.pairs`` that a bone joins on either side."""
    edges = {frozenset(edge) for edge in skeleton.edges}
    return [
        (p, q)
        for p, (left, right) in enumerate(skeleton.pairs)
        for q, (other_left, other_right) in enumerate(skeleton.pairs[:p])
        if {frozenset((left, other_left)), frozenset((right, other_right))} <= edges
    ]


def exchanged_sides(samples: LabeledSamples) -> list[SideSuspect]:
    """Return the subjects whose left and right look exchanged at some pairs, worst first.

    Empty for a dataset with fewer than ``LEAST_SUBJECTS`` with a link, or a skeleton without links.
    """
    links = side_links(samples.skeleton)
    if not links:
        return []
    bones, crossed, known = _lengths(samples, links)
    size = _sizes(bones, crossed, known)
    with np.errstate(invalid="ignore", divide="ignore"):
        bones, crossed = bones / size[:, None, None], crossed / size[:, None, None]
    known &= np.isfinite(size)[:, None]
    suspicious = np.zeros(known.shape, bool)
    excess = bones.sum(axis=2) - crossed.sum(axis=2)
    for link in range(len(links)):
        rows = known[:, link]
        if rows.sum() < LEAST_SUBJECTS:
            continue
        limit = STRETCH * np.percentile(bones[rows, link], USUAL)
        suspicious[:, link] = (
            rows
            & (excess[:, link] >= LEAST_EXCESS)
            & (bones[:, link].max(axis=1) > limit)
            & (crossed[:, link].max(axis=1) <= limit)
        )
    found = []
    for row in np.flatnonzero(suspicious.any(axis=1)):
        # A subject that is suspected at one link has all its links judged: an elbow has an upper
        # arm, too.
        pairs = _blame(links, known[row], suspicious[row] | (excess[row] > LEAST_EXCESS / 2))
        found.append(SideSuspect(int(row), pairs, float(excess[row][suspicious[row]].max())))
    return sorted(found, key=lambda suspect: -suspect.excess)


def facing(samples: LabeledSamples) -> tuple[float, int] | None:
    """Return the fraction of subjects whose left side is where it is on a person facing the camera.

    With shoulders and hips: left is on the right of the line from hips to shoulders as the image
    shows it, whatever way up the person is. Two datasets of people that disagree widely define
    'left' differently: one as the person's own, the other as the viewer's.

    Returns:
        the fraction and the number of subjects counted; None for a skeleton without these joints.
    """
    place = {canonical_name(name): i for i, name in enumerate(samples.skeleton.keypoints)}
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if not all(name in place for name in names):
        return None
    joints = [place[name] for name in names]
    known = samples.labeled[:, joints].all(axis=1)
    if not known.any():
        return None
    points = samples.points[known][:, joints].astype(np.float64)
    across = (points[:, 0] + points[:, 2] - points[:, 1] - points[:, 3]) / 2
    up = (points[:, 0] + points[:, 1] - points[:, 2] - points[:, 3]) / 2
    turn = across[:, 0] * up[:, 1] - across[:, 1] * up[:, 0]
    # Seen from the side, shoulders and hips overlap and the sign means nothing.
    broad = np.abs(turn) > 0.1 * (up**2).sum(axis=1)
    return (float((turn[broad] < 0).mean()), int(broad.sum())) if broad.any() else None


def _lengths(
    samples: LabeledSamples, links: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labeled and crossed bones in pixels (N, L, 2), and whether all four joints are labeled."""
    pairs = np.array(samples.skeleton.pairs)
    one, other = pairs[[p for p, _ in links]], pairs[[q for _, q in links]]
    points = samples.points.astype(np.float64)
    bones = np.linalg.norm(points[:, one] - points[:, other], axis=-1)
    crossed = np.linalg.norm(points[:, one] - points[:, other[:, ::-1]], axis=-1)
    ends = np.concatenate([one, other], axis=1)
    return bones, crossed, np.asarray(samples.labeled[:, ends].all(axis=2))


def _sizes(bones: np.ndarray, crossed: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the (N,) root mean square of each subject's shorter bones; NaN without a link or size."""
    shorter = np.where(known, np.minimum(bones.sum(axis=2), crossed.sum(axis=2)) / 2, 0)
    count = known.sum(axis=1)
    size = np.sqrt((shorter**2).sum(axis=1) / np.maximum(count, 1))
    return np.where((count > 0) & (size > 0), size, np.nan)


def _blame(
    links: list[tuple[int, int]], known: np.ndarray, suspicious: np.ndarray
) -> tuple[int, ...]:
    """Return the pairs to exchange so that no suspicious link is left; the larger part stays.

    Pairs are colored along the links: a suspicious link changes the color, another keeps it.
    """
    neighbors: dict[int, list[tuple[int, bool]]] = {}
    for link in np.flatnonzero(known):
        p, q = links[link]
        neighbors.setdefault(p, []).append((q, bool(suspicious[link])))
        neighbors.setdefault(q, []).append((p, bool(suspicious[link])))
    color: dict[int, bool] = {}
    blamed: list[int] = []
    for start in neighbors:
        if start in color:
            continue
        color[start], part, waiting = False, [start], [start]
        while waiting:
            pair = waiting.pop()
            for other, changes in neighbors[pair]:
                if other not in color:
                    color[other] = color[pair] != changes
                    part.append(other)
                    waiting.append(other)
        marked = [pair for pair in part if color[pair]]
        rest = [pair for pair in part if not color[pair]]
        blamed += min(marked, rest, key=len) if marked else []
    return tuple(sorted(blamed))
