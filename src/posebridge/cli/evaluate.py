"""``posebridge evaluate``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from posebridge.cli.tta_options import add_tta_options, tta_config, with_tta

if TYPE_CHECKING:
    from rich.console import Console

    from posebridge.evaluation import Results
    from posebridge.inference.predictor import Predictor

EXAMPLES = """examples:
  posebridge evaluate runs/people test/annotations.json --out results.json
  posebridge evaluate runs/people coco/annotations.json --keypoint-mapping joints.yaml
  posebridge evaluate runs/people test/annotations.json --checkpoint selected --thresholds 0.05 0.2
  posebridge evaluate runs/mice labels.slp --image-root videos/
  posebridge evaluate runs/surreal_lsp lsp:test --data-root data --out results.json
  posebridge evaluate people.onnx test/annotations.json
  posebridge evaluate runs/people test/annotations.json --tta-views 8 --tta-flip --tta-rotation 180
  posebridge evaluate runs/people test/annotations.json --update-card
"""


def main(arguments: Sequence[str]) -> int:
    """Score a model; see ``posebridge evaluate --help``."""
    from posebridge.cli.arguments import (
        MODEL,
        add_checkpoint,
        add_data_root,
        add_format,
        add_image_root,
        make_parser,
    )

    parser = make_parser(
        "evaluate",
        "Score a model on labeled images. Training never reads these labels.",
        EXAMPLES,
    )
    parser.add_argument("model", help=MODEL)
    parser.add_argument(
        "labels", help="a COCO keypoint file, labels of another format, or a benchmark: lsp:test"
    )
    add_data_root(parser)
    add_image_root(parser)
    add_format(parser)
    add_checkpoint(parser)
    parser.add_argument(
        "--thresholds",
        type=float,
        nargs="+",
        default=[0.05, 0.1],
        metavar="T",
        help="of PCK (default: 0.05 0.1)",
    )
    parser.add_argument(
        "--normalizer",
        choices=("crop", "box", "torso", "head"),
        default="crop",
        help="length that a threshold is a fraction of (default: crop, the side of the square crop)",
    )
    parser.add_argument(
        "--keypoint-mapping",
        metavar="FILE",
        help="a YAML file that matches keypoints, 'model: label'; others are matched by name",
    )
    add_tta_options(parser)
    parser.add_argument(
        "--out", metavar="FILE", help="file of the scores and their protocol (JSON)"
    )
    parser.add_argument(
        "--update-card",
        action="store_true",
        help="write the scores into the model folder too: results.json and the model card",
    )
    given = parser.parse_args(arguments)

    from posebridge.cli.checkpoint_choice import get_checkpoint_name
    from posebridge.cli.output_paths import require_file
    from posebridge.data.datasets import benchmark_protocol
    from posebridge.data.reading import read_labeled
    from posebridge.evaluation import pck_key, results_table
    from posebridge.inference.predictor import load
    from posebridge.inference.scoring import labels_for, score
    from posebridge.report.console import plain_console, remarks
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.report.skeletons import print_matches

    if given.out is not None:
        require_file(given.out)
    predictor = load(given.model, given.checkpoint)
    selection = get_checkpoint_name(predictor, given.checkpoint, "--checkpoint")
    if given.update_card:
        _require_folder(predictor)
    tta = tta_config(given.tta_views, given.tta_flip, given.tta_rotation)
    predictor = with_tta(predictor, tta)
    console = plain_console()
    labels = read_labeled(
        given.labels, given.image_root, given.format, given.data_root, remarks(console)
    )
    benchmark = benchmark_protocol(given.labels, labels, given.data_root, predictor.adapted_to)
    _, match = labels_for(predictor, labels, given.keypoint_mapping)
    if not match.is_identity:
        print_matches(console, match)
    with ProgressBar(console, "predicting", len(labels)) as bar:
        results, found = score(
            predictor,
            labels,
            thresholds=given.thresholds,
            normalizer=given.normalizer,
            mapping=given.keypoint_mapping,
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
            "transductive: the model was adapted to these images, without their labels",
            style="yellow",
        )
    for line in found.skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False)
    if given.out:
        results.write(Path(given.out))
        console.print(f"written: {given.out}", highlight=False)
    if given.update_card:
        _update_card(predictor, results, console)
    return 0


def _require_folder(predictor: Predictor) -> None:
    from posebridge.errors import InputError
    from posebridge.files.whole import require_writable

    folder = predictor.checkpoint.folder
    if not folder.is_dir():
        raise InputError(f"{folder} is a zip, which can't be updated; unpack it for --update-card.")
    require_writable(folder, folder=True)


def _update_card(predictor: Predictor, results: Results, console: Console) -> None:
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
