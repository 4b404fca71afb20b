"""The cost of a whole adaptation step over the bare networks, measured side by side.

    python benchmarks/step.py                                      # CPU: 128 px, batch 16
    python benchmarks/step.py --encoder resnet101 --size 256 --heatmap 64 --batch 32 --width 256

"Bare" is the part that no implementation can leave out: student forward and backward on both batches,
teacher forward, discriminator forward and backward. "Step" is all of it: views, colors, pseudo-labels,
losses, optimizer, teacher update. Both are timed in turn, so that a drifting machine affects both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch

from posebridge.alignment.style_transfer import ImageLevel
from posebridge.data.crops import CropConfig
from posebridge.data.loaders import Batch, SourceBatch
from posebridge.models.pose import ModelConfig
from posebridge.ops import affine, color_augmentation, heatmaps
from posebridge.ops.augmentation_config import AugmentationConfig
from posebridge.skeleton import Skeleton
from posebridge.training.adapter import Adapter
from posebridge.training.config import AdaptConfig, StepsConfig, StyleTransferConfig
from posebridge.training.initialization import build_model

KEYPOINTS = 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", default="mobilenetv1_100")
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--heatmap", type=int, default=64)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    adapter, batch = prepare(given, device)
    autocast = torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()
    optimizer = torch.optim.AdamW(
        [*adapter.student.parameters(), *adapter.discriminator.parameters()], lr=1e-4
    )

    def step() -> None:
        with autocast:
            loss = adapter.training_step(batch, 0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        adapter.teacher.update(adapter.student)

    images = torch.rand(given.batch, 3, given.size, given.size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)

    def bare() -> None:
        with autocast:
            source, target = adapter.student(images), adapter.student(images)
            with torch.no_grad():
                adapter.teacher_model(images)
            judged = adapter.discriminator(torch.cat([source.features, target.features]))
            loss = source.heatmaps.sum() + target.heatmaps.sum() + judged.sum()
        adapter.zero_grad(set_to_none=True)
        loss.backward()

    whole, naked = in_turn([step, bare], given.repeat, device)
    ratio = statistics.median(a / b for a, b in zip(whole, naked, strict=True))
    print(f"{torch.__version__}, {device}, {torch.get_num_threads()} threads, {given}")
    print(f"whole step  {statistics.median(whole):.4f} s")
    print(f"bare        {statistics.median(naked):.4f} s")
    print(f"ratio       {ratio:.3f} (median of {given.repeat} pairs)")
    for name, part in parts(adapter, given, device).items():
        (times,) = in_turn([part], given.repeat, device)
        share = statistics.median(times) / statistics.median(whole)
        print(f"  {name:<28} {1e3 * statistics.median(times):8.2f} ms  {100 * share:5.1f} %")


def prepare(given: argparse.Namespace, device: torch.device) -> tuple[Adapter, Batch]:
    """Return the multilevel adapter without style, and a batch of noise in its second stage."""
    config = AdaptConfig(
        crop=CropConfig(given.size),
        model=ModelConfig(
            given.encoder, "none", {}, given.level, given.width, heatmap_size=given.heatmap
        ),
        style=StyleTransferConfig(method="none"),
        steps=StepsConfig(source=0, adaptation=10, batch=given.batch),
    )
    skeleton = Skeleton("person", tuple(f"joint{i}" for i in range(KEYPOINTS)))
    adapter = Adapter(config, skeleton, build_model(config, skeleton), ImageLevel("none"))
    adapter = adapter.to(device).to(memory_format=torch.channels_last)
    adapter.train()
    shape = (given.batch, given.size, given.size, 3)
    crops = torch.randint(0, 256, shape, dtype=torch.uint8, device=device).permute(0, 3, 1, 2)
    points = torch.rand(given.batch, KEYPOINTS, 2, device=device) * given.size
    visible = torch.ones(given.batch, KEYPOINTS, dtype=torch.bool, device=device)
    # Step 1: a step that writes no log.
    return adapter, Batch(1, SourceBatch(crops, points, visible), crops.clone(), ())


def parts(
    adapter: Adapter, given: argparse.Namespace, device: torch.device
) -> dict[str, Callable[[], object]]:
    """Return the parts of a step beside the networks, each as a function."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(given.batch, 3, given.size, given.size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    points = torch.rand(given.batch, KEYPOINTS, 2, device=device) * given.size
    maps = torch.rand(given.batch, KEYPOINTS, given.heatmap, given.heatmap, device=device)
    eligible = torch.ones(given.batch, KEYPOINTS, dtype=torch.bool, device=device)
    colors = AugmentationConfig()

    def views() -> None:
        for _ in range(3):
            drawn = affine.draw_views(given.batch, given.size, AugmentationConfig(), generator)
            affine.warp(images, drawn.matrix.to(device), given.size)

    def jitter() -> None:
        for _ in range(3):
            color_augmentation.jitter(images, colors, generator)

    def gaussians() -> None:
        for _ in range(2):
            heatmaps.render(points / given.size * given.heatmap, given.heatmap, 2.0)

    return {
        "views (3 warps)": views,
        "colors (3 jitters)": jitter,
        "label and pseudo-label maps": gaussians,
        "decoding the teacher": lambda: heatmaps.decode(maps),
        "occlusion": lambda: color_augmentation.occlude(
            images, points, eligible, 0.5, 20, generator
        ),
        "teacher update": lambda: adapter.teacher.update(adapter.student),
    }


def in_turn(
    jobs: list[Callable[[], object]], repeat: int, device: torch.device
) -> list[list[float]]:
    """Return the seconds of each job, run in turn after one warm-up of each."""
    times: list[list[float]] = [[] for _ in jobs]
    for turn in range(repeat + 1):
        for place, job in enumerate(jobs):
            start = now(device)
            job()
            if turn > 0:
                times[place].append(now(device) - start)
    return times


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
