"""A trained model on new images: keypoints with a confidence, in the pixels of those images."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from posebridge.checkpoints.model_folder import Checkpoint, load_checkpoint
from posebridge.data.crops import CropConfig, cut, get_region
from posebridge.data.loaders import crop_loader, to_tensor
from posebridge.data.reading import DataConfig, read_unlabeled
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.given import require_given
from posebridge.inference.batches import Batch
from posebridge.inference.network import Keypoints, Network, TorchNetwork
from posebridge.inference.predictions import BatchPrediction, PosePredictions, joined
from posebridge.inference.tta import ManyViews, get_tta
from posebridge.models.pose import PoseModel
from posebridge.models.tta import TTAConfig
from posebridge.skeleton import Skeleton

__all__ = ["PosePredictions", "Predictor", "load"]


class Predictor:
    """A pose model ready for images.

    >>> predictor = posebridge.load("runs/people")              # doctest: +SKIP
    >>> predictor.predict("photographs/").points.shape          # doctest: +SKIP
    (120, 14, 2)
    """

    def __init__(self, model: Checkpoint | Network, device: str = "auto") -> None:
        """Take a checkpoint for ``device`` (``auto``, ``cpu``, ``cuda``), or a network on its own."""
        self.network: Network = (
            TorchNetwork(model, device) if isinstance(model, Checkpoint) else model
        )

    @property
    def skeleton(self) -> Skeleton:
        """The names and pairs of the keypoints."""
        return self.network.skeleton

    @property
    def adapted_to(self) -> str | None:
        """The target that the model was adapted to, as its run's configuration has it."""
        target = self.network.notes.get("target")
        return None if target is None else str(target)

    @property
    def crop(self) -> CropConfig:
        """The size and padding of the crops."""
        return self.network.crop

    @property
    def checkpoint(self) -> Checkpoint:
        """The model folder; an exported file has none, which is an InputError."""
        return self._torch.checkpoint

    @property
    def model(self) -> PoseModel:
        """The PyTorch model; an exported file has none, which is an InputError."""
        return self._torch.model

    @property
    def tta(self) -> TTAConfig:
        """The test-time augmentation."""
        return get_tta(self.network)

    def with_views(self, views: int = 1, flip: bool = False, rotation: float = 0.0) -> Predictor:
        """Return the model with this test-time augmentation instead; see :class:`ManyViews`.

        Without arguments, with none.
        """
        tta = TTAConfig(views, flip, rotation)
        if tta == self.tta:
            return self
        once = self._once
        return Predictor(once if tta == TTAConfig() else ManyViews(once, views, flip, rotation))

    @property
    def _once(self) -> Network:
        """The network without test-time augmentation."""
        return self.network.network if isinstance(self.network, ManyViews) else self.network

    @property
    def _torch(self) -> TorchNetwork:
        network = self._once
        if not isinstance(network, TorchNetwork):
            raise InputError(
                f"{self.network.name} is an exported file, which has keypoints only; give "
                "the model folder that it was made from."
            )
        return network

    def predict(
        self,
        images: UnlabeledSamples | Path | str | Sequence[Path | str] | Sequence[np.ndarray],
        *,
        batch_size: int = 32,
        workers: int | None = None,
        options: DataConfig | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PosePredictions:
        """Find the keypoints of every subject.

        Args:
            images: a folder, a glob, an image, a video, an annotation file of any known
                format, of which images and boxes are read, a list of image files, a list of
                (H, W, 3) uint8 RGB arrays (whole images), or samples that were read.
            options: which frames of a video, and which boxes.
            progress: called with the number of subjects done.

        Raises:
            InputError: no image can be read.
        """
        if isinstance(images, (str, Path)):
            format = None if options is None else options.target_format
            images = read_unlabeled(images, format=format, options=options)
        if isinstance(images, UnlabeledSamples):
            return self._predict_samples(images, batch_size, workers, progress)
        if len(images) == 0:
            raise InputError("no images were given; give at least one.")
        if isinstance(images[0], np.ndarray):
            return self._predict_arrays([np.asarray(i) for i in images], batch_size)
        paths = [Path(str(i)) for i in images]
        order = np.arange(len(paths))
        samples = UnlabeledSamples.from_lists(
            "the given list", paths, np.zeros((len(paths), 4)), order, order
        )
        return self._predict_samples(samples, batch_size, workers, progress)

    def _predict_samples(
        self,
        samples: UnlabeledSamples,
        batch_size: int,
        workers: int | None,
        progress: Callable[[int], None] | None,
    ) -> PosePredictions:
        batches = []
        for batch in self.predict_batches(samples, batch_size=batch_size, workers=workers):
            batches.append(batch)
            if progress is not None:
                progress(batch.end)
        return self.join_batches(batches, samples)

    def predict_batches(
        self,
        samples: UnlabeledSamples,
        first: int = 0,
        *,
        batch_size: int = 32,
        workers: int | None = None,
    ) -> Generator[Batch]:
        """Yield the results of the samples from ``first`` on, for :meth:`join_batches`."""
        left = samples.subset(np.arange(first, len(samples))) if first else samples
        if workers is None:
            workers = min(8, (os.cpu_count() or 1) // 2) if len(left) > 64 else 0
        for crops, places, errors in crop_loader(left, self.crop, batch_size, workers):
            readable = [i for i, error in enumerate(errors) if error is None]
            broken = [error for error in errors if error is not None]
            arrays = {}
            if readable:
                keypoints = self.network.keypoints(crops[readable] if broken else crops)
                rows = first + np.array(readable)
                arrays = BatchPrediction(keypoints, places[readable].numpy(), rows).arrays()
            yield Batch(first, first + len(errors), arrays, broken)
            first += len(errors)

    def join_batches(self, batches: Iterable[Batch], samples: UnlabeledSamples) -> PosePredictions:
        """Return the batches of all ``samples`` as one prediction.

        Raises:
            InputError: no image was readable.
        """
        batches = list(batches)
        parts = [BatchPrediction.from_arrays(batch.arrays) for batch in batches if batch.arrays]
        skipped = [line for batch in batches for line in batch.notes]
        if not parts:
            raise InputError(f"no image of {samples.name} can be read; the first: {skipped[0]}.")
        rows = np.concatenate([part.rows for part in parts])
        return joined(parts, samples.subset(rows), skipped, self.crop.size)

    def ask(self, image: np.ndarray, boxes: np.ndarray) -> tuple[Keypoints, np.ndarray]:
        """Return the keypoints of the subjects in one decoded image.

        Args:
            image: (H, W, 3) uint8 RGB.
            boxes: (B, 4) x, y, width, height, a width of 0 for the whole image; B is 1 or more.

        Returns:
            keypoints and places, as :class:`BatchPrediction` has them.
        """
        height, width = image.shape[:2]
        regions = [get_region(box, width, height, self.crop.padding) for box in boxes]
        crops = np.stack([cut(image, region, self.crop.size) for region in regions])
        places = np.array([(*region, width, height) for region in regions], dtype=np.float64)
        return self.network.keypoints(to_tensor(crops)), places

    def _predict_arrays(self, images: list[np.ndarray], batch_size: int) -> PosePredictions:
        for number, image in enumerate(images):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise InputError(
                    f"image {number} is an array {image.shape} of {image.dtype}; give (H, W, 3) "
                    "uint8 RGB."
                )
        parts: list[BatchPrediction] = []
        whole = np.zeros(4)
        for start in range(0, len(images), batch_size):
            some = images[start : start + batch_size]
            regions = [get_region(whole, i.shape[1], i.shape[0], 1.0) for i in some]
            crops = [cut(i, r, self.crop.size) for i, r in zip(some, regions, strict=True)]
            places = [(*r, i.shape[1], i.shape[0]) for i, r in zip(some, regions, strict=True)]
            answer = self.network.keypoints(to_tensor(np.stack(crops)))
            parts.append(BatchPrediction(answer, np.array(places), start + np.arange(len(some))))
        return joined(parts, None, [], self.crop.size)


def load(path: Path | str, checkpoint: str = "last", device: str = "auto") -> Predictor:
    """Load a model for prediction, with the test-time augmentation of its config.

    :meth:`Predictor.with_views` changes the augmentation.

    Args:
        path: a run folder, a model folder, a zip of one, an id of the Hugging Face hub
            (``user/name``, ``user/name@revision``), or an ONNX file of ``posebridge export``.
        checkpoint: the checkpoint of a run folder: ``last``, ``selected`` (by the label-free validator) or
            ``source`` (before the adaptation).
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InputError: the path holds no model, or a damaged one.
    """
    require_given(path, "models")
    if Path(path).suffix.lower() == ".onnx":
        from posebridge.inference.onnx_network import OnnxNetwork

        exported = OnnxNetwork(Path(path), device)
        return Predictor(exported).with_views(**asdict(exported.file_notes.tta))
    loaded = load_checkpoint(path, checkpoint)
    return Predictor(loaded, device).with_views(**asdict(loaded.tta))
