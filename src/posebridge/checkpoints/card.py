"""The model card: what a model folder says of itself to people, with the hub's front matter.

It speaks of these entries of the results, where they are there: 'step', 'weights', 'data' (the two
domains: 'name', 'subjects', and 'held_out' of the target; 'start', the model that stood for a source
which was not at hand), 'validator' ('name', 'value'), 'scores'
(a list of 'metrics' and 'protocol') and 'posebridge', the version. What is not known is not said.

Format: https://huggingface.co/docs/hub/model-cards (front matter and its ``model-index``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import yaml

from posebridge.models.tta import Asked
from posebridge.skeleton import Skeleton

_RULES = {
    "last": "the last weights of the run; nothing was chosen by them",
    "selected": "the weights that the label-free validator preferred over the run",
    "source": "the weights from before the adaptation",
}
_SHOWN = ("pck", "epe", "auc")


def model_card(skeleton: Skeleton, config: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """The text of ``README.md``: front matter, use, data, training, scores, limits."""
    title = f"{skeleton.name} pose model, {len(skeleton)} keypoints"
    scores = results.get("scores", [])
    parts = [
        _front_matter(title, scores),
        f"# {title}\n",
        f"Finds {len(skeleton)} keypoints of a {skeleton.name} in a square crop: "
        f"{', '.join(skeleton.keypoints)}.\n",
        _use(),
        "## Data\n\n" + _data(config, results),
        "## Training\n\n" + _training(config, results),
        "## Scores\n\n" + _scores(results, scores),
        "## Limits\n\n" + _limits(config, results),
    ]
    return "\n".join(parts)


def _front_matter(title: str, scores: Sequence[Mapping[str, Any]]) -> str:
    content: dict[str, Any] = {
        "library_name": "posebridge",
        "pipeline_tag": "keypoint-detection",
        "tags": ["pose-estimation", "keypoint-detection", "domain-adaptation"],
    }
    if scores:
        content["model-index"] = [{"name": title, "results": [_index_entry(s) for s in scores]}]
    return f"---\n{yaml.safe_dump(content, sort_keys=False)}---\n"


def _index_entry(score: Mapping[str, Any]) -> dict[str, Any]:
    name = short_name(str(score["protocol"]["dataset"]))
    values = {
        metric: rows.get("all")
        for metric, rows in score["metrics"].items()
        if metric.startswith(_SHOWN) and rows.get("all") is not None
    }
    return {
        "task": {"type": "keypoint-detection"},
        "dataset": {"name": name, "type": "coco-keypoints"},
        "metrics": [{"type": m, "name": m, "value": round(v, 2)} for m, v in values.items()],
    }


def _use() -> str:
    return (
        "```python\nimport posebridge\n\n"
        'found = posebridge.load("THIS FOLDER OR HUB ID").predict("photographs/")\n'
        "found.points, found.confidence  # pixels of the images; height of the heatmap's peak\n```\n"
    )


def _data(config: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    counts = results.get("data", {})
    lines = []
    for domain, kind in (("source", "labelled"), ("target", "no label of it was read")):
        known = counts.get(domain, {})
        name = known.get("name") or config.get(domain)
        if not name:
            continue
        said = f"- {domain} ({kind}): {short_name(str(name))}"
        if "subjects" in known:
            said += f", {known['subjects']} subjects"
        if "held_out" in known:
            said += f", {known['held_out']} of them held out for the validator"
        lines.append(said)
    return "\n".join(lines or ["The folder does not say what the model was trained on."]) + "\n"


def _training(config: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    model, crop = config.get("model", {}), config.get("crop", {})
    lines = [
        f"- network: {model.get('encoder')} and deconvolutions, crops of {crop.get('size')} px to "
        f"heatmaps of {model.get('heatmap_size')} cells",
        f"- crop: a square of {crop.get('padding')} times the longer side of the box",
    ]
    asked = Asked(**config.get("asked", {}))
    if asked.times > 1:
        mirrored = " and their mirror images" if asked.flip else ""
        lines.append(
            f"- asked: about {asked.views} views of each crop{mirrored}, which vote, unless "
            "told otherwise; confidence is then what they agree on"
        )
    start = results.get("data", {}).get("start", {}).get("name")
    if start:
        lines.append(f"- start: the model {short_name(str(start))}; its source was not at hand")
    steps = config.get("steps")
    if steps:
        lines.append(
            f"- steps: {steps['source']} on the source, {steps['adaptation']} of adaptation, "
            f"batches of {steps['batch']}; seed {config.get('seed')}"
        )
    if "levels" in results:
        lines.append(f"- levels: {', '.join(results['levels']) or 'none, the source alone'}")
    if "weights" in results:
        rule = _RULES.get(str(results["weights"]), "weights kept along the way")
        lines.append(f"- these weights: step {results.get('step')}, {rule}")
    if "posebridge" in results:
        lines.append(f"- written by posebridge {results['posebridge']}; all settings: config.yaml")
    return "\n".join(lines) + "\n"


def _scores(results: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    validator = results.get("validator") or {}
    if validator.get("value") is not None:
        lines.append(f"Without labels: {validator['name']}: {validator['value']:.1f}.\n")
    if not scores:
        lines.append(
            "No score on labelled images is recorded here; `posebridge evaluate MODEL LABELS "
            "--update-card` adds one.\n"
        )
    for score in scores:
        metrics, protocol = score["metrics"], score["protocol"]
        shown = [name for name in metrics if name.startswith(_SHOWN)]
        rows = dict.fromkeys(row for name in shown for row in metrics[name])
        lines += [
            f"On {short_name(str(protocol['dataset']))}: {protocol.get('joints')} labelled joints "
            f"of {protocol.get('subjects')} subjects, normaliser {protocol.get('normaliser')}; "
            f"{protocol.get('pooling')}. Percent; epe in pixels.\n",
            "| joints | " + " | ".join(shown) + " |",
            "| --- |" + " ---: |" * len(shown),
            *(
                f"| {row} | " + " | ".join(_cell(metrics[n].get(row)) for n in shown) + " |"
                for row in rows
            ),
            "",
        ]
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _limits(config: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    lines = [
        "- One subject in each crop; the boxes must come from somewhere else.",
        "- Every keypoint gets a position, also one that is hidden or outside the crop; the "
        "confidence is the height of the heatmap's peak, which is no probability.",
    ]
    if results.get("weights") != "source" and config.get("steps", {}).get("adaptation"):
        lines.append(
            "- Adapted to the target images named above without labels; on images of another kind "
            "it may be worse than before the adaptation."
        )
    if not results.get("scores"):
        lines.append("- Its error on the target is not known: no labels were used.")
    return "\n".join(lines) + "\n"


def short_name(place: str) -> str:
    """The last two parts of a path: a card need not tell whose disk the data was on."""
    return "/".join(PurePath(place).parts[-2:]).lstrip("/")
