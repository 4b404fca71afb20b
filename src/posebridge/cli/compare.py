"""``posebridge compare``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

EXAMPLES = """examples:
  posebridge compare runs/people runs/people_long photographs/ --out comparison
  posebridge compare runs/people runs/people test/boxes.json --checkpoint-a source --out before
  posebridge compare runs/people people_int8.onnx photographs/ --out quantized
"""


def main(arguments: Sequence[str]) -> int:
    """Compare two models; see ``posebridge compare --help``."""
    from posebridge.cli.arguments import MODEL, add_checkpoint, add_image_root, add_out, make_parser

    parser = make_parser(
        "compare",
        "Run two models on the same images and show where they disagree most: a sheet, "
        "images side by side, a table by joint. With labels, also the scores of both.",
        EXAMPLES,
    )
    parser.add_argument("model_a", metavar="MODEL_A", help=MODEL)
    parser.add_argument("model_b", metavar="MODEL_B", help=MODEL)
    parser.add_argument(
        "input",
        metavar="IMAGES",
        help="a folder, a glob, an image, or a COCO file; its keypoints, if any, are used to score",
    )
    add_out(parser, "folder of the comparison", "FOLDER")
    add_image_root(parser)
    add_checkpoint(parser, "-a")
    add_checkpoint(parser, "-b")
    parser.add_argument(
        "--pairs", type=int, default=40, metavar="N", help="images side by side (default: 40)"
    )
    given = parser.parse_args(arguments)

    from posebridge.cli.checkpoint_choice import get_checkpoint_name
    from posebridge.cli.output_paths import require_folder
    from posebridge.data.reading import holds_labels, read_labeled, read_unlabeled
    from posebridge.errors import InputError
    from posebridge.evaluation import results_table
    from posebridge.files.whole import folder_written_whole
    from posebridge.inference.predictor import load
    from posebridge.inference.scoring import labels_for, score
    from posebridge.report.console import plain_console, remarks
    from posebridge.report.disagreement import (
        disagreement,
        joint_table,
        write_pairs,
        write_sheet,
        write_tables,
    )
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.report.skeletons import print_matches

    if given.pairs < 0:
        raise InputError(f"--pairs is {given.pairs}; give 0 or more.")
    out = require_folder(given.out)
    models = [load(given.model_a, given.checkpoint_a), load(given.model_b, given.checkpoint_b)]
    models[0].skeleton.require_same(
        models[1].skeleton, f"model A, {given.model_a}", f"model B, {given.model_b}"
    )
    chosen = (
        get_checkpoint_name(models[0], given.checkpoint_a, "--checkpoint-a"),
        get_checkpoint_name(models[1], given.checkpoint_b, "--checkpoint-b"),
    )
    names = _names((given.model_a, given.model_b), chosen)
    console = plain_console()
    say = remarks(console)
    labels = None
    if holds_labels(given.input):
        labels = read_labeled(given.input, given.image_root, say=say)
    samples = labels.images if labels else read_unlabeled(given.input, given.image_root, say=say)
    mapped = None
    if labels is not None:
        mapped, match = labels_for(models[0], labels)
        if not match.is_identity:
            print_matches(console, match)
    answers, scores = [], {}
    for letter, name, predictor in zip("AB", names, models, strict=True):
        with ProgressBar(console, f"predicting with {letter}", len(samples)) as bar:
            if labels is None:
                answers.append(predictor.predict(samples, progress=bar.update))
            else:
                protocol = {"command": shlex.join(["posebridge", "compare", *arguments])}
                results, found = score(predictor, labels, protocol=protocol, progress=bar.update)
                scores[f"{letter}: {name}"] = results
                answers.append(found)
    found = disagreement(names, answers[0], answers[1], models[0].skeleton)
    assert answers[0].samples is not None
    files = [str(answers[0].samples.path(i)) for i in range(len(answers[0]))]
    read = mapped.subset(answers[0].rows) if mapped else None
    with folder_written_whole(out, merge=True) as partial:
        write_sheet(found, partial / "sheet.png", read)
        count = write_pairs(found, files, partial / "pairs", given.pairs)
        tables = [out / table.name for table in write_tables(found, files, partial)]
        for letter, results in zip("ab", scores.values(), strict=False):
            results.write(partial / f"scores_{letter}.json")
        # Files of an earlier comparison would pass for files of this one.
        for old in (*out.glob("scores_[ab].json"), *(out / "pairs").glob("????_*.png")):
            old.unlink()

    console.print(joint_table(found))
    if scores:
        console.print(results_table(scores, title="scores on the labels"))
    for line in answers[0].skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False, markup=False)
    for file, text in (
        (out / "sheet.png", "where the models disagree most"),
        (out / "pairs", f"the first {count}, A on the left"),
        (tables[0], "by joint"),
        (tables[1], "every subject, the largest distance first"),
        *([(out / "scores_a.json", "and scores_b.json, with their protocol")] if scores else []),
    ):
        console.print(f"written: {file}  {text}", highlight=False, markup=False, soft_wrap=True)
    return 0


def _names(models: tuple[str, str], weights: tuple[str | None, str | None]) -> tuple[str, str]:
    """Return short names of two models, with whatever distinguishes them."""
    a, b = (Path(model).name for model in models)
    if a == b and models[0] != models[1]:
        a, b = ("/".join(Path(model).parts[-2:]) for model in models)
    if weights[0] != weights[1]:
        a, b = (
            name if kept in (None, name) else f"{name} ({kept})"
            for name, kept in zip((a, b), weights, strict=True)
        )
    return a, b
