"""A dataset after the checks: its subjects, its image files, and the findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.data.annotations import is_side
from posebridge.data.formats.coco_ids import IdTable, id_key
from posebridge.data.quality.facts import ImageFacts
from posebridge.data.quality.findings import Finding
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.json_files import read_json


@dataclass(frozen=True, eq=False)
class CheckedSet:
    """One dataset after the checks.

    Attributes:
        name: its name in the report.
        samples: its N subjects.
        labels: the samples with keypoints, or None for a dataset without labels.
        facts: its M image files.
        image_of: (N,) row of ``facts`` for each subject.
        declared: (M, 2) width and height as the annotation file has them, 0 where it has none.
        findings: the results of the checks.
    """

    name: str
    samples: UnlabeledSamples
    labels: LabeledSamples | None
    facts: ImageFacts
    image_of: np.ndarray
    declared: np.ndarray
    findings: tuple[Finding, ...] = ()

    @property
    def sizes(self) -> np.ndarray:
        """Return the (N, 2) width and height of each subject's image; 0 where it can't be read."""
        return self.facts.sizes[self.image_of]

    @property
    def seen(self) -> np.ndarray:
        """Return the (N,) bool: the subject's image can be read."""
        return self.facts.readable[self.image_of]

    @property
    def own_box(self) -> np.ndarray:
        """Return the (N,) bool: the subject has its own box rather than the whole image."""
        return self.samples.boxes[:, 2] > 0

    @property
    def boxes(self) -> np.ndarray:
        """Return the (N, 4) float64 x, y, width, height; the whole image without a box."""
        whole = np.concatenate([np.zeros_like(self.sizes), self.sizes], axis=1)
        return np.where(self.own_box[:, None], self.samples.boxes.astype(np.float64), whole)

    @property
    def first_subject(self) -> np.ndarray:
        """Return the (M,) first subject of each image."""
        return np.unique(self.image_of, return_index=True)[1]

    def where(self, row: int) -> str:
        """Return a subject's place as text, for messages."""
        return f"annotation {self.samples.annotation_ids[row]}, {self.samples.path(int(row)).name}"


def declared_sizes(path: Path | str, samples: UnlabeledSamples) -> dict[str, tuple[int, int]]:
    """Return the width and height of each image in a COCO file, by path; empty for other data."""
    file = Path(path) / "annotations.json" if Path(path).is_dir() else Path(path)
    if file.suffix.lower() != ".json" or not file.is_file():
        return {}
    try:
        content = read_json(file, "COCO")
    except InputError:
        return {}
    given = content.get("images") if isinstance(content, dict) else None
    entries = [e for e in given if isinstance(e, dict)] if isinstance(given, list) else []
    keys = [id_key(entry.get("id")) for entry in entries]
    known = [(e, key) for e, key in zip(entries, keys, strict=True) if key is not None]
    numbers = IdTable([key for _, key in known]).numbers
    by_id = {
        number: (entry["width"], entry["height"])
        for number, (entry, _) in zip(numbers, known, strict=True)
        if all(is_side(entry.get(key)) for key in ("width", "height"))
    }
    first = np.unique(samples.files, return_index=True)[1]
    found = {str(samples.path(int(r))): by_id.get(int(samples.image_ids[r])) for r in first}
    return {name: size for name, size in found.items() if size is not None}
