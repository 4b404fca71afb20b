"""A trained pose model as a folder of five files, none of which is ever executed.

model.safetensors   the weights
skeleton.json       the names of the keypoints, their pairs and edges
config.yaml         the whole configuration of the run; 'model' and 'crop' rebuild the network,
                    'tta' is its test-time augmentation
results.json        training data and scores of the checkpoint, and the checksums of the other files
README.md           the model card, for people; it may be edited and is never read
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load, save

from posebridge.checkpoints import hub
from posebridge.checkpoints.archive import (
    CARD,
    CONFIG,
    FORMAT,
    RESULTS,
    SKELETON,
    WEIGHTS,
    read_files,
    sealed,
)
from posebridge.checkpoints.card import model_card
from posebridge.checkpoints.config_file import ModelFolderConfig, parse_config
from posebridge.checkpoints.weights_header import WeightsHeader
from posebridge.data.crops import CropConfig
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.whole import files_written_whole, folder_written_whole
from posebridge.models.finite import require_finite_weights
from posebridge.models.pose import PoseModel
from posebridge.models.tta import TTAConfig
from posebridge.skeleton import Skeleton

CHOICES = ("last", "selected", "source")


@dataclass(frozen=True)
class Checkpoint:
    """The content of a model folder, the network rebuilt and in evaluation mode.

    Attributes:
        folder: the folder of the files, or the zip.
        tta: the model's test-time augmentation, the default for predictions.
    """

    folder: Path
    model: PoseModel
    skeleton: Skeleton
    crop: CropConfig
    config: Mapping[str, Any]
    results: Mapping[str, Any]
    tta: TTAConfig = field(default_factory=TTAConfig)


def save_checkpoint(
    folder: Path,
    model: PoseModel,
    skeleton: Skeleton,
    config: Mapping[str, Any],
    results: Mapping[str, Any],
) -> None:
    """Write a model folder atomically; an existing one is replaced.

    Args:
        folder: the model folder; a missing parent is created.
        config: 'model' and 'crop' rebuild the network; other sections are stored for reference.
        results: training data and scores; :mod:`posebridge.checkpoints.card` lists the entries that
            the model card shows.
    """
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    files = {
        WEIGHTS: save(state, metadata={"format": FORMAT}),
        SKELETON: skeleton.to_json().encode(),
        CONFIG: yaml.safe_dump(dict(config), sort_keys=False).encode(),
    }
    files = sealed(files, results)
    files[CARD] = model_card(skeleton, config, results).encode()
    with folder_written_whole(folder, replace=True, alone=True) as partial:
        for name, content in files.items():
            (partial / name).write_bytes(content)


def record_scores(folder: Path, scores: Mapping[str, Any]) -> bool:
    """Add scores on labeled images to a model folder's results, and to its card.

    Scores replace earlier ones of the same data set.

    Args:
        scores: 'metrics' and 'protocol', as an evaluation writes them.

    Returns:
        whether the card was written too: an edited card is left as it is.
    """
    files, results = read_files(folder)
    checkpoint = load_checkpoint(folder)
    set_name = scores["protocol"]["dataset"]
    others = [s for s in results.get("scores", []) if s["protocol"]["dataset"] != set_name]
    card = folder / CARD
    untouched = model_card(checkpoint.skeleton, checkpoint.config, results)
    edited = card.is_file() and card.read_text(encoding="utf-8", errors="replace") != untouched
    results["scores"] = [*others, dict(scores)]
    content = {RESULTS: sealed(files, results)[RESULTS]}
    if not edited:
        content[CARD] = model_card(checkpoint.skeleton, checkpoint.config, results).encode()
    with files_written_whole([folder / name for name in content]) as partials:
        for partial, text in zip(partials, content.values(), strict=True):
            partial.write_bytes(text)
    return not edited


def find_checkpoint(path: Path | str, choice: str = "last") -> Path:
    """Return the folder or zip of a model: a model folder, the ``choice`` of a run folder, or a zip.

    The id of a model on the Hugging Face hub (``user/name`` or ``user/name@revision``) is
    downloaded, unless a folder ``user`` exists here: then the id is taken for a path.

    Raises:
        InputError: neither a model folder nor a run folder with that choice, or no such id.
    """
    folder = Path(path)
    if (folder / WEIGHTS).is_file() or (folder.is_file() and folder.suffix.lower() == ".zip"):
        return folder
    if not folder.exists() and hub.is_id(str(path)):
        return hub.download(str(path))
    if choice not in CHOICES:
        raise InputError(f"unknown checkpoint '{choice}'; known are {', '.join(CHOICES)}.")
    inside = folder / "checkpoints"
    if (inside / choice / WEIGHTS).is_file():
        return inside / choice
    if inside.is_dir():
        present = sorted(p.name for p in inside.iterdir() if (p / WEIGHTS).is_file())
        raise InputError(
            f"the run {folder} has no checkpoint '{choice}' (it has: {', '.join(present) or 'none'}); "
            "choose an existing one, or let the run finish with --resume."
        )
    raise InputError(
        f"{folder} is neither a model folder nor a run folder; give the --out of 'posebridge adapt', "
        "a zip of a model folder, or the id of a model on the Hugging Face hub."
    )


def load_checkpoint(path: Path | str, choice: str = "last") -> Checkpoint:
    """Rebuild a model from a folder, a zip or the hub, on the CPU, in evaluation mode.

    Args:
        path: as in :func:`find_checkpoint`.
        choice: of a run folder: ``last``, ``selected`` or ``source``.

    Raises:
        InputError: a file is missing, truncated, differs from its checksum, or does not fit the
            others; or the weights are not finite numbers.
    """
    folder = find_checkpoint(path, choice)
    files, results = read_files(folder, lambda texts, header: _require_fit(folder, texts, header))
    skeleton, config = _read_texts(folder, files)
    model = _build(folder, config, len(skeleton))
    try:
        state = load(files[WEIGHTS])
    except SafetensorError as error:
        raise InputError(
            f"{folder / WEIGHTS} is damaged or not a safetensors file ({error}); copy it again."
        ) from error
    require_finite_weights(state, str(folder / WEIGHTS))
    model.load_state_dict(state)
    return Checkpoint(
        folder, model.eval(), skeleton, config.crop, config.content, results, config.tta
    )


def _read_texts(folder: Path, files: Mapping[str, bytes]) -> tuple[Skeleton, ModelFolderConfig]:
    skeleton = Skeleton.from_json(files[SKELETON], str(folder / SKELETON))
    return skeleton, parse_config(files[CONFIG], folder / CONFIG)


def _build(folder: Path, config: ModelFolderConfig, keypoints: int) -> PoseModel:
    """Return the network that a folder describes, with random weights."""
    try:
        return PoseModel(replace(config.model, encoder_weights="none"), keypoints, config.crop.size)
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder / CONFIG} describes a network that cannot be built "
            f"({(str(error).splitlines() or [''])[0][:200]}); copy the whole model folder again."
        ) from error
    except InputError as error:
        raise InputError(f"{folder / CONFIG}: {error}") from error


def _require_fit(folder: Path, texts: Mapping[str, bytes], header: WeightsHeader) -> None:
    """Compare the names and shapes in a weights file with the network, before either takes memory.

    Raises:
        InputError: they differ, or a text is damaged.
    """
    skeleton, config = _read_texts(folder, texts)
    with torch.device("meta"):
        network = _build(folder, config, len(skeleton))
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = header.shapes
    wrong = [n for n in sorted({*expected, *given}) if expected.get(n) != given.get(n)]
    if wrong:
        raise InputError(
            f"{folder / WEIGHTS} does not fit {folder / CONFIG}: {len(wrong)} of its tensors are "
            f"missing, surplus or of another shape, the first {short_repr(wrong[0])}; copy the whole "
            "folder."
        )
