"""A cache of frames that is thrown away, and small videos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Frames go there rather than to the home folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("POSEBRIDGE_CACHE", str(folder))
    return folder


def write_film(file: Path, count: int = 10, times: Sequence[int] = (), rotation: int = 0) -> Path:
    """Return a video of 64 x 48 whose frame i has the gray 20 i, its upper left quarter white.

    Args:
        times: milliseconds at which the frames are shown; by default 40 apart.
        rotation: degrees that a player turns it counterclockwise.
    """
    from fractions import Fraction

    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.max_b_frames = 2
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            picture = np.full((48, 64, 3), 20 * number, np.uint8)
            picture[:24, :32] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = times[number] if times else 40 * number
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file


@pytest.fixture
def film() -> Callable[..., Path]:
    """:func:`write_film`."""
    return write_film
