"""What the command line does, from Python: adapt, load, evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.presets import configure
from posebridge.adaptation.run import RunResult, train
from posebridge.data.benchmarks import (
    benchmark_protocol,
    is_reference,
    read_benchmark,
    read_benchmark_unlabelled,
)
from posebridge.data.coco import read_labelled
from posebridge.data.samples import LabelledSamples, UnlabelledSamples
from posebridge.data.unlabelled import read_unlabelled
from posebridge.errors import InputError
from posebridge.evaluation import Results
from posebridge.inference.predictor import Predictor, load
from posebridge.inference.scoring import score
from posebridge.report.pictures import StepPictures
from posebridge.report.progress import ProgressBar, TrainingProgress

__all__ = ["adapt", "evaluate", "load"]


def adapt(
    source: Path | str | None = None,
    target: Path | str | None = None,
    out: Path | str = "runs/adapted",
    *,
    preset: str | Sequence[str] = (),
    config: Path | str | AdaptConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    console: Console | None = None,
) -> RunResult:
    """Train on a labelled source and adapt to an unlabelled target.

    Args:
        source: a COCO keypoint file. target: a folder of images, a glob, or a COCO file, of which
            only the boxes are read. Either may be a benchmark such as ``surreal:train``, and may
            also be named by the settings.
        out: the run folder.
        preset: one name or several, applied in order.
        config: a YAML file, or a ready configuration.
        overrides: dotted settings, such as ``{"feature.weight": 0}``.
        resume: go on with a run that was stopped; its stored settings are used.
        console: where progress goes; pass ``Console(quiet=True)`` for none.

    Raises:
        InputError: anything the user gave that cannot be used.
    """
    if isinstance(config, AdaptConfig):
        settings = config
    else:
        names = [preset] if isinstance(preset, str) else list(preset)
        stored = Path(out) / "config.yaml"
        if resume and stored.is_file() and config is None:
            config = stored
        settings = configure(names, config, overrides)
    if source is not None:
        settings = replace(settings, source=str(source))
    if target is not None:
        settings = replace(settings, target=str(target))
    return run(settings, Path(out), resume=resume, console=console or Console())


def run(config: AdaptConfig, out: Path, *, resume: bool, console: Console) -> RunResult:
    """Read the data that a configuration names and train, with progress and pictures."""
    config = located(config)
    source, target = read_data(config)
    console.print(
        f"source: {len(source)} labelled subjects of {source.images.name}\n"
        f"target: {len(target)} unlabelled subjects of {target.name}",
        highlight=False,
    )
    style_bar: list[ProgressBar] = []

    def style_progress(step: int, content: float, style: float) -> None:
        if not style_bar:
            style_bar.append(
                ProgressBar(
                    console, "training the style network", config.image.network.steps, step - 1
                ).__enter__()
            )
        style_bar[0].update(step, f"content {content:.3f} style {style:.3f}")
        if step == config.image.network.steps:
            style_bar[0].__exit__()

    return train(
        config,
        source,
        target,
        out,
        callbacks=[TrainingProgress(console), StepPictures(out / "pictures")],
        resume=resume,
        style_progress=style_progress,
    )


def evaluate(
    model: Path | str | Predictor,
    labels: Path | str | LabelledSamples,
    *,
    weights: str = "last",
    images: Path | str | None = None,
    thresholds: Sequence[float] = (0.05, 0.1),
    normaliser: str = "crop",
    data_root: Path | str | None = None,
) -> Results:
    """Score a model, or a run's weights, on labelled images.

    Args:
        model: a run folder, a model folder, or a loaded model.
        labels: a COCO keypoint file, a benchmark such as ``lsp:test``, or samples that were read.
        weights: of a run folder: ``last``, ``selected`` or ``source``.
        images: the folder of the file's images, if not beside it.
        thresholds: of PCK, shares of the normaliser.
        normaliser: ``crop``, ``box``, ``torso`` or ``head``.
        data_root: the folder that benchmarks lie below.
    """
    predictor = model if isinstance(model, Predictor) else load(model, weights)
    protocol: dict[str, Any] = {}
    if isinstance(labels, LabelledSamples):
        samples = labels
    elif is_reference(labels):
        samples = read_benchmark(labels, data_root)
        target = predictor.checkpoint.config.get("target")
        protocol = benchmark_protocol(labels, samples, data_root, target)
    else:
        samples = read_labelled(labels, images)
    return score(
        predictor, samples, thresholds=thresholds, normaliser=normaliser, protocol=protocol
    )[0]


def located(config: AdaptConfig) -> AdaptConfig:
    """The configuration with paths below ``data_root`` made whole.

    A path that is absolute, or that exists from here, stays as it is.
    """
    if config.data_root is None:
        return config
    root = config.data_root
    if not Path(root).is_dir():
        raise InputError(f"data_root {root} is no folder; give the one that the data lies below.")

    def find(path: str | None) -> str | None:
        return None if path is None else below(root, path)

    def weights(value: str) -> str:
        return value if value in ("pretrained", "none") else str(find(value))

    network = replace(config.image.network, weights=weights(config.image.network.weights))
    return replace(
        config,
        source=find(config.source),
        target=find(config.target),
        source_images=find(config.source_images),
        target_images=find(config.target_images),
        start_from=find(config.start_from),
        model=replace(config.model, weights=weights(config.model.weights)),
        image=replace(config.image, decoder=find(config.image.decoder), network=network),
        data_root=None,
    )


def below(root: str | None, path: str) -> str:
    """A path below ``root``, unless it is absolute or exists from here."""
    if root is None or Path(path).is_absolute() or Path(path).exists():
        return path
    return str(Path(root) / path)


def read_data(config: AdaptConfig) -> tuple[LabelledSamples, UnlabelledSamples]:
    """The two domains; of the target, images and boxes only.

    Raises:
        InputError: a domain is not named or cannot be read.
    """
    if config.source is None:
        raise InputError("no source is given; name a COCO keypoint file with --source.")
    if config.target is None:
        raise InputError("no target is given; name a folder of images with --target.")
    return (
        read_benchmark(config.source)
        if is_reference(config.source)
        else read_labelled(config.source, config.source_images),
        read_benchmark_unlabelled(config.target)
        if is_reference(config.target)
        else read_unlabelled(config.target, config.target_images),
    )
