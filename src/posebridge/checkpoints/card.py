"""The model card: a description of a model folder for people, with the hub's front matter.

It shows these entries of the results where they exist: 'step', 'weights', 'data' (the two domains:
'name', 'subjects', and 'held_out' of the target; 'start', the initial model in place of a source that
was not available), 'validator' ('name', 'value'), 'scores' (a list of 'metrics' and 'protocol') and
'posebridge', the version. Missing entries are left out.

Format: https://huggingface.co/docs/hub/model-cards (front matter and its ``model-index``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import yaml

from posebridge.models.tta import TTAConfig
from posebridge.skeleton import Skeleton

_RULES = {
    "last": "the last checkpoint of the run; it was not chosen by any score",
    "selected": "the checkpoint that the label-free validator preferred over the run",
    "source": "the checkpoint from before the adaptation",
}
_SHOWN = ("pck", "epe", "auc")


def model_card(skeleton: Skeleton, config: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Return the text of ``README.md``: front matter, use, data, training, scores, limits."""
    title = f"{skeleton.name} pose model, {len(skeleton)} keypoints"
    scores = results.get("scores", [])
    parts = [
        _front_matter(title, scores),
        f"# {title}\n",
        f"Predicts {len(skeleton)} keypoints of a {skeleton.name} in a square crop: "
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
    for domain, kind in (("source", "labeled"), ("target", "no label of it was read")):
        known = counts.get(domain, {})
        name = known.get("name") or config.get(domain)
        if not name:
            continue
        line = f"- {domain} ({kind}): {short_name(str(name))}"
        if "subjects" in known:
            line += f", {known['subjects']} subjects"
        if "held_out" in known:
            line += f", {known['held_out']} of them held out for the validator"
        lines.append(line)
    return "\n".join(lines or ["The folder does not record the training data."]) + "\n"


def _training(config: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    model, crop = config.get("model", {}), config.get("crop", {})
    lines = [
        f"- network: {model.get('encoder')} and deconvolutions, crops of {crop.get('size')} px to "
        f"heatmaps of {model.get('heatmap_size')} cells",
        f"- crop: a square of {crop.get('padding')} times the longer side of the box",
    ]
    tta = TTAConfig(**config.get("tta", {}))
    if tta.times > 1:
        mirrored = " and their mirror images" if tta.flip else ""
        lines.append(
            f"- test-time augmentation: {tta.views} views of each crop{mirrored} are merged, unless "
            "set otherwise; confidence is then the agreement of the views"
        )
    start = results.get("data", {}).get("start", {}).get("name")
    if start:
        lines.append(f"- start: the model {short_name(str(start))}; its source was not available")
    steps = config.get("steps")
    if steps:
        lines.append(
            f"- steps: {steps['source']} on the source, {steps['adaptation']} of adaptation, "
            f"batches of {steps['batch']}; seed {config.get('seed')}"
        )
    if "levels" in results:
        lines.append(f"- levels: {', '.join(results['levels']) or 'none, the source alone'}")
    if "weights" in results:
        rule = _RULES.get(str(results["weights"]), "kept during the run")
        lines.append(f"- checkpoint: step {results.get('step')}, {rule}")
    if "posebridge" in results:
        lines.append(f"- written by posebridge {results['posebridge']}; whole config: config.yaml")
    return "\n".join(lines) + "\n"


def _scores(results: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    validator = results.get("validator") or {}
    if validator.get("value") is not None:
        lines.append(f"Without labels: {validator['name']}: {validator['value']:.1f}.\n")
    if not scores:
        lines.append(
            "No score on labeled images is recorded here; `posebridge evaluate MODEL LABELS "
            "--update-card` adds one.\n"
        )
    for score in scores:
        metrics, protocol = score["metrics"], score["protocol"]
        shown = [name for name in metrics if name.startswith(_SHOWN)]
        rows = dict.fromkeys(row for name in shown for row in metrics[name])
        lines += [
            f"On {short_name(str(protocol['dataset']))}: {protocol.get('joints')} labeled joints "
            f"of {protocol.get('subjects')} subjects, normalizer {protocol.get('normalizer')}; "
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
        "- One subject in each crop; boxes have to come from a detector or from labels.",
        "- Every keypoint gets a position, even a hidden one or one outside the crop; the "
        "confidence is the height of the heatmap's peak, not a probability.",
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
    """Return the last two parts of a path: a card should not show whose disk the data was on."""
    return "/".join(PurePath(place).parts[-2:]).lstrip("/")
