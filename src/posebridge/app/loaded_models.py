"""The models of the command line, loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posebridge.checkpoints.archive import WEIGHTS
from posebridge.inference.predictor import Predictor, load


@dataclass(frozen=True)
class ShownModel:
    """One model on the page.

    Attributes:
        name: its unique title on the page.
        detail: a short description.
        slug: a part of the names of its files.
    """

    name: str
    detail: str
    slug: str
    predictor: Predictor


def is_run(path: Path | str) -> bool:
    """Return whether a path is a run folder with a model."""
    return (Path(path) / "checkpoints").is_dir()


def open_models(paths: Sequence[str], device: str = "auto") -> list[ShownModel]:
    """Load models in the given order.

    A run folder gives two models, the source checkpoint and the last one; it gives one where there is
    no other, or where both are of one step.

    Raises:
        InputError: a path is not a model.
    """
    opened: list[tuple[str, str, Predictor]] = []
    for path in dict.fromkeys(paths):
        last = load(path, "last", device)
        step = last.network.notes.get("step")
        short = _short(path, paths)
        prefix = f"{short}: " if len(set(paths)) > 1 else ""
        if not is_run(path):
            opened.append((short, _description(last), last))
            continue
        source = None
        if (Path(path) / "checkpoints" / "source" / WEIGHTS).is_file():
            source = load(path, "source", device)
        if source is None or source.network.notes.get("step") == step:
            opened.append((short, f"last checkpoint{_at(step)}", last))
            continue
        opened.append(
            (f"{prefix}before", f"source only{_at(source.network.notes.get('step'))}", source)
        )
        opened.append((f"{prefix}after", f"adapted{_at(step)}", last))
    return [
        ShownModel(name, detail, _slug(name, number), predictor)
        for number, (name, detail, predictor) in enumerate(opened)
    ]


def _at(step: object) -> str:
    return f", step {step:,}" if isinstance(step, int) else ""


def _description(model: Predictor) -> str:
    weights, step = model.network.notes.get("weights"), model.network.notes.get("step")
    text = f"{weights} checkpoint" if weights else "model"
    return text + _at(step)


def _short(path: str, among: Sequence[str]) -> str:
    """Return the shortest end of a path that differs from the ends of the other paths."""
    parts = Path(path).parts
    others = [Path(other).parts for other in set(among) if other != path]
    for count in range(1, len(parts) + 1):
        if all(other[-count:] != parts[-count:] for other in others):
            return "/".join(parts[-count:])
    return path


def _slug(name: str, number: int) -> str:
    plain = "".join(c if c.isalnum() else "_" for c in name).strip("_").lower()
    return f"{number + 1}_{plain}"[:60]
