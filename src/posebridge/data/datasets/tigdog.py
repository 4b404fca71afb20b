"""TigDog: video frames of horses and tigers (Del Pero et al., CVPR 2015).

    behaviorDiscovery2.0/ranges/ANIMAL/ranges.mat       'ranges' (S, 3): shot, first, last frame
    behaviorDiscovery2.0/landmarks/ANIMAL/SHOT.mat      'landmarks' {T cells}: positions, visibility
    behaviorDiscovery2.0/ANIMAL/00000001.jpg ...
    real_animal/ANIMAL/{train,valid}_idxs_by_video.npy  in the same place, from the code of CC-SSL

Shots without a landmark file are passed over; the published indices count the frames of all others
in the order of ``ranges``. Of the 19 landmarks the first 18 are used. The tiger's limbs come in
another order (elbows, knees and shoulders change places) and are put into the horse's, as
UDA-Animal-Pose's reader does.

Visibility: the landmark's own flag. Frames with at most 9 visible joints are left out (CC-SSL).
Box: 15 px round the landmarks whose coordinates are above 0, cut to the image, so known from the
labels, as in the papers, which pad it by 1.25.

Split: ``train`` and ``test`` by the published indices, drawn by video. Without those files,
``shots-train`` and ``shots-test``: every fifth shot with frames tests, and no shot does both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import existing, extent, load_mat, numbers, table
from posebridge.data.datasets.indices import published_indices
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import ANIMAL18
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError

TIGER_ROWS = (0, 1, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17, 12, 13, 8, 9, 10, 11)
"""For each of the 18 joints the tiger's row."""

LEAST_VISIBLE = 10
MARGIN = 15.0


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of one of the splits below.

    Raises:
        InputError: the files are not the ones described above.
    """
    animal, _, part = split.partition("-")
    file = folder / "ranges" / animal / "ranges.mat"
    ranges = numbers(file, "ranges", load_mat(file, "ranges"), (None, 3))
    if not np.isfinite(ranges).all() or np.abs(ranges).max(initial=0) > 1e8:
        raise InputError(f"{file} has frame numbers that are none; copy it again.")
    frames: list[int] = []
    shots: list[np.ndarray] = []
    landmarks: list[np.ndarray] = []
    for shot, first, last in ranges.astype(np.int64):
        shot_file = folder / "landmarks" / animal / f"{shot}.mat"
        if not shot_file.is_file():
            continue
        count = int(last - first + 1)
        if count < 1 or first < 0:
            raise InputError(
                f"{file}: shot {shot} goes from frame {first} to {last}; copy it again."
            )
        landmarks.append(_landmarks(shot_file, count))
        frames += range(first, last + 1)
        shots.append(np.full(count, len(shots)))
    if not frames:
        raise InputError(
            f"{file} names no shot with landmarks in {folder / 'landmarks' / animal}; unpack them."
        )
    rows, shot_of = np.concatenate(landmarks), np.concatenate(shots)
    if animal == "tiger":
        rows = rows[:, TIGER_ROWS]
    seen = rows[..., 2] > 0
    chosen = _chosen(folder, animal, part, len(frames), shot_of)
    chosen = chosen[seen[chosen].sum(axis=1) >= LEAST_VISIBLE]
    if not len(chosen):
        raise InputError(f"{file}: no frame of '{split}' has {LEAST_VISIBLE} visible joints.")
    paths = [folder / animal / f"{frames[i]:08d}.jpg" for i in chosen]
    boxes = _boxes(rows[chosen], paths, shot_of[chosen])
    return table(file, paths, boxes, ANIMAL18, rows[chosen, :, :2], seen[chosen])


def _chosen(folder: Path, animal: str, part: str, count: int, shot_of: np.ndarray) -> np.ndarray:
    if part in ("shots-train", "shots-test"):
        tests = shot_of % 5 == 4
        return np.flatnonzero(tests if part == "shots-test" else ~tests)
    name = {"train": "train_idxs_by_video.npy", "test": "valid_idxs_by_video.npy"}[part]
    file = folder.parent / "real_animal" / animal / name
    return published_indices(file, count, f"{animal}-shots-{part}")


def _landmarks(file: Path, count: int) -> np.ndarray:
    """Return the (T, 18, 3) x, y, visible of one shot; not visible where the file has no number."""
    cells = load_mat(file, "landmarks")
    if cells.dtype != object or cells.size < count or cells.ndim != 2:
        raise InputError(
            f"{file} has landmarks of {cells.size} frames and ranges.mat {count}; copy both again."
        )
    rows = np.zeros((count, 18, 3))
    for frame, cell in enumerate(cells.reshape(-1)[:count]):
        try:
            record = cell.reshape(-1)[0]
            positions, visible = np.asarray(record[0]), np.asarray(record[1])
            both = np.hstack([positions[:18].astype(np.float64), visible[:18].reshape(18, 1)])
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise InputError(
                f"{file}: frame {frame} has no positions (19, 2) and visibility (19, 1); copy it "
                "again."
            ) from error
        if both.shape != (18, 3):
            raise InputError(f"{file}: frame {frame} has landmarks of another shape than (19, 2).")
        rows[frame] = both.astype(np.float64)
    rows[~np.isfinite(rows).all(axis=-1)] = 0
    return rows


def _boxes(rows: np.ndarray, paths: list[Path], shot_of: np.ndarray) -> np.ndarray:
    """Return boxes 15 px around the landmarks above 0; all frames of a shot have one size."""
    from PIL import Image

    sizes: dict[int, tuple[int, int]] = {}
    for path, shot in zip(paths, shot_of, strict=True):
        if int(shot) not in sizes:
            try:
                with Image.open(existing(path)) as image:
                    sizes[int(shot)] = image.size
            except (OSError, ValueError, SyntaxError) as error:
                raise InputError(
                    f"{path} is not an image ({error}); unpack the archive again."
                ) from error
    limit = np.array([sizes[int(shot)] for shot in shot_of], dtype=np.float64)
    placed = extent(rows[..., :2], np.asarray((rows[..., :2] > 0).all(axis=-1)))
    low = np.maximum(placed[:, :2] - MARGIN, 0)
    high = np.minimum(placed[:, :2] + placed[:, 2:] - 1 + MARGIN, limit)
    return np.concatenate([low, np.maximum(high - low, 1)], axis=1)


_SHA256 = {
    "horse": (
        "0fbe013da1a9fb6c08f1698faa55ede5e5e25ba30f8c5467b7dc767a636c0a4f",
        "7a4854257872221322fd7dc34a317ff4ce19652ec2a86241fc9e79f4449b562b",
    ),
    "tiger": (
        "650981bfdc24170cfe0eba1b8fb97a07a05d9783017ca6d67d5e7290f406935e",
        "4173a6154216aa7c3717652404eff303c7aeda003f64fde721fe1f5f4624cfbf",
    ),
}

BENCHMARK = Benchmark(
    name="tigdog",
    title="TigDog (Del Pero et al. 2015)",
    folder="behaviorDiscovery2.0",
    page="http://calvin-vision.net/datasets/tigdog/",
    licence="see the page",
    layout="ranges/ANIMAL/ranges.mat, landmarks/ANIMAL/SHOT.mat, ANIMAL/00000001.jpg",
    skeleton=ANIMAL18,
    splits={
        f"{animal}-{part}": text
        for animal, counts in (("horse", ("8,380", "1,772")), ("tiger", ("6,523", "1,765")))
        for part, text in (
            ("train", f"{animal}, the published {counts[0]} frames"),
            ("test", f"{animal}, the published {counts[1]} frames of other videos"),
            ("shots-train", f"{animal}, four of five shots; needs no published indices"),
            ("shots-test", f"{animal}, every fifth shot; needs no published indices"),
        )
    },
    read=read,
    visibility="the landmark's flag, in frames with at least 10 visible joints",
    boxes="15 px round the landmarks, so known from the labels, as in the papers",
    expected=(
        *(
            expected
            for animal in ("horse", "tiger")
            for expected in (
                Expected(f"ranges/{animal}/ranges.mat", 1),
                Expected(f"landmarks/{animal}/*.mat"),
                Expected(f"{animal}/*.jpg"),
            )
        ),
        *(
            Expected(
                f"../real_animal/{animal}/{part}_idxs_by_video.npy",
                1,
                digest,
                note="the published split, from the code of CC-SSL",
                optional=True,
            )
            for animal in ("horse", "tiger")
            for part, digest in zip(("train", "valid"), _SHA256[animal], strict=True)
        ),
    ),
)
