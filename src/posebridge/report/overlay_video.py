"""A video with skeletons on its frames, by PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from posebridge.data.crops import UnreadableImage, decode_image
from posebridge.data.optional_dependencies import need
from posebridge.errors import InputError
from posebridge.files.whole import require_writable, written_whole
from posebridge.report.overlays import draw_poses
from posebridge.skeleton import Skeleton

if TYPE_CHECKING:
    from posebridge.inference.predictor import PosePredictions

ENDINGS = (".mp4", ".mov", ".mkv")
_TICKS = 90_000  # a second in ticks, as in MPEG


def check_overlay_video(path: Path, source: Path) -> None:
    """Raise InputError unless ``path`` can be written as a video and differs from ``source``."""
    if path.exists() and source.exists() and path.samefile(source):
        raise InputError(f"{path} is the input video; give another name for the overlays.")
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path} does not end like a video; give one of {', '.join(ENDINGS)}.")
    need("av", "video", f"writing the video {path}")
    require_writable(path)


def write_overlay_video(
    path: Path,
    found: PosePredictions,
    skeleton: Skeleton,
    frames: Sequence[Path],
    times: np.ndarray,
    least_confidence: float,
) -> int:
    """Write the frames of one video with their subjects, at their original times and without sound.

    The codec is H.264 where the build of FFmpeg has it, else MPEG-4. A frame of another size than the
    first is resized. An odd width or height loses its last pixel, because the codecs need even sizes.

    Args:
        path: the video file to write.
        found: predictions for the subjects of the frames.
        skeleton: the skeleton of the predictions.
        frames: F image files; a file that can't be read is left out.
        times: (F,) seconds, rising.
        least_confidence: keypoints below it are not drawn.

    Returns:
        The number of frames written.
    """
    av = need("av", "video", f"writing the video {path}")
    assert found.samples is not None
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    rows: dict[Path, list[int]] = {}
    for row in range(len(found)):
        rows.setdefault(found.samples.path(row), []).append(row)
    written = 0
    width, height = (max(2, int(v) // 2 * 2) for v in found.sizes[0])

    def verify(file: Path) -> None:
        """Check the number of frames: the library does not report every error of a full disk."""
        with av.open(str(file)) as container:
            packets = sum(packet.size > 0 for packet in container.demux(video=0))
        if packets != written:
            raise ValueError(f"{packets} of {written} frames")

    try:
        with written_whole(path, verify) as part, av.open(str(part), "w") as container:
            rate = Fraction(1 / step).limit_denominator(1001)
            stream = container.add_stream(codec, rate=rate)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = Fraction(1, _TICKS)
            if codec == "mpeg4":
                stream.bit_rate = 8_000_000
            for file, at in zip(frames, times, strict=True):
                try:
                    picture = decode_image(file)
                except UnreadableImage:
                    continue
                if subjects := rows.get(file):
                    shown = found.confidence[subjects] >= least_confidence
                    picture = draw_poses(picture, found.points[subjects], skeleton, shown)
                if picture.shape[0] // 2 * 2 != height or picture.shape[1] // 2 * 2 != width:
                    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
                frame = av.VideoFrame.from_ndarray(
                    np.ascontiguousarray(picture[:height, :width]), format="rgb24"
                )
                frame.time_base = Fraction(1, _TICKS)
                frame.pts = round((at - times[0]) * _TICKS)
                container.mux(stream.encode(frame))
                written += 1
            container.mux(stream.encode())
    except av.error.FFmpegError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} can't be written ({reason}); give another path.") from error
    return written
