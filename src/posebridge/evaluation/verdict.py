"""Did it help? The rule that turns the evidence about a run into a verdict.

Labels of the target decide where there are any, also where they show that almost nothing changed
(:data:`NEXT_TO_NOTHING`). Labels whose intervals are too wide leave the verdict open. Without labels
it is at most "probably": the agreement, the confidence and the plausibility of a model can rise while
it learns its own mistakes. The rule without labels, in order:

1. Predictions that have become alike (:func:`collapsed`) mean that the adaptation failed, whatever
   else rose.
2. A large clear loss on labeled source images, or a clear fall of the agreement of two views, is
   evidence against the adaptation.
3. "Probably yes" needs a clear rise of the agreement *and* of a metric that training does not push,
   the plausibility of the poses, and no evidence against. Where training pushes the plausibility
   (bones of plausible lengths, ``bone_prior.weight``), it has no vote.
4. Everything else is "mixed" or "no clear change".

Confidence, certainty, information and neighborhood density are shown and have no vote: training
pushes them up whether or not it helps, or they move either way in runs that helped. "Clear" means
that the interval of the paired difference does not contain 0. ``tests/evaluation/test_verdict.py``
has the rule as a table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from posebridge.evaluation.bootstrap import Paired

Answer = Literal["helped", "hurt", "probably", "probably_not", "mixed", "unclear", "same"]

HEADLINES: Mapping[Answer, str] = {
    "helped": "Yes, it helped.",
    "hurt": "No, it hurt.",
    "probably": "Probably, yes.",
    "probably_not": "Probably not: it looks worse.",
    "mixed": "The signs are mixed.",
    "unclear": "No clear change.",
    "same": "There is nothing to compare.",
}

LEAST_FORGOTTEN = 0.25
"""Fraction of the source accuracy whose loss is evidence against an adaptation.

Smaller losses are usual: runs that gained 10 points on the target lost 10 to 25 % of the source
accuracy (docs/how-to/report.md).
"""
NEXT_TO_NOTHING = 2.0
"""Points of PCK: nothing changed where the labels' whole intervals are within this of 0."""
LEAST_VARIETY = 0.5
"""Fraction of the source model's variety below which predictions count as collapsed."""


@dataclass(frozen=True)
class Finding:
    """One piece of evidence: for the adaptation (1), against it (-1) or neither (0), in a sentence."""

    about: str
    vote: int
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The verdict at the top of a report.

    Attributes:
        answer: a key of :data:`HEADLINES`.
        by_labels: whether labels of the target decided it.
        because: the reason, in a sentence.
        findings: all evidence that was weighed.
    """

    answer: Answer
    by_labels: bool
    because: str
    findings: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        """Return the sentence for the answer."""
        return HEADLINES[self.answer]

    @property
    def prefers_source(self) -> bool:
        """Return whether the checkpoint from before the adaptation is the better choice."""
        return self.answer in ("hurt", "probably_not")

    @property
    def line(self) -> str:
        """Return headline and reason, for the terminal."""
        return f"{self.headline} {self.because}"


def collapsed(source: float, adapted: float) -> bool:
    """Return whether predictions have become alike.

    Args:
        source, adapted: :func:`~.validator_intervals.variety` of either model, percent.
    """
    return adapted < LEAST_VARIETY * source


def judge(
    figures: Mapping[str, Paired],
    variety: tuple[float, float],
    labels: Mapping[str, Paired] | None = None,
    labeled_images: int = 0,
    pushed: Collection[str] = (),
) -> Verdict:
    """Return the verdict from the evidence.

    Args:
        figures: validators by name, and ``source_pck@0.05`` where source labels are available.
        variety: of the source model's and the adapted model's predictions, percent of the side.
        labels: PCK on labeled target images by threshold, if the user has some.
        labeled_images: number of labeled target images.
        pushed: metrics that the run's own config pushes up.
    """
    findings = _findings(figures, variety, pushed)
    if labels:
        verdict = _by_labels(labels, labeled_images, findings)
        if verdict is not None:
            return verdict
    against = [f for f in findings if f.vote < 0]
    pro = {f.about for f in findings if f.vote > 0}
    if any(f.about == "variety" for f in against):
        answer: Answer = "probably_not"
        because = (
            "The predictions for different photographs have become alike, which outweighs any gain."
        )
    elif against and not pro:
        answer = "probably_not"
        because = _join(f.sentence for f in against)
    elif against:
        answer = "mixed"
        because = _join(f.sentence for f in (*against, *(f for f in findings if f.vote > 0)))
    elif {"agreement", "pose_prior"} <= pro:
        answer = "probably"
        because = _join(f.sentence for f in findings if f.vote > 0)
    elif pro:
        answer = "mixed" if "agreement" in pro else "unclear"
        because = _join(f.sentence for f in findings if f.vote > 0)
        because += " No metric that training does not push up confirms it." * (
            "pose_prior" not in pro
        )
    else:
        answer, because = "unclear", "No metric shows a clear change."
    if labels:
        because = f"{labeled_images} labeled photographs are too few to decide. {because}"
    return Verdict(answer, False, because, tuple(findings))


def nothing_to_compare(because: str) -> Verdict:
    """Return the verdict on a run whose checkpoint is the one from before the adaptation."""
    return Verdict("same", False, because, ())


def _by_labels(
    labels: Mapping[str, Paired], images: int, findings: list[Finding]
) -> Verdict | None:
    """Return the verdict from the labels, or None where they leave it open."""
    signs = [paired.difference.sign for paired in labels.values()]
    parts = _join(
        f"Within {threshold} of the crop's side: {_change(paired)} %, a change of "
        f"{_between(paired)} points."
        for threshold, paired in labels.items()
    )
    because = f"Measured on {images} labeled photographs. {parts}"
    if max(signs) > 0 and min(signs) >= 0:
        return Verdict("helped", True, because, tuple(findings))
    if min(signs) < 0 and max(signs) <= 0:
        return Verdict("hurt", True, because, tuple(findings))
    if min(signs) < 0 < max(signs):
        return Verdict("mixed", True, because, tuple(findings))
    if all(map(_next_to_nothing, labels.values())):
        because = f"On {images} labeled photographs nothing changed: {parts[0].lower()}{parts[1:]}"
        return Verdict("unclear", True, because, tuple(findings))
    return None


def _next_to_nothing(paired: Paired) -> bool:
    """Return whether the whole interval of a change is small, rather than only containing 0."""
    low, high = paired.difference.low, paired.difference.high
    return (
        low is not None and high is not None and -NEXT_TO_NOTHING <= low <= high <= NEXT_TO_NOTHING
    )


def _findings(
    figures: Mapping[str, Paired], variety: tuple[float, float], pushed: Collection[str]
) -> list[Finding]:
    findings = []
    agreement = figures.get("agreement")
    if agreement is not None:
        sign = agreement.difference.sign
        verb = {1: "rose", -1: "fell", 0: "did not change clearly"}[sign]
        findings.append(
            Finding(
                "agreement",
                sign,
                f"Agreement of two views {verb} on photographs kept out of training "
                f"({_change(agreement)} % of joints).",
            )
        )
    prior = figures.get("pose_prior")
    if prior is not None:
        verb = {1: "more", -1: "less", 0: "as"}[prior.difference.sign]
        than = "as" if prior.difference.sign == 0 else "than"
        findings.append(
            Finding(
                "pose_prior",
                # Photographs may show poses that the source lacks: a fall is not a vote against.
                0 if "pose_prior" in pushed else max(prior.difference.sign, 0),
                f"The predicted poses are {verb} plausible {than} before.",
            )
        )
    memory = figures.get("source_pck@0.05")
    if memory is not None and memory.source.value and memory.adapted.value is not None:
        lost = 1 - memory.adapted.value / memory.source.value
        vote = -1 if memory.difference.sign < 0 and lost > LEAST_FORGOTTEN else 0
        change = "lost much of its accuracy" if vote else "kept most of its accuracy"
        findings.append(
            Finding(
                "source_pck@0.05",
                vote,
                f"The model {change} on the labeled source ({_change(memory)} % right).",
            )
        )
    alike = collapsed(*variety)
    findings.append(
        Finding(
            "variety",
            -1 if alike else 0,
            "Predictions for different photographs have become alike."
            if alike
            else "Predictions for different photographs are still different.",
        )
    )
    return findings


def _change(paired: Paired) -> str:
    first, second = paired.source.value, paired.adapted.value
    if first is None or second is None:
        return "unknown"
    return f"{first:.1f} → {second:.1f}"


def _between(paired: Paired) -> str:
    change = paired.difference
    if change.value is None or change.low is None or change.high is None:
        return "unknown"
    return f"{change.value:+.1f} ({change.low:+.1f} to {change.high:+.1f})".replace("-", "\u2212")


def _join(sentences: Iterable[str]) -> str:
    return " ".join(sentences)
