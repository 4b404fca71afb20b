"""``posebridge demo``: synthetic figures, training, adaptation, scores and images."""

from __future__ import annotations

import shlex
import shutil
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  posebridge demo --out runs/demo
  posebridge demo --out runs/demo1 --seed 1
"""
OWN = {
    "seed": "give --seed instead",
    "source": "the demo draws it; for your own data use posebridge adapt",
    "target": "the demo draws it; for your own data use posebridge adapt",
    "init_from": "both models start from the same new network",
}
"""Config fields that the demonstration sets itself, with the reason or an alternative."""


def main(arguments: Sequence[str]) -> int:
    """Run the demonstration; see ``posebridge demo --help``."""
    from posebridge.cli.arguments import add_out, add_overwrite, add_seed, make_parser

    parser = make_parser(
        "demo",
        "Draw synthetic figures in two looks, train on the labeled look, adapt to the unlabeled "
        "look, and score the result on labeled figures outside of the training. A model trained on the "
        "labeled look alone for the same number of steps is scored too.",
        EXAMPLES,
    )
    add_out(parser, "run folder", "FOLDER", "runs/demo")
    add_seed(parser)
    add_overwrite(parser)
    parser.add_argument(
        "--figures",
        type=int,
        default=1500,
        metavar="N",
        help="synthetic figures of each look to train on; a third of N to score on (default: 1500)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a config field of 'posebridge adapt', such as steps.adaptation=200",
    )
    given = parser.parse_args(arguments)

    from posebridge.cli.output_paths import require_folder
    from posebridge.files.locks import locked_folder

    out = require_folder(given.out)
    with locked_folder(out):
        return _demonstrate(given, out, arguments)


def _demonstrate(given: Namespace, out: Path, arguments: Sequence[str]) -> int:
    """Run the demonstration in a folder whose lock is held."""
    from posebridge.api import run, write_new_report
    from posebridge.data.formats.coco import read_labeled
    from posebridge.errors import InputError
    from posebridge.evaluation import results_table
    from posebridge.inference.predictor import load
    from posebridge.inference.scoring import score
    from posebridge.report.comparison import write_comparison
    from posebridge.report.console import plain_console
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.report.summary import print_run_summary
    from posebridge.synthetic.figures import require_drawable, write_synthetic_benchmark
    from posebridge.training.presets import configure

    overrides = _overrides(given.set) | {"seed": given.seed}
    config = configure(["demo"], overrides=overrides)
    if config.steps.adaptation == 0:
        raise InputError("steps.adaptation is 0, which leaves nothing to compare; give 1 or more.")
    require_drawable(given.figures, given.seed, config.crop.size)  # before a demo is removed
    if (out / "config.yaml").exists():
        if not given.overwrite:
            raise InputError(f"{out} already holds a run; give another --out, or --overwrite.")
        _require_demo(out)
        _empty(out)
    console = plain_console()
    source, target, test = given.figures, given.figures, max(1, given.figures // 3)
    with ProgressBar(console, "drawing figures", source + target + test) as bar:
        figures = write_synthetic_benchmark(
            out / "figures",
            given.seed,
            config.crop.size,
            source,
            target,
            test,
            overwrite=True,
            progress=bar.update,
        )
    overrides |= {"source": figures.source, "target": figures.target}
    result = run(configure(["demo"], overrides=overrides), out, resume=False, console=console)
    baseline = configure(["demo"], overrides=_baseline(overrides, out))
    console.print("for comparison, the source alone for the same number of steps", highlight=False)
    run(baseline, out / "source_only", resume=False, console=console)

    # Labels of the target look are read only now, after all training and selection.
    labels = read_labeled(figures.test)
    protocol = {"seed": given.seed, "command": shlex.join(["posebridge", "demo", *arguments])}
    scored = {
        name: score(load(folder), labels, protocol=protocol)
        for name, folder in (("source only", out / "source_only"), ("adapted", out))
    }
    for name, (results, _) in scored.items():
        results.write(out / f"{name.replace(' ', '_')}.json")
    print_run_summary(console, result, write_new_report(out, console))
    image = out / "pictures" / "before_and_after.png"
    write_comparison(image, labels, [(name, found) for name, (_, found) in scored.items()])
    console.print(
        results_table(
            {name: results for name, (results, _) in scored.items()},
            title=f"{len(labels)} camera-like figures, labels used for this table only",
        )
    )
    console.print(f"before and after: {image}", highlight=False)
    return 0


def _overrides(settings: Sequence[str]) -> dict[str, Any]:
    """Return ``FIELD=VALUE`` texts as a dictionary; raise InputError for fields in ``OWN``."""
    from posebridge.errors import InputError

    # A command line may spell init_from with a dash.
    found = {
        field.replace("-", "_"): value
        for field, _, value in (item.partition("=") for item in settings)
    }
    for field, instead in OWN.items():
        if field in found:
            raise InputError(f"--set {field} has no effect in the demonstration: {instead}.")
    return found


def _baseline(overrides: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return the overrides of the baseline: the source alone for the same steps, from the same start.

    The preset comes last, so that no override turns the baseline into another adapted model.
    """
    from posebridge.training.presets import preset_settings

    last = preset_settings("source_only")
    # A key that is set again keeps its position in a dictionary, and a whole group given after it
    # (image={style: fourier}) would win; so the keys are removed first.
    others = {field: value for field, value in overrides.items() if field not in last}
    return others | last | {"init_from": out}


def _require_demo(out: Path) -> None:
    """Raise InputError unless this command made the run: its source is in its own figures folder."""
    from posebridge.errors import InputError
    from posebridge.training.presets import configure

    source = configure(config=out / "config.yaml").source
    if source is None or not Path(source).resolve().is_relative_to((out / "figures").resolve()):
        raise InputError(
            f"{out} holds a run that is not a demo, which --overwrite does not remove; give another "
            "--out."
        )


def _empty(out: Path) -> None:
    """Remove everything in a folder except its lock, which is held."""
    from posebridge.files.locks import LOCK

    for inside in out.iterdir():
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        elif inside.name != LOCK:
            inside.unlink()
