"""Training curves: steadiness and pseudo-labels over the steps, as charts and in sentences."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from posebridge.evaluation.run_comparison import RunComparison
from posebridge.inference.run_folder import selected_step
from posebridge.report.charts import Line, line_chart


def course_charts(judgment: RunComparison) -> list[tuple[str, Markup]]:
    """Draw steadiness and the teacher's pseudo-labels over the steps."""
    curves = judgment.course
    start = judgment.steps[0]
    mark = None if start is None else (float(start), "adaptation begins")
    percent = {
        name: [(s, 100 * v) for s, v in rows]
        for name, rows in curves.items()
        if name.startswith("teacher/")
    }
    steady = line_chart(
        [
            Line("two views agree", "line-a", curves.get("validator/agreement", ())),
            Line("stable predictions", "line-b", curves.get("validator/settled", ())),
        ],
        "agreement of two views and fraction of stable predictions, over the steps",
        unit=" %",
        mark=mark,
    )
    teacher = line_chart(
        [
            Line("kept", "line-b", percent.get("teacher/kept", [])),
            Line("teacher's confidence", "line-a", percent.get("teacher/confidence", [])),
            Line("lowest kept confidence", "line-c", percent.get("teacher/threshold", [])),
        ],
        "fraction of pseudo-labels kept and the teacher's confidence, over the steps",
        unit=" %",
    )
    named = (("Held-out photographs", steady), ("The teacher's pseudo-labels", teacher))
    return [(title, chart) for title, chart in named if chart]


def course_words(judgment: RunComparison) -> list[str]:
    """Return sentences about the curves."""
    curves, sentences = judgment.course, []
    kept = curves.get("teacher/kept", ())
    if kept and judgment.keep is not None:
        mean = 100 * sum(v for _, v in kept) / len(kept)
        sentences.append(
            f"{mean:.0f} % of the teacher's pseudo-labels were used. The config sets the fraction "
            f"(consistency.keep_ratio {judgment.keep:g}); joints that leave the view lower it."
        )
    weakest = curves.get("teacher/threshold", ())
    if len(weakest) >= 4:
        quarter = max(1, len(weakest) // 4)
        first, last = (
            sum(v for _, v in part) / quarter for part in (weakest[:quarter], weakest[-quarter:])
        )
        sentences.append(
            f"The lowest kept confidence was {first:.2f} in the first quarter and {last:.2f} in the "
            f"last: the teacher became {'more' if last > first else 'less'} confident, which does "
            "not prove that it became more accurate."
        )
    settled = curves.get("validator/settled", ())
    if settled:
        sentences.append(
            f"Between the last two validations {settled[-1][1]:.0f} % of the predictions on held-out "
            "photographs stayed in place; far below 90 % means that the run ended while its "
            "pseudo-labels were still moving."
        )
    agreement = curves.get("validator/agreement", ())
    if len(agreement) >= 3:
        peak = max(agreement, key=lambda entry: entry[1])
        rising = peak == agreement[-1]
        chosen = selected_step(Path(judgment.run))
        about = (
            "" if chosen is None else f"; the checkpoint of step {chosen} is --checkpoint selected"
        )
        sentences.append(
            "Steadiness rose to the end. That alone is not a reason to train for longer."
            if rising
            else f"Steadiness was highest at step {peak[0]} ({peak[1]:.1f} %) and ended at "
            f"{agreement[-1][1]:.1f} %{about}."
        )
    return sentences
