"""The rule of the verdict as a table: the answer for each combination of evidence."""

from __future__ import annotations

import pytest

from posebridge.evaluation.bootstrap import Interval, Paired
from posebridge.evaluation.verdict import judge


def change(before: float, after: float, sign: int) -> Paired:
    """Return a change that is significant (1, -1) or not (0)."""
    difference = after - before
    low, high = {1: (0.1, 9.0), -1: (-9.0, -0.1), 0: (-1.0, 1.0)}[sign]
    return Paired(
        Interval(before, before - 1, before + 1),
        Interval(after, after - 1, after + 1),
        Interval(difference, low, high),
    )


def evidence(agreement: int, prior: int | None, memory: tuple[float, int] | None):
    metrics = {"agreement": change(50, 50 + 5 * agreement, agreement)}
    if prior is not None:
        metrics["pose_prior"] = change(-3, -3 + prior, prior)
    if memory is not None:
        metrics["source_pck@0.05"] = change(50, memory[0], memory[1])
    # Metrics without a vote must not change any answer.
    metrics["confidence"] = change(10, 90, 1)
    metrics["information"] = change(0.1, 0.9, 1)
    return metrics


FINE, ALIKE = (20.0, 18.0), (20.0, 9.0)


@pytest.mark.parametrize(
    ("agreement", "prior", "memory", "variety", "answer"),
    [
        (1, 1, (49, -1), FINE, "probably"),  # 2 % of the source lost: a usual loss
        (1, 1, None, FINE, "probably"),
        (1, 0, (50, 0), FINE, "mixed"),  # agreement alone never gives a yes
        (1, None, (50, 0), FINE, "mixed"),
        (1, -1, (50, 0), FINE, "mixed"),
        (1, 1, (36, -1), FINE, "mixed"),  # 28 % of the source lost
        (1, 1, (39, -1), FINE, "probably"),  # 22 %
        (1, 1, (36, 0), FINE, "probably"),  # 28 %, not significant
        (0, 1, (50, 0), FINE, "unclear"),
        (0, 0, (50, 0), FINE, "unclear"),
        (0, -1, (50, 0), FINE, "unclear"),  # other poses than the source's are not a vote against
        (-1, 0, (50, 0), FINE, "probably_not"),
        (-1, 1, (50, 0), FINE, "mixed"),
        (0, 0, (30, -1), FINE, "probably_not"),
        (1, 1, (60, 1), ALIKE, "probably_not"),  # a collapse outweighs everything else
    ],
)
def test_answer_without_labels(agreement, prior, memory, variety, answer):
    verdict = judge(evidence(agreement, prior, memory), variety)
    assert verdict.answer == answer
    assert not verdict.by_labels
    assert verdict.prefers_source == (answer == "probably_not")
    assert verdict.line.startswith(verdict.headline)
    assert len(verdict.because) > 20


@pytest.mark.parametrize(
    ("near", "far", "answer"),
    [
        (1, 1, "helped"),
        (0, 1, "helped"),
        (-1, 0, "hurt"),
        (-1, 1, "mixed"),
    ],
)
def test_labels_decide_whatever_the_other_evidence(near, far, answer):
    labels = {"0.05": change(20, 20 + 3 * near, near), "0.10": change(40, 40 + 3 * far, far)}
    for other in (evidence(1, 1, None), evidence(-1, 0, (20, -1))):
        verdict = judge(other, FINE, labels, 40)
        assert verdict.answer == answer
        assert verdict.by_labels
        assert "40 labeled photographs" in verdict.because
    assert judge(evidence(1, 1, None), FINE, labels, 40).prefers_source == (answer == "hurt")


def spread(value: float, low: float | None, high: float | None) -> Paired:
    return Paired(
        Interval(20.0, 15.0, 25.0), Interval(20.0 + value, 15.0, 25.0), Interval(value, low, high)
    )


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (spread(1, -3, 5), spread(-1, -5, 3)),
        (spread(0, -0.3, 0.3), spread(0, -2.5, 0.5)),  # the second may still have changed
        (spread(1, None, None), spread(0, -0.3, 0.3)),  # fewer than six photographs
    ],
)
def test_too_few_labels_leave_the_answer_to_the_other_evidence(near, far):
    verdict = judge(evidence(1, 1, None), FINE, {"0.05": near, "0.10": far}, 7)
    assert verdict.answer == "probably"
    assert not verdict.by_labels
    assert verdict.because.startswith("7 labeled photographs are too few to decide.")


@pytest.mark.parametrize("agreement", [1, -1])
def test_narrow_interval_around_zero_means_no_change(agreement):
    """A narrow interval around 0 decides, whatever the evidence without labels."""
    labels = {"0.05": spread(-0.1, -0.26, 0.05), "0.10": spread(0.2, -1.9, 2.0)}
    verdict = judge(evidence(agreement, 1, None), FINE, labels, 1000)
    assert (verdict.answer, verdict.by_labels) == ("unclear", True)
    assert verdict.line.startswith(
        "No clear change. On 1000 labeled photographs nothing changed: within 0.05 of the crop's"
    )
    assert "\u22120.1 (\u22120.3 to +0.1) points" in verdict.because
