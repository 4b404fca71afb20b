"""``RUN/report``: the page that answers whether an adaptation helped, and its numbers.

index.html        one file, nothing outside it; made from ``page/index.html.jinja``
report.json       all numbers of the page (:class:`~posebridge.evaluation.judgement.Judgement`)
calibration.json  from peaks to chances, for both models
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from posebridge.evaluation.judgement import Judgement, Trust, ValidatorRow, write_calibrations
from posebridge.files.whole import folder_written_whole, write_text
from posebridge.inference.run_comparison import WITHOUT_SOURCE, JudgedRun
from posebridge.report.charts import (
    interval_chart,
    number,
    reliability_chart,
)
from posebridge.report.gallery import Gallery, gallery
from posebridge.report.training_curves import course_charts, course_words
from posebridge.training.metrics_file import read_metrics

PAGE = "index.html"
_FIRST_SHOTS = 8
_FEW = 20
"""Fewer photographs than this say little."""
_COLOURS = {
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
    """What was found, and the page that shows it."""

    judgement: Judgement
    page: Path

    @property
    def colour(self) -> str:
        """The tone of the answer: good, bad, warn or plain."""
        return _COLOURS[self.judgement.verdict.answer]


@dataclass(frozen=True)
class Tile:
    """A number at the top: before, after, and whether the change is a good sign."""

    title: str
    before: str
    after: str
    unit: str
    kind: str
    says: str


def write_run_page(folder: Path, judged: JudgedRun, made: str, *, most: int = 60) -> RunReport:
    """Write page, numbers and calibrations, all of them or none.

    Args:
        folder: usually ``RUN/report``.
        made: by which program and command, for the foot of the page.
        most: photographs in the gallery.
    """
    shots = gallery(judged.judgement, judged.pictures, most=most)
    page = render(judged.judgement, shots, made, judged.held_out, judged.stopped)
    with folder_written_whole(folder, merge=True) as partial:
        judged.judgement.write(partial / "report.json")
        write_calibrations(partial / "calibration.json", judged.calibrations)
        write_text(partial / PAGE, page)
    return RunReport(judged.judgement, folder / PAGE)


def render(
    judgement: Judgement,
    shots: Gallery,
    made: str,
    held_out: int | None = None,
    stopped: tuple[int, int] | None = None,
) -> str:
    """The whole page as text; ``made`` says by what, the others are as in :func:`warnings`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("posebridge.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    source = environment.loader
    assert source is not None
    style = source.get_source(environment, "style.css")[0]
    return environment.get_template("index.html.jinja").render(
        j=judgement,
        without_source=WITHOUT_SOURCE in judgement.method,
        style=Markup(style),
        colour=_COLOURS[judgement.verdict.answer],
        tiles=tiles(judgement),
        rows=[_row(judgement, row) for row in judgement.validators],
        labels=[
            (name, p, interval_chart(p.difference, _sign(p.difference.sign)))
            for name, p in judgement.labels.items()
        ],
        warnings=warnings(judgement, held_out, stopped),
        trust=[(t, trust_chart(t)) for t in judgement.trust],
        course=course_charts(judgement),
        course_words=course_words(judgement),
        widest=max((joint.high for joint in judgement.joints), default=0.0) or 1.0,
        first_shots=shots.worst[:_FIRST_SHOTS],
        more_shots=shots.worst[_FIRST_SHOTS:],
        middle_shots=shots.middle,
        run_name=Path(judgement.run).name,
        made=made,
    )


def tiles(judgement: Judgement) -> list[Tile]:
    """The numbers beside the verdict: the labels' where there are some, and those that vote."""
    found = []
    for name, paired in judgement.labels.items():
        found.append(
            Tile(
                f"Within {name}, your labels",
                number(paired.source.value, "%"),
                number(paired.adapted.value, "%"),
                "%",
                _sign(paired.difference.sign),
                _sureness(paired.difference.sign),
            )
        )
    for row in judgement.validators:
        if row.name in _TILES[: 2 if found and judgement.labels else 3]:
            found.append(
                Tile(
                    row.title if row.unit else f"{row.title} (log-likelihood)",
                    number(row.change.source.value, row.unit),
                    number(row.change.adapted.value, row.unit),
                    row.unit,
                    _kind(judgement, row),
                    _says(judgement, row),
                )
            )
    return found


def warnings(
    judgement: Judgement, held_out: int | None = None, stopped: tuple[int, int] | None = None
) -> list[str]:
    """What a reader must know before believing the rest.

    Args:
        held_out: how many images training did not see; None: those that were looked at.
        stopped: steps done and planned of a run that did not reach its end.
    """
    found = []
    if stopped is not None:
        found.append(
            f"The run stopped at step {stopped[0]} of {stopped[1]}: this page is about an adaptation "
            "that is not finished. Go on with posebridge adapt --resume --out "
            f"{shlex.quote(judgement.run)}."
        )
    remark = read_metrics(Path(judgement.run)).remark
    if remark is not None:
        found.append(remark)
    if not judgement.held_out:
        found.append(
            "The target is a single image, so nothing could be kept out of training: every figure "
            "is about the image that was trained on."
        )
    elif judgement.images < _FEW and held_out is not None and judgement.images < held_out:
        found.append(
            f"Of {held_out} photographs that were held out only {judgement.images} were looked at "
            "(--max-images). Intervals of so few say little."
        )
    elif judgement.images < _FEW:
        found.append(
            f"Only {judgement.images} photographs were held out. Intervals of so few say little; "
            "adapt to more photographs, or raise held_out.held_out."
        )
    before, after = judgement.sanity.merged
    known = judgement.sanity.merged_in_labels
    if before is not None and after is not None and after > max(30.0, 2 * (known or 0.0)):
        beside = "" if known is None else f", in the labels of the source {known:.0f} %"
        found.append(
            f"Left and right are not told apart: in {after:.0f} % of the left/right pairs both "
            f"ends fall on the same spot (before the adaptation {before:.0f} %{beside}). Adaptation "
            "does not mend this; a longer source stage, or source images that tell front from back, "
            "may."
        )
    if judgement.keep is None and "running" not in judgement.method:
        found.append(
            f"Levels that were on: {judgement.method}. Without a mean teacher there are no "
            "pseudo-labels, and that part of the page is empty."
        )
    if judgement.source_kind == "none":
        found.append(judgement.source_about)
    if judgement.skipped:
        found.append(f"{len(judgement.skipped)} images could not be read and were left out.")
    return found


def trust_chart(trust: Trust) -> Markup:
    """Bare peaks and calibrated chances; on labelled photographs where there are some."""
    if trust.target is not None:
        curves = [
            ("calibrated, on your labelled photographs", "line-b", trust.target),
            ("calibrated, on the source", "line-a", trust.adapted),
        ]
    else:
        curves = [
            ("calibrated", "line-a", trust.adapted),
            ("bare peaks", "line-c", trust.peaks),
        ]
    label = f"reliability within {trust.within:g} of the crop's side"
    return reliability_chart(curves, label)


def _row(judgement: Judgement, row: ValidatorRow) -> tuple[ValidatorRow, str, int | None, Markup]:
    """The row, its colour, the decimals of all its numbers, its chart."""
    kind = _kind(judgement, row)
    sizes = [abs(i.value) for i in (row.change.source, row.change.adapted) if i.value is not None]
    places = None if row.unit else 2 if max(sizes, default=0) >= 1 else 3
    return row, kind, places, interval_chart(row.change.difference, kind)


def _kind(judgement: Judgement, row: ValidatorRow) -> str:
    """A row's colour is its vote in the verdict; what has no vote is grey."""
    votes = {finding.about: finding.vote for finding in judgement.verdict.findings}
    return _sign(votes.get(row.name, 0))


def _sign(sign: int) -> str:
    return {1: "good", 0: "plain", -1: "bad"}[sign]


def _says(judgement: Judgement, row: ValidatorRow) -> str:
    sign = row.change.difference.sign
    if row.name.startswith("source_pck") and sign < 0 and _kind(judgement, row) == "plain":
        return "a small fall, the usual price"
    return _sureness(sign)


def _sureness(sign: int) -> str:
    return {1: "a clear rise", 0: "within chance", -1: "a clear fall"}[sign]
