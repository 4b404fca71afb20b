"""The real images and labels that lie beside the project, in the layouts that they come in."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from posebridge.data.crops import CropConfig, read_crop
from posebridge.data.datasets import read_benchmark
from posebridge.data.datasets.animalpose import SPECIES
from posebridge.data.samples import LabeledSamples

DATA = Path(os.environ.get("POSEBRIDGE_DATA", Path(__file__).parents[3] / "../shared/data"))
SAMPLES = DATA / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is missing")


def sits_on_images(samples: LabeledSamples, share: float = 0.9) -> None:
    """Crops can be cut, and nearly all joints lie within the padded box."""
    for row in range(len(samples)):
        crop, region, _ = read_crop(samples.images, row, CropConfig(size=32, padding=1.5))
        assert crop.any()
        points = samples.points[row, samples.labeled[row]]
        inside = (points >= [region.x, region.y]) & (
            points < [region.x + region.side, region.y + region.side]
        )
        assert inside.all(axis=1).mean() >= share


def coco(name: str, file: str) -> dict:
    return json.loads((SAMPLES / name / file).read_text())


def test_lsp_extended_in_its_own_layout(tmp_path):
    (tmp_path / "lspet").symlink_to((DATA / "samples_native" / "lspet").resolve())
    found = read_benchmark("lspet:all", tmp_path)
    # The file's first image: joint 0 has flag 0 and a place beyond the image.
    assert found.images.path(0).name == "im00001.jpg"
    assert not found.labeled[0, found.skeleton.keypoints.index("right_ankle")]
    knee = found.points[0, found.skeleton.keypoints.index("right_knee")]
    assert np.allclose(knee, [26.0309, 86.4102], atol=1e-3)
    assert len(found) == 60
    sits_on_images(found, share=1.0)


def test_mpii(tmp_path):
    (tmp_path / "mpii" / "annot").mkdir(parents=True)
    shutil.copy(SAMPLES / "mpii" / "test_mpii.json", tmp_path / "mpii" / "annot" / "valid.json")
    (tmp_path / "mpii" / "images").symlink_to((SAMPLES / "mpii").resolve())
    found = read_benchmark("mpii:valid", tmp_path)
    assert found.points[0, 0].tolist() == [803, 710]
    # Center (966, 340) - 1, scale 4.718488: the box of 943.7 px begins half of it to the left.
    assert np.allclose(found.images.boxes[0, ::2], [965 - 471.8488, 943.6976], atol=1e-3)
    sits_on_images(found)


def test_ap10k(tmp_path):
    (tmp_path / "ap-10k" / "annotations").mkdir(parents=True)
    target = tmp_path / "ap-10k" / "annotations" / "ap10k-test-split1.json"
    shutil.copy(SAMPLES / "ap10k" / "test_ap10k.json", target)
    (tmp_path / "ap-10k" / "data").symlink_to((SAMPLES / "ap10k").resolve())
    found = read_benchmark("ap10k:test", tmp_path)
    assert len(found) == 2
    assert found.images.boxes[0].tolist() == [66, 192, 1092, 512]
    assert found.labeled[0].sum() == 16
    sits_on_images(found, share=1.0)


def test_rhd_as_mmpose_converts_it(tmp_path):
    base = tmp_path / "RHD_published_v2"
    (base / "annotations").mkdir(parents=True)
    shutil.copy(SAMPLES / "rhd" / "test_rhd.json", base / "annotations" / "rhd_test.json")
    for path in (SAMPLES / "rhd").glob("*.png"):
        shutil.copy(path, base)
    found = read_benchmark("rhd:test", tmp_path)
    assert len(found) == 3
    # The thumb's joint nearest to the wrist is named first here, and last in that file.
    wrist, thumb = found.points[0, 0], found.points[0, 1:5]
    assert np.linalg.norm(thumb[0] - wrist) < np.linalg.norm(thumb[3] - wrist)
    assert np.allclose(thumb[0], [220, 82.51], atol=1e-3)
    sits_on_images(found)


def test_freihand_from_cameras_and_joints_in_space(tmp_path):
    """The samples have pixels only: they are put at a depth of half a meter before a camera."""
    base = tmp_path / "FreiHAND"
    (base / "evaluation" / "rgb").mkdir(parents=True)
    content = coco("freihand", "test_freihand.json")
    camera = np.array([[480.0, 0, 112], [0, 480, 112], [0, 0, 1]])
    files = {entry["id"]: entry["file_name"] for entry in content["images"]}
    space = []
    for index, annotation in enumerate(content["annotations"]):
        pixels = np.array(annotation["keypoints"]).reshape(21, 3)
        pixels[:, 2] = 1
        space.append((pixels @ np.linalg.inv(camera).T * 0.5).tolist())
        image = base / "evaluation" / "rgb" / f"{index:08d}.jpg"
        shutil.copy(SAMPLES / "freihand" / files[annotation["image_id"]], image)
    (base / "evaluation_xyz.json").write_text(json.dumps(space))
    (base / "evaluation_K.json").write_text(json.dumps([camera.tolist()] * len(space)))
    found = read_benchmark("freihand:evaluation", tmp_path)
    expected = [np.array(a["keypoints"]).reshape(21, 3)[:, :2] for a in content["annotations"]]
    assert np.allclose(found.points, expected, atol=1e-3)
    sits_on_images(found, share=1.0)


def test_human36m_as_the_preprocessing_writes_it(tmp_path):
    """The frames of the samples, whole, with the 16 joints out of their 17."""
    content = coco("h36m", "h36m_coco.json")
    names = content["categories"][0]["keypoints"]
    order = [
        *("right_foot", "right_knee", "right_hip", "left_hip", "left_knee", "left_foot"),
        *("root (pelvis)", "thorax", "neck_base", "head", "right_wrist", "right_elbow"),
        *("right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    ]
    base = tmp_path / "human36m"
    (base / "annotations").mkdir(parents=True)
    entries: dict[int, list] = {s: [] for s in (1, 5, 6, 7, 8)}
    for image, annotation in zip(content["images"], content["annotations"], strict=True):
        (file,) = (SAMPLES / "h36m").rglob(image["file_name"])
        subject = int(image["file_name"][1])
        target = base / "crop_images" / image["file_name"]
        target.parent.mkdir(exist_ok=True)
        shutil.copy(file, target)
        points = np.array(annotation["keypoints"]).reshape(17, 3)[
            [names.index(n) for n in order], :2
        ]
        entries[subject].append({"name": image["file_name"], "keypoint2d": points.tolist()})
    entries[6] = entries[1]  # the samples have nothing of subject 6
    for subject, listed in entries.items():
        (base / "annotations" / f"keypoints2d_{subject}.json").write_text(json.dumps(listed))
    found = read_benchmark("human36m:train", tmp_path)
    assert len(found) == 5
    pelvis = found.points[0, found.skeleton.keypoints.index("pelvis")]
    assert np.allclose(pelvis, [473.6836, 444.9424], atol=1e-3)
    sits_on_images(found, share=1.0)


def test_animalpose_in_its_own_order(tmp_path):
    """The samples are MMPose's conversion; here they are written back as the authors publish them."""
    content = coco("animalpose", "test_animalpose.json")
    theirs = content["categories"][0]["keypoints"]
    order = [
        *("L_Eye", "R_Eye", "Nose", "L_EarBase", "R_EarBase"),
        *("L_F_Elbow", "R_F_Elbow", "L_B_Elbow", "R_B_Elbow"),
        *("L_F_Knee", "R_F_Knee", "L_B_Knee", "R_B_Knee"),
        *("L_F_Paw", "R_F_Paw", "L_B_Paw", "R_B_Paw", "Throat", "Withers", "TailBase"),
    ]
    base = tmp_path / "animal-pose"
    base.mkdir()
    (base / "images").symlink_to((SAMPLES / "animalpose").resolve())
    annotations = []
    for annotation in content["annotations"]:
        keypoints = np.array(annotation["keypoints"]).reshape(20, 3)
        x, y, width, height = annotation["bbox"]
        annotations.append(
            {
                "image_id": annotation["image_id"],
                "category_id": 2,
                "bbox": [x, y, x + width, y + height],
                "keypoints": keypoints[[theirs.index(name) for name in order]].tolist(),
            }
        )
    images = {str(entry["id"]): entry["file_name"] for entry in content["images"]}
    categories = [{"id": n, "name": name} for n, name in enumerate(SPECIES, start=1)]
    text = json.dumps({"images": images, "annotations": annotations, "categories": categories})
    (base / "keypoints.json").write_text(text)
    found = read_benchmark("animalpose:cat-train", tmp_path)
    assert len(found) == 2
    row = found.images.files.tolist().index(str(base / "images" / "ca110.jpeg").encode())
    assert found.images.boxes[row].tolist() == [13, 36, 284, 192]
    assert found.points[row, found.skeleton.keypoints.index("nose")].tolist() == [102, 109]
    assert not found.labeled[row, found.skeleton.keypoints.index("right_back_paw")]
    sits_on_images(found, share=1.0)
