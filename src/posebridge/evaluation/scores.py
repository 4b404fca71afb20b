"""The one entry: predictions and labels in, figures and the protocol behind them out.

A figure never travels without its protocol: :class:`Results` holds both, and so does the file that
it writes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posebridge.data.samples import LabelledSamples
from posebridge.errors import InputError
from posebridge.evaluation import metrics as measure
from posebridge.evaluation import oks
from posebridge.evaluation.normalizers import NORMALISERS, normaliser_sizes
from posebridge.files.json_files import parse_json
from posebridge.files.whole import write_text

PUBLISHED_KEY = "pck_published@0.05"

AUC_MAXIMUM: dict[str, float] = {"crop": 0.2, "box": 0.2, "torso": 0.2, "head": 0.5}
"""Where the PCK curve ends for ``auc``, by normaliser: 0.5 of the head as for PCKh, else 0.2."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says about N subjects.

    Attributes:
        points: (N, K, 2) float32, x, y in pixels of the original image.
        confidence: (N, K) float32 in [0, 1].
        crop_sides: (N,) float32, side of each subject's square crop in pixels of the original
            image.

    Raises:
        ValueError: shapes do not fit or a confidence lies outside [0, 1].
        InputError: points or confidences are not finite, as a diverged model gives.
    """

    points: NDArray[np.float32]
    confidence: NDArray[np.float32]
    crop_sides: NDArray[np.float32]

    def __post_init__(self) -> None:
        points, each, sides = self.points.shape, self.confidence.shape, self.crop_sides.shape
        if len(each) != 2 or points != (*each, 2) or sides != each[:1]:
            raise ValueError(
                f"points {points}, confidence {each} and crop_sides {sides} must be "
                "(N, K, 2), (N, K) and (N,)"
            )
        broken = ~(np.isfinite(self.points).all(axis=(1, 2)) & np.isfinite(self.confidence).all(1))
        if broken.any():
            raise InputError(
                f"the predictions of {int(broken.sum())} of {len(self)} subjects are not finite "
                "numbers; the model has diverged, train again with a lower learning rate."
            )
        if self.confidence.size and not (
            self.confidence.min() >= 0.0 and self.confidence.max() <= 1.0
        ):
            raise ValueError("confidence must lie in [0, 1]; clamp the decoded peaks")

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Results:
    """Figures and how they were taken.

    Attributes:
        metrics: metric -> row (``all``, a group, or AP and its kin) -> value; None where nothing
            was labelled. Percentages, but for end-point errors, which are pixels.
        protocol: definitions, thresholds, normaliser, visibility rule, pooling, counts, and what
            the caller added (seed, selection rule, command).
    """

    metrics: Mapping[str, Mapping[str, float | None]]
    protocol: Mapping[str, Any]

    def to_json(self) -> str:
        """The text of ``results.json``: valid JSON, null in place of NaN and infinities."""
        return json.dumps(
            {"metrics": _plain(self.metrics), "protocol": _plain(self.protocol)},
            indent=2,
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str, where: str) -> Results:
        """Read what :meth:`to_json` wrote; ``where`` names the file in an error."""
        try:
            raw = parse_json(text, where, "results")
            return cls(
                metrics={
                    str(name): {
                        str(row): None if value is None else float(value)
                        for row, value in rows.items()
                    }
                    for name, rows in raw["metrics"].items()
                },
                protocol=dict(raw["protocol"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{where} is not a results file that posebridge wrote ({error!r}); "
                "score the model again."
            ) from error

    def write(self, path: Path | str) -> None:
        """Write :meth:`to_json` to a file, all of it or nothing: a reader never sees half."""
        write_text(Path(path), self.to_json() + "\n")

    @classmethod
    def read(cls, path: Path | str) -> Results:
        """Read what :meth:`write` wrote."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"the results file {path} cannot be read ({error}); check the path."
            ) from error
        return cls.from_json(text, where=str(path))


def pck_key(threshold: float) -> str:
    """The name of PCK at a threshold: two decimals where these are exact, ``pck@0.05``."""
    short = f"{threshold:.2f}"
    return f"pck@{short if float(short) == threshold else f'{threshold:g}'}"


def evaluate_predictions(
    predictions: Predictions,
    labels: LabelledSamples,
    *,
    thresholds: Sequence[float] = (0.05, 0.1),
    normaliser: str = "crop",
    published: Mapping[str, float] | None = None,
    protocol: Mapping[str, Any] | None = None,
) -> Results:
    """Score predictions: PCK, its area, end-point error (mean and median) and OKS-AP.

    Args:
        predictions: N subjects in the order of ``labels``.
        labels: N subjects. Only labelled joints count.
        thresholds: of PCK, shares of the normaliser.
        normaliser: ``crop``, ``box``, ``torso`` or ``head``
            (:data:`~posebridge.evaluation.normalizers.NORMALISERS`). It concerns PCK and its area;
            subjects for which it is not known are left out of these and counted in the protocol.
        published: percentages by row, taken from heatmaps
            (:meth:`~posebridge.evaluation.metrics.PublishedPck.percentages`); it stands beside the
            others as ``pck_published@0.05``. It cannot be taken from points in the image.
        protocol: what else the figures depend on, such as seed, selection rule and command.

    Raises:
        InputError: nothing can be scored, or the skeleton lacks the normaliser's joints.
        ValueError: predictions and labels differ in shape, or ``protocol`` names an entry that is
            written here.
    """
    if predictions.points.shape != labels.points.shape:
        raise ValueError(
            f"predictions {predictions.points.shape} do not fit labels {labels.points.shape}"
        )
    if not thresholds or not all(math.isfinite(t) and t > 0 for t in thresholds):
        raise InputError(
            f"thresholds {list(thresholds)} must be positive shares of the normaliser, like 0.05."
        )
    set_name = labels.images.name
    if not labels.labelled.any():
        raise InputError(f"{set_name} has no labelled joint, so there is nothing to score there.")
    sizes = normaliser_sizes(normaliser, labels, predictions.crop_sides)
    scored = labels.labelled & np.isfinite(sizes)[:, None]
    if not scored.any():
        raise InputError(
            f"the normaliser '{normaliser}' is not known for any subject of {set_name} "
            f"({NORMALISERS[normaliser]}); choose another, such as 'crop'."
        )

    groups = labels.skeleton.groups
    pixels = measure.distances(predictions.points, labels.points, labels.labelled)
    maximum = AUC_MAXIMUM[normaliser]
    areas = oks.areas_from_boxes(labels)
    results = oks.coco_results(predictions.points, predictions.confidence, labels)
    figures: dict[str, Mapping[str, float]] = {
        pck_key(threshold): measure.pck(pixels, sizes, threshold, groups)
        for threshold in thresholds
    }
    figures["epe"] = measure.epe(pixels, groups)
    figures["epe_median"] = measure.epe_median(pixels, groups)
    figures["auc"] = measure.auc(pixels, sizes, maximum, groups)
    figures["oks"] = oks.oks_average_precision(results, labels, areas)
    if published is not None:
        figures[PUBLISHED_KEY] = published

    anything = labels.labelled.any(axis=1)
    own: dict[str, Any] = {
        "dataset": set_name,
        "subjects": len(labels),
        "joints": int(labels.labelled.sum()),
        "left_out": {
            "subjects_without_labelled_joints": int((~anything).sum()),
            "subjects_without_normaliser": int((anything & ~np.isfinite(sizes)).sum()),
            "joints_without_normaliser": int((labels.labelled & ~scored).sum()),
            "subjects_without_area_for_oks": int(np.isnan(areas).sum()),
        },
        "thresholds": [float(threshold) for threshold in thresholds],
        "normaliser": normaliser,
        "normaliser_definition": NORMALISERS[normaliser],
        "visibility": "labelled joints only, flags 1 and 2",
        "pooling": "all labelled joints of all subjects count once; no mean of batches or joints",
        "metrics": _definitions(labels, figures, thresholds, maximum),
        "keypoints": list(labels.skeleton.keypoints),
        "groups": {
            name: [labels.skeleton.keypoints[joint] for joint in joints]
            for name, joints in groups.items()
        },
    }
    clash = sorted(own.keys() & (protocol or {}).keys())
    if clash:
        raise ValueError(f"protocol entries {clash} are written by the evaluation itself")
    return Results(metrics=_plain(figures), protocol={**own, **_plain(protocol or {})})


def _definitions(
    labels: LabelledSamples, figures: Mapping[str, Any], thresholds: Sequence[float], maximum: float
) -> dict[str, Any]:
    """What each figure is, in words and units."""
    words: dict[str, Any] = {
        pck_key(threshold): f"percent of joints at most {threshold:g} x normaliser from the label"
        for threshold in thresholds
    }
    words |= {
        "epe": "mean distance from the label, pixels of the original image",
        "epe_median": "median distance from the label, pixels of the original image",
        "auc": f"exact area under the PCK curve, thresholds 0 to {maximum:g}, percent",
        "oks": {
            "definition": "COCO keypoint AP and AR, OKS 0.50:0.05:0.95, percent; labelled boxes, "
            "score = mean joint confidence",
            "area": f"{oks.AREA_OF_BOX:g} x box area",
            "sigmas": dict(
                zip(labels.skeleton.keypoints, oks.sigmas(labels.skeleton).tolist(), strict=True)
            ),
        },
    }
    if PUBLISHED_KEY in figures:
        words[PUBLISHED_KEY] = (
            "released code's protocol: argmax in heatmap cells, below 0.05 x heatmap side, "
            "unweighted mean over keypoints, percent; the normaliser above does not apply"
        )
    return words


def _plain(value: Any) -> Any:
    """The same with built-in types only, and None for numbers that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    return value
