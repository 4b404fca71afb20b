"""Small videos whose frames show their own numbers, whole and damaged."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from posebridge.data.videos.video import sample_video

WIDTH, HEIGHT = 64, 48


def picture(number: int) -> np.ndarray:
    """Return the (48, 64, 3) with eight bars for the bits of a number, the least bit left."""
    image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    for bit in range(8):
        if number >> bit & 1:
            image[8:40, bit * 8 : bit * 8 + 8] = 220
    return image


def shown_number(image: np.ndarray) -> int:
    """Return the number that a frame shows."""
    return sum(int(image[24, bit * 8 + 4].mean() > 128) << bit for bit in range(8))


def write_numbered(
    file: Path,
    times: Sequence[int] | int = 40,
    codec: str = "libx264",
    group: int = 8,
    b_frames: int = 2,
    format: str | None = None,
) -> Path:
    """Return a video at 25 frames a second.

    Args:
        times: 25ths of a second at which the frames are shown, or how many frames. group: frames from
            one key frame to the next.
    """
    numbers = list(range(times)) if isinstance(times, int) else list(times)
    with av.open(str(file), "w", format=format) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if codec == "mjpeg":
            stream.pix_fmt = "yuvj420p"
        stream.codec_context.time_base = Fraction(1, 25)
        stream.codec_context.gop_size = group
        stream.codec_context.max_b_frames = b_frames
        if codec == "libx264":
            stream.codec_context.options = {"sc_threshold": "0"}
        for number, time in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file


def packets(file: Path) -> list[tuple[int, int, int]]:
    """(presentation time, place, size) of each packet in the order of the file."""
    with av.open(str(file)) as container:
        return [(p.pts, p.pos, p.size) for p in container.demux(video=0) if p.size]


def damage(file: Path, numbers: Sequence[int]) -> Path:
    """Write random bytes over the content of the packets of some frames."""
    content = bytearray(file.read_bytes())
    random = np.random.default_rng(0)
    found = packets(file)
    shown = sorted(pts for pts, _, _ in found)
    for pts, place, size in found:
        if shown.index(pts) in numbers:
            content[place : place + size] = random.bytes(size)
    file.write_bytes(content)
    return file


def numbers_of(files: Sequence[Path]) -> list[int]:
    """Return the numbers in the names of stored frames."""
    return [int(file.stem.rpartition("_")[2]) for file in files]


def shown_in(files: Sequence[Path]) -> list[int]:
    """Return the numbers that stored frames show."""
    return [shown_number(np.asarray(Image.open(file))) for file in files]


def all_frames(file: Path, said: list[str] | None = None) -> dict[int, int]:
    """Number -> the number that is shown, of all frames of a video that can be decoded."""
    files = sample_video(file, every=1, say=None if said is None else said.append)
    return dict(zip(numbers_of(files), shown_in(files), strict=True))


def opencv_frames(file: Path) -> dict[int, int]:
    """Return the same by OpenCV, which counts what it decodes, as DeepLabCut and SLEAP do."""
    import cv2

    capture = cv2.VideoCapture(str(file))
    found: dict[int, int] = {}
    while True:
        ok, image = capture.read()
        if not ok or image is None:
            return found
        found[len(found)] = shown_number(image)
