"""Labels brought to another skeleton."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.data.keypoint_mapping import remapped, with_labels
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.skeleton import Skeleton, match_skeletons, read_skeleton

HIPS = Skeleton.from_names("hips", ["left_hip", "right_hip", "tail"])
PELVIS = Skeleton.from_names("trunk", ["pelvis", "r_hip", "nose", "LHip"], [(0, 2)])


def samples(skeleton: Skeleton, points, labeled) -> LabeledSamples:
    labeled = np.asarray(labeled, bool)
    count = len(labeled)
    images = UnlabeledSamples.from_lists(
        "a set", [f"{i}.png" for i in range(count)], np.ones((count, 4)), range(count), range(count)
    )
    return LabeledSamples(images, skeleton, np.asarray(points, np.float32), labeled)


def test_remapping_covers_names_averages_and_missing_partners():
    given = samples(
        HIPS,
        [[[2, 4], [6, 8], [9, 9]], [[2, 4], [0, 0], [9, 9]], [[0, 0], [0, 0], [9, 9]]],
        [[1, 1, 1], [1, 0, 1], [0, 0, 1]],
    )
    match = match_skeletons(HIPS, PELVIS, {"pelvis": ("left_hip", "right_hip")})
    found = remapped(given, match)
    assert found.skeleton is PELVIS
    assert found.points.dtype == np.float32
    # The middle needs both hips; the nose has no partner; what is unlabeled holds 0.
    assert found.labeled.tolist() == [
        [True, True, False, True],
        [False, False, False, True],
        [False, False, False, False],
    ]
    assert found.points.tolist() == [
        [[4, 6], [6, 8], [0, 0], [2, 4]],
        [[0, 0], [0, 0], [0, 0], [2, 4]],
        [[0, 0], [0, 0], [0, 0], [0, 0]],
    ]
    assert found.images is given.images
    assert with_labels(found).images.annotation_ids.tolist() == [0, 1]


def test_round_trip_keeps_labels():
    coco, mpii = read_skeleton("coco-17"), read_skeleton("mpii-16")
    rng = np.random.default_rng(0)
    given = samples(coco, rng.uniform(1, 99, (5, 17, 2)), rng.random((5, 17)) < 0.7)
    given = samples(coco, np.where(given.labeled[..., None], given.points, 0), given.labeled)
    there = remapped(given, match_skeletons(coco, mpii))
    back = remapped(there, match_skeletons(mpii, coco))
    body = [i for i, name in enumerate(coco.keypoints) if name in mpii.keypoints]
    face = [i for i in range(17) if i not in body]
    assert (back.labeled[:, body] == given.labeled[:, body]).all()
    np.testing.assert_array_equal(back.points[:, body], given.points[:, body])
    assert not back.labeled[:, face].any()


def test_mirroring_and_remapping_commute():
    """Left and right keep their meaning: mirrored names then remapped, or remapped then mirrored."""
    coco, mpii = read_skeleton("coco-17"), read_skeleton("mpii-16")
    rng = np.random.default_rng(1)
    given = samples(coco, rng.uniform(1, 99, (4, 17, 2)), np.ones((4, 17)))
    match = match_skeletons(coco, mpii)
    mirrored = samples(coco, given.points[:, coco.mirror], given.labeled)
    np.testing.assert_array_equal(
        remapped(mirrored, match).points, remapped(given, match).points[:, mpii.mirror]
    )


def test_a_match_for_other_keypoints_is_refused():
    with pytest.raises(ValueError, match="the match is for"):
        remapped(samples(PELVIS, np.zeros((1, 4, 2)), np.ones((1, 4))), match_skeletons(HIPS, HIPS))
