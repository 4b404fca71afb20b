"""Each native layout: which joint is which, what counts as labeled, boxes, splits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posebridge.data.datasets import BENCHMARKS, JOINTS, read_benchmark, read_benchmark_unlabeled
from posebridge.data.datasets.rhd import usable_hands
from posebridge.data.datasets.shuffles import drawn_with_repetition, first_fifth
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from tests.data.datasets.miniatures import MINIATURES
from tests.data.datasets.native_layouts import ORIGIN, rhd_hands


def native_rows(samples: LabeledSamples, subject: int = 0) -> dict[str, int]:
    """Return name -> the native joint that was read for it, by its place in a miniature."""
    rows = (samples.points[subject, :, 1] - ORIGIN) / 2
    return {
        name: round(float(row))
        for name, row, fine in zip(
            samples.skeleton.keypoints, rows, samples.labeled[subject], strict=True
        )
        if fine
    }


def names(samples: LabeledSamples | UnlabeledSamples) -> list[str]:
    images = samples.images if isinstance(samples, LabeledSamples) else samples
    return [images.path(i).name for i in range(len(images))]


LSP = {
    **{"right_ankle": 0, "right_knee": 1, "right_hip": 2, "left_hip": 3, "left_knee": 4},
    **{"right_wrist": 6, "right_elbow": 7, "right_shoulder": 8, "left_shoulder": 9},
    **{"left_elbow": 10, "left_wrist": 11, "neck": 12, "head_top": 13},
}


def test_lsp_occluded_joints_have_no_label_and_halves_share_no_image(data):
    both = read_benchmark("lsp:transductive", data)
    assert native_rows(both) == LSP  # the left ankle is occluded; pelvis and thorax are not LSP's
    assert (both.images.boxes == 0).all()  # the whole image
    assert both.points[1, 0].tolist() == [ORIGIN + 1, ORIGIN]
    train, test = (names(read_benchmark(f"lsp:{split}", data)) for split in ("train", "test"))
    assert train == ["im0001.jpg", "im0002.jpg", "im0003.jpg"]
    assert test == ["im0004.jpg", "im0005.jpg", "im0006.jpg"]
    assert len(both) == 6


def test_lspet_has_other_axes_and_the_opposite_flag(data):
    whole = read_benchmark("lspet:all", data)
    assert native_rows(whole) == LSP
    # Labeled joints 0 to 13 without 5: x 10 to 23, y 10 to 36, both ends included.
    assert whole.images.boxes[0].tolist() == [10, 10, 14, 27]
    assert names(read_benchmark("lspet:test", data)) == ["im00019.jpg", "im00020.jpg"]
    assert len(read_benchmark("lspet:train", data)) == 18


SURREAL = {
    **{"right_ankle": 7, "right_knee": 4, "right_hip": 1, "left_hip": 2, "left_knee": 5},
    **{"left_ankle": 8, "pelvis": 0, "thorax": 9, "neck": 12, "head_top": 15, "right_wrist": 20},
    **{"right_elbow": 18, "right_shoulder": 13, "left_shoulder": 14, "left_elbow": 19},
    **{"left_wrist": 21},
}


def test_surreal_splits_as_released(data):
    train, test = (read_benchmark(f"surreal:{split}", data) for split in ("train", "test"))
    assert native_rows(train) == SURREAL
    assert len(read_benchmark("surreal:val", data)) == 12
    assert (len(train), len(test)) == (10, 2)  # a fifth of 12, rounded down
    # The shuffle of 12 begins with 7, 5: entries 3 and 1 of the second run.
    assert names(test) == ["clip_1_3.jpg", "clip_1_1.jpg"]
    assert "test" in str(test.images.path(0))


def test_surreal_videos_are_read_from_frames_written_beside_them(data):
    found = read_benchmark("surreal_video:train", data)
    assert names(found) == ["000000.jpg", "000002.jpg", "000004.jpg", "000000.jpg"]
    assert native_rows(found) == {k: v for k, v in SURREAL.items() if v != 20}
    assert found.points[2, 6].tolist() == [ORIGIN + 4, ORIGIN]  # the pelvis of frame 4
    # In view: native joints 0 to 21 without 20.
    assert found.images.boxes[0].tolist() == [10, 10, 22, 43]


def test_human36m_splits_by_subject_and_draws_the_papers_test(data):
    train, test = (read_benchmark(f"human36m:{split}", data) for split in ("train", "test"))
    assert native_rows(train) == {name: i for i, name in enumerate(train.skeleton.keypoints)}
    assert {n[:4] for n in names(train)} == {"s_01", "s_05", "s_06", "s_07", "s_08"}
    assert {n[:4] for n in names(test)} == {"s_09", "s_11"}
    drawn = read_benchmark("human36m:test3200", data)
    assert len(drawn) == 3200
    assert set(names(drawn)) == set(names(test))


def test_mpii_counts_from_1_and_its_box_is_hrnets_crop_padded(data):
    found = read_benchmark("mpii:valid", data)
    assert found.points[0, 0].tolist() == [ORIGIN - 1, ORIGIN - 1]
    assert found.labeled[0].tolist() == [i != 7 for i in range(16)]
    # Center (41, 31) - 1, 15 * 0.25 lower; side 200 * 0.25.
    assert found.images.boxes[0].tolist() == [40 - 25, 30 + 3.75 - 25, 50, 50]


def test_rhd_turns_fingers_round_and_takes_the_hands_that_the_papers_take(data):
    found = read_benchmark("rhd:train", data)
    # Image 0 both, 1 left (right: 16 visible), 2 none (each over the other), 3 right (left tiny).
    assert names(found) == ["00000.png", "00000.png", "00001.png", "00003.png"]
    rows = (found.points[0, :, 1] - 60) / 4
    assert rows[[0, 1, 3, 4, 5, 8, 20]].tolist() == [0, 4, 2, 1, 8, 5, 17]
    assert found.points[0, 0].tolist() == [20, 60]
    assert found.points[1, 0].tolist() == [180, 60]  # the right hand's wrist
    # Native joint 3 is hidden: the thumb's second from the palm.
    assert np.flatnonzero(~found.labeled[0]).tolist() == [2]
    assert found.images.boxes[0].tolist() == [20, 60, 101, 81]
    assert found.skeleton.mirror == list(range(21))


def test_which_hands_of_rhd_are_used_is_a_rule_of_squares_in_the_image():
    hands = np.stack([hand["uv_vis"] for hand in rhd_hands().values()]).reshape(4, 2, 21, 3)
    use = usable_hands(hands[..., :2], hands[..., 2] > 0)
    assert use.tolist() == [[True, True], [True, False], [False, False], [False, True]]
    one = hands[:1].copy()
    # Extent 43 x 34: the square of round(64.5) = 64 px spans 63, which is not more than 64.
    one[0, 0, :, :2] = 100 + (one[0, 0, :, :2] - one[0, 0, :, :2].min(0)) * 0.43
    assert not usable_hands(one[..., :2], one[..., 2] > 0)[0, 0]
    one[0, 0, :, :2] = 100 + (one[0, 0, :, :2] - 100) * 45 / 43  # 67.5 -> 68 px spans 67
    one[0, 1, :, 0] += 1000
    assert usable_hands(one[..., :2], one[..., 2] > 0)[0, 0]


def test_h3d_leaves_out_hands_with_objects_and_splits_as_released(data):
    whole, train, test = (read_benchmark(f"h3d:{s}", data) for s in ("all", "train", "test"))
    assert native_rows(whole) == {name: i for i, name in enumerate(whole.skeleton.keypoints)}
    assert (len(whole), len(train), len(test)) == (10, 8, 2)
    # Entries 0 to 4 and 6 to 10 remain; the shuffle of 10 begins with 7, 3.
    assert names(test) == ["0008.jpg", "0003.jpg"]
    assert not set(names(train)) & set(names(test))
    assert (whole.images.boxes == 0).all()


def test_freihand_projects_and_keeps_the_versions_of_a_hand_together(data):
    train, test = (read_benchmark(f"freihand:{split}", data) for split in ("train", "test"))
    assert native_rows(train) == {name: i for i, name in enumerate(train.skeleton.keypoints)}
    # Two of ten hands test, each in four versions; the shuffle begins with 7, 3.
    assert names(test) == [f"{v * 10 + hand:08d}.jpg" for v in range(4) for hand in (7, 3)]
    assert not {int(n[:-4]) % 10 for n in names(train)} & {7, 3}
    assert np.allclose(test.points[0, 0], [ORIGIN + 7, ORIGIN], atol=1e-4)
    assert np.allclose(test.images.boxes[0], [ORIGIN + 7, ORIGIN, 21, 41], atol=1e-3)
    released = [read_benchmark(f"freihand:{s}-released", data) for s in ("train", "test")]
    assert [len(r) for r in released] == [32, 8]
    assert not set(names(released[0])) & set(names(released[1]))
    assert {int(n[:-4]) % 10 for n in names(released[0])} & {
        int(n[:-4]) % 10 for n in names(released[1])
    }
    assert len(read_benchmark("freihand:evaluation", data)) == 3


def test_synthetic_animals_are_vertices_of_the_mesh(data):
    found = read_benchmark("synthetic_animal:horse-train", data)
    rows = {name: i for i, name in enumerate(found.skeleton.keypoints) if name != "chin"}
    assert native_rows(found) == rows  # the chin is out of the picture; hidden joints count
    assert names(found) == [f"horse_{i:04d}_img.png" for i in (0, 2, 3, 4)]
    # All vertices: x -3 to 900 cut to 0 and 80, y 6 to 60 in an image of 80 x 72.
    assert found.images.boxes[0].tolist() == [0, 6, 80, 54]
    assert names(read_benchmark("synthetic_animal:horse-valid", data)) == ["horse_0001_img.png"]
    sheep = read_benchmark("synthetic_animal:sheep-all@animal14", data)
    assert len(sheep) == 5
    assert sheep.skeleton.keypoints == JOINTS["animal14"]


def test_tigdog_passes_over_shots_and_permutes_the_tiger(data):
    horse = read_benchmark("tigdog:horse-train", data)
    # Shot 4 has no landmarks: frames 1-3 and 7-9 are rows 0-5; row 1 shows 8 joints.
    assert names(horse) == ["00000001.jpg", "00000003.jpg"]
    assert names(read_benchmark("tigdog:horse-test", data)) == [
        f"0000000{i}.jpg" for i in (7, 8, 9)
    ]
    straight = {name: i for i, name in enumerate(horse.skeleton.keypoints) if i != 4}
    assert native_rows(horse) == straight
    tiger = read_benchmark("tigdog:tiger-train", data)
    assert native_rows(tiger) == {
        name: {8: 14, 9: 15, 10: 16, 11: 17, 14: 8, 15: 9, 16: 10, 17: 11}.get(i, i)
        for name, i in straight.items()
    }
    # Landmarks above 0: x 10 to 27, y 10 to 44; 15 px round them, within 80 x 72.
    assert horse.images.boxes[0].tolist() == [0, 0, 42, 59]
    shots = read_benchmark("tigdog:tiger-shots-train", data)
    assert len(shots) == 5


def test_animalpose_box_is_corners_and_no_image_is_in_both_splits(data):
    train, test = (read_benchmark(f"animalpose:{s}", data) for s in ("train", "test"))
    assert train.images.boxes[0].tolist() == [5, 6, 40, 60]
    expected = {name: i for i, name in enumerate(train.skeleton.keypoints) if i != 6}
    assert native_rows(train) == expected
    assert set(names(test)) == {"2007_000004.jpg", "2007_000009.jpg"}  # the fifth and the tenth
    assert not set(names(train)) & set(names(test))
    sheep = read_benchmark("animalpose:sheep-train", data)
    assert names(sheep) == [f"2007_00000{i}.jpg" for i in (1, 3, 5, 7)]
    cut = native_rows(read_benchmark("animalpose:dog-test@animal14", data))
    assert cut["left_front_paw"] == 13
    assert cut["right_back_elbow"] == 8


def test_ap10k_joins_its_categories(data):
    found = read_benchmark("ap10k:val", data)
    assert len(found) == 3
    assert native_rows(found) == {
        n: i for i, n in enumerate(BENCHMARKS["ap10k"].skeleton.keypoints)
    }


@pytest.mark.parametrize("name", MINIATURES)
def test_every_reader_gives_valid_samples_and_an_unlabeled_twin(name, data):
    reference = MINIATURES[name].reference
    found = read_benchmark(reference, data)
    assert found.images.name == reference
    assert found.skeleton.keypoints == BENCHMARKS[name].skeleton.keypoints
    assert found.labeled.any(axis=1).all()
    assert np.isfinite(found.points).all()
    assert (found.points[~found.labeled] == 0).all()
    assert len(np.unique(found.images.annotation_ids)) == len(found)
    same_file = found.images.files[:, None] == found.images.files[None]
    same_image = found.images.image_ids[:, None] == found.images.image_ids[None]
    assert (same_file == same_image).all()
    bare = read_benchmark_unlabeled(reference, data)
    assert isinstance(bare, UnlabeledSamples)
    assert set(vars(bare)) == {"name", "files", "boxes", "image_ids", "annotation_ids"}
    assert (bare.files == found.images.files).all()


def test_source_and_target_of_a_pair_have_the_same_joints(data):
    from posebridge.training.presets import configure

    pairs = ("surreal_lsp", "surreal_human36m", "rhd_h3d", "rhd_freihand")
    for preset in (*pairs, "synthetic_animal_tigdog", "synthetic_animal_animalpose"):
        config = configure([preset])
        present = [str(config.source), str(config.target)]
        present = [r.replace("horse-train+tiger-train", "horse-train") for r in present]
        present = [r.replace("hound-train+sheep-train", "sheep-train") for r in present]
        source, target = (read_benchmark(reference, data) for reference in present)
        for part in ("keypoints", "mirror", "groups"):
            assert getattr(source.skeleton, part) == getattr(target.skeleton, part), preset
        assert all(source.skeleton.groups.values())


def test_shuffles_are_those_of_the_global_generator():
    import random

    for count in (10, 97):
        random.seed(42)
        listed = list(range(count))
        random.shuffle(listed)
        test, train = first_fifth(count, 15)
        assert [*test, *train] == listed
        assert len(test) == min(count // 5, 15)
        random.seed(42)
        assert drawn_with_repetition(count, 20).tolist() == random.choices(range(count), k=20)


def test_joined_splits_are_one_table(data):
    found = read_benchmark("animalpose:dog-train+sheep-train@animal14", data)
    assert len(found) == 8 + 4
    assert len(np.unique(found.images.image_ids)) == 8  # sheep are in images that have dogs
    assert len(np.unique(found.images.annotation_ids)) == 12
    assert found.images.name == "animalpose:dog-train+sheep-train@animal14"


def test_a_converted_rhd_is_turned_round_as_well(data, tmp_path):
    base = tmp_path / "RHD_published_v2"
    (base / "annotations").mkdir(parents=True)
    (base / "00007.png").write_bytes(
        (data / "RHD_published_v2/training/color/00000.png").read_bytes()
    )
    content = {
        "images": [{"id": 7, "file_name": "00007.png"}],
        "annotations": [
            {"image_id": 7, "bbox": [1, 2, 30, 40], "keypoints": [[j, 2 * j, 1] for j in range(21)]}
        ],
    }
    (base / "annotations" / "rhd_train.json").write_text(json.dumps(content))
    found = read_benchmark("rhd:train", tmp_path)
    assert found.points[0, [0, 1, 4, 5], 0].tolist() == [0, 4, 1, 8]
    assert found.images.boxes[0].tolist() == [1, 2, 30, 40]
