"""A trained model on new images: keypoints with a confidence, in the pixels of those images."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from posebridge.data.crops import CropRange, cut, region_of, to_image
from posebridge.data.loaders import crop_loader, to_tensor
from posebridge.data.reading import ReadingConfig, read_unlabelled
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.models.checkpoint import Checkpoint, load_checkpoint
from posebridge.models.pose import PoseModel
from posebridge.ops import facing, heatmaps
from posebridge.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class PosePredictions:
    """N subjects, K keypoints.

    Attributes:
        points: (N, K, 2) float32, x, y in pixels of the original image.
        confidence: (N, K) float32 in [0, 1]: the height of the heatmap's peak.
        regions: (N, 3) x, y, side of the square that the model saw, pixels of the image.
        sizes: (N, 2) width and height of each image.
        cells: (N, K, 2) the highest cell of each heatmap, for the published protocol.
        rows: (N,) which of the given subjects these are; unreadable images are left out.
        samples: these N subjects, or None where arrays were given.
        skipped: one line for each image that could not be read.
    """

    points: np.ndarray
    confidence: np.ndarray
    regions: np.ndarray
    sizes: np.ndarray
    cells: np.ndarray
    rows: np.ndarray
    samples: UnlabelledSamples | None
    skipped: Sequence[str]

    def __len__(self) -> int:
        return len(self.points)


class Predictor:
    """A pose model ready for images.

    >>> predictor = posebridge.load("runs/people")              # doctest: +SKIP
    >>> predictor.predict("photographs/").points.shape          # doctest: +SKIP
    (120, 14, 2)
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.checkpoint = checkpoint
        self.device = torch.device(device)
        self.model: PoseModel = checkpoint.model.eval()
        self.model.to(self.device).to(memory_format=torch.channels_last)
        self._mirror = torch.tensor(checkpoint.skeleton.mirror, device=self.device)

    @property
    def skeleton(self) -> Skeleton:
        """Who the keypoints are."""
        return self.checkpoint.skeleton

    @property
    def adapted_to(self) -> str | None:
        """The target that the model was adapted to, as its run's configuration has it."""
        target = self.checkpoint.config.get("target")
        return None if target is None else str(target)

    @property
    def crop(self) -> CropRange:
        """How subjects are cut out of images."""
        return self.checkpoint.crop

    def predict(
        self,
        images: UnlabelledSamples | Path | str | Sequence[Path | str] | Sequence[np.ndarray],
        *,
        batch_size: int = 32,
        workers: int | None = None,
        options: ReadingConfig | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PosePredictions:
        """Find the keypoints of every subject.

        Args:
            images: a folder, a glob, an image, a video, an annotation file of any format that is
                known, of which images and boxes are read, a list of image files, a list of
                (H, W, 3) uint8 RGB arrays (whole images), or samples that were read.
            options: which frames of a video, and which boxes.
            progress: called with the number of subjects done.

        Raises:
            InputError: nothing there can be read.
        """
        if isinstance(images, (str, Path)):
            format = None if options is None else options.target_format
            images = read_unlabelled(images, format=format, options=options)
        if isinstance(images, UnlabelledSamples):
            return self._predict_samples(images, batch_size, workers, progress)
        if len(images) == 0:
            raise InputError("no images were given; give at least one.")
        if isinstance(images[0], np.ndarray):
            return self._predict_arrays([np.asarray(i) for i in images], batch_size)
        paths = [Path(str(i)) for i in images]
        order = np.arange(len(paths))
        samples = UnlabelledSamples.from_lists(
            "the given list", paths, np.zeros((len(paths), 4)), order, order
        )
        return self._predict_samples(samples, batch_size, workers, progress)

    def _predict_samples(
        self,
        samples: UnlabelledSamples,
        batch_size: int,
        workers: int | None,
        progress: Callable[[int], None] | None,
    ) -> PosePredictions:
        if workers is None:
            workers = min(8, (os.cpu_count() or 1) // 2) if len(samples) > 64 else 0
        parts: list[dict[str, np.ndarray]] = []
        skipped: list[str] = []
        rows: list[int] = []
        done = 0
        for crops, places, errors in crop_loader(samples, self.crop, batch_size, workers):
            fine = [i for i, error in enumerate(errors) if error is None]
            skipped += [error for error in errors if error is not None]
            rows += [done + i for i in fine]
            done += len(errors)
            if fine:
                part = self._keypoints(crops[fine])
                part["places"] = places[fine].numpy()
                parts.append(part)
            if progress is not None:
                progress(done)
        if not parts:
            raise InputError(f"no image of {samples.name} can be read; the first: {skipped[0]}.")
        return self._collect(parts, np.array(rows), samples.subset(rows), skipped)

    def _predict_arrays(self, images: list[np.ndarray], batch_size: int) -> PosePredictions:
        for number, image in enumerate(images):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise InputError(
                    f"image {number} is an array {image.shape} of {image.dtype}; give (H, W, 3) "
                    "uint8 RGB."
                )
        parts = []
        for start in range(0, len(images), batch_size):
            some = images[start : start + batch_size]
            whole = np.zeros(4)
            regions = [region_of(whole, i.shape[1], i.shape[0], 1.0) for i in some]
            crops = [cut(i, r, self.crop.size) for i, r in zip(some, regions, strict=True)]
            part = self._keypoints(to_tensor(np.stack(crops)))
            part["places"] = np.array(
                [(*r, i.shape[1], i.shape[0]) for i, r in zip(some, regions, strict=True)]
            )
            parts.append(part)
        return self._collect(parts, np.arange(len(images)), None, [])

    @torch.inference_mode()
    def _keypoints(self, crops: Tensor) -> dict[str, np.ndarray]:
        images = crops.to(self.device, non_blocking=True)
        images = images.to(torch.float32, memory_format=torch.channels_last) / 255
        output = self.model(images)
        maps = facing.by_name(output.heatmaps.float(), output.turned, self._mirror)
        cells, peak = heatmaps.decode(maps)
        highest, _ = heatmaps.argmax_cells(maps)
        return {
            "points": heatmaps.cells_to_pixels(cells, self.model.stride).cpu().numpy(),
            "confidence": peak.clamp(0, 1).cpu().numpy(),
            "cells": highest.cpu().numpy(),
        }

    def _collect(
        self,
        parts: list[dict[str, Any]],
        rows: np.ndarray,
        samples: UnlabelledSamples | None,
        skipped: Sequence[str],
    ) -> PosePredictions:
        joined = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
        regions = joined["places"][:, :3]
        return PosePredictions(
            points=to_image(joined["points"], regions, self.crop.size).astype(np.float32),
            confidence=joined["confidence"].astype(np.float32),
            regions=regions,
            sizes=joined["places"][:, 3:],
            cells=joined["cells"],
            rows=rows,
            samples=samples,
            skipped=skipped,
        )


def load(path: Path | str, weights: str = "last", device: str = "auto") -> Predictor:
    """Load a model for prediction.

    Args:
        path: a model folder, or a run folder.
        weights: of a run folder: ``last``, ``selected`` (by the label-free validator) or
            ``source`` (before the adaptation).
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InputError: no model there, or a damaged one.
    """
    return Predictor(load_checkpoint(path, weights), device)
