"""Scores: how good predictions are, and by which rule.

    scores.py                 :func:`evaluate_predictions`, the one entry; :class:`Results`
    metrics.py                distances, PCK, its area, end-point error, the released code's protocol
    normalizers.py            what an error is divided by
    oks.py                    OKS-AP as COCO computes it
    tables.py                 results side by side
    bootstrap.py              two models on the same images, with paired intervals
    validator_intervals.py    every validator's value of each image
    keypoint_displacement.py  what changed between two models' predictions
    verdict.py                did it help? the rule from evidence to words
    judgement.py              everything that a report holds in numbers
    calibration.py            from the height of a peak to the probability of being right

To add a metric: a function in ``metrics`` that takes (N, K) distances and returns a value for
``all`` and each group, a line in ``evaluate_predictions`` and one in ``_definitions``, and a table
of values worked out by hand in ``tests/evaluation/test_metrics.py``.
"""

from posebridge.evaluation.metrics import PublishedPck, published_pck
from posebridge.evaluation.normalizers import NORMALISERS, possible_normalisers
from posebridge.evaluation.scores import Predictions, Results, evaluate_predictions, pck_key
from posebridge.evaluation.tables import markdown_table, results_table

__all__ = [
    "NORMALISERS",
    "Predictions",
    "PublishedPck",
    "Results",
    "evaluate_predictions",
    "markdown_table",
    "pck_key",
    "possible_normalisers",
    "published_pck",
    "results_table",
]
