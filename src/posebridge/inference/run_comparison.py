"""Source checkpoint against adapted one on photographs without labels: the metrics of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from posebridge.data.loaders import read_crops, to_tensor
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.evaluation.bootstrap import Paired, by_image, paired_bootstrap
from posebridge.evaluation.calibration import Calibration
from posebridge.evaluation.keypoint_displacement import (
    by_model,
    joint_moves,
    photographs,
    worst_first,
)
from posebridge.evaluation.run_comparison import (
    RunComparison,
    Sanity,
    ValidatorRow,
)
from posebridge.evaluation.validator_intervals import (
    WORDS,
    correct_fractions,
    image_information,
    merged_sides,
    shares,
    variety,
)
from posebridge.evaluation.verdict import judge, nothing_to_compare
from posebridge.inference.confidence_calibration import (
    DISTANCES,
    MODELS,
    Scored,
    fit_trust,
    score_joints,
)
from posebridge.inference.predictor import Predictor, load
from posebridge.inference.run_folder import FinishedRun, read_course, source_check
from posebridge.skeleton import Skeleton
from posebridge.training.config import AdaptConfig
from posebridge.training.initialization import read_source_poses
from posebridge.training.source_poses import SourcePoses
from posebridge.validators.pose_prior import PosePrior
from posebridge.validators.validators import Answers, ask

CURVES = (
    *("validator/agreement", "validator/settled"),
    *("teacher/kept", "teacher/inside", "teacher/confidence", "teacher/threshold"),
)
_SOURCE_IMAGES = 400
WITHOUT_SOURCE = "without the source"


@dataclass(frozen=True)
class Pictures:
    """What the gallery draws, in the order of ``RunComparison.photographs``.

    Attributes:
        samples: N subjects. regions: (N, 3) x, y, side, pixels of the image.
        points: model -> (N, K, 2) in pixels of crops of ``size``.
        steady: model -> (N, K) whether two views agree on the joint (true where no view shows it).
    """

    samples: UnlabeledSamples
    regions: np.ndarray
    size: int
    skeleton: Skeleton
    points: Mapping[str, np.ndarray]
    steady: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class ComparedRun:
    """The metrics of a run, and what belongs to them.

    Attributes:
        judgment: all metrics. pictures: what to draw.
        calibrations: model -> a calibration for each of ``DISTANCES``.
        held_out: the number of held-out images; a part may have been used here.
        stopped: steps done and planned of a run that did not reach its end; None otherwise.
    """

    judgment: RunComparison
    pictures: Pictures
    calibrations: Mapping[str, list[Calibration]]
    held_out: int
    stopped: tuple[int, int] | None = None


def compare_run(
    run: FinishedRun,
    *,
    weights: str = "last",
    labels: LabeledSamples | None = None,
    source_labels: LabeledSamples | None = None,
    most: int = 200,
    progress: Callable[[str], None] | None = None,
) -> ComparedRun:
    """Compare a run's source checkpoint with its adapted one.

    Args:
        weights: the adapted checkpoint, ``last`` or ``selected``.
        labels: photographs with labels; they decide the verdict where they are given.
        source_labels: labeled source images that training did not use.
        most: the largest number of held-out images.
        progress: called with a line on the current step.

    Raises:
        InputError: the run is not finished, or a file that was given does not fit it.
    """
    say = progress or (lambda _: None)
    device = "cpu" if run.config.device == "cpu" else "auto"
    models = {
        name: load(run.folder, choice, device).with_views()
        for name, choice in zip(MODELS, ("source", weights), strict=True)
    }
    skeleton = models["adapted"].skeleton
    if labels is not None:
        labels.skeleton.require_same(skeleton, labels.images.name, f"the run {run.folder}")
    if source_labels is not None:
        source_labels.skeleton.require_same(
            skeleton, source_labels.images.name, f"the run {run.folder}"
        )
    checked, kind, about = source_check(run, source_labels)
    if checked is not None:
        checked = checked.subset(_some_images(checked.images, _SOURCE_IMAGES, run.config.seed))
    samples = run.held_out.subset(_some_images(run.held_out, most, run.config.seed))
    images, regions, rows, unreadable = read_crops(
        samples, np.arange(len(samples)), run.config.crop
    )
    _, first = np.unique(rows, return_index=True)
    samples, regions, crops = samples.subset(rows[first]), regions[first], to_tensor(images[first])
    prior = get_pose_prior(run)

    answers: dict[str, Answers] = {}
    parts: dict[str, dict[str, np.ndarray]] = {}
    source: dict[str, Scored] = {}
    target: dict[str, Scored] = {}
    for name, predictor in models.items():
        say(f"the {name} model on {len(samples)} held-out photographs")
        mirror = torch.tensor(skeleton.mirror, device=next(predictor.model.parameters()).device)
        answers[name] = ask(predictor.model, crops, mirror)
        information = image_information(
            predictor.model, crops, mirror, answers[name].mean_probability
        )
        parts[name] = shares(answers[name], information, prior)
        if checked is not None:
            say(f"the {name} model on {len(checked)} labeled source images")
            source[name] = score_joints(predictor, checked)
        if labels is not None:
            say(f"the {name} model on your {len(labels)} labeled photographs")
            target[name] = score_joints(predictor, labels)

    figures = _compare(parts, samples.files)
    figures |= _pck("source_pck@", source)
    labeled = _pck("", target)
    varieties = (variety(answers["source"]), variety(answers["adapted"]))
    steps = (_step(models["source"]), _step(models["adapted"]))
    labeled_images = len(np.unique(target["adapted"].files)) if target else 0
    if steps[0] is not None and steps[0] == steps[1]:
        verdict = nothing_to_compare(
            f"The {weights} checkpoint is from before the adaptation (step {steps[0]})."
        )
    else:
        verdict = judge(figures, varieties, labeled, labeled_images, run.config.pushed_validators())
    trust, calibrations = fit_trust(source, target, answers, samples.files, run.config.seed)
    order = worst_first(answers["adapted"])
    judgment = RunComparison(
        run=str(run.folder),
        data=run.held_out.name,
        method=_method(run.config),
        weights=weights,
        steps=steps,
        seed=run.config.seed,
        crop=run.config.crop.size,
        images=len(np.unique(samples.files)),
        subjects=len(samples),
        held_out=run.kept_apart,
        source_kind=kind,
        source_about=about,
        source_images=len(np.unique(source["adapted"].files)) if source else 0,
        verdict=verdict,
        validators=tuple(
            ValidatorRow(
                name,
                word.title,
                word.question,
                word.unit,
                word.caveat,
                name in run.config.pushed_validators(),
                figures[name],
            )
            for name, word in WORDS.items()
            if name in figures
        ),
        trust=trust,
        sanity=_sanity(varieties, answers, source["adapted"].labels if source else None, skeleton),
        joints=joint_moves(answers["source"], answers["adapted"], skeleton),
        photographs=photographs(answers["source"], answers["adapted"], samples, order),
        labels=labeled,
        labeled_images=labeled_images,
        course=read_course(run.folder, CURVES),
        keep=run.config.consistency.keep_ratio if run.config.consistency.weight > 0 else None,
        skipped=(*run.skipped, *unreadable),
    )
    pictures = Pictures(
        samples.subset(order),
        regions[order],
        answers["adapted"].size,
        skeleton,
        {name: a.points.cpu().numpy()[order] for name, a in answers.items()},
        by_model(answers, order),
    )
    kept_out = len(np.unique(run.held_out.files))
    return ComparedRun(judgment, pictures, calibrations, kept_out, run.stopped)


def _some_images(samples: UnlabeledSamples, most: int, seed: int) -> np.ndarray:
    """Return the rows of at most ``most`` images, drawn by the seed, and at most ``most`` rows."""
    names, group = np.unique(samples.files, return_inverse=True)
    rank = np.random.default_rng([seed, 5]).permutation(len(names))[group]
    rows = np.flatnonzero(rank < most)
    return np.sort(rows[np.argsort(rank[rows], kind="stable")][:most])


def get_pose_prior(run: FinishedRun) -> PosePrior | None:
    """Return the prior of the source's labels, or the one stored with the run's first model."""
    if run.source is None:
        return read_source_poses(run.folder).shapes
    return SourcePoses.of(run.source.points, run.source.labeled, run.source.skeleton).shapes


def _compare(parts: Mapping[str, Mapping[str, np.ndarray]], files: np.ndarray) -> dict[str, Paired]:
    return {
        name: paired_bootstrap(*(by_image(parts[model][name], files) for model in MODELS))
        for name in parts["source"]
    }


def _pck(prefix: str, scored: Mapping[str, Scored]) -> dict[str, Paired]:
    if not scored:
        return {}
    return {
        f"{prefix}{within:.2f}": paired_bootstrap(
            *(by_image(correct_fractions(scored[m].ratio, within), scored[m].files) for m in MODELS)
        )
        for within in DISTANCES
    }


def _sanity(
    varieties: tuple[float, float],
    answers: Mapping[str, Answers],
    labels: np.ndarray | None,
    skeleton: Skeleton,
) -> Sanity:
    pairs = list(skeleton.pairs)
    if not pairs:
        return Sanity(varieties, (None, None), None)
    before, after = (
        merged_sides(answers[m].points.cpu().numpy(), pairs, answers[m].size) for m in MODELS
    )
    in_labels = None if labels is None else merged_sides(labels, pairs, 1.0)
    return Sanity(varieties, (before, after), in_labels)


def _step(predictor: Predictor) -> int | None:
    step = predictor.network.notes.get("step")
    return step if isinstance(step, int) else None


def _method(config: AdaptConfig) -> str:
    """Return the names of the levels that were on."""
    parts = []
    if config.uses_style_bank:
        parts.append(f"style transfer ({config.style.method})")
    if config.consistency.weight > 0:
        rounds = config.consistency.self_training_rounds
        parts.append("mean teacher" if rounds == 0 else "pseudo-labels of a copy of the student")
    if config.feature.weight > 0:
        parts.append("domain discriminator")
    if config.pose.weight > 0:
        parts.append("information maximization")
    if config.regda.weight > 0:
        parts.append("adversarial regressor")
    if config.coarse_to_fine.weight > 0:
        parts.append("refinement block")
    if config.bone_prior.weight > 0 and config.consistency.weight > 0:
        parts.append("bones of plausible lengths")
    if config.source is None:
        parts.append(WITHOUT_SOURCE)
    if not parts and config.batchnorm_stats != "source":
        parts.append("running statistics of the target")
    return ", ".join(parts) or "none: the source alone, for longer"
