"""A trained model on new images: keypoints with a confidence, in the pixels of those images."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.data.crops import CropRange, cut, region_of, to_image
from posebridge.data.loaders import crop_loader, to_tensor
from posebridge.data.reading import ReadingConfig, read_unlabelled
from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.inference.network import Keypoints, Network, TorchNetwork
from posebridge.inference.views import ManyViews
from posebridge.models.checkpoint import Checkpoint, load_checkpoint
from posebridge.models.pose import PoseModel
from posebridge.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class PosePredictions:
    """N subjects, K keypoints.

    Attributes:
        points: (N, K, 2) float32, x, y in pixels of the original image.
        confidence: (N, K) float32 in [0, 1]: the height of the heatmap's peak; with several views
            what :class:`~posebridge.inference.views.ManyViews` says, or a calibrated chance.
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


# The answer to a batch, and for each subject x, y, side of its region, width, height of its image.
_Part = tuple[Keypoints, np.ndarray]


class Predictor:
    """A pose model ready for images.

    >>> predictor = posebridge.load("runs/people")              # doctest: +SKIP
    >>> predictor.predict("photographs/").points.shape          # doctest: +SKIP
    (120, 14, 2)
    """

    def __init__(self, model: Checkpoint | Network, device: str = "auto") -> None:
        """``device`` (``auto``, ``cpu`` or ``cuda``) is for a checkpoint; a network has its own."""
        self.network: Network = (
            TorchNetwork(model, device) if isinstance(model, Checkpoint) else model
        )

    @property
    def skeleton(self) -> Skeleton:
        """Who the keypoints are."""
        return self.network.skeleton

    @property
    def adapted_to(self) -> str | None:
        """The target that the model was adapted to, as its run's configuration has it."""
        target = self.network.notes.get("target")
        return None if target is None else str(target)

    @property
    def crop(self) -> CropRange:
        """How subjects are cut out of images."""
        return self.network.crop

    @property
    def checkpoint(self) -> Checkpoint:
        """The model folder; an exported file has none, which is an InputError."""
        return self._torch.checkpoint

    @property
    def model(self) -> PoseModel:
        """The PyTorch model; an exported file has none, which is an InputError."""
        return self._torch.model

    def with_views(self, views: int = 1, flip: bool = False) -> Predictor:
        """The same model, asked about several views of each crop; see :class:`ManyViews`."""
        if views == 1 and not flip:
            return self
        return Predictor(ManyViews(self.network, views, flip))

    @property
    def _torch(self) -> TorchNetwork:
        network = self.network.network if isinstance(self.network, ManyViews) else self.network
        if not isinstance(network, TorchNetwork):
            raise InputError(
                f"{self.network.name} is an exported file, which answers with keypoints only; give "
                "the model folder that it was made from."
            )
        return network

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
        parts: list[_Part] = []
        skipped: list[str] = []
        rows: list[int] = []
        done = 0
        for crops, places, errors in crop_loader(samples, self.crop, batch_size, workers):
            fine = [i for i, error in enumerate(errors) if error is None]
            skipped += [error for error in errors if error is not None]
            rows += [done + i for i in fine]
            done += len(errors)
            if fine:
                whole = len(fine) == len(errors)
                answer = self.network.keypoints(crops if whole else crops[fine])
                parts.append((answer, places[fine].numpy()))
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
        parts: list[_Part] = []
        for start in range(0, len(images), batch_size):
            some = images[start : start + batch_size]
            whole = np.zeros(4)
            regions = [region_of(whole, i.shape[1], i.shape[0], 1.0) for i in some]
            crops = [cut(i, r, self.crop.size) for i, r in zip(some, regions, strict=True)]
            places = [(*r, i.shape[1], i.shape[0]) for i, r in zip(some, regions, strict=True)]
            answer = self.network.keypoints(to_tensor(np.stack(crops)))
            parts.append((answer, np.array(places)))
        return self._collect(parts, np.arange(len(images)), None, [])

    def _collect(
        self,
        parts: list[_Part],
        rows: np.ndarray,
        samples: UnlabelledSamples | None,
        skipped: Sequence[str],
    ) -> PosePredictions:
        answers, places = zip(*parts, strict=True)
        joined = Keypoints(*(np.concatenate(field) for field in zip(*answers, strict=True)))
        places = np.concatenate(places)
        regions = places[:, :3]
        return PosePredictions(
            points=to_image(joined.points, regions, self.crop.size).astype(np.float32),
            confidence=joined.confidence.astype(np.float32),
            regions=regions,
            sizes=places[:, 3:],
            cells=joined.cells,
            rows=rows,
            samples=samples,
            skipped=skipped,
        )


def load(path: Path | str, weights: str = "last", device: str = "auto") -> Predictor:
    """Load a model for prediction.

    Args:
        path: a run folder, a model folder, a zip of one, an id of the Hugging Face hub
            (``user/name``, ``user/name@revision``), or an ONNX file of ``posebridge export``.
        weights: of a run folder: ``last``, ``selected`` (by the label-free validator) or
            ``source`` (before the adaptation).
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InputError: no model there, or a damaged one.
    """
    if Path(path).suffix.lower() == ".onnx":
        from posebridge.inference.onnx_network import OnnxNetwork

        return Predictor(OnnxNetwork(Path(path), device))
    return Predictor(load_checkpoint(path, weights), device)
