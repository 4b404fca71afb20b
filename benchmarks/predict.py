"""Throughput of prediction against the bare network, and its memory over the length of a video.

    python benchmarks/predict.py                                     # built-in figures, 160 px
    python benchmarks/predict.py --encoder resnet50 --size 256 --heatmap 64 --width 256
    python benchmarks/predict.py --video 500 --video 4000            # videos of these lengths too
    python benchmarks/predict.py --encoder mobilenetv1_100 --level 3 --heatmap 64 --width 64 --tails

"Bare" is the network alone on crops that are ready as a float tensor. "predict" decodes and cuts the
image files, converts, runs the network and decodes the keypoints. Both are timed in turn, so that a
drifting machine affects both. Their batches are equal: crops of one set of images, in one order.
With --tails, "tails" is predict once more, with Gaussians in decoding whose tails are not cut off.

Memory is the peak of a process of its own that runs ``posebridge predict`` on every frame of a video,
with the model, the libraries and the files that it writes; its slope over the lengths is the cost of a
longer video.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

from posebridge.checkpoints.model_folder import Checkpoint, save_checkpoint
from posebridge.data.crops import CropConfig, decode_image
from posebridge.data.formats.coco import read_boxes
from posebridge.data.loaders import crop_loader
from posebridge.data.samples import UnlabeledSamples
from posebridge.inference.predictor import Predictor
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.ops import heatmaps
from posebridge.synthetic.figures import FIGURE_SKELETON, write_synthetic_figures

MEASURED = """
import resource, sys
from posebridge.cli.main import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


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
    parser.add_argument("--tails", action="store_true", help="time whole Gaussians as well")
    parser.add_argument(
        "--video", type=int, action="append", default=[], metavar="FRAMES", help="again for several"
    )
    given = parser.parse_args()
    config = ModelConfig(
        given.encoder, "none", {}, given.level, given.width, heatmap_size=given.heatmap
    )
    crop = CropConfig(given.size)
    model = PoseModel(config, len(FIGURE_SKELETON), given.size)
    checkpoint = Checkpoint(Path("a random model"), model, FIGURE_SKELETON, crop, {}, {})
    predictor = Predictor(checkpoint)
    device = next(model.parameters()).device
    threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
    print(f"torch {torch.__version__}, {device}, {threads}, {given}")
    with tempfile.TemporaryDirectory() as folder:
        drawn = min(given.count, 64)
        samples = read_boxes(
            write_synthetic_figures(Path(folder), "camera", drawn, seed=0, size=160)
        )
        samples = samples.subset([i % drawn for i in range(given.count)])
        measure_throughput(given, predictor, samples, device)
        if given.video:
            saved = Path(folder) / "model"
            notes = {"model": asdict(config), "crop": asdict(crop)}
            save_checkpoint(saved, model, FIGURE_SKELETON, notes, {})
            images = [decode_image(samples.path(row)) for row in range(drawn)]
            measure_memory(sorted(given.video), saved, images, Path(folder))


def measure_throughput(
    given: argparse.Namespace,
    predictor: Predictor,
    samples: UnlabeledSamples,
    device: torch.device,
) -> None:
    batches = [
        (crops.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
        for crops, _, _ in crop_loader(samples, predictor.crop, given.batch, 0)
    ]
    bare_times, whole_times, tails_times = [], [], []
    for turn in range(given.repeat + 1):
        start = now(device)
        with torch.inference_mode():
            for images in batches:
                predictor.model(images)
        middle = now(device)
        predictor.predict(samples, batch_size=given.batch, workers=given.workers)
        end = now(device)
        if given.tails:
            with patch.object(heatmaps, "_TAIL", 0.0):
                predictor.predict(samples, batch_size=given.batch, workers=given.workers)
        if turn > 0:
            bare_times.append(middle - start)
            whole_times.append(end - middle)
            tails_times.append(now(device) - end)
    ratios = [bare / whole for bare, whole in zip(bare_times, whole_times, strict=True)]
    print(f"bare     {given.count / statistics.median(bare_times):8.1f} images a second")
    print(f"predict  {given.count / statistics.median(whole_times):8.1f} images a second")
    print(f"ratio    {statistics.median(ratios):8.3f} (median of {given.repeat} pairs)")
    if given.tails:
        ratios = [whole / tails for whole, tails in zip(whole_times, tails_times, strict=True)]
        print(f"tails    {given.count / statistics.median(tails_times):8.1f} images a second")
        print(
            f"of tails {statistics.median(ratios):8.3f} of the time (median of {given.repeat} pairs)"
        )


def measure_memory(
    lengths: Sequence[int], model: Path, images: Sequence[np.ndarray], folder: Path
) -> None:
    peaks = []
    for length in lengths:
        clip, out = folder / f"{length}.mp4", folder / f"{length}.csv"
        write_video(clip, images, length)
        command = [sys.executable, "-c", MEASURED, "predict", str(model), str(clip)]
        done = subprocess.run(
            [*command, "--frame-step", "1", "--out", str(out)],
            env={**os.environ, "POSEBRIDGE_CACHE": str(folder / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        answered = len(out.read_text().splitlines()) - 1
        assert answered == length, f"{answered} of {length} frames were predicted"
        peaks.append(int(done.stdout.split("peak")[-1]) / 1024)  # Linux counts KiB
        print(f"video    {length:8d} frames: {peaks[-1]:.0f} MiB at the peak")
    if len(set(lengths)) > 1:
        slope = np.polyfit(lengths, peaks, 1)[0] * 1000
        print(f"memory   {slope:8.2f} MiB more for 1,000 frames more")


def write_video(file: Path, images: Sequence[np.ndarray], length: int) -> None:
    import av

    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number in range(length):
            frame = av.VideoFrame.from_ndarray(images[number % len(images)], format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
