"""Metrics of predictions against labels, and what they show about an adaptation.

    scores.py                 :func:`evaluate_predictions`, the entry point; :class:`Results`
    metrics.py                distances, PCK, AUC, end-point error, the released code's protocol
    normalizers.py            the length that an error is divided by: crop, box, torso, head
    oks.py                    OKS-AP as COCO computes it
    tables.py                 results side by side
    bootstrap.py              paired intervals for two models on the same images
    validator_intervals.py    the part of each image in every validator
    keypoint_displacement.py  what changed between two models' predictions
    verdict.py                the rule that turns evidence into "did it help?"
    run_comparison.py         the metrics of a report
    calibration.py            from the height of a peak to a calibrated confidence

To add a metric, write a function in ``metrics`` that takes (N, K) distances and returns a value for
``all`` and each group. Add a line to ``evaluate_predictions`` and one to ``_definitions``, and a
table of values worked out by hand to ``tests/evaluation/test_metrics.py``.
"""

from posebridge.evaluation.metrics import PublishedPck, published_pck
from posebridge.evaluation.normalizers import NORMALIZERS, possible_normalizers
from posebridge.evaluation.scores import Predictions, Results, evaluate_predictions, pck_key
from posebridge.evaluation.tables import markdown_table, results_table

__all__ = [
    "NORMALIZERS",
    "Predictions",
    "PublishedPck",
    "Results",
    "evaluate_predictions",
    "markdown_table",
    "pck_key",
    "possible_normalizers",
    "published_pck",
    "results_table",
]
