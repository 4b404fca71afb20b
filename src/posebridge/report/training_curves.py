"""The course of a run: its steadiness and its pseudo-labels over the steps, drawn and in words."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from posebridge.evaluation.judgement import Judgement
from posebridge.inference.run_folder import selected_step
from posebridge.report.charts import Line, line_chart


def course_charts(judgement: Judgement) -> list[tuple[str, Markup]]:
    """Steadiness, and the teacher's pseudo-labels, over the steps."""
    curves = judgement.course
    start = judgement.steps[0]
    mark = None if start is None else (float(start), "adaptation begins")
    percent = {
        name: [(s, 100 * v) for s, v in rows]
        for name, rows in curves.items()
        if name.startswith("teacher/")
    }
    steady = line_chart(
        [
            Line("two views agree", "line-a", curves.get("validator/agreement", ())),
            Line("answers that stayed", "line-b", curves.get("validator/settled", ())),
        ],
        "agreement of two views and share of answers that stayed, over the steps",
        unit=" %",
        mark=mark,
    )
    teacher = line_chart(
        [
            Line("kept", "line-b", percent.get("teacher/kept", [])),
            Line("teacher's confidence", "line-a", percent.get("teacher/confidence", [])),
            Line("of the weakest kept", "line-c", percent.get("teacher/threshold", [])),
        ],
        "share of pseudo-labels kept and the teacher's confidence, over the steps",
        unit=" %",
    )
    named = (("Held-out photographs", steady), ("The teacher's pseudo-labels", teacher))
    return [(title, chart) for title, chart in named if chart]


def course_words(judgement: Judgement) -> list[str]:
    """What the curves say, in sentences."""
    curves, found = judgement.course, []
    kept = curves.get("teacher/kept", ())
    if kept and judgement.keep is not None:
        mean = 100 * sum(v for _, v in kept) / len(kept)
        found.append(
            f"{mean:.0f} % of the teacher's pseudo-labels were learned from. The share is a setting "
            f"(consistency.keep {judgement.keep:g}); joints that leave the view lower it."
        )
    weakest = curves.get("teacher/threshold", ())
    if len(weakest) >= 4:
        quarter = max(1, len(weakest) // 4)
        first, last = (
            sum(v for _, v in part) / quarter for part in (weakest[:quarter], weakest[-quarter:])
        )
        found.append(
            f"The weakest one that was kept had a confidence of {first:.2f} in the first quarter "
            f"and {last:.2f} in the last: the teacher became "
            f"{'surer' if last > first else 'less sure'}, which is no proof that it became right."
        )
    settled = curves.get("validator/settled", ())
    if settled:
        found.append(
            f"Between the last two looks at the held-out photographs {settled[-1][1]:.0f} % of the "
            "answers stayed where they were; far below 90 % means that the run ended while its "
            "pseudo-labels were still moving."
        )
    agreement = curves.get("validator/agreement", ())
    if len(agreement) >= 3:
        peak = max(agreement, key=lambda look: look[1])
        rising = peak == agreement[-1]
        chosen = selected_step(Path(judgement.run))
        about = "" if chosen is None else f"; the weights of step {chosen} are --checkpoint selected"
        found.append(
            "Steadiness rose to the end. That alone is no reason to train for longer."
            if rising
            else f"Steadiness was highest at step {peak[0]} ({peak[1]:.1f} %) and ended at "
            f"{agreement[-1][1]:.1f} %{about}."
        )
    return found
