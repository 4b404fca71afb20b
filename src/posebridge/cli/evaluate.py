"""``posebridge evaluate``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from posebridge.cli.tta_options import add_view_options, asked_as_given

if TYPE_CHECKING:
    from rich.console import Console

    from posebridge.evaluation import Results
    from posebridge.inference.predictor import Predictor

EXAMPLES = """examples:
  posebridge evaluate runs/people test/annotations.json --out results.json
  posebridge evaluate runs/people coco/annotations.json --mapping joints.yaml
  posebridge evaluate runs/people test/annotations.json --weights selected --thresholds 0.05 0.2
  posebridge evaluate runs/mice labels.slp --images videos/
  posebridge evaluate runs/surreal_lsp lsp:test --data-root data --out results.json
  posebridge evaluate people.onnx test/annotations.json
  posebridge evaluate runs/people test/annotations.json --views 8 --flip --turn 180
  posebridge evaluate runs/people test/annotations.json --record     # into the model card
"""


def main(arguments: Sequence[str]) -> int:
    """Score a model; see ``posebridge evaluate --help``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="posebridge evaluate",
        description="Score a model on labelled images. The labels are read here and nowhere else.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a run folder, a model folder, a zip, a hub id, .onnx")
    parser.add_argument(
        "labels", help="a COCO keypoint file, labels of another format, or a benchmark: lsp:test"
    )
    parser.add_argument("--data-root", help="the folder that benchmarks lie below")
    parser.add_argument("--images", help="folder of the file's images, if not beside it")
    parser.add_argument("--format", help="the file's format, if it can't be told (docs/formats.md)")
    parser.add_argument(
        "--weights",
        choices=("last", "selected", "source"),
        default="last",
        help="of a run: the last ones, those the label-free validator selected, or those from "
        "before the adaptation (default: last)",
    )
    parser.add_argument(
        "--thresholds",
        type=float,
        nargs="+",
        default=[0.05, 0.1],
        help="of PCK (default: 0.05 0.1)",
    )
    parser.add_argument(
        "--normaliser",
        choices=("crop", "box", "torso", "head"),
        default="crop",
        help="what a threshold is a share of (default: crop, the side of the square crop)",
    )
    parser.add_argument(
        "--mapping",
        help="a YAML file that says which labelled keypoints the model's are ('model: label'), "
        "where names do not",
    )
    add_view_options(parser)
    parser.add_argument("--out", help="write the scores and their protocol as JSON")
    parser.add_argument(
        "--record",
        action="store_true",
        help="write the scores into the model folder too: its results.json and its model card",
    )
    given = parser.parse_args(arguments)

    from posebridge.cli.checkpoint_choice import weights_of
    from posebridge.cli.output_paths import require_file
    from posebridge.data.datasets import benchmark_protocol
    from posebridge.data.reading import read_labelled
    from posebridge.evaluation import pck_key, results_table
    from posebridge.inference.predictor import load
    from posebridge.inference.scoring import labels_for, score
    from posebridge.report.console import plain_console, remarks
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.report.skeletons import print_matches

    if given.out is not None:
        require_file(given.out)
    predictor = load(given.model, given.weights)
    selection = weights_of(predictor, given.weights)
    if given.record:
        _require_folder(predictor)
    predictor = asked_as_given(predictor, given)
    console = plain_console()
    labels = read_labelled(
        given.labels, given.images, given.format, given.data_root, remarks(console)
    )
    benchmark = benchmark_protocol(given.labels, labels, given.data_root, predictor.adapted_to)
    _, match = labels_for(predictor, labels, given.mapping)
    if not match.is_identity:
        print_matches(console, match)
    with ProgressBar(console, "predicting", len(labels)) as bar:
        results, found = score(
            predictor,
            labels,
            thresholds=given.thresholds,
            normaliser=given.normaliser,
            mapping=given.mapping,
            protocol={
                "command": shlex.join(["posebridge", "evaluate", *arguments]),
                "selection": selection,
                "seed": predictor.network.notes.get("seed"),
                **benchmark,
            },
            progress=bar.update,
        )
    metrics = [*(pck_key(t) for t in given.thresholds), "epe", "auc", "pck_published@0.05"]
    name = selection or Path(given.model).name
    console.print(results_table({str(name): results}, metrics))
    average_precision = results.metrics["oks"]
    console.print(
        "OKS  " + "  ".join(f"{k} {_number(v)}" for k, v in average_precision.items()),
        highlight=False,
    )
    if benchmark.get("transductive"):
        console.print(
            "transductive: images that the model was adapted to, without labels, score it here",
            style="yellow",
        )
    for line in found.skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False)
    if given.out:
        results.write(Path(given.out))
        console.print(f"written: {given.out}", highlight=False)
    if given.record:
        _record(predictor, results, console)
    return 0


def _require_folder(predictor: Predictor) -> None:
    from posebridge.errors import InputError
    from posebridge.files.whole import require_writable

    folder = predictor.checkpoint.folder
    if not folder.is_dir():
        raise InputError(f"{folder} is a zip, which is not written to; unpack it for --record.")
    require_writable(folder, folder=True)


def _record(predictor: Predictor, results: Results, console: Console) -> None:
    from posebridge.checkpoints.model_folder import record_scores
    from posebridge.files.json_files import parse_json

    folder = predictor.checkpoint.folder
    card = record_scores(folder, parse_json(results.to_json(), "results", "results"))
    console.print(f"recorded: {folder / 'results.json'}", highlight=False)
    console.print(
        f"recorded: {folder / 'README.md'}"
        if card
        else f"{folder / 'README.md'} was edited by hand and is left as it is",
        highlight=False,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
