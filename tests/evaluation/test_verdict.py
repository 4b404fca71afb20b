"""The rule as a table: which evidence gives which answer."""

from __future__ import annotations

import pytest

from posebridge.evaluation.resampling import Interval, Paired
from posebridge.evaluation.verdict import judge


def change(before: float, after: float, sign: int) -> Paired:
    """A change that is clear (1, -1) or within chance (0)."""
    difference = after - before
    low, high = {1: (0.1, 9.0), -1: (-9.0, -0.1), 0: (-1.0, 1.0)}[sign]
    return Paired(
        Interval(before, before - 1, before + 1),
        Interval(after, after - 1, after + 1),
        Interval(difference, low, high),
    )


def figures(steady: int, prior: int | None, memory: tuple[float, int] | None):
    found = {"agreement": change(50, 50 + 5 * steady, steady)}
    if prior is not None:
        found["pose_prior"] = change(-3, -3 + prior, prior)
    if memory is not None:
        found["source_pck@0.05"] = change(50, memory[0], memory[1])
    # What has no vote must not change any answer, however much it rises.
    found["confidence"] = change(10, 90, 1)
    found["information"] = change(0.1, 0.9, 1)
    return found


FINE, ALIKE = (20.0, 18.0), (20.0, 9.0)


@pytest.mark.parametrize(
    ("steady", "prior", "memory", "variety", "answer"),
    [
        (1, 1, (49, -1), FINE, "probably"),  # 2 % of the source lost: the usual price
        (1, 1, None, FINE, "probably"),
        (1, 0, (50, 0), FINE, "mixed"),  # steadiness alone never gives a yes
        (1, None, (50, 0), FINE, "mixed"),
        (1, -1, (50, 0), FINE, "mixed"),
        (1, 1, (44, -1), FINE, "mixed"),  # 12 % of the source lost
        (1, 1, (44, 0), FINE, "probably"),  # the same loss within chance
        (0, 1, (50, 0), FINE, "unclear"),
        (0, 0, (50, 0), FINE, "unclear"),
        (0, -1, (50, 0), FINE, "unclear"),  # other poses than the source's are no vote against
        (-1, 0, (50, 0), FINE, "probably_not"),
        (-1, 1, (50, 0), FINE, "mixed"),
        (0, 0, (30, -1), FINE, "probably_not"),
        (1, 1, (60, 1), ALIKE, "probably_not"),  # nothing makes up for a collapse
    ],
)
def test_without_labels(steady, prior, memory, variety, answer):
    verdict = judge(figures(steady, prior, memory), variety)
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
def test_labels_decide_against_all_other_signs(near, far, answer):
    labels = {"0.05": change(20, 20 + 3 * near, near), "0.10": change(40, 40 + 3 * far, far)}
    for signs in (figures(1, 1, None), figures(-1, 0, (20, -1))):
        verdict = judge(signs, FINE, labels, 40)
        assert verdict.answer == answer
        assert verdict.by_labels
        assert "40 labelled photographs" in verdict.because
    assert judge(figures(1, 1, None), FINE, labels, 40).prefers_source == (answer == "hurt")


def test_too_few_labels_leave_the_answer_to_the_signs_and_say_so():
    labels = {"0.05": change(20, 21, 0), "0.10": change(40, 39, 0)}
    verdict = judge(figures(1, 1, None), FINE, labels, 7)
    assert verdict.answer == "probably"
    assert not verdict.by_labels
    assert verdict.because.startswith("7 labelled photographs are too few to tell.")
