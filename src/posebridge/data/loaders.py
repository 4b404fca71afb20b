"""Endless paired batches of raw crops, each a function of seed and step.

Step s of a stream takes the rows s*B to (s+1)*B of an endless list: one shuffled pass over the data
after another, every pass shuffled by (seed, domain, pass). The number of the step is all that
resuming needs, whatever the number of workers. Workers only decode and cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from posebridge.data.crops import CropConfig, UnreadableImage, decode_image, read_crop, to_crop
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError

_SOURCE, _TARGET = 0, 1
# More unreadable images than this in a row mean a disk that is gone, not a broken file.
_PATIENCE = 50

_Item = TypeVar("_Item")


class SourceBatch(NamedTuple):
    """Labeled crops: points in pixels of the crop, visible where labeled and inside it."""

    images: UInt8[Tensor, "B 3 C C"]
    points: Float[Tensor, "B K 2"]
    visible: Bool[Tensor, "B K"]


class Batch(NamedTuple):
    """The input of one step. ``target`` has no labels; it is None in the source stage.

    ``source`` is None without a source.
    """

    step: int
    source: SourceBatch | None
    target: UInt8[Tensor, "B 3 C C"] | None
    unreadable: Sequence[str]


def stream_rows(seed: int, domain: int, count: int, start: int, length: int) -> np.ndarray:
    """Return rows ``start`` to ``start + length`` of the endless shuffled list of ``count``."""
    positions = np.arange(start, start + length)
    rows = np.empty(length, dtype=np.int64)
    for turn in np.unique(positions // count):
        order = np.random.default_rng([seed, domain, int(turn)]).permutation(count)
        here = positions // count == turn
        rows[here] = order[positions[here] % count]
    return rows


def read_crops(
    samples: UnlabeledSamples, rows: np.ndarray, crops: CropConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Decode and cut the given rows; an unreadable image is replaced by the next readable row.

    Returns:
        crops (B, 3, C, C) uint8, regions (B, 3), the rows that were actually read, and a line for
            each image that could not be read.
    """
    images = np.empty((len(rows), crops.size, crops.size, 3), np.uint8)
    regions = np.empty((len(rows), 3), np.float64)
    used = np.array(rows, dtype=np.int64)
    unreadable: list[str] = []
    for place in range(len(rows)):
        for _ in range(_PATIENCE):
            try:
                images[place], regions[place], _ = read_crop(samples, int(used[place]), crops)
                break
            except UnreadableImage as error:
                unreadable.append(str(error))
                used[place] = (used[place] + 1) % len(samples)
        else:
            raise InputError(
                f"{_PATIENCE} images of {samples.name} in a row can't be read, the last: "
                f"{unreadable[-1]}; is the disk still connected?"
            )
    return images, regions, used, unreadable


class PairedBatches(Dataset[Batch]):
    """Item s is the whole batch of step s: source crops with labels, target crops without.

    Without a source, a step has the target crops that it has with a source.
    """

    def __init__(
        self,
        source: LabeledSamples | None,
        target: UnlabeledSamples | None,
        crops: CropConfig,
        batch_size: int,
        seed: int,
        target_from: int,
    ) -> None:
        """Store the data; ``target_from`` is the first step that has target crops."""
        self.source, self.target, self.crops = source, target, crops
        self.batch_size, self.seed, self.target_from = batch_size, seed, target_from

    def __getitem__(self, step: int) -> Batch:
        source, target, unreadable = None, None, []
        if self.source is not None:
            source, unreadable = self._labeled(self.source, step)
        if self.target is not None and step >= self.target_from:
            start = (step - self.target_from) * self.batch_size
            rows = stream_rows(self.seed, _TARGET, len(self.target), start, self.batch_size)
            images, _, _, more = read_crops(self.target, rows, self.crops)
            unreadable += more
            target = to_tensor(images)
        return Batch(step, source, target, tuple(unreadable))

    def _labeled(self, samples: LabeledSamples, step: int) -> tuple[SourceBatch, list[str]]:
        rows = stream_rows(
            self.seed, _SOURCE, len(samples), step * self.batch_size, self.batch_size
        )
        images, regions, rows, unreadable = read_crops(samples.images, rows, self.crops)
        points = to_crop(samples.points[rows], regions, self.crops.size)
        inside = ((points >= -0.5) & (points <= self.crops.size - 0.5)).all(axis=2)
        batch = SourceBatch(
            to_tensor(images),
            torch.from_numpy(points.astype(np.float32)),
            torch.from_numpy(samples.labeled[rows] & inside),
        )
        return batch, unreadable


class UnpairedBatches(Dataset[tuple[Tensor, Tensor]]):
    """Item s is two batches of crops without labels, one of each domain, for the style network."""

    def __init__(
        self,
        source: UnlabeledSamples,
        target: UnlabeledSamples,
        crops: CropConfig,
        batch_size: int,
        seed: int,
    ) -> None:
        self.domains, self.crops = (source, target), crops
        self.batch_size, self.seed = batch_size, seed

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        images = []
        for domain, samples in enumerate(self.domains):
            rows = stream_rows(
                self.seed, domain, len(samples), step * self.batch_size, self.batch_size
            )
            images.append(to_tensor(read_crops(samples, rows, self.crops)[0]))
        return images[0], images[1]


class UnlabeledCrops(Dataset[tuple[Tensor, Tensor, str | None]]):
    """Each subject once: its crop (3, C, C), its (x, y, side, image width, image height), an error.

    An unreadable image gives a black crop and the reason.
    """

    def __init__(self, samples: UnlabeledSamples, crops: CropConfig) -> None:
        self.samples, self.crops = samples, crops

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, str | None]:
        try:
            image, region, size = read_crop(self.samples, index, self.crops)
        except UnreadableImage as error:
            empty = np.zeros((self.crops.size, self.crops.size, 3), np.uint8)
            return (
                to_tensor(empty[None])[0],
                torch.tensor([0, 0, self.crops.size, 0, 0]),
                str(error),
            )
        return to_tensor(image[None])[0], torch.tensor([*region, *size]), None


def to_tensor(images: np.ndarray) -> UInt8[Tensor, "B 3 C C"]:
    """Return the (B, C, C, 3) pixels as a channels-last tensor; no copy."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


class _StepsFrom(Sampler[int]):
    """The steps ``first`` to ``last``, in order, whatever was done before.

    It has no length on purpose: Lightning counts a resumed epoch from its beginning, and would
    stop early if it knew how many batches are left.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[int]:
        yield from range(self.first, self.last)


class _CropLoader(DataLoader[_Item]):
    """A DataLoader whose workers decode and cut on one thread each.

    OpenCV must have no threads when a worker forks: the child inherits the pool without its
    threads, and its first call that touches the pool waits for the threads forever.
    """

    def __iter__(self) -> Any:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(0)
        try:
            return super().__iter__()
        finally:
            cv2.setNumThreads(threads)


def step_loader(steps: Dataset[_Item], first: int, last: int, workers: int) -> DataLoader[_Item]:
    """Return the items of the steps ``first`` to ``last``, in order, read by ``workers``."""
    return _CropLoader(
        steps,
        batch_size=None,
        sampler=_StepsFrom(first, last),
        num_workers=workers,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def _collate_crops(
    items: list[tuple[Tensor, Tensor, str | None]],
) -> tuple[Tensor, Tensor, list[str | None]]:
    images, places, errors = zip(*items, strict=True)
    stacked = torch.stack([i.permute(1, 2, 0) for i in images]).permute(0, 3, 1, 2)
    return stacked, torch.stack(places), list(errors)


def crop_loader(
    samples: UnlabeledSamples, crops: CropConfig, batch_size: int, workers: int
) -> Iterable[tuple[Tensor, Tensor, list[str | None]]]:
    """Return every subject once, in order: crops (B, 3, C, C), places (B, 5), errors or None."""
    loader: DataLoader[Any] = _CropLoader(
        UnlabeledCrops(samples, crops),
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_collate_crops,
        pin_memory=torch.cuda.is_available(),
    )
    return loader


class _WholeImages(Dataset[tuple[Tensor, str | None]]):
    """Each subject's image (H, W, 3), or an empty image and the reason."""

    def __init__(self, samples: UnlabeledSamples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, str | None]:
        try:
            return torch.from_numpy(decode_image(self.samples.path(index))), None
        except UnreadableImage as error:
            return torch.zeros(0, 0, 3, dtype=torch.uint8), str(error)


def _collate_images(
    items: list[tuple[Tensor, str | None]],
) -> tuple[list[Tensor], list[str | None]]:
    images, errors = zip(*items, strict=True)
    return list(images), list(errors)


def image_loader(
    samples: UnlabeledSamples, batch_size: int, workers: int
) -> Iterable[tuple[list[UInt8[Tensor, "H W 3"]], list[str | None]]]:
    """Return the whole image of every subject, in order: images of any sizes, errors or None."""
    loader: DataLoader[Any] = _CropLoader(
        _WholeImages(samples),
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_collate_images,
    )
    return loader
