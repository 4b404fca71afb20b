"""Small sets in the layout of each published dataset: the same keys, shapes and quirks.

Joint j of image i lies at (``ORIGIN`` + j + i, ``ORIGIN`` + 2 j) in the native order, so that a test
can tell which native joint it is looking at.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

ORIGIN = 10.0


def native(count: int, joints: int) -> np.ndarray:
    """Return the (N, J, 2) in native order."""
    image, joint = np.mgrid[:count, :joints]
    return np.stack([ORIGIN + joint + image, ORIGIN + 2.0 * joint], axis=-1)


def image(path: Path, width: int = 80, height: int = 72) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(0, 255, (height, width, 3), np.uint8)
    assert cv2.imwrite(str(path), noise)


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def surreal(root: Path) -> None:
    for split in ("train", "val", "test"):
        for run in range(3):
            entries = []
            for index, points in enumerate(native(4, 24)):
                name = f"clip_{run}_{index}.jpg"
                image(root / "surreal" / split / f"run{run}" / name)
                entries.append(
                    {
                        "name": name,
                        "keypoint2d": points.tolist(),
                        "keypoint3d": [[0.0, 0.0, 2.0]] * 24,
                        "intrinsic_matrix": np.eye(3).tolist(),
                    }
                )
            write_json(root / "surreal" / split / f"run{run}.json", entries)


def surreal_video(root: Path) -> None:
    """Clip 0 has five frames; clip 1 a single one, whose joints2D lack the last axis."""
    from posebridge.data.datasets.surreal_video import videos, write_frames

    base = root / "SURREAL" / "data" / "cmu"
    for clip, frames in enumerate((5, 1)):
        folder = base / "train" / "run0" / "01_01"
        folder.mkdir(parents=True, exist_ok=True)
        video = folder / f"01_01_c{clip:04d}.mp4"
        writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
        for index in range(frames):
            writer.write(np.full((240, 320, 3), 40 * index, np.uint8))
        writer.release()
        points = native(frames, 24).transpose(2, 1, 0).astype(np.float32)
        points[:, 20] = -5.0  # one wrist out of the frame
        info = {
            "joints2D": points if frames > 1 else points[..., 0],
            "gender": np.ones((frames, 1)),
        }
        savemat(folder / f"01_01_c{clip:04d}_info.mat", info)
    write_frames(videos(base), every=2)


def lsp(root: Path) -> None:
    joints = np.zeros((3, 14, 6))
    joints[:2] = native(6, 14).transpose(2, 1, 0)
    joints[2, 5, :] = 1  # the left ankle is occluded everywhere
    (root / "lsp").mkdir(parents=True, exist_ok=True)
    savemat(root / "lsp" / "joints.mat", {"joints": joints})
    for index in range(6):
        image(root / "lsp" / "images" / f"im{index + 1:04d}.jpg")


def lspet(root: Path) -> None:
    joints = np.ones((14, 3, 20))
    joints[:, :2] = native(20, 14).transpose(1, 2, 0)
    joints[5, 2] = 0  # the left ankle has no label, and a position that means nothing
    joints[5, :2] = -99
    (root / "lspet").mkdir(parents=True, exist_ok=True)
    savemat(root / "lspet" / "joints.mat", {"joints": joints})
    for index in range(20):
        image(root / "lspet" / "images" / f"im{index + 1:05d}.jpg")


def human36m(root: Path) -> None:
    for subject in (1, 5, 6, 7, 8, 9, 11):
        entries = []
        for index, points in enumerate(native(2, 16)):
            name = f"s_{subject:02d}_act_02/s_{subject:02d}_{index:06d}.jpg"
            image(root / "human36m" / "crop_images" / name)
            entries.append({"name": name, "keypoint2d": points.tolist(), "keypoint3d": []})
        write_json(root / "human36m" / "annotations" / f"keypoints2d_{subject}.json", entries)


def mpii(root: Path) -> None:
    for split in ("train", "valid"):
        entries = []
        for index, points in enumerate(native(3, 16)):
            name = f"{split}{index:06d}.jpg"
            image(root / "mpii" / "images" / name)
            visible = [1] * 16
            visible[7] = 0
            entries.append(
                {
                    "image": name,
                    "joints": points.tolist(),
                    "joints_vis": visible,
                    "center": [41.0, 31.0],
                    "scale": 0.25,
                }
            )
        write_json(root / "mpii" / "annot" / f"{split}.json", entries)


def rhd_hands() -> dict[int, dict[str, np.ndarray]]:
    """Image 0: two good hands. 1: right hand hidden. 2: one over the other. 3: left hand tiny."""
    joint = np.arange(42)
    spread = np.stack([20 + 5.0 * (joint % 21) + 160 * (joint >= 21), 60 + 4.0 * (joint % 21)], -1)
    hands = {}
    for index in range(4):
        uv_vis = np.concatenate([spread, np.ones((42, 1))], axis=1)
        if index == 0:
            uv_vis[3, 2] = 0
        if index == 1:
            uv_vis[21:26, 2] = 0  # 16 of 21 remain, one too few
        if index == 2:
            uv_vis[21:, :2] = uv_vis[:21, :2] + 3
        if index == 3:
            uv_vis[:21, :2] = 30 + uv_vis[:21, :2] / 10
        hands[index] = {"uv_vis": uv_vis, "xyz": np.ones((42, 3)), "K": np.eye(3)}
    return hands


def rhd(root: Path) -> None:
    base = root / "RHD_published_v2"
    for part in ("training", "evaluation"):
        for index in range(4):
            image(base / part / "color" / f"{index:05d}.png", 320, 320)
        with (base / part / f"anno_{part}.pickle").open("wb") as stream:
            pickle.dump(rhd_hands(), stream, protocol=2)


def h3d(root: Path) -> None:
    base = root / "H3D_crop"
    entries = []
    for index, points in enumerate(native(12, 21)):
        name = f"part{index % 5 + 1}/{index:04d}.jpg"
        image(base / name)
        entries.append(
            {"name": name, "keypoint2d": points.tolist(), "without_object": int(index % 6 != 5)}
        )
    write_json(base / "annotation.json", entries)


CAMERA = [[100.0, 0.0, 32.0], [0.0, 200.0, 36.0], [0.0, 0.0, 1.0]]


def freihand(root: Path) -> None:
    base = root / "FreiHAND"
    for part, count, versions in (("training", 10, 4), ("evaluation", 3, 1)):
        pixels = native(count, 21)
        depth = 0.5 + 0.01 * np.arange(21)[:, None]
        xyz = np.concatenate(
            [(pixels - [32, 36]) / [100, 200] * depth, depth + 0 * pixels[..., :1]], -1
        )
        write_json(base / f"{part}_xyz.json", xyz.tolist())
        write_json(base / f"{part}_K.json", [CAMERA] * count)
        for index in range(count * versions):
            image(base / part / "rgb" / f"{index:08d}.jpg")


def synthetic_animal(root: Path) -> None:
    """Joint j lies at the vertex of its number in the model; vertex 0 is a corner of the extent."""
    from posebridge.data.datasets.synthetic_animal import VERTICES

    for animal in ("horse", "sheep"):
        folder = root / "synthetic_animal" / f"{animal}_combineds5r5_texture"
        for index, points in enumerate(native(5, 18)):
            body = np.full((2100, 3), 20.0, dtype=np.float32)
            body[0, :2] = 4, 6
            body[1, :2] = 900, 60
            body[list(VERTICES[animal]), :2] = points
            body[VERTICES[animal][2], :2] = -3, 20  # the chin left the picture
            body[:, 2] = index % 2
            image(folder / f"{animal}_{index:04d}_img.png")
            np.save(folder / f"{animal}_{index:04d}_kpts.npy", body)
        np.save(folder / "train_idxs.npy", np.array([0, 2, 3, 4]))
        np.save(folder / "valid_idxs.npy", np.array([1]))


def tigdog(root: Path) -> None:
    """Shots 3, 4 and 7 of three frames; shot 4 has no landmarks. Frame 2 of shot 3 is mostly hidden."""
    base = root / "behaviorDiscovery2.0"
    for animal in ("horse", "tiger"):
        ranges = np.array([[3, 1, 3], [4, 4, 6], [7, 7, 9]])
        (base / "ranges" / animal).mkdir(parents=True, exist_ok=True)
        savemat(base / "ranges" / animal / "ranges.mat", {"ranges": ranges.astype(np.uint16)})
        (base / "landmarks" / animal).mkdir(parents=True, exist_ok=True)
        for shot in (3, 7):
            cells = np.empty((3, 1), dtype=object)
            for frame, points in enumerate(native(3, 19)):
                seen = np.ones((19, 1), dtype=np.uint8)
                seen[4] = 0
                if shot == 3 and frame == 1:
                    seen[9:] = 0
                cells[frame, 0] = {"positions": points, "visibility": seen}
            savemat(base / "landmarks" / animal / f"{shot}.mat", {"landmarks": cells})
        for frame in range(1, 10):
            image(base / animal / f"{frame:08d}.jpg")
        published = root / "real_animal" / animal
        published.mkdir(parents=True, exist_ok=True)
        np.save(published / "train_idxs_by_video.npy", np.array([0, 2]))
        np.save(published / "valid_idxs_by_video.npy", np.array([3, 4, 5]))


ANIMALPOSE_NAMES = [
    *("left_eye", "right_eye", "nose", "left_ear", "right_ear"),
    *("left_front_elbow", "right_front_elbow", "left_back_elbow", "right_back_elbow"),
    *("left_front_knee", "right_front_knee", "left_back_knee", "right_back_knee"),
    *("left_front_paw", "right_front_paw", "left_back_paw", "right_back_paw"),
    *("throat", "withers", "tailbase"),
]


def animalpose(root: Path) -> None:
    base = root / "animal-pose"
    images, annotations = {}, []
    for index, points in enumerate(native(10, 20)):
        name = f"2007_{index:06d}.jpg"
        image(base / "images" / name)
        images[str(index + 1)] = name
        keypoints = [[*p, 1] for p in points.tolist()]
        keypoints[6] = [0, 0, 0]
        for category in (1, 3) if index % 2 else (1,):
            annotations.append(
                {
                    "image_id": index + 1,
                    "category_id": category,
                    "bbox": [5, 6, 45, 66],
                    "num_keypoints": 20,
                    "keypoints": keypoints,
                }
            )
    categories = [
        {"id": number, "name": name, "supercategory": "animal", "keypoints": ANIMALPOSE_NAMES}
        for number, name in enumerate(("dog", "cat", "sheep", "horse", "cow"), start=1)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_json(base / "keypoints.json", content)


def ap10k(root: Path) -> None:
    from posebridge.data.datasets.ap10k import SKELETON

    base = root / "ap-10k"
    for number in range(3):
        image(base / "data" / f"{number:012d}.jpg")
    for part in ("train", "val", "test"):
        annotations = [
            {
                "id": number,
                "image_id": number,
                "category_id": number + 1,
                "bbox": [4, 5, 40, 60],
                "keypoints": [v for p in points.tolist() for v in (*p, 2)],
            }
            for number, points in enumerate(native(3, 17))
        ]
        categories = [
            {"id": n + 1, "name": name, "keypoints": list(SKELETON.keypoints), "skeleton": [[1, 2]]}
            for n, name in enumerate(("antelope", "argali sheep", "bison"))
        ]
        images = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in range(3)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        write_json(base / "annotations" / f"ap10k-{part}-split1.json", content)
