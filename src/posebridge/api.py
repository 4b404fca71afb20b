"""The Python interface to the command line's functions: adapt, load, evaluate, report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

import posebridge
from posebridge.data.datasets import benchmark_protocol
from posebridge.data.reading import read_labeled
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.evaluation import Results
from posebridge.files.locks import locked_folder
from posebridge.files.whole import require_writable
from posebridge.inference.load_domains import located, read_domains
from posebridge.inference.moved_data import DATA, exists, relocated
from posebridge.inference.predictor import Predictor, load
from posebridge.inference.run_comparison import compare_run
from posebridge.inference.run_folder import open_run
from posebridge.inference.scoring import score
from posebridge.report.console import plain_console, remarks
from posebridge.report.previews import StepPictures
from posebridge.report.progress import TrainingProgress
from posebridge.report.progress_bar import ProgressBar
from posebridge.report.run_page import RunReport, write_run_page
from posebridge.report.skeletons import print_matches, print_pairs
from posebridge.training.config import AdaptConfig
from posebridge.training.heartbeat import require_alone
from posebridge.training.metrics_file import read_metrics
from posebridge.training.presets import configure, require_as_stored
from posebridge.training.run import RunResult, train

__all__ = ["adapt", "evaluate", "load", "make_report"]


def adapt(
    source: Path | str | None = None,
    target: Path | str | None = None,
    out: Path | str = "runs/adapted",
    *,
    preset: str | Sequence[str] = (),
    config: Path | str | AdaptConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    stop_after: int | None = None,
    page: bool = True,
    console: Console | None = None,
) -> RunResult:
    """Train on a labeled source and adapt to an unlabeled target.

    Args:
        source: a COCO keypoint file, or any other known format. None where only a trained model is
            available: the preset ``source_free`` with ``init_from`` among the overrides.
        target: a folder of images, a glob, a video, or an annotation file, of which only the boxes
            are read. Source and target may be benchmarks such as ``surreal:train``, and may come from
            the config instead.
        out: the run folder.
        preset: one name or several, applied in order.
        config: a YAML file; or a ready configuration, which takes no preset or overrides.
        overrides: dotted settings, such as ``{"feature.weight": 0}``.
        resume: resume a run that was stopped, with its stored config; other settings that are given
            must agree with it. Source, target and ``data_root`` may be given anew where the data
            moved; the data itself must be the same.
        stop_after: stop after this number of steps, for a trial; ``resume`` continues from there.
        page: whether to write the report of the run (:func:`make_report`).
        console: the console for progress; pass ``Console(quiet=True)`` for none.

    Raises:
        InputError: an input that cannot be used.
    """
    names = [preset] if isinstance(preset, str) else list(preset)
    stored = Path(out) / "config.yaml"
    if resume and not stored.is_file():
        raise InputError(f"{out} holds no run to resume; start one without resume.")
    if isinstance(config, AdaptConfig):
        if names or overrides:
            raise InputError(
                "config is a ready configuration, to which no preset or overrides are applied; pass "
                "them to posebridge.training.presets.configure, which returns a configuration."
            )
        settings = config
    else:
        settings = configure(names, config, overrides, base=stored if resume else None)
    if source is not None:
        settings = replace(settings, source=str(source))
    if target is not None:
        settings = replace(settings, target=str(target))
    if resume:
        kept = configure(config=stored)
        data_root, settings = settings.data_root, located(settings)
        # Where the data moved, its paths may be given anew: the run checks its data by content.
        anew = {
            name: str(path)
            for name in DATA
            if (path := getattr(settings, name)) is not None
            and getattr(kept, name) is not None
            and (path != getattr(kept, name) or path in (str(source), str(target)))
            and exists(str(path))
        }
        same = {name: getattr(kept, name) for name in anew}
        require_as_stored(replace(settings, **same), kept, out)
        settings = relocated(kept, Path(out), data_root, anew)
    console = console or plain_console()
    with locked_folder(Path(out)):
        result = run(settings, Path(out), resume=resume, console=console, stop_after=stop_after)
        if page and result.finished:
            write_new_report(result.folder, console)
    return result


def run(
    config: AdaptConfig,
    out: Path,
    *,
    resume: bool,
    console: Console,
    stop_after: int | None = None,
) -> RunResult:
    """Read the data of a configuration and train, with progress and preview images.

    The folder is locked until the end.

    Raises:
        InputError: as :func:`adapt` does; or another process trains in ``out``.
    """
    with locked_folder(out):
        require_alone(out, console)
        return _run(config, out, resume, console, stop_after)


def _run(
    config: AdaptConfig, out: Path, resume: bool, console: Console, stop_after: int | None
) -> RunResult:
    config = located(config)
    source, target = read_data(config, console)
    named = (
        f"none; adapting the model {config.init_from} alone"
        if source is None
        else f"{len(source)} labeled subjects of {source.images.name}"
    )
    console.print(
        f"source: {named}\ntarget: {len(target)} unlabeled subjects of {target.name}",
        highlight=False,
    )
    if source is not None:
        print_pairs(console, source.skeleton)
    style_bar: list[ProgressBar] = []

    def style_progress(step: int, content: float, style: float) -> None:
        if not style_bar:
            style_bar.append(
                ProgressBar(
                    console, "training the style network", config.style.network.steps, step - 1
                ).__enter__()
            )
        style_bar[0].update(step, f"content {content:.3f} style {style:.3f}")
        if step == config.style.network.steps:
            style_bar[0].__exit__()

    return train(
        config,
        source,
        target,
        out,
        callbacks=[TrainingProgress(console), StepPictures(out / "pictures")],
        resume=resume,
        stop_after=stop_after,
        style_progress=style_progress,
        say=lambda line: console.print(line, style="yellow", highlight=False),
    )


def evaluate(
    model: Path | str | Predictor,
    labels: Path | str | LabeledSamples,
    *,
    checkpoint: str = "last",
    image_root: Path | str | None = None,
    format: str | None = None,
    thresholds: Sequence[float] = (0.05, 0.1),
    normalizer: str = "crop",
    keypoint_mapping: Path | str | None = None,
    data_root: Path | str | None = None,
) -> Results:
    """Score a model, or a run's checkpoint, on labeled images.

    Args:
        model: a run folder, a model folder, or a loaded model.
        labels: a COCO keypoint file, any other known format, a benchmark such as ``lsp:test``, or
            loaded samples.
        checkpoint: the checkpoint of a run folder: ``last``, ``selected`` or ``source``.
        image_root: the folder of the file's images, if they are not next to it.
        format: the name of the file's format, if it cannot be detected.
        thresholds: PCK thresholds as fractions of the normalizer.
        normalizer: ``crop``, ``box``, ``torso`` or ``head``.
        keypoint_mapping: a YAML file that maps labeled keypoints to the model's, where names do not match.
        data_root: the folder that benchmarks are below.
    """
    predictor = model if isinstance(model, Predictor) else load(model, checkpoint)
    protocol: dict[str, Any] = {}
    if isinstance(labels, LabeledSamples):
        samples = labels
    else:
        samples = read_labeled(labels, image_root, format, data_root)
        protocol = benchmark_protocol(labels, samples, data_root, predictor.adapted_to)
    results, _ = score(
        predictor,
        samples,
        thresholds=thresholds,
        normalizer=normalizer,
        protocol=protocol,
        mapping=keypoint_mapping,
    )
    return results


def make_report(
    run_folder: Path | str,
    *,
    checkpoint: str = "last",
    labels: Path | str | None = None,
    label_image_root: Path | str | None = None,
    source_validation: Path | str | None = None,
    data_root: Path | str | None = None,
    max_images: int = 200,
    command: str = "posebridge.make_report",
    console: Console | None = None,
) -> RunReport:
    """Compare the models of a finished run and write ``RUN/report``.

    Args:
        run_folder: the run folder of :func:`adapt`.
        checkpoint: the adapted checkpoint, ``last`` or ``selected``.
        labels: a COCO keypoint file of some target images; they decide the verdict.
        label_image_root: the folder of its images, if they are not next to it.
        source_validation: a COCO keypoint file of source images that were not trained on.
        data_root: the folder of the data, if it moved since the run.
        max_images: the largest number of held-out images to compare.
        command: shown at the foot of the page.
        console: the console for progress; none by default.

    Raises:
        InputError: the folder holds no finished run, or data that cannot be used.
    """
    if max_images < 1:
        raise InputError(f"max_images is {max_images}; give 1 or more.")
    say = None if console is None else remarks(console)
    finished = open_run(run_folder, data_root)
    require_writable(Path(run_folder) / "report", folder=True)
    remark = read_metrics(finished.folder).remark
    if remark is not None and say is not None:
        say(remark)
    judged = compare_run(
        finished,
        weights=checkpoint,
        labels=None if labels is None else read_labeled(labels, label_image_root, say=say),
        source_labels=None
        if source_validation is None
        else read_labeled(source_validation, say=say),
        most=max_images,
        progress=None if console is None else lambda what: console.print(what, style="dim"),
    )
    made = f"{command} (posebridge {posebridge.__version__})"
    return write_run_page(Path(run_folder) / "report", judged, made)


def write_new_report(folder: Path, console: Console) -> RunReport | None:
    """Write the report at the end of a training; an error in it does not affect the checkpoints."""
    console.print("writing the report", highlight=False)
    try:
        command = shlex.join(["posebridge", "report", str(folder)])
        return make_report(folder, command=command, console=console)
    except InputError as error:
        console.print(f"no report: {error}", style="yellow", highlight=False)
        return None


def read_data(
    config: AdaptConfig, console: Console | None = None
) -> tuple[LabeledSamples | None, UnlabeledSamples]:
    """Return the two domains; ``console`` shows what was left out and which keypoints matched."""
    if console is None:
        return read_domains(config)
    return read_domains(
        config,
        remarks(console),
        lambda match: print_matches(console, match),
    )
