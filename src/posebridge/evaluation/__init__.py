"""Scores: how good predictions are, and by which rule.

- ``metrics``: pure array functions: distances, PCK, its area, end-point error, and the released code's
  protocol on heatmaps; ``normalisers``: what an error is divided by.
- ``oks``: OKS-AP as COCO takes it.
- ``scores``: :func:`evaluate_predictions`, the one entry; :class:`Results`, figures with protocol.
- ``tables``: results side by side.
- ``resampling``, ``evidence``, ``moves``, ``verdict``: two models on the same unlabelled images, with
  paired intervals, and what may be concluded; ``judgement`` holds all of it.
- ``calibration``: from the height of a peak to the chance of being right.

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
