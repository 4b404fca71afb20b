"""Did it help? A rule from evidence to words, and what the words may claim.

With labels of the target the answer is theirs, also where they show that next to nothing changed
(:data:`NEXT_TO_NOTHING`); labels whose intervals are too wide to tell leave it open. Without any it is
never more than "probably": a model can become steadier, surer and more plausible while it learns its
own mistakes. The rule without them, in order:

1. Answers that have become alike (:func:`collapsed`) mean that adaptation failed, whatever else rose.
2. A large clear loss on labelled source images, or a clear fall of steadiness, speaks against it.
3. "Probably yes" needs steadiness *and* a witness that training does not push, the plausibility of
   the poses, to rise clearly, and nothing to speak against it. Where training does push it (bones of
   plausible lengths, ``prior.weight``) it has no vote.
4. Anything else is "mixed" or "no clear change".

Confidence, narrowness and neighbours are shown and have no vote: training pushes them up, whether or
not it does any good, or they move either way in runs that helped. "Clearly" is an interval of the
paired difference that does not touch 0. ``tests/evaluation/test_verdict.py`` is the rule as a table.
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
"""Share of the source accuracy whose loss speaks against an adaptation; less is the usual price: runs
that gained 10 points on the target lost 10 to 25 % of it (docs/how-to/report.md)."""
NEXT_TO_NOTHING = 2.0
"""Points of PCK: where the labels' whole intervals lie within this either way, nothing changed."""
LEAST_VARIETY = 0.5
"""Share of the source model's variety below which answers count as collapsed."""


@dataclass(frozen=True)
class Finding:
    """One thing that speaks for (1), against (-1) or for neither side (0), in a sentence."""

    about: str
    vote: int
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The answer at the top.

    Attributes:
        answer: which; :data:`HEADLINES` has its words.
        by_labels: whether labels of the target gave it.
        because: a sentence that says on what it rests.
        findings: all that was weighed.
    """

    answer: Answer
    by_labels: bool
    because: str
    findings: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        """The answer in words."""
        return HEADLINES[self.answer]

    @property
    def prefers_source(self) -> bool:
        """Whether the weights from before the adaptation are the better choice."""
        return self.answer in ("hurt", "probably_not")

    @property
    def line(self) -> str:
        """Headline and reason, for the terminal."""
        return f"{self.headline} {self.because}"


def collapsed(source: float, adapted: float) -> bool:
    """Whether answers have become alike; both are :func:`~.evidence.variety`, percent."""
    return adapted < LEAST_VARIETY * source


def judge(
    figures: Mapping[str, Paired],
    variety: tuple[float, float],
    labels: Mapping[str, Paired] | None = None,
    labelled_images: int = 0,
    pushed: Collection[str] = (),
) -> Verdict:
    """Weigh the evidence.

    Args:
        figures: validators by name, and ``source_pck@0.05`` where source labels were at hand.
        variety: of the source model's and the adapted model's answers, percent of the side.
        labels: PCK on labelled target images by threshold, if the user has some.
        labelled_images: how many images that were.
        pushed: figures that the run's own settings push up.
    """
    findings = _findings(figures, variety, pushed)
    if labels:
        verdict = _by_labels(labels, labelled_images, findings)
        if verdict is not None:
            return verdict
    against = [f for f in findings if f.vote < 0]
    pro = {f.about for f in findings if f.vote > 0}
    if any(f.about == "variety" for f in against):
        answer: Answer = "probably_not"
        because = "The photographs' answers have become alike, which no other gain makes up for."
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
        because += " Nothing that training does not itself push up bears this out." * (
            "pose_prior" not in pro
        )
    else:
        answer, because = "unclear", "No check moved by more than chance explains."
    if labels:
        because = f"{labelled_images} labelled photographs are too few to tell. {because}"
    return Verdict(answer, False, because, tuple(findings))


def nothing_to_compare(because: str) -> Verdict:
    """For a run whose weights are those from before the adaptation."""
    return Verdict("same", False, because, ())


def _by_labels(
    labels: Mapping[str, Paired], images: int, findings: list[Finding]
) -> Verdict | None:
    """The labels' answer, or None where they leave it open."""
    signs = [paired.difference.sign for paired in labels.values()]
    parts = _join(
        f"Within {threshold} of the crop's side: {_change(paired)} %, a change of "
        f"{_between(paired)} points."
        for threshold, paired in labels.items()
    )
    because = f"By {images} labelled photographs. {parts}"
    if max(signs) > 0 and min(signs) >= 0:
        return Verdict("helped", True, because, tuple(findings))
    if min(signs) < 0 and max(signs) <= 0:
        return Verdict("hurt", True, because, tuple(findings))
    if min(signs) < 0 < max(signs):
        return Verdict("mixed", True, because, tuple(findings))
    if all(map(_next_to_nothing, labels.values())):
        because = f"By {images} labelled photographs nothing changed: {parts[0].lower()}{parts[1:]}"
        return Verdict("unclear", True, because, tuple(findings))
    return None


def _next_to_nothing(paired: Paired) -> bool:
    """Whether the labels tell that a change is small, and not just that it is not clear."""
    low, high = paired.difference.low, paired.difference.high
    return (
        low is not None and high is not None and -NEXT_TO_NOTHING <= low <= high <= NEXT_TO_NOTHING
    )


def _findings(
    figures: Mapping[str, Paired], variety: tuple[float, float], pushed: Collection[str]
) -> list[Finding]:
    found = []
    steady = figures.get("agreement")
    if steady is not None:
        verb = {1: "Steadier", -1: "Less steady", 0: "As steady"}[steady.difference.sign]
        found.append(
            Finding(
                "agreement",
                steady.difference.sign,
                f"{verb} on photographs kept out of training ({_change(steady)} % of joints agree "
                "in two views).",
            )
        )
    prior = figures.get("pose_prior")
    if prior is not None:
        verb = {1: "more", -1: "less", 0: "as"}[prior.difference.sign]
        than = "as" if prior.difference.sign == 0 else "than"
        found.append(
            Finding(
                "pose_prior",
                # Photographs may well show poses that the source lacks: a fall is no vote against.
                0 if "pose_prior" in pushed else max(prior.difference.sign, 0),
                f"Its poses are {verb} plausible {than} before.",
            )
        )
    memory = figures.get("source_pck@0.05")
    if memory is not None and memory.source.value and memory.adapted.value is not None:
        lost = 1 - memory.adapted.value / memory.source.value
        vote = -1 if memory.difference.sign < 0 and lost > LEAST_FORGOTTEN else 0
        kept = "has unlearned part of the labelled source" if vote else "still knows the source"
        found.append(Finding("source_pck@0.05", vote, f"It {kept} ({_change(memory)} % right)."))
    alike = collapsed(*variety)
    found.append(
        Finding(
            "variety",
            -1 if alike else 0,
            "Answers to different photographs have become alike."
            if alike
            else "Answers to different photographs are still different.",
        )
    )
    return found


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
