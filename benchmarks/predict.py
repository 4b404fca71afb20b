"""Throughput of Predictor.predict against the bare network on the same batches, as a ratio.

    python benchmarks/predict.py                                     # built-in figures, 96 px
    python benchmarks/predict.py --encoder resnet50 --size 256 --heatmap 64 --width 256

"Bare" is the network alone on crops that lie ready as a float tensor. "predict" decodes and cuts the
image files, converts, runs the same network and reads the keypoints. Both are timed in turn, so that
a drifting machine hurts both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import torch

from posebridge.data.coco import read_boxes
from posebridge.data.crops import CropRange
from posebridge.data.figures import FIGURE_SKELETON, write_figures
from posebridge.data.loaders import crop_loader
from posebridge.inference.predictor import Predictor
from posebridge.models.checkpoint import Checkpoint
from posebridge.models.pose import ModelConfig, PoseModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--level", type=int, default=-1)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--heatmap", type=int, default=32)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--count", type=int, default=192, help="of images in one prediction")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    config = ModelConfig(
        given.encoder, "none", {}, given.level, given.width, heatmap_size=given.heatmap
    )
    crop = CropRange(given.size)
    model = PoseModel(config, len(FIGURE_SKELETON), given.size)
    checkpoint = Checkpoint(Path("a random model"), model, FIGURE_SKELETON, crop, {}, {})
    predictor = Predictor(checkpoint)
    device = next(model.parameters()).device
    with tempfile.TemporaryDirectory() as folder:
        drawn = min(given.count, 64)
        samples = read_boxes(write_figures(Path(folder), "camera", drawn, seed=0, size=160))
        samples = samples.subset([i % drawn for i in range(given.count)])
        batches = [
            (crops.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
            for crops, _, _ in crop_loader(samples, crop, given.batch, 0)
        ]
        bare_times, whole_times = [], []
        for turn in range(given.repeat + 1):
            start = now(device)
            with torch.inference_mode():
                for images in batches:
                    predictor.model(images)
            middle = now(device)
            predictor.predict(samples, batch_size=given.batch, workers=given.workers)
            if turn > 0:
                bare_times.append(middle - start)
                whole_times.append(now(device) - middle)
    ratios = [bare / whole for bare, whole in zip(bare_times, whole_times, strict=True)]
    threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
    print(f"torch {torch.__version__}, {device}, {threads}, {given}")
    print(f"bare     {given.count / statistics.median(bare_times):8.1f} images a second")
    print(f"predict  {given.count / statistics.median(whole_times):8.1f} images a second")
    print(f"ratio    {statistics.median(ratios):8.3f} (median of {given.repeat} pairs)")


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
