"""Every model's points of one upload, and the files to download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from posebridge.app.loaded_models import ShownModel
from posebridge.app.upload import Upload
from posebridge.inference.predictor import PosePredictions
from posebridge.inference.writers import write_predictions

DOWNLOADS = (".json", ".csv")
"""Endings of the files of each model: COCO JSON and CSV."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The predictions of M models for an upload.

    Attributes:
        found: one for each model; rows are images of the upload.
        files: (M, 2) the points as COCO JSON and as CSV, in the upload's folder.
    """

    upload: Upload
    found: Sequence[PosePredictions]
    files: Sequence[Sequence[Path]]

    def close(self) -> None:
        """Remove the upload and all files made from it."""
        self.upload.close()


def answer(
    models: Sequence[ShownModel],
    upload: Upload,
    progress: Callable[[int, int, str], object] | None = None,
) -> Answers:
    """Predict every image with every model, batched, and write the points.

    Args:
        progress: called with the number of predictions done, the total, and the model's name.

    Raises:
        InputError: no image can be read.
    """
    count = len(upload.samples)
    found, files = [], []
    for number, model in enumerate(models):

        def step(done: int, before: int = number * count, name: str = model.name) -> None:
            if progress is not None:
                progress(before + done, len(models) * count, name)

        step(0)
        # Without worker processes: a server must not fork, and a page has few images.
        points = model.predictor.predict(upload.samples, workers=0, progress=step)
        found.append(points)
        names = [upload.files[row] for row in points.rows]
        stem = Path(upload.name).stem[:60] or "points"
        written = []
        for ending in DOWNLOADS:
            path = upload.folder / f"{stem}_{model.slug}{ending}"
            write_predictions(path, points, model.predictor.skeleton, names)
            written.append(path)
        files.append(written)
    return Answers(upload, found, files)
