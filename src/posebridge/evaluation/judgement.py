"""All that a report says in numbers: what ``report.json`` holds and the page shows."""

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
    """One validator's word about both models.

    Attributes:
        name, title, question, unit, caveat: who speaks, as in ``evidence.WORDS``.
        pushed: whether the run's own losses push this figure up.
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
        within: the distance, share of the crop's side.
        peaks: reliability of the adapted model's bare peaks, on source images that the map was not
            fitted on.
        source, adapted: the same of either model's calibrated chances.
        promised: mean calibrated chance on the held-out photographs, percent: what each model
            expects of itself there.
        target: the adapted model's calibrated chances on labelled photographs, if there are some.
        target_peaks: the same of its bare peaks.
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
    """How one joint's answers differ between the two models on the held-out photographs.

    Attributes:
        name: of the joint.
        median, high: median and 90th percentile of the distance, percent of the crop's side.
        share: of the photographs in which it moved by more than 5 % of the side, percent.
        steady: agreement of two views before and after, percent; None where no view shows it.
    """

    name: str
    median: float
    high: float
    share: float
    steady: tuple[float | None, float | None]


@dataclass(frozen=True)
class Photograph:
    """One held-out subject.

    Attributes:
        file: its image.
        steady: share of its joints that two views agree on, before and after, percent.
        moved: median distance between the answers, percent of the crop's side.
    """

    file: str
    steady: tuple[float | None, float | None]
    moved: float


@dataclass(frozen=True)
class Sanity:
    """Signs of trouble that need no labels of the target.

    Attributes:
        variety: how much joints move between photographs, before and after, percent of the side.
        merged: share of left/right pairs that fall together, before and after, percent; None for a
            skeleton without pairs.
        merged_in_labels: the same in the labels of the source; None without these.
    """

    variety: tuple[float, float]
    merged: tuple[float | None, float | None]
    merged_in_labels: float | None


@dataclass(frozen=True)
class Judgement:
    """A finished run, judged.

    Attributes:
        run: the folder. data: what the photographs came from. method: which levels were on.
        weights: which weights are called adapted. steps: of the source weights and of these.
        images, subjects: held-out photographs that were looked at.
        held_out: whether they were kept out of training; one image alone serves as both.
        source_kind, source_about, source_images: the labelled source images behind calibration.
        verdict, validators, trust, sanity, joints, photographs: what was found; photographs with
            the least steady first.
        labels: PCK on the user's labelled photographs, threshold -> both models; and how many.
        course: curve -> (step, value) pairs, from ``metrics.csv``.
        keep: the share of pseudo-labels that the settings keep; None without a teacher's labels.
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
    photographs: tuple[Photograph, ...]
    labels: Mapping[str, Paired]
    labelled_images: int
    course: Mapping[str, tuple[tuple[int, float], ...]]
    keep: float | None
    skipped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain types with null for what is not a number; the headline stands in words as well."""
        content = plain(self)
        content["verdict"] |= {
            "headline": self.verdict.headline,
            "prefers_source": self.verdict.prefers_source,
        }
        return content

    def write(self, file: Path) -> None:
        """Write :meth:`to_dict`, whole or not at all."""
        write_json(file, self.to_dict())


def write_calibrations(file: Path, maps: Mapping[str, list[Calibration]]) -> None:
    """Weights -> maps, for :func:`~posebridge.evaluation.calibration.read_calibrations`."""
    write_json(file, {name: [one.to_dict() for one in many] for name, many in maps.items()})


def plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as dicts and lists; what JSON cannot hold as None."""
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
    "Interval",
    "JointMove",
    "Judgement",
    "Photograph",
    "Sanity",
    "Trust",
    "ValidatorRow",
    "plain",
    "write_calibrations",
]
