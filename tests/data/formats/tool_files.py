"""Small images and label files for the tests of readers, and where published samples lie."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

SAMPLES = Path(__file__).parents[3] / "../shared/data/samples"


def picture(file: Path, size: tuple[int, int] = (100, 50)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(file)
    return file


def text(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file
