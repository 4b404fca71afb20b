"""Every dataset in miniature: how it is written, and which files' damage a reader must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.data.datasets import native_layouts as layouts


@dataclass(frozen=True)
class Miniature:
    """How it is written, a split of it, and the files whose damage a reader must notice."""

    write: Callable[[Path], None]
    reference: str
    files: tuple[str, ...]


MINIATURES = {
    "surreal": Miniature(layouts.surreal, "surreal:train", ("surreal/train/run1.json",)),
    "surreal_video": Miniature(
        layouts.surreal_video,
        "surreal_video:train",
        ("SURREAL/data/cmu/train/run0/01_01/01_01_c0000_info.mat",),
    ),
    "lsp": Miniature(layouts.lsp, "lsp:transductive", ("lsp/joints.mat",)),
    "lspet": Miniature(layouts.lspet, "lspet:all", ("lspet/joints.mat",)),
    "human36m": Miniature(
        layouts.human36m, "human36m:train", ("human36m/annotations/keypoints2d_5.json",)
    ),
    "mpii": Miniature(layouts.mpii, "mpii:train", ("mpii/annot/train.json",)),
    "rhd": Miniature(layouts.rhd, "rhd:train", ("RHD_published_v2/training/anno_training.pickle",)),
    "h3d": Miniature(layouts.h3d, "h3d:all", ("H3D_crop/annotation.json",)),
    "freihand": Miniature(
        layouts.freihand,
        "freihand:train",
        ("FreiHAND/training_xyz.json", "FreiHAND/training_K.json"),
    ),
    "synthetic_animal": Miniature(
        layouts.synthetic_animal,
        "synthetic_animal:horse-train",
        (
            "synthetic_animal/horse_combineds5r5_texture/horse_0002_kpts.npy",
            "synthetic_animal/horse_combineds5r5_texture/train_idxs.npy",
        ),
    ),
    "tigdog": Miniature(
        layouts.tigdog,
        "tigdog:tiger-shots-train",
        (
            "behaviorDiscovery2.0/ranges/tiger/ranges.mat",
            "behaviorDiscovery2.0/landmarks/tiger/7.mat",
        ),
    ),
    "animalpose": Miniature(
        layouts.animalpose, "animalpose:dog-train", ("animal-pose/keypoints.json",)
    ),
    "ap10k": Miniature(
        layouts.ap10k, "ap10k:train", ("ap-10k/annotations/ap10k-train-split1.json",)
    ),
}


def write_all(root: Path) -> Path:
    for miniature in MINIATURES.values():
        miniature.write(root)
    return root
