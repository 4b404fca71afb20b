"""A finished run: its config, its data, and the images that were held out of training."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posebridge.checkpoints.results_file import read_results
from posebridge.data.crops import drop_unreadable
from posebridge.data.loaders import stream_rows
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.evaluation.run_comparison import SourceKind
from posebridge.inference.load_domains import read_domains
from posebridge.inference.moved_data import found, relocated_skeleton
from posebridge.training.config import AdaptConfig
from posebridge.training.metrics_file import read_metrics
from posebridge.training.presets import configure
from posebridge.training.run import HELD_OUT
from posebridge.training.splits import split_source, split_target

_LEAST_UNSEEN = 50


@dataclass(frozen=True)
class FinishedRun:
    """A run folder and the data it names.

    Attributes:
        source: the labeled images; None for a run without a source.
        held_out: the photographs that the validator used.
        kept_apart: whether training used none of the held-out photographs.
        skipped: one line for each image that cannot be read.
    """

    folder: Path
    config: AdaptConfig
    source: LabeledSamples | None
    held_out: UnlabeledSamples
    kept_apart: bool
    skipped: tuple[str, ...]

    @property
    def stopped(self) -> tuple[int, int] | None:
        """Steps done and planned of a run that did not reach its end; None otherwise."""
        step = get_step(self.folder, "last")
        planned = self.config.steps.source + self.config.steps.adaptation
        return None if step is None or step >= planned else (step, planned)


def open_run(folder: Path | str, data_root: Path | str | None = None) -> FinishedRun:
    """Read a run's config and data.

    The held-out photographs are those of ``held_out.txt``, found again by their names where the data
    moved. For a run that is older than this file, the seed draws them again.

    Args:
        data_root: where the data lies, if it moved: each path of the config that does not exist is
            searched below it, the longest tail first.

    Raises:
        InputError: no run there, one without weights, data that is not where the config says, or data
            without any of the photographs that were held out.
    """
    place = Path(folder)
    stored = place / "config.yaml"
    if not stored.is_file():
        raise InputError(
            f"{place} is not a run folder (it has no config.yaml); give what 'posebridge adapt --out' "
            "wrote."
        )
    config = configure(config=stored)
    if config.target is None or (config.source is None and config.init_from is None):
        raise InputError(f"{stored} names no source or no target, so there is nothing to compare.")
    stored_source, stored_target = config.source, config.target
    config = replace(
        config,
        source=found(config.source, data_root, place),
        target=found(config.target, data_root, place),
        source_image_root=found(config.source_image_root, data_root, place),
        target_image_root=found(config.target_image_root, data_root, place),
        skeleton=relocated_skeleton(config.skeleton, data_root, place),
        keypoint_mapping=found(config.keypoint_mapping, data_root, place),
    )
    if config.source == config.target and stored_source != stored_target:
        raise InputError(
            f"below {data_root} source and target are both {config.source}, which cannot be; give "
            f"--data-root the folder that {stored_source} and {stored_target} have in common."
        )
    source, target = read_domains(config)
    broken: list[str] = []
    if source is not None:
        fine, broken = drop_unreadable(source.images)
        source = source.subset(fine)
    fine, more = drop_unreadable(target)
    target = target.subset(fine)
    held_out = _as_listed(target, place / HELD_OUT)
    if held_out is None:
        held_out = split_target(target, config).held_out
    apart = len(np.unique(target.files)) > 1
    return FinishedRun(place, config, source, held_out, apart, tuple(broken + more))


def _as_listed(target: UnlabeledSamples, file: Path) -> UnlabeledSamples | None:
    """Return the samples whose images a run listed as held out; None for a run without a list.

    Raises:
        InputError: none of them is there. Others drawn in their place would have been trained on.
    """
    listed = file.read_bytes().splitlines() if file.is_file() else []
    if not listed:
        return None
    rows = np.flatnonzero(np.isin(target.files, np.array(listed, dtype=np.bytes_)))
    if not len(rows):
        images, which = np.unique(target.files, return_inverse=True)
        tails, wanted = _tails([bytes(name) for name in images], listed)
        rows = np.flatnonzero(np.isin(tails, wanted)[which.reshape(-1)])
    if not len(rows):
        raise InputError(
            f"none of the {len(listed)} photographs that {file} lists as held out is in "
            f"{target.name}, so no image there is known to be held out; give the data of "
            "this run (--data-root, if it moved)."
        )
    return target.subset(rows)


def _tails(images: Sequence[bytes], listed: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return the ends of paths, with enough parts to distinguish the ``images``."""
    separator = os.sep.encode()
    parts = [name.split(separator) for name in images]
    most = max(map(len, parts))
    count = next(
        (n for n in range(1, most) if len({tuple(p[-n:]) for p in parts}) == len(parts)), most
    )
    return (
        [separator.join(p[-count:]) for p in parts],
        [separator.join(name.split(separator)[-count:]) for name in listed],
    )


def source_check(
    run: FinishedRun, given: LabeledSamples | None
) -> tuple[LabeledSamples | None, SourceKind, str]:
    """Return the best available labeled images of the source to calibrate on.

    Returns:
        the images, None where there are none; their kind, and a sentence about it.
    """
    if given is not None:
        if run.source is not None:
            given.skeleton.require_same(run.source.skeleton, given.images.name, "the run's source")
        return given, "given", "Labeled source images that you gave (--source-validation)."
    config = run.config
    if run.source is None:
        about = (
            "The run had no source, so no confidence is calibrated and the scores on the "
            "source are unknown. Labeled source images that training did not use help: "
            "--source-validation FILE."
        )
        return None, "none", about
    held_out = split_source(run.source, config).held_out
    if len(held_out):
        return held_out, "held_out", "Labeled source images that this run kept out of training."
    steps = config.steps.source + config.steps.adaptation
    used, count = steps * config.steps.batch, len(run.source)
    if config.init_from is None and used < count:
        unseen = np.setdiff1d(np.arange(count), stream_rows(config.seed, 0, count, 0, used))
        alone = ~np.isin(
            run.source.images.files[unseen],
            run.source.images.files[np.setdiff1d(np.arange(count), unseen)],
        )
        if alone.sum() >= _LEAST_UNSEEN:
            about = "Labeled source images that the training was too short to reach."
            return run.source.subset(unseen[alone]), "unseen", about
    about = (
        "Source images that the model was trained on, because this run kept none apart: calibrated "
        "confidence and scores here are somewhat too high. Give --source-validation FILE, or train "
        "with --validation.source-fraction 0.05."
    )
    return run.source, "trained", about


def read_course(
    folder: Path, names: Collection[str]
) -> Mapping[str, tuple[tuple[int, float], ...]]:
    """Return the curves of ``metrics.csv`` as (steps done, value) pairs, without missing ones."""
    curves = read_metrics(folder).curves(names)
    return {name: tuple(rows) for name, rows in curves.items()}


def selected_step(folder: Path) -> int | None:
    """Return the step of a run's selected checkpoint; None where there is none."""
    return get_step(folder, "selected")


def get_step(folder: Path, weights: str) -> int | None:
    """Return the step of a checkpoint of a run; None where it is not recorded."""
    try:
        results = read_results(folder / "checkpoints" / weights / "results.json")
    except InputError:
        return None
    step = results.get("step")
    return step if step is not None and step >= 0 else None
