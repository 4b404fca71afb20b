"""SURREAL as distributed: videos of rendered people, 320 x 240 px (Varol et al., CVPR 2017).

    SURREAL/data/cmu/{train,val,test}/run{0,1,2}/SEQUENCE/CLIP.mp4
    SURREAL/data/cmu/{train,val,test}/run{0,1,2}/SEQUENCE/CLIP_info.mat   'joints2D' (2, 24, T)

A clip of one frame has (2, 24). Training reads images, so frames are written beside each video first,
into CLIP_frames/000000.jpg, by

    posebridge datasets prepare surreal_video DATA --frames 10

Joints as in ``surreal``. Visibility: joints within the frame. Box: their extent; frames with fewer
than 8 of the 16 joints in view are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from posebridge.data.datasets.files import existing, extent, load_mat, numbers, table
from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.data.datasets.skeletons import BODY16
from posebridge.data.datasets.surreal import LICENCE, PAGE, SMPL_ROWS
from posebridge.data.samples import LabeledSamples
from posebridge.data.videos.frame_decoder import save_frames
from posebridge.data.videos.video import frame_times
from posebridge.errors import InputError
from posebridge.files.whole import folder_written_whole, require_writable

WIDTH, HEIGHT = 320, 240
LEAST_IN_VIEW = 8


def read(folder: Path, split: str) -> LabeledSamples:
    """Return samples of ``train``, ``val`` or ``test``: every frame that was written out.

    Raises:
        InputError: the files are not the ones described above, or no frame is written out.
    """
    paths: list[Path] = []
    joints: list[np.ndarray] = []
    for clip in _clips(folder, split):
        frames = sorted(_frames(clip).glob("*.jpg"))
        if not frames:
            continue
        file = clip.with_name(clip.stem + "_info.mat")
        points = load_mat(file, "joints2D")
        points = points[..., None] if points.ndim == 2 else points
        points = numbers(file, "joints2D", points, (2, 24, None)).transpose(2, 1, 0)
        index = np.array([int(f.stem) if f.stem.isdigit() else -1 for f in frames])
        if index.min() < 0 or index.max() >= len(points):
            raise InputError(
                f"{frames[0].parent} has a frame that {file.name} ({len(points)} frames) does not "
                "describe; remove the folder and write the frames out again."
            )
        paths += frames
        joints.append(points[index])
    if not paths:
        raise InputError(
            f"no frame of the videos in {folder / split} is written out; run 'posebridge datasets "
            "prepare surreal_video DATA --frames 10' once."
        )
    points = np.concatenate(joints)[:, SMPL_ROWS]
    in_view = ((points >= 0) & (points <= np.array([WIDTH - 1, HEIGHT - 1]))).all(axis=-1)
    in_view &= (in_view.sum(axis=1) >= LEAST_IN_VIEW)[:, None]
    return table(folder / split, paths, extent(points, in_view), BODY16, points, in_view)


def videos(folder: Path) -> list[Path]:
    """Return every video of the three parts.

    Raises:
        InputError: there is none.
    """
    clips = [clip for split in ("train", "val", "test") for clip in _all_clips(folder, split)]
    if not clips:
        raise InputError(f"{folder} holds no video of SURREAL; unpack SURREAL_v1.tar.gz there.")
    return clips


def write_frames(
    clips: Sequence[Path], every: int, progress: Callable[[int], None] | None = None
) -> int:
    """Write every ``every``-th frame of videos beside them; videos that have frames are left alone.

    Args:
        progress: called with the number of videos done.

    Returns:
        the number of images written.

    Raises:
        InputError: a video cannot be decoded, or a frame cannot be written.
    """
    written = 0
    for folder in {clip.parent for clip in clips}:
        require_writable(folder, folder=True)
    for done, clip in enumerate(clips, start=1):
        target = _frames(clip)
        if not target.is_dir():
            with folder_written_whole(target) as partial:
                written += _write_clip(clip, every, partial)
        if progress is not None:
            progress(done)
    return written


def _write_clip(clip: Path, every: int, folder: Path) -> int:
    """Write every ``every``-th frame of a video that can be decoded, named by its number."""
    import cv2

    def save(number: int, image: np.ndarray) -> None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
        _, content = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), quality)
        (folder / f"{number:06d}.jpg").write_bytes(content.tobytes())

    wanted = range(0, len(frame_times(clip)), every)
    save_frames(clip, wanted, save, lambda number: (folder / f"{number:06d}.jpg").unlink())
    count = sum(1 for _ in folder.iterdir())
    if count == 0:
        raise InputError(f"{clip} has no frame that can be decoded; unpack it again.")
    return count


def _clips(folder: Path, split: str) -> list[Path]:
    clips = _all_clips(folder, split)
    if not clips:
        raise InputError(f"{folder / split} holds no video; unpack SURREAL_v1.tar.gz there.")
    for clip in clips:
        existing(clip.with_name(clip.stem + "_info.mat"))
    return clips


def _all_clips(folder: Path, split: str) -> list[Path]:
    return sorted((folder / split).glob("run*/*/*.mp4"))


def _frames(clip: Path) -> Path:
    return clip.with_name(clip.stem + "_frames")


BENCHMARK = Benchmark(
    name="surreal_video",
    title="SURREAL, videos (Varol et al. 2017)",
    folder="SURREAL/data/cmu",
    page=PAGE,
    licence=LICENCE,
    layout="{train,val,test}/run*/SEQUENCE/CLIP.mp4, CLIP_info.mat",
    skeleton=BODY16,
    splits={part: f"the {part} part" for part in ("train", "val", "test")},
    read=read,
    visibility="joints within the frame",
    boxes="the extent of the joints in view",
    expected=(
        Expected("train/run*/*/*.mp4"),
        Expected("train/run*/*/*_info.mat"),
        Expected("train/run*/*/*_frames/*.jpg", note="written by --frame-step"),
        Expected("val/run*/*/*_info.mat", optional=True),
        Expected("test/run*/*/*_info.mat", optional=True),
    ),
)
