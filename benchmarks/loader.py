"""Crops per second and core that a worker process decodes and cuts.

python benchmarks/loader.py                       # built-in figures, 96 px
python benchmarks/loader.py annotations.json --size 256
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from posebridge.data.crops import CropConfig
from posebridge.data.formats.coco import read_boxes
from posebridge.data.loaders import read_crops
from posebridge.synthetic.figures import write_synthetic_figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annotations", nargs="?", help="a COCO file (default: built-in figures)")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if given.annotations is None:
            drawn = min(given.count, 500)
            file = write_synthetic_figures(Path(folder), "camera", drawn, seed=0)
            print(
                f"drawing and writing: {drawn / (time.perf_counter() - start):.0f} figures a second"
            )
        else:
            file = Path(given.annotations)
        samples = read_boxes(file)
        rows = np.arange(given.count) % len(samples)
        for _ in range(given.repeat):
            start = time.perf_counter()
            read_crops(samples, rows, CropConfig(given.size))
            seconds = time.perf_counter() - start
            print(f"{given.count / seconds:.0f} crops of {given.size} px a second, one core")


if __name__ == "__main__":
    main()
