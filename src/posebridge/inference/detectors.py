"""Detectors by name: they find the subjects where no file has boxes.

A name is ``FAMILY:MODEL``. ``torchvision`` has the detectors of torchvision (BSD), with weights for the
classes of COCO, from their download address or from a file. To add a family: a class with the
attributes and the method of :class:`Detector`, and its name in ``FAMILIES``. A family and its weights
need a license that lets a product use them.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlparse

import numpy as np
import torch
from torch import Tensor

from posebridge.errors import InputError
from posebridge.files.places import cannot_write, is_disk_error
from posebridge.files.whole import write_bytes


class Detections(NamedTuple):
    """The detections in one image.

    Attributes:
        boxes: (M, 4) x, y, width, height in pixels of the image; the box covers [x, x + width).
        scores: (M,) in [0, 1]. labels: (M,) of the detector's classes.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


class Detector(Protocol):
    """Images in, boxes out.

    Attributes:
        name: for messages. classes: the names of the labels.
        digest: a checksum of all that the detections depend on.
    """

    name: str
    classes: Sequence[str]
    digest: str

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Return the detections in (H, W, 3) uint8 RGB images, of any sizes."""
        ...


class TorchvisionDetector:
    """A detector of ``torchvision.models.detection``.

    Args:
        model: its name there, such as ``fasterrcnn_mobilenet_v3_large_320_fpn``.
        weights: a file (.pth or .safetensors) with torchvision's weights; None: its download, once,
            into the cache of ``torch.hub``.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InputError: no such model, no such file, a file of another model, or a download that fails.
    """

    def __init__(self, model: str, weights: Path | str | None = None, device: str = "auto") -> None:
        from torchvision.models import detection as models
        from torchvision.models import get_model_builder, get_model_weights, list_models

        known = list_models(models)
        if model not in known:
            raise InputError(f"torchvision has no detector '{model}'; it has {', '.join(known)}.")
        chosen: Any = next(iter(get_model_weights(model)))
        self.name = f"torchvision:{model}"
        self.classes: Sequence[str] = tuple(chosen.meta["categories"])
        build = get_model_builder(model)
        with tempfile.TemporaryDirectory() as folder:
            before = torch.hub.get_dir()
            try:
                if weights is not None:
                    # torchvision configures some models by the weights that they get, so that a
                    # file has to take the way of the download.
                    place = Path(folder) / "checkpoints" / Path(urlparse(chosen.url).path).name
                    content = io.BytesIO()  # torch raises its own errors for a full disk
                    torch.save(_read_weights(Path(weights)), content)
                    write_bytes(place, content.getvalue())
                    torch.hub.set_dir(folder)
                network = build(weights=chosen, progress=False)
            except OSError as error:
                if is_disk_error(error):
                    raise cannot_write(torch.hub.get_dir(), error) from error
                raise InputError(
                    f"the weights of {self.name} can't be downloaded from {chosen.url} "
                    f"({getattr(error, 'reason', None) or error}); fetch them elsewhere and give "
                    "--detector-weights FILE."
                ) from error
            except RuntimeError as error:
                what = "its download" if weights is None else weights
                raise InputError(f"{what} does not hold the weights of {self.name}.") from error
            finally:
                torch.hub.set_dir(before)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        self.network = network.eval().to(self.device)
        self.digest = _digest(self.name, network.state_dict())

    @torch.inference_mode()
    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Return the detections; see :class:`Detector`."""
        pixels = [torch.from_numpy(np.ascontiguousarray(i)).to(self.device) for i in images]
        found = self.network([p.permute(2, 0, 1).float() / 255 for p in pixels])
        return [_detections(answer) for answer in found]


FAMILIES: Mapping[str, Callable[..., Detector]] = {"torchvision": TorchvisionDetector}


def load_detector(name: str, weights: Path | str | None = None, device: str = "auto") -> Detector:
    """Load a detector by name, such as ``torchvision:fasterrcnn_mobilenet_v3_large_320_fpn``.

    Raises:
        InputError: an unknown name, or weights that are not available.
    """
    family, colon, model = name.partition(":")
    if not colon or family not in FAMILIES:
        raise InputError(
            f"'{name}' is not a detector; give FAMILY:MODEL, with {' or '.join(FAMILIES)} as the "
            "family."
        )
    return FAMILIES[family](model, weights, device)


class Wanted(NamedTuple):
    """Which detections are subjects.

    Attributes:
        label: the class. min_score: of a box. min_box_size: of its longer side, pixels.
        largest: whether only the largest box of an image is a subject.
    """

    label: str = "person"
    min_score: float = 0.5
    min_box_size: float = 0.0
    largest: bool = False

    def check(self, detector: Detector) -> None:
        """Raise InputError unless the detector has the class."""
        if self.label not in detector.classes:
            known = [name for name in detector.classes if name not in ("__background__", "N/A")]
            near = difflib.get_close_matches(self.label, known, n=3) or known
            raise InputError(
                f"{detector.name} has no class '{self.label}'; it has {', '.join(near)}."
            )

    def boxes(self, found: Detections, classes: Sequence[str]) -> np.ndarray:
        """Return the (B, 4) boxes of the subjects in one image, the highest score first."""
        keep = found.labels == list(classes).index(self.label)
        keep &= found.scores >= self.min_score
        keep &= (found.boxes[:, 2:].max(axis=1, initial=0) >= self.min_box_size) & (
            found.boxes[:, 2:].min(axis=1, initial=np.inf) > 0
        )
        boxes = found.boxes[keep][np.argsort(-found.scores[keep], kind="stable")]
        if self.largest and len(boxes):
            boxes = boxes[[int(np.argmax(boxes[:, 2] * boxes[:, 3]))]]
        return boxes


def _detections(answer: Mapping[str, Tensor]) -> Detections:
    corners = answer["boxes"].cpu().numpy()
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return Detections(boxes, answer["scores"].cpu().numpy(), answer["labels"].cpu().numpy())


def _read_weights(file: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise InputError(f"the weights {file} do not exist; give a .pth or .safetensors file.")
    try:
        if file.suffix.lower() == ".safetensors":
            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise InputError(f"{file} is not a readable safetensors file ({error}).") from error
    except Exception as error:  # a pickle fails in as many ways as there are bytes
        raise InputError(
            f"{file} holds no weights that can be read without running code from it "
            f"({type(error).__name__}); give a state dict of torchvision."
        ) from error


def _digest(name: str, state: Mapping[str, Tensor]) -> str:
    content = hashlib.sha256(name.encode())
    for key, values in state.items():
        content.update(key.encode())
        content.update(values.detach().cpu().contiguous().numpy().tobytes())
    return content.hexdigest()
