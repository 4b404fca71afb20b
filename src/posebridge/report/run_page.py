"""``RUN/report``: the page that shows whether an adaptation helped, and its numbers.

index.html        one self-contained file, made from ``page/run.html.jinja``
report.json       all numbers of the page (:class:`~posebridge.evaluation.run_comparison.RunComparison`)
calibration.json  the map from peaks to calibrated confidence, for both models
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from posebridge.evaluation.run_comparison import (
    RunComparison,
    Trust,
    ValidatorRow,
    write_calibrations,
)
from posebridge.files.whole import folder_written_whole, write_text
from posebridge.inference.run_comparison import WITHOUT_SOURCE, ComparedRun
from posebridge.report.charts import interval_chart, number, reliability_chart
from posebridge.report.gallery import Gallery, gallery
from posebridge.report.page_template import render_page
from posebridge.report.training_curves import course_charts, course_words
from posebridge.training.metrics_file import read_metrics

PAGE = "index.html"
_FIRST_SHOTS = 8
_FEW = 20
"""Below this number of photographs the page warns of wide intervals."""
_TONES = {
    "helped": "good",
    "probably": "good",
    "hurt": "bad",
    "probably_not": "bad",
    "mixed": "warn",
    "unclear": "plain",
    "same": "plain",
}
_TILES = ("agreement", "pose_prior", "source_pck@0.05")


@dataclass(frozen=True)
class RunReport:
    """The judgment of a run, and the page that shows it."""

    judgment: RunComparison
    page: Path

    @property
    def tone(self) -> str:
        """Return the tone of the verdict: good, bad, warn or plain."""
        return _TONES[self.judgment.verdict.answer]


@dataclass(frozen=True)
class Tile:
    """A metric at the top of the page, before and after the adaptation.

    Attributes:
        kind: good, bad or plain, the CSS class of the change.
        change: the change as a phrase.
    """

    title: str
    before: str
    after: str
    unit: str
    kind: str
    change: str


def write_run_page(folder: Path, judged: ComparedRun, made: str, *, most: int = 60) -> RunReport:
    """Write the page, its numbers and the calibrations, all files or none.

    Args:
        folder: the folder of the report, usually ``RUN/report``.
        judged: the compared run.
        made: program and command, for the footer of the page.
        most: number of photographs in the gallery.
    """
    shots = gallery(judged.judgment, judged.pictures, most=most)
    page = render(judged.judgment, shots, made, judged.held_out, judged.stopped)
    with folder_written_whole(folder, merge=True) as partial:
        judged.judgment.write(partial / "report.json")
        write_calibrations(partial / "calibration.json", judged.calibrations)
        write_text(partial / PAGE, page)
    return RunReport(judged.judgment, folder / PAGE)


def render(
    judgment: RunComparison,
    shots: Gallery,
    made: str,
    held_out: int | None = None,
    stopped: tuple[int, int] | None = None,
) -> str:
    """Return the page as HTML.

    Args:
        made: program and command, for the footer of the page.
        held_out, stopped: as in :func:`warnings`.
    """
    return render_page(
        "run.html.jinja",
        j=judgment,
        without_source=WITHOUT_SOURCE in judgment.method,
        tone=_TONES[judgment.verdict.answer],
        tiles=tiles(judgment),
        rows=[_row(judgment, row) for row in judgment.validators],
        labels=[
            (name, p, interval_chart(p.difference, _sign(p.difference.sign)))
            for name, p in judgment.labels.items()
        ],
        warnings=warnings(judgment, held_out, stopped),
        trust=[(t, trust_chart(t)) for t in judgment.trust],
        course=course_charts(judgment),
        course_words=course_words(judgment),
        widest=max((joint.high for joint in judgment.joints), default=0.0) or 1.0,
        first_shots=shots.worst[:_FIRST_SHOTS],
        more_shots=shots.worst[_FIRST_SHOTS:],
        middle_shots=shots.middle,
        run_name=Path(judgment.run).name,
        made=made,
    )


def tiles(judgment: RunComparison) -> list[Tile]:
    """Return the metrics beside the verdict: PCK where labels exist, and the validators that vote."""
    made: list[Tile] = []
    for name, paired in judgment.labels.items():
        made.append(
            Tile(
                f"Within {name}, your labels",
                number(paired.source.value, "%"),
                number(paired.adapted.value, "%"),
                "%",
                _sign(paired.difference.sign),
                _clearness(paired.difference.sign),
            )
        )
    for row in judgment.validators:
        if row.name in _TILES[: 2 if judgment.labels else 3]:
            made.append(
                Tile(
                    row.title if row.unit else f"{row.title} (log-likelihood)",
                    number(row.change.source.value, row.unit),
                    number(row.change.adapted.value, row.unit),
                    row.unit,
                    _kind(judgment, row),
                    _change(judgment, row),
                )
            )
    return made


def warnings(
    judgment: RunComparison, held_out: int | None = None, stopped: tuple[int, int] | None = None
) -> list[str]:
    """Return the limits of the report that a reader must know.

    Args:
        held_out: number of images that training did not use; None: the images of the report.
        stopped: finished and planned steps of a run that did not reach its end.
    """
    found = []
    if stopped is not None:
        found.append(
            f"The run stopped at step {stopped[0]} of {stopped[1]}: this page is about an unfinished "
            "adaptation. Resume it with posebridge adapt --resume --out "
            f"{shlex.quote(judgment.run)}."
        )
    remark = read_metrics(Path(judgment.run)).remark
    if remark is not None:
        found.append(remark)
    if not judgment.held_out:
        found.append(
            "The target is a single image, so no image was held out: every metric is "
            "about the training image."
        )
    elif judgment.images < _FEW and held_out is not None and judgment.images < held_out:
        found.append(
            f"Of {held_out} photographs that were held out only {judgment.images} were compared "
            f"(--max-images). Intervals over fewer than {_FEW} photographs are wide."
        )
    elif judgment.images < _FEW:
        found.append(
            f"Only {judgment.images} photographs were held out. Intervals over fewer than {_FEW} are "
            "wide; adapt to more photographs, or raise validation.fraction."
        )
    before, after = judgment.sanity.merged
    known = judgment.sanity.merged_in_labels
    if before is not None and after is not None and after > max(30.0, 2 * (known or 0.0)):
        beside = "" if known is None else f"; in the labels of the source {known:.0f} %"
        found.append(
            f"The model does not separate left from right: in {after:.0f} % of the left/right pairs "
            f"both ends are at the same position (before the adaptation {before:.0f} %{beside}). "
            "Adaptation does not correct this. A longer source stage may, or source images that show "
            "the difference between front and back."
        )
    if judgment.keep is None and "running" not in judgment.method:
        found.append(
            f"Active levels: {judgment.method}. Without a mean teacher the run has no "
            "pseudo-labels, and their part of the page is empty."
        )
    if judgment.source_kind == "none":
        found.append(judgment.source_about)
    if judgment.skipped:
        found.append(f"{len(judgment.skipped)} images could not be read and were left out.")
    return found


def trust_chart(trust: Trust) -> Markup:
    """Draw the reliability of peaks and calibrated confidence, on labeled photographs if any."""
    if trust.target is not None:
        curves = [
            ("calibrated, on your labeled photographs", "line-b", trust.target),
            ("calibrated, on the source", "line-a", trust.adapted),
        ]
    else:
        curves = [
            ("calibrated", "line-a", trust.adapted),
            ("peaks", "line-c", trust.peaks),
        ]
    label = f"reliability within {trust.within:g} of the crop's side"
    return reliability_chart(curves, label)


def _row(
    judgment: RunComparison, row: ValidatorRow
) -> tuple[ValidatorRow, str, int | None, Markup]:
    """Return the row, its tone, the number of decimals and its chart."""
    kind = _kind(judgment, row)
    sizes = [abs(i.value) for i in (row.change.source, row.change.adapted) if i.value is not None]
    places = None if row.unit else 2 if max(sizes, default=0) >= 1 else 3
    return row, kind, places, interval_chart(row.change.difference, kind)


def _kind(judgment: RunComparison, row: ValidatorRow) -> str:
    """Return the tone of a row: its vote in the verdict, or plain where it has no vote."""
    votes = {finding.about: finding.vote for finding in judgment.verdict.findings}
    return _sign(votes.get(row.name, 0))


def _sign(sign: int) -> str:
    return {1: "good", 0: "plain", -1: "bad"}[sign]


def _change(judgment: RunComparison, row: ValidatorRow) -> str:
    sign = row.change.difference.sign
    if row.name.startswith("source_pck") and sign < 0 and _kind(judgment, row) == "plain":
        return "a small fall, as usual"
    return _clearness(sign)


def _clearness(sign: int) -> str:
    return {1: "a clear rise", 0: "no clear change", -1: "a clear fall"}[sign]
