"""The entry point of evaluation: predictions and labels in, metrics and their protocol out.

:class:`Results` and the file that it writes hold every metric together with its protocol.
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

from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.evaluation import metrics as measure
from posebridge.evaluation import oks
from posebridge.evaluation.normalizers import NORMALIZERS, normalizer_sizes
from posebridge.files.json_files import parse_json
from posebridge.files.whole import write_text

PUBLISHED_KEY = "pck_published@0.05"

AUC_MAXIMUM: dict[str, float] = {"crop": 0.2, "box": 0.2, "torso": 0.2, "head": 0.5}
"""Last threshold of the PCK curve for ``auc``, by normalizer: 0.5 of the head as for PCKh, else 0.2."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """A model's predictions for N subjects.

    Attributes:
        points: (N, K, 2) float32, x, y in pixels of the original image.
        confidence: (N, K) float32 in [0, 1].
        crop_sides: (N,) float32, side of each subject's square crop in pixels of the original
            image.

    Raises:
        ValueError: shapes do not fit or a confidence is outside [0, 1].
        InputError: points or confidences are not finite, as from a diverged model.
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
            raise ValueError("confidence must be in [0, 1]; clamp the decoded peaks")

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Results:
    """Metrics and their protocol.

    Attributes:
        metrics: metric -> row (``all``, a group, or AP, AP50, ...) -> value; None where nothing was
            labeled. Values are percentages, except end-point errors, which are in pixels.
        protocol: definitions, thresholds, normalizer, visibility rule, pooling, counts, and the
            caller's entries (seed, selection rule, command).
    """

    metrics: Mapping[str, Mapping[str, float | None]]
    protocol: Mapping[str, Any]

    def to_json(self) -> str:
        """Return the text of ``results.json``: valid JSON, null in place of NaN and infinities."""
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
        """Write :meth:`to_json` to a file atomically."""
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
    """Return the name of PCK at a threshold: two decimals where they are exact, ``pck@0.05``."""
    short = f"{threshold:.2f}"
    return f"pck@{short if float(short) == threshold else f'{threshold:g}'}"


def evaluate_predictions(
    predictions: Predictions,
    labels: LabeledSamples,
    *,
    thresholds: Sequence[float] = (0.05, 0.1),
    normalizer: str = "crop",
    published: Mapping[str, float] | None = None,
    protocol: Mapping[str, Any] | None = None,
) -> Results:
    """Return PCK, its AUC, end-point error (mean and median) and OKS-AP of predictions.

    Args:
        predictions: N subjects in the order of ``labels``.
        labels: N subjects. Only labeled joints count.
        thresholds: of PCK, fractions of the normalizer.
        normalizer: ``crop``, ``box``, ``torso`` or ``head``
            (:data:`~posebridge.evaluation.normalizers.NORMALIZERS`). PCK and AUC depend on it;
            subjects for which it is not known are left out of both and counted in the protocol.
        published: percentages by row, computed from heatmaps
            (:meth:`~posebridge.evaluation.metrics.PublishedPck.percentages`), which become the metric
            ``pck_published@0.05``. It cannot be computed from points in the image.
        protocol: whatever else the metrics depend on, such as seed, selection rule and command.

    Raises:
        InputError: nothing can be scored, or the skeleton lacks the normalizer's joints.
        ValueError: predictions and labels differ in shape, or ``protocol`` names an entry that this
            function writes.
    """
    if predictions.points.shape != labels.points.shape:
        raise ValueError(
            f"predictions {predictions.points.shape} do not fit labels {labels.points.shape}"
        )
    if not thresholds or not all(math.isfinite(t) and t > 0 for t in thresholds):
        raise InputError(
            f"thresholds {list(thresholds)} must be positive fractions of the normalizer, like 0.05."
        )
    set_name = labels.images.name
    if not labels.labeled.any():
        raise InputError(
            f"{set_name} has no labeled joint, so it cannot be scored; give a dataset with labels."
        )
    sizes = normalizer_sizes(normalizer, labels, predictions.crop_sides)
    scored = labels.labeled & np.isfinite(sizes)[:, None]
    if not scored.any():
        raise InputError(
            f"the normalizer '{normalizer}' is not known for any subject of {set_name} "
            f"({NORMALIZERS[normalizer]}); choose another, such as 'crop'."
        )

    groups = labels.skeleton.groups
    pixels = measure.distances(predictions.points, labels.points, labels.labeled)
    maximum = AUC_MAXIMUM[normalizer]
    areas = oks.areas_from_boxes(labels)
    results = oks.coco_results(predictions.points, predictions.confidence, labels)
    computed: dict[str, Mapping[str, float]] = {
        pck_key(threshold): measure.pck(pixels, sizes, threshold, groups)
        for threshold in thresholds
    }
    computed["epe"] = measure.epe(pixels, groups)
    computed["epe_median"] = measure.epe_median(pixels, groups)
    computed["auc"] = measure.auc(pixels, sizes, maximum, groups)
    computed["oks"] = oks.oks_average_precision(results, labels, areas)
    if published is not None:
        computed[PUBLISHED_KEY] = published

    anything = labels.labeled.any(axis=1)
    own: dict[str, Any] = {
        "dataset": set_name,
        "subjects": len(labels),
        "joints": int(labels.labeled.sum()),
        "left_out": {
            "subjects_without_labeled_joints": int((~anything).sum()),
            "subjects_without_normalizer": int((anything & ~np.isfinite(sizes)).sum()),
            "joints_without_normalizer": int((labels.labeled & ~scored).sum()),
            "subjects_without_area_for_oks": int(np.isnan(areas).sum()),
        },
        "thresholds": [float(threshold) for threshold in thresholds],
        "normalizer": normalizer,
        "normalizer_definition": NORMALIZERS[normalizer],
        "visibility": "labeled joints only, flags 1 and 2",
        "pooling": "all labeled joints of all subjects count once; no mean of batches or joints",
        "metrics": _definitions(labels, computed, thresholds, maximum),
        "keypoints": list(labels.skeleton.keypoints),
        "groups": {
            name: [labels.skeleton.keypoints[joint] for joint in joints]
            for name, joints in groups.items()
        },
    }
    clash = sorted(own.keys() & (protocol or {}).keys())
    if clash:
        raise ValueError(f"protocol entries {clash} are written by the evaluation itself")
    return Results(metrics=_plain(computed), protocol={**own, **_plain(protocol or {})})


def _definitions(
    labels: LabeledSamples,
    computed: Mapping[str, Any],
    thresholds: Sequence[float],
    maximum: float,
) -> dict[str, Any]:
    """Return the definition of each metric, with its unit."""
    definitions: dict[str, Any] = {
        pck_key(threshold): f"percent of joints at most {threshold:g} x normalizer from the label"
        for threshold in thresholds
    }
    definitions |= {
        "epe": "mean distance from the label, pixels of the original image",
        "epe_median": "median distance from the label, pixels of the original image",
        "auc": f"exact area under the PCK curve, thresholds 0 to {maximum:g}, percent",
        "oks": {
            "definition": "COCO keypoint AP and AR, OKS 0.50:0.05:0.95, percent; labeled boxes, "
            "score = mean joint confidence",
            "area": f"{oks.AREA_OF_BOX:g} x box area",
            "sigmas": dict(
                zip(labels.skeleton.keypoints, oks.sigmas(labels.skeleton).tolist(), strict=True)
            ),
        },
    }
    if PUBLISHED_KEY in computed:
        definitions[PUBLISHED_KEY] = (
            "released code's protocol: argmax in heatmap cells, below 0.05 x heatmap side, "
            "unweighted mean over keypoints, percent; the normalizer above does not apply"
        )
    return definitions


def _plain(value: Any) -> Any:
    """Return a value with built-in types only, and None in place of NaN and infinities."""
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
