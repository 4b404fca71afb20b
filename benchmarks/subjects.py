"""One image with many subjects: decoded once for all, against once for each, in turn.

python benchmarks/subjects.py                     # 300 subjects in 1920 x 1080
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from posebridge.data.crops import CropConfig, cut, decode_image, get_region, read_crop
from posebridge.data.samples import UnlabeledSamples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    crops = CropConfig(128, 1.25)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.jpg"
        pixels = cv2.resize(rng.integers(0, 256, (27, 48, 3), np.uint8), (1920, 1080))
        cv2.imwrite(str(file), pixels)
        corner, side = rng.uniform(0, 900, (given.subjects, 2)), np.full((given.subjects, 2), 100)
        boxes, rows = np.concatenate([corner, side], axis=1), np.arange(given.subjects)
        samples = UnlabeledSamples.from_lists("a", [file] * given.subjects, boxes, rows * 0, rows)

        def each(row: int) -> np.ndarray:
            image = decode_image(file)
            return cut(image, get_region(samples.boxes[row], 1920, 1080, 1.25), 128)

        for _ in range(given.repeat):
            times, crops_made = [], []
            for read in (lambda row: read_crop(samples, row, crops)[0], each):
                start = time.perf_counter()
                crops_made.append([read(int(row)) for row in rows])
                times.append(time.perf_counter() - start)
            assert all(np.array_equal(a, b) for a, b in zip(*crops_made, strict=True))
            print(
                f"once {times[0]:.3f} s, for each {times[1]:.3f} s, ratio {times[0] / times[1]:.4f}"
            )


if __name__ == "__main__":
    main()
