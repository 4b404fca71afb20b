"""The numbers of a report: the content of ``report.json``, which the page shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Literal

from posebridge.evaluation.bootstrap import Interval, Paired
from posebridge.evaluation.calibration import Calibration, Reliability
from posebridge.evaluation.verdict import Verdict
from posebridge.files.json_files import write_json

SourceKind = Literal["given", "held_out", "unseen", "trained", "none"]


@dataclass(frozen=True)
class ValidatorRow:
    """One validator's values for both models.

    Attributes:
        name, title, question, unit, caveat: of the validator, as in ``validator_intervals.WORDS``.
        pushed: whether the run's own losses push this metric up.
        change: source, adapted and the paired difference.
    """

    name: str
    title: str
    question: str
    unit: str
    caveat: str
    pushed: bool
    change: Paired


@dataclass(frozen=True)
class Trust:
    """Calibrated confidence for one distance.

    Attributes:
        within: the distance, a fraction of the crop's side.
        peaks: reliability of the adapted model's uncalibrated peaks, on source images that the map
            was not fitted on.
        source, adapted: reliability of either model's calibrated confidence, on those images.
        promised: mean calibrated confidence on the held-out photographs, percent: the accuracy that
            each model expects there.
        target: reliability of the adapted model's calibrated confidence on labeled photographs, if
            there are some.
        target_peaks: reliability of the adapted model's uncalibrated peaks on labeled photographs.
    """

    within: float
    peaks: Reliability | None
    source: Reliability | None
    adapted: Reliability | None
    promised: Paired
    target: Reliability | None = None
    target_peaks: Reliability | None = None


@dataclass(frozen=True)
class JointMove:
    """How one joint's predictions differ between the two models on the held-out photographs.

    Attributes:
        name: of the joint.
        median, high: median and 90th percentile of the distance, percent of the crop's side.
        share: fraction of the photographs in which the joint moved by more than 5 % of the side,
            percent.
        steady: agreement of two views before and after, percent; None where no view shows the joint.
    """

    name: str
    median: float
    high: float
    share: float
    steady: tuple[float | None, float | None]


@dataclass(frozen=True)
class GalleryImage:
    """One held-out subject.

    Attributes:
        file: its image.
        steady: fraction of its joints that two views agree on, before and after, percent.
        moved: median distance between the predictions, percent of the crop's side.
    """

    file: str
    steady: tuple[float | None, float | None]
    moved: float


@dataclass(frozen=True)
class Sanity:
    """Signs of failure that need no labels of the target.

    Attributes:
        variety: how much joints move between photographs, before and after, percent of the side.
        merged: fraction of left/right pairs that coincide, before and after, percent; None for a
            skeleton without pairs.
        merged_in_labels: fraction of pairs that coincide in the labels of the source; None without
            labels.
    """

    variety: tuple[float, float]
    merged: tuple[float | None, float | None]
    merged_in_labels: float | None


@dataclass(frozen=True)
class RunComparison:
    """The evidence about a finished run, and the verdict.

    Attributes:
        run: the folder. data: where the photographs come from. method: the levels that were on.
        weights: the checkpoint that is called adapted. steps: of the source checkpoint and of it.
        images, subjects: number of held-out photographs that were evaluated, and of their subjects.
        held_out: whether they were kept out of training; a single image serves as both.
        source_kind, source_about, source_images: the labeled source images behind the calibration.
        verdict, validators, trust, sanity, joints, photographs: the results; photographs are in
            order of agreement, the lowest first.
        labels: PCK on the user's labeled photographs, threshold -> both models.
        labeled_images: number of the user's labeled photographs.
        course: curve -> (step, value) pairs, from ``metrics.csv``.
        keep: fraction of pseudo-labels that the config keeps; None without a teacher's labels.
        skipped: one line for each image that could not be read.
    """

    run: str
    data: str
    method: str
    weights: str
    steps: tuple[int | None, int | None]
    seed: int
    crop: int
    images: int
    subjects: int
    held_out: bool
    source_kind: SourceKind
    source_about: str
    source_images: int
    verdict: Verdict
    validators: tuple[ValidatorRow, ...]
    trust: tuple[Trust, ...]
    sanity: Sanity
    joints: tuple[JointMove, ...]
    photographs: tuple[GalleryImage, ...]
    labels: Mapping[str, Paired]
    labeled_images: int
    course: Mapping[str, tuple[tuple[int, float], ...]]
    keep: float | None
    skipped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, with null in place of NaN, and with the verdict's headline."""
        content = plain(self)
        content["verdict"] |= {
            "headline": self.verdict.headline,
            "prefers_source": self.verdict.prefers_source,
        }
        return content

    def write(self, file: Path) -> None:
        """Write :meth:`to_dict` as JSON, atomically."""
        write_json(file, self.to_dict())


def write_calibrations(file: Path, maps: Mapping[str, list[Calibration]]) -> None:
    """Write the maps of each checkpoint, to be read by :func:`~.calibration.read_calibrations`."""
    write_json(file, {name: [one.to_dict() for one in many] for name, many in maps.items()})


def plain(value: Any) -> Any:
    """Return dataclasses, tuples and mappings as dicts and lists; None in place of NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


__all__ = [
    "GalleryImage",
    "Interval",
    "JointMove",
    "RunComparison",
    "Sanity",
    "Trust",
    "ValidatorRow",
    "plain",
    "write_calibrations",
]
